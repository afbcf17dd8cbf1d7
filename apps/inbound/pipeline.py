"""From a stored request to events and deliveries. No HTTP here, and a second run is harmless.

What takes time (parse, understand, render, match) is done before the transaction: SQLite has one writer, and sources
that post meanwhile would wait for it.
"""

from __future__ import annotations

import datetime as dt
import logging
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from django.db import transaction
from django.utils import timezone

from apps.actions.calls import Collector
from apps.cards import adaptive
from apps.cards.notification import Card, Notification
from apps.cards.text import clean, plain, safe_url
from apps.channels.models import Channel, Team
from apps.connectors import matching, services
from apps.connectors.models import Connector, Subscription
from apps.core import background, rows, tokens
from apps.core.board import Cell, here
from apps.core.errors import AppError
from apps.core.models import Counter
from apps.deliveries import holding
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound import buttons
from apps.inbound.models import Event, InboundRequest
from apps.sources.http import Headers, Http
from apps.sources.source import Context, Source, Understood
from apps.sources.understand import parse, understand

logger = logging.getLogger(__name__)
MAX_FAILURES = 3
GROUP_BYTES = (
    512 * 1024
)  # of bodies that are taken apart at the same time; a parsed one is many times its size
FETCHED = "x-connectors-fetched"  # we asked the source for this one
ERRAND = "apps.inbound.repair.run_errand"
LAST_STEP = dt.timedelta(seconds=10)  # a connector's “last event” is written at most this often
SAMPLE_HEADER = "x-connectors-sample"  # a token of ours: the shipped sample may be sent again and again


def unprocessed(limit: int) -> list[InboundRequest]:
    """The oldest requests that nobody has looked into."""
    return rows.read(InboundRequest, "WHERE status = 'received' ORDER BY id LIMIT %s", [limit])


@dataclass(slots=True)
class Batch:
    """What a batch came to. requests: how many; channels: where cards now wait.

    errands: keys of connectors whose sources asked us to do something, and what (see `Hooks.announces`).
    """

    requests: int = 0
    channels: set[int] = field(default_factory=set)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    errands: set[tuple[int, str]] = field(default_factory=set)

    def count(self, name: str, key: str) -> None:
        """One more of `name`."""
        self.counts[(name, key)] = self.counts.get((name, key), 0) + 1


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


def process_batch(limit: int = 20) -> Batch:
    """Process some waiting requests. One that breaks off is tried again, three times."""
    batch, waiting = Batch(), unprocessed(limit)
    shared = Shared(waiting)
    for group in _groups(waiting):
        batch.requests += len(group)
        ready: dict[int, Prepared] = {}
        for row in group:
            with _watched(row):
                ready[row.pk] = prepare(row, shared)
        # One commit for the group, because a commit waits for the disk; what breaks off alone is undone alone.
        with transaction.atomic():
            for row in group:
                stored = False
                with _watched(row), transaction.atomic():
                    if row.pk in ready:
                        store(ready[row.pk], batch)
                        stored = True
                if not stored:
                    _broke_off(row)
            Counter.bump_many(batch.counts)
        batch.counts.clear()
    here[Cell.REQUEST] = 0
    for key, errand in sorted(batch.errands):
        background.start(ERRAND, key, errand)
    return batch


def _groups(waiting: list[InboundRequest]) -> Iterator[list[InboundRequest]]:
    """In their order, as many together as memory allows."""
    group: list[InboundRequest] = []
    size = 0
    for row in waiting:
        if group and size + row.size > GROUP_BYTES:
            yield group
            group, size = [], 0
        group.append(row)
        size += row.size
    if group:
        yield group


@contextmanager
def _watched(row: InboundRequest) -> Iterator[None]:
    """Says at which request this process is, and tells the log when it breaks off."""
    here.note(Cell.WORK)
    here[Cell.REQUEST] = row.pk
    try:
        yield
    except Exception as error:
        logger.error("request %s broke off: %s", row.public_id, type(error).__name__, exc_info=error)


