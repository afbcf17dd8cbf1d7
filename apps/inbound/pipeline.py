"""From a stored request to events and deliveries. No HTTP here, and a second run is harmless.

What takes time (parse, understand, render, match) is done before the transaction: SQLite has one writer, and sources
that post meanwhile would wait for it.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from apps.cards.notification import Card, Notification
from apps.connectors.models import Connector, Subscription
from apps.core import background, rows
from apps.core.board import Cell, here
from apps.core.models import Counter
from apps.deliveries import holding
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound import buttons, understanding
from apps.inbound.models import Event, InboundRequest
from apps.sources.source import Context, Source

logger = logging.getLogger(__name__)
MAX_FAILURES = 3
GROUP_BYTES = (
    512 * 1024
)  # of bodies that are taken apart at the same time; a parsed one is many times its size
FETCHED = "x-connectors-fetched"  # we asked the source for this one
ERRAND = "apps.inbound.repair.run_errand"
LAST_STEP = dt.timedelta(seconds=10)  # a connector's “last event” is written at most this often


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


def process_batch(limit: int = 20) -> Batch:
    """Process some waiting requests. One that breaks off is tried again, three times."""
    batch, waiting = Batch(), unprocessed(limit)
    shared = understanding.Shared(waiting)
    for group in _groups(waiting):
        batch.requests += len(group)
        ready: dict[int, understanding.Prepared] = {}
        for row in group:
            with _watched(row):
                ready[row.pk] = understanding.prepare(row, shared)
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


def store(prepared: understanding.Prepared, batch: Batch) -> None:
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


def _finish(row: InboundRequest, status: str, now: dt.datetime, code: str = "", message: str = "") -> None:
    rows.change(row, status=status, processed_at=now, error_code=code[:60], error_message=message[:300])


def _store(told: understanding.Told, row: InboundRequest, source: Source, ctx: Context, batch: Batch) -> None:
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
