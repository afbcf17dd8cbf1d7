"""The commands that every installation has."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q
from django.utils import timezone

from apps.actions import visitors
from apps.cards.notification import Fact, Item, Items, Notification, Severity
from apps.channels.models import Channel
from apps.commands import acting, parser, places
from apps.commands.registry import RANK, Asked, command, commands
from apps.connectors import services as connectors
from apps.connectors.models import Connector, Subscription
from apps.core.errors import AppError, CommandError
from apps.deliveries.models import Delivery
from apps.inbound.models import Event
from apps.inbound.services import replay_event

LATEST = 5_000  # events in which words are looked for
SHOWN = 10
FOREVER = dt.timedelta(days=365)


def _team(asked: Asked) -> tuple[list[Channel], list[Subscription]]:
    channels = list(
        Channel.objects.filter(team=asked.endpoint.team)
        .prefetch_related("webhook_urls__channel")
        .select_related("team")[:200]
    )
    rows = Subscription.objects.filter(channel__team=asked.endpoint.team).select_related(
        "connector", "channel__team"
    )
    return channels, list(rows[:500])


def _connector(asked: Asked, name: str) -> Connector:
    """The connector of that name or id. Raises CommandError."""
    rows = Connector.objects.all()
    found = rows.filter(Q(public_id=name) | Q(name__iexact=name)).first()
    if found is None:
        near = ", ".join(rows.filter(name__icontains=name[:40]).values_list("name", flat=True)[:5])
        hint = f" There is: {near}." if near else " “list” shows them."
        raise CommandError("no_connector", f"There is no connector “{name[:60]}”.{hint}")
    return found


def _argument(asked: Asked, place: int, what: str) -> str:
    if len(asked.args) <= place:
        raise CommandError("argument_missing", f"Say which {what}. “help” shows how.")
    return asked.args[place]


@command("help", help="what can be asked", usage="[command]")
def help_(asked: Asked) -> Notification:
    lines = tuple(
        Item(
            f"{each.help}",
            lead=f"{each.name} {each.usage}".strip(),
            trail="" if each.role == "viewer" else each.role,
        )
        for each in commands.values()
        if not asked.args or each.name == asked.args[0].lower()
    )
    able = acting.names()
    if asked.args:
        found = acting.source_of(asked.args[0])
        if found is not None:
            return acting.overview(found)
    own = [each for each in commands.values() if RANK[asked.role] >= RANK[each.role]]
    return Notification(
        "What you can ask", severity=Severity.INFO, lists=(Items("", lines),),
        footer=f"You may use {len(own)} of them." if len(own) < len(commands) else "",
        text="" if asked.args or not able else "Things to do in a source: "
        + ", ".join(f"{name} help" for name in able),
    )  # fmt: skip


@command("confirm", help="say that a browser is yours, with the code that it shows", usage="CODE")
def confirm(asked: Asked) -> Notification:
    known = asked.user.teams_id if asked.user else asked.sender_id
    visitors.confirm(_argument(asked, 0, "code"), who=asked.sender_name, teams_id=known, role=asked.role)
    return Notification(
        "Thank you, go on in the browser", severity=Severity.GOOD,
        text="" if RANK[asked.role] > 0 else "You may look, but not act yet. An admin gives you the role operator "
        f"under “Chat users”. Your Teams id is {asked.sender_id or 'unknown'}.",
    )  # fmt: skip


@command("status", help="how this team's channels and connectors are")
def status(asked: Asked) -> Notification:
    channels, subscriptions = _team(asked)
    bad = [each for each in channels if each.state in ("failing", "degraded")]
    waiting = (
        Delivery.objects.filter(channel__in=channels, status=Delivery.Status.PENDING)
        .order_by()[:1001]
        .count()
    )
    lines = tuple(Item(each.state_words, lead=each.name) for each in channels[:SHOWN])
    names = sorted({each.connector.name for each in subscriptions})
    return Notification(
        f"{asked.endpoint.team}: " + ("something needs a person" if bad else "all is well"),
        status="Attention" if bad else "OK", severity=Severity.WARNING if bad else Severity.GOOD,
        facts=(
            Fact("Connectors", ", ".join(names[:SHOWN]) or "none yet"),
            Fact("Cards waiting", "more than 1000" if waiting > 1000 else str(waiting)),
        ),
        lists=(Items("Channels", lines, total=len(channels)),),
    )  # fmt: skip


@command("list", help="what goes where in this team")
def list_(asked: Asked) -> Notification:
    _, subscriptions = _team(asked)
    now = timezone.now()
    lines = []
    for each in subscriptions:
        muted = each.muted_until is not None and each.muted_until > now
        events = ", ".join(each.events[:4]) + (" …" if len(each.events) > 4 else "") or "the usual events"
        lines.append(
            Item(f"→ {each.channel.name}: {events}", lead=each.connector.name, trail="muted" if muted else "")
        )
    title = "What goes where" if lines else "Nothing is subscribed in this team yet"
    return Notification(title, lists=(Items("", tuple(lines[:30]), total=len(lines)),) if lines else ())


@command("search", help="find lately received events", usage="WORDS")
def search(asked: Asked) -> Notification:
    words = " ".join(asked.args).strip()[:200]
    if not words:
        raise CommandError("argument_missing", "Say what to look for: “search login fails”.")
    _, subscriptions = _team(asked)
    own = {each.connector_id for each in subscriptions}
    newest = Event.objects.order_by("-id").values_list("pk", flat=True).first() or 0
    rows = Event.objects.filter(pk__gt=newest - LATEST, connector__in=own).order_by("-id")
    found = list(
        rows.filter(Q(title__icontains=words) | Q(actor__icontains=words) | Q(type__iexact=words))[:SHOWN]
    )
    if not found:
        return Notification(
            f"Nothing found for “{words[:80]}”", text="Only the latest events of this team are searched."
        )
    lines = tuple(_line(each) for each in found)
    return Notification(f"Found for “{words[:80]}”", lists=(Items("", lines),))


def _line(event: Event) -> Item:
    return Item(
        event.title or event.type,
        lead=f"{event.received_at:%d %b %H:%M}",
        url=event.url,
        trail=f"{event.outcome} · {event.public_id}",
    )


@command(
    "mute", help="no cards of a connector in this team for a while", usage="CONNECTOR [2h]", role="operator"
)
def mute(asked: Asked) -> Notification:
    found = _connector(asked, _argument(asked, 0, "connector"))
    given = asked.args[-1] if len(asked.args) > 1 else ""
    length = parser.span(given) if given else dt.timedelta(hours=1)
    if length is None or length > FOREVER:
        raise CommandError("bad_span", "Say for how long: 30m, 2h or 3d.")
    until = timezone.now() + length
    rows = Subscription.objects.filter(connector=found, channel__team=asked.endpoint.team)
    changed = rows.update(muted_until=until)
    if not changed:
        raise CommandError("not_subscribed", f"{found.name} sends nothing to this team.")
    return Notification(f"{found.name} is muted until {until:%d %b, %H:%M} UTC", status="Muted",
                        text="Its events are kept and can be replayed.")  # fmt: skip


@command("unmute", help="cards of a connector again", usage="CONNECTOR", role="operator")
def unmute(asked: Asked) -> Notification:
    found = _connector(asked, _argument(asked, 0, "connector"))
    Subscription.objects.filter(connector=found, channel__team=asked.endpoint.team).update(muted_until=None)
    return Notification(f"{found.name} is heard again", status="On", severity=Severity.GOOD)


@command("replay", help="send an event's card once more", usage="EVENT-ID", role="operator")
def replay(asked: Asked) -> Notification:
    wanted = _argument(asked, 0, "event")
    _, subscriptions = _team(asked)
    own = {each.connector_id for each in subscriptions}
    event = Event.objects.filter(public_id=wanted, connector__in=own).first()
    if event is None:
        raise CommandError("no_event", "There is no such event in this team. “search” shows the ids.")
    try:
        made = replay_event(event)
    except AppError as error:
        raise CommandError(error.code, error.public_message) from error
    return Notification(
        f"Sent again: {event.title or event.type}", text=f"{len(made)} card(s) are on their way."
    )


@command(
    "here",
    help="which channel of this product this one is, or that it is CHANNEL",
    usage="[CHANNEL]",
    role="admin",
)
def here(asked: Asked) -> Notification:
    team, conversation = asked.endpoint.team, asked.message.conversation
    if not asked.args:
        known = places.channel_of(team, conversation)
        if known is None:
            raise CommandError("no_channel", f"Nobody has said yet which channel this is. {_channels(asked)}")
        return Notification(f"This is the channel {known.name}")
    if not conversation:
        raise CommandError("no_conversation", "Teams did not say in which channel this was asked.")
    channel = _channel(asked, asked.tail(0))
    if channel is None:
        raise CommandError("no_channel", f"There is no such channel. {_channels(asked)}")
    places.name(team, conversation, channel)
    return Notification(
        f"This is the channel {channel.name} from now on", severity=Severity.GOOD,
        text="“subscribe” without a channel means this one, and late answers are posted here.",
    )  # fmt: skip


@command("subscribe", help="a connector's events to this channel, or to another one of this team",
         usage="CONNECTOR [EVENTS …] [to CHANNEL]", role="admin")  # fmt: skip
def subscribe(asked: Asked) -> Notification:
    found = _connector(asked, _argument(asked, 0, "connector"))
    events, channel = _where(asked)
    try:
        row = connectors.subscribe(found, channel, events=events)
    except AppError as error:
        raise CommandError(error.code, error.public_message) from error
    return Notification(f"{found.name} now goes to {channel.name}", status="Subscribed", severity=Severity.GOOD,
                        facts=(Fact("Events", ", ".join(row.events) or "the usual ones"),))  # fmt: skip


@command(
    "unsubscribe",
    help="no more of a connector in this channel, or in another one of this team",
    usage="CONNECTOR [from CHANNEL]",
    role="admin",
)
def unsubscribe(asked: Asked) -> Notification:
    found = _connector(asked, _argument(asked, 0, "connector"))
    _, channel = _where(asked)
    gone, _ = Subscription.objects.filter(connector=found, channel=channel).delete()
    if not gone:
        raise CommandError("not_subscribed", f"{found.name} does not go to {channel.name}.")
    return Notification(f"{found.name} no longer goes to {channel.name}", status="Unsubscribed")


def _where(asked: Asked) -> tuple[list[str], Channel]:
    """The events and the channel of `CONNECTOR [EVENTS] [to CHANNEL]`. Raises CommandError."""
    rest = list(asked.args[1:])
    name = ""
    lowered = [each.lower() for each in rest]
    for mark in ("to", "from", "in"):
        if mark in lowered:
            place = lowered.index(mark)
            rest, name = rest[:place], " ".join(rest[place + 1 :])
            break
    name = "" if name.lower() in ("here", "this channel") else name
    found = _channel(asked, name) if name else _this_channel(asked)
    if found is None:
        once = "" if name else " Or say once “here CHANNEL” in each channel of Teams."
        raise CommandError(
            "no_channel", f"Say which channel of this team, after “to”. {_channels(asked)}{once}"
        )
    return [each.strip(",") for each in rest if each.strip(",")], found


def _this_channel(asked: Asked) -> Channel | None:
    """The channel that was asked in, as far as anybody has said which it is, or the team's only one."""
    found = places.channel_of(asked.endpoint.team, asked.message.conversation)
    if found is not None:
        return found
    rows = list(Channel.objects.filter(team=asked.endpoint.team)[:2])
    return rows[0] if len(rows) == 1 else None


def _channel(asked: Asked, name: str) -> Channel | None:
    return Channel.objects.filter(team=asked.endpoint.team, name__iexact=name.lstrip("#").strip()).first()


def _channels(asked: Asked) -> str:
    rows = Channel.objects.filter(team=asked.endpoint.team)
    return f"There are: {', '.join(rows.values_list('name', flat=True)[:10]) or 'none yet'}."
