"""Actions in the sources, asked for in chat: `github comment octo/hello#12 Looks good`."""

from __future__ import annotations

import difflib
import threading
import time

from apps.actions import inputs, services
from apps.actions.models import ActionRun
from apps.cards.notification import Item, Items, Link, Notification, Severity
from apps.channels.models import Channel
from apps.commands import places, registry
from apps.commands.models import CommandEndpoint
from apps.commands.registry import RANK, Asked, Pending
from apps.connectors.models import ActionPolicy, Connector
from apps.core.errors import ActionError, CommandError
from apps.sources import registry as sources
from apps.sources.actions import ActionSpec
from apps.sources.source import Source

WAIT = 2.7  # seconds from when the message came in; Teams waits five, and the way there and back takes some
STEP = 0.05
# Who waits holds a thread of the web server. It has four in each process, and webhooks need theirs at once.
_seats = threading.BoundedSemaphore(2)


def source_of(word: str) -> Source | None:
    """The source that a command's first word names, if it can act: `github`, `azure-devops`, `github@Hello`."""
    name = _flat(word.partition("@")[0])
    for source in sources.all_sources():
        if len(source.actions) and name in (_flat(source.slug), _flat(source.name)):
            return source
    return None


def _flat(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())


def ask(asked: Asked, word: str, source: Source) -> Notification | Pending:
    """Carry out `SOURCE ACTION TARGET …`, or say what can be done. Raises CommandError."""
    if not asked.args or asked.args[0].lower() == "help":
        return overview(source)
    spec = _spec(source, asked.args[0].lower())
    if RANK[asked.role] < RANK["operator"]:
        raise registry.refusal(asked, f"{word} {spec.name}", "operator")
    connector = _connector(asked, source, word.partition("@")[2])
    if len(asked.args) < 2:
        raise CommandError("argument_missing", f"Say what is meant: {usage(source, spec)}")
    params = spec.match(asked.args[1])
    if params is None:
        raise CommandError(
            "bad_target", f"“{asked.args[1][:80]}” is not understood. Like this: {usage(source, spec)}"
        )
    try:
        # What may be chosen is asked at the product, which may take longer than Teams waits: a task does it.
        checked = inputs.clean(spec.fields, _given(asked, spec))
    except ActionError as error:
        raise CommandError(error.code, f"{error.public_message} Like this: {usage(source, spec)}") from error
    run = services.start(
        connector, spec.name, params, checked,
        who=asked.sender_name or str(asked.user or "Somebody in Teams"), via=ActionRun.Via.CHAT,
    )  # fmt: skip
    return Pending(run.pk, spec.label)


def _given(asked: Asked, spec: ActionSpec) -> dict[str, str]:
    """The fields as they were typed after the target."""
    rest = asked.rest(2)
    typed = [each.text for each in rest]
    needed = sum(field.required for field in spec.fields)

    def tail(place: int) -> str:
        return asked.tail(2 + place)

    if needed and len(rest) > needed and rest[needed - 1].quoted:
        return inputs.with_description(spec.fields, typed, tail)
    return inputs.from_words(spec.fields, typed, tail)


def _spec(source: Source, name: str) -> ActionSpec:
    if name in source.actions:
        return source.actions.spec(name)
    near = difflib.get_close_matches(name, [each.name for each in source.actions], 1, 0.5)
    hint = f" Did you mean “{near[0]}”?" if near else ""
    raise CommandError(
        "unknown_action", f"{source.name} has no action “{name[:40]}”.{hint} “{source.slug} help” lists them."
    )


def _connector(asked: Asked, source: Source, name: str) -> Connector:
    """The connector of this team that may act. Raises CommandError."""
    rows = (
        Connector.objects.filter(
            source=source.slug, account__isnull=False, subscriptions__channel__team=asked.endpoint.team
        )
        .exclude(action_policy=ActionPolicy.OFF)
        .select_related("account")
        .distinct()
        .order_by("name")
    )
    if name:
        rows = rows.filter(name__iexact=name)
    found = list(rows[:10])
    if not found:
        raise CommandError(
            "no_connector",
            f"No connector of {source.name} with an account leads to this team. An admin can give one an account.",
        )
    if len({each.account_id for each in found}) > 1:
        names = ", ".join(f"{source.slug}@{each.name}" for each in found)
        raise CommandError("which_connector", f"Several connectors could do that. Say which: {names}.")
    return found[0]


def usage(source: Source, spec: ActionSpec) -> str:
    """How an action is asked for, with its example."""
    asked = [field for field in spec.fields if field.required]
    rest = " ".join(field.label.upper() for field in asked)
    return f"{source.slug} {spec.name} {spec.example} {rest}".strip()


def overview(source: Source) -> Notification:
    """What a source can do, made of its actions."""
    lines = tuple(Item(usage(source, each), lead=each.label) for each in source.actions if each.target)
    return Notification(
        f"What you can do in {source.name}", severity=Severity.INFO, lists=(Items("", lines),)
    )


def names() -> list[str]:
    """The sources that can act, as a command names them."""
    return [source.slug for source in sources.all_sources() if len(source.actions)]


def wait(
    pending: Pending, endpoint: CommandEndpoint, conversation: str = "", since: float | None = None
) -> Notification:
    """The run's outcome when it comes in time, else a promise that the result will be posted.

    since: when the message came in, by the steady clock; now when it is left out.
    """
    run = _awaited(pending, (time.monotonic() if since is None else since) + WAIT)
    if run.finished_at is not None:
        return _told(run)
    channel = result_channel(endpoint, conversation)
    if not services.promise(run, [channel.pk] if channel else []):
        return _told(ActionRun.objects.select_related("connector").get(pk=pending.run))
    where = (
        f"The result will be posted in {channel.name}."
        if channel
        else "The result stands under “Actions” in the admin."
    )
    return Notification(f"{pending.label}: working on it", text=where, severity=Severity.INFO)


def _awaited(pending: Pending, end: float) -> ActionRun:
    """The run once it has ended; as it stands at `end`, or when others wait already."""
    seated = _seats.acquire(blocking=False)
    try:
        while True:
            run = ActionRun.objects.select_related("connector").get(pk=pending.run)
            if run.finished_at is not None or not seated or time.monotonic() > end:
                return run
            time.sleep(STEP)
    finally:
        if seated:
            _seats.release()


def _told(run: ActionRun) -> Notification:
    if run.status == ActionRun.Status.DONE:
        subject = Link(run.outcome, run.url) if run.url else None
        return Notification(
            run.outcome,
            status="Done",
            severity=Severity.GOOD,
            subject=subject,
            container=Link(run.connector.name),
        )
    return services.failure_note(run)


def result_channel(endpoint: CommandEndpoint, conversation: str = "") -> Channel | None:
    """Where late answers go: the channel that was asked in, the endpoint's own, or the only one that its team has."""
    found = places.channel_of(endpoint.team, conversation) or endpoint.channel
    if found is not None:
        return found
    rows = list(Channel.objects.filter(team=endpoint.team)[:2])
    return rows[0] if len(rows) == 1 else None