def blame() -> None:
    """Count a failure for the request during which the worker before this one died, if it died during one.

    Else a request that kills its worker (by its memory, say) would do so for ever, and nothing behind it would move.
    """
    suspect, here[Cell.SUSPECT] = int(here[Cell.SUSPECT]), 0
    row = InboundRequest.objects.filter(pk=suspect, status=InboundRequest.Status.RECEIVED).first()
    if row is not None:
        logger.error("request %s was at work when its worker died", row.public_id)
        _broke_off(row)


def _broke_off(row: InboundRequest) -> None:
    row.failures += 1
    changes: dict[str, object] = {"failures": row.failures}
    if row.failures >= MAX_FAILURES:
        changes |= {
            "status": InboundRequest.Status.MALFORMED,
            "error_code": "internal",
            "error_message": "Processing failed three times because of an internal error. Replay it after an update.",
            "processed_at": timezone.now(),
        }
    InboundRequest.objects.filter(pk=row.pk).update(**changes)


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


def store(prepared: Prepared, batch: Batch) -> None:
    """Store events and deliveries, each event once; in the caller's transaction."""
    now, row = timezone.now(), prepared.row
    connector, error = row.connector, prepared.error
    if error is not None or prepared.source is None or prepared.ctx is None:
        code, words = (error.code, error.public_message) if error else ("", "")
        _finish(row, InboundRequest.Status.MALFORMED, now, code, words)
        batch.count("request.malformed", connector.public_id)
        return
    batch.errands |= {(connector.pk, errand) for errand in prepared.errands}
    for told in prepared.told:
        _store(told, row, prepared.source, prepared.ctx, batch)
        batch.count("event", str(told.event.outcome))
    _finish(row, InboundRequest.Status.PROCESSED, now)
    last = connector.last_event_at
    if prepared.told and (last is None or row.received_at - last > LAST_STEP):
        connector.last_event_at = row.received_at
        Connector.objects.filter(pk=connector.pk).update(last_event_at=row.received_at)


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


def _finish(row: InboundRequest, status: str, now: dt.datetime, code: str = "", message: str = "") -> None:
    rows.change(row, status=status, processed_at=now, error_code=code[:60], error_message=message[:300])


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


def _store(told: Told, row: InboundRequest, source: Source, ctx: Context, batch: Batch) -> None:
    event, item, card = told.event, told.item, told.card
    if not rows.add(event, unless_there=True):
        # The source sent it before, the same id stands twice in one request, or another process was faster.
        event.outcome = Event.Outcome.DUPLICATE
        event.reason, event.trace = "The source sent this event before; it was told once.", []
        rows.add(event)
        return
    if card is not None and told.matched:
        thread = item.notification.thread_key if isinstance(item.notification, Notification) else ""
        channels = {subscription.channel_id for subscription in told.matched}
        told.calls.save(channels, event.public_id)
        card = buttons.add(card, item, source, row.connector, ctx, channels=channels, event=event.public_id)
        batch.channels |= send(event, card, told.matched, thread_key=thread)


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


def send(
    event: Event,
    card: Card,
    matched: list[Subscription],
    *,
    replay: int = 0,
    thread_key: str = "",
    slow: deliveries.Slow | None = None,
) -> set[int]:
    """Store one delivery for each subscription; two that lead to one channel make one card.

    slow: of a replay in bulk. Returns the keys of the channels.
    """
    channels: set[int] = set()
    now = timezone.now()
    for subscription in matched:
        if subscription.channel_id not in channels:
            channels.add(subscription.channel_id)
            row = deliveries.build(
                subscription.channel_id,
                card,
                event_key=event.pk,
                event_public_id=event.public_id,
                subscription_key=subscription.pk,
                origin=Delivery.Origin.REPLAY if replay else Delivery.Origin.EVENT,
                replay=replay,
                thread_key=thread_key,
                since=None if replay or not _is_stale(event, subscription) else event.received_at,
            )
            if slow is not None:
                slow.put(row)
            holding.observe(row, subscription.channel, now)
            rows.add(row, unless_there=True)
    deliveries.nudge()
    return channels


def _is_stale(event: Event, subscription: Subscription) -> bool:
    """Whether the event is older than its channel wants single cards to be: taken in late, or after an outage."""
    limit = subscription.channel.stale_after
    return bool(limit) and timezone.now() - event.received_at > dt.timedelta(minutes=limit)
