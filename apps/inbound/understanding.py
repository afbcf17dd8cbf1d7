"""What a stored request tells: parsed, understood, rendered and matched. Reads the database and writes nothing."""

from __future__ import annotations

import datetime as dt
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from django.utils import timezone

from apps.actions.calls import Collector
from apps.cards import adaptive
from apps.cards.notification import Card, Notification
from apps.cards.text import clean, plain, safe_url
from apps.channels.models import Channel, Team
from apps.connectors import matching, services
from apps.connectors.models import Connector, Subscription
from apps.core import rows, tokens
from apps.core.errors import AppError
from apps.inbound import buttons
from apps.inbound.models import Event, InboundRequest
from apps.sources.http import Headers, Http
from apps.sources.source import Context, Source, Understood
from apps.sources.understand import parse, understand

SAMPLE_HEADER = "x-connectors-sample"  # a token of ours: the shipped sample may be sent again and again


class Shared:
    """What the requests of a batch have in common, read at once: connectors, subscriptions, channels with their teams.

    Two subscriptions that lead to one channel share its object, which counts what it was given.
    """

    def __init__(self, waiting: Iterable[InboundRequest]) -> None:
        self._subscriptions: dict[int, list[Subscription]] = defaultdict(list)
        self._connectors = _by_key(Connector, (row.connector_id for row in waiting))
        keys = list(self._connectors)
        if not keys:
            return
        found = rows.read(Subscription, f"WHERE connector_id IN ({rows.marks(keys)}) ORDER BY id", keys)
        channels = _by_key(Channel, (each.channel_id for each in found))
        teams = _by_key(Team, (each.team_id for each in channels.values()))
        for channel in channels.values():
            channel.team = teams[channel.team_id]
        for each in found:
            each.connector, each.channel = self._connectors[each.connector_id], channels[each.channel_id]
            self._subscriptions[each.connector_id].append(each)

    def connector(self, key: int) -> Connector:
        """The one that stands for this row in the whole batch."""
        return self._connectors[key]

    def subscriptions(self, connector: Connector) -> list[Subscription]:
        """A connector's, oldest first."""
        return self._subscriptions[connector.pk]


def _by_key(model: type[rows.M], keys: Iterable[int]) -> dict[int, rows.M]:
    wanted = list(dict.fromkeys(keys))
    found = rows.read(model, f"WHERE id IN ({rows.marks(wanted)})", wanted) if wanted else []
    return {each.pk: each for each in found}


@dataclass(slots=True)
class Told:
    """An event that was understood, rendered and matched, and is not stored yet."""

    event: Event
    item: Understood
    card: Card | None
    matched: list[Subscription]
    calls: Collector


@dataclass(slots=True)
class Prepared:
    """A request and all that it tells. error: why it tells nothing."""

    row: InboundRequest
    source: Source | None = None
    ctx: Context | None = None
    told: list[Told] = field(default_factory=list)
    errands: set[str] = field(default_factory=set)
    error: AppError | None = None


def http_of(row: InboundRequest) -> Http:
    """The request as the source saw it."""
    return Http(
        method=row.method,
        headers=Headers(row.headers),
        body=zlib.decompress(bytes(row.body)),
        query=row.query,
        url=row.connector.url,
        received_at=row.received_at,
    )


def prepare(row: InboundRequest, shared: Shared) -> Prepared:
    """Parse, understand, render, match; reads the database and writes nothing."""
    row.connector = connector = shared.connector(row.connector_id)
    try:
        source = connector.source_object()
        http = http_of(row)
        ctx = services.context(connector, http.headers, row.received_at)
        found = parse(source, http, ctx)
        if _is_sample(connector, http):
            found = [replace(raw, id="") for raw in found]
    except AppError as error:
        return Prepared(row, error=error)
    prepared = Prepared(row, source, ctx)
    wanted = bool(found) and not connector.paused
    subscriptions = shared.subscriptions(connector) if wanted else []
    # News of changes that we then read ourselves, because the connector has a hook with an account.
    ours = source.hooks is not None and source.hooks.can_read_changes and connector.hooks.exists()
    now = timezone.now()
    for index, raw in enumerate(found):
        calls = buttons.collector(connector)
        item = understand(source, raw, replace(ctx, offer=calls.offer))
        errand = source.hooks.announces(raw.name) if ours and source.hooks is not None else ""
        if errand:
            prepared.errands.add(errand)
            item = _only_announces(item, errand)
        prepared.told.append(_tell(row, index, item, source, subscriptions, now, calls))
    return prepared


def _only_announces(item: Understood, errand: str) -> Understood:
    """News that something changed makes no card of its own when each change will."""
    if errand != "changes" or item.outcome != "ok":
        return item
    reason = (
        "It only says that something changed. What did is being read; each change makes a card of its own."
    )
    return replace(item, outcome="ignored", notification=None, reason=reason, code="announcement")


def _is_sample(connector: Connector, http: Http) -> bool:
    token = http.headers.get(SAMPLE_HEADER, "")
    return bool(token) and tokens.unsign(token, purpose="sample", max_age=None) == connector.public_id


def _tell(
    row: InboundRequest,
    index: int,
    item: Understood,
    source: Source,
    subscriptions: list[Subscription],
    now: dt.datetime,
    calls: Collector,
) -> Told:
    event = Event(
        connector=row.connector,
        request=row,
        index=index,
        source_event_id=clean(item.event.id)[:200],
        type=clean(item.event.name)[:200],
        reason=clean(item.reason)[:400],
        attributes=_plain_attributes(item),
        received_at=row.received_at,
    )
    card: Card | None = None
    matched: list[Subscription] = []
    if item.outcome == "ok" and item.notification is not None:
        card = (
            item.notification if isinstance(item.notification, Card) else adaptive.render(item.notification)
        )
        _describe(event, item.notification, card)
        matched = _match(event, item, card, source, subscriptions, now)
        event.outcome = Event.Outcome.MATCHED if matched else Event.Outcome.UNMATCHED
        if not matched:
            event.reason = _why_unmatched(row.connector, subscriptions)
        event.reason = " ".join([event.reason, *map(clean, card.warnings)]).strip()[:400]
    else:
        event.outcome = item.outcome
    return Told(event, item, card, matched, calls)


def _why_unmatched(connector: Connector, subscriptions: list[Subscription]) -> str:
    if connector.paused:
        return "The connector is paused."
    return "No subscription wanted it." if subscriptions else "The connector has no subscription yet."


def _plain_attributes(item: Understood) -> dict[str, object]:
    # PostgreSQL stores neither NUL nor half a surrogate pair; payloads hold both.
    found: dict[str, object] = {}
    for key, value in item.attributes.items():
        if isinstance(value, tuple):
            found[key] = [clean(each) for each in value]
        else:
            found[key] = clean(value) if isinstance(value, str) else value
    return found


def _describe(event: Event, told: Notification | Card, card: Card) -> None:
    event.severity = card.severity.value
    event.title = card.summary[:300]
    if isinstance(told, Notification):
        event.title = plain(told.title)[:300]
        event.actor = clean(told.actor.name)[:200] if told.actor else ""
        event.url = safe_url(told.subject.url) if told.subject else ""


def _match(
    event: Event,
    item: Understood,
    card: Card,
    source: Source,
    subscriptions: list[Subscription],
    now: dt.datetime,
) -> list[Subscription]:
    matched = []
    defaults = source.events.defaults()
    for subscription in subscriptions:
        verdict = matching.decide(
            services.rules(subscription),
            item.event.name,
            defaults,
            item.attributes,
            card.severity,
            item.event.payload.raw,
            now,
        )
        event.trace.append(
            {
                "subscription": subscription.public_id,
                "channel": str(subscription.channel),
                "matched": verdict.matched,
                "steps": [{**step.as_json(), "detail": clean(step.detail)} for step in verdict.steps],
            }
        )
        if verdict.matched:
            matched.append(subscription)
    return matched
