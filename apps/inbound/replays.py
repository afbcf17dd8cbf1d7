"""Replays in bulk: what a filter finds is sent once more, so that live events never wait for it.

Three things see to that: a channel's live cards go before replayed ones (`Delivery.lane`), replayed cards get at most
half of what a channel's webhook URLs take (`Pace`), and rows are only taken up while no live event waits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from apps.channels.models import Channel, WebhookURL
from apps.channels.pacing import Limits, Pacer
from apps.core.errors import AppError, Conflict
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound import replay_filters
from apps.inbound.models import Event, Replay
from apps.inbound.services import replay_event

STEP = 5  # rows in one turn of the drain
WAITING = 100  # replayed cards that may wait at a time
CANCELLED = "replay_cancelled"  # the error code of cards that were not sent any more


class Pace:
    """When a channel takes its next replayed card: at most at half of its limits."""

    def __init__(self) -> None:
        self._pacer = Pacer()
        self._limits: dict[int, Limits] = {}
        self._replay = 0

    def next(self, channel_id: int, now: dt.datetime) -> dt.datetime:
        """The due time of the channel's next card, which is then taken."""
        if channel_id not in self._limits:
            self._limits[channel_id] = _half(channel_id)
        limits, moment = self._limits[channel_id], now.timestamp()
        due = max(moment, self._pacer.free_at(channel_id, limits, moment))
        self._pacer.take(channel_id, limits, due)
        return dt.datetime.fromtimestamp(due, dt.UTC)

    def begin(self, replay: Replay, now: dt.datetime) -> None:
        """Recall what the replay sent in the last hour: each drain begins without a memory."""
        if self._replay == replay.pk:
            return
        self._pacer, self._limits, self._replay = Pacer(), {}, replay.pk
        sent = Delivery.objects.filter(replay_key=replay.pk, due_at__gt=now - dt.timedelta(hours=1))
        moments: dict[int, list[float]] = {}
        for channel_id, due_at in sent.order_by().values_list("channel_id", "due_at"):
            moments.setdefault(channel_id, []).append(due_at.timestamp())
        for channel_id, found in moments.items():
            self._limits[channel_id] = _half(channel_id)
            self._pacer.remember(channel_id, self._limits[channel_id], found)


def _half(channel_id: int) -> Limits:
    rows = WebhookURL.objects.filter(channel=channel_id).exclude(state=WebhookURL.State.OFF)
    row = rows.order_by("priority", "id").defer("url", "secret", "previous_secret").first()
    if row is None:
        return Limits(*(_halved(count) for count in (4, 60, 100, 1800)))
    counts = (row.per_second, row.per_half_minute, row.per_minute, row.per_hour)
    return Limits(*(_halved(count) for count in counts))


def _halved(count: int) -> int:
    return max(1, count // 2) if count else 0


@transaction.atomic
def start(kind: str, filters: object, channel: Channel | None = None, started_by: str = "") -> Replay:
    """Begin a replay of what the filters find now. Raises ConfigurationError."""
    rows = replay_filters.rows_of(kind, filters)
    last = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
    made = Replay.objects.create(
        kind=kind,
        filters=filters,
        channel=channel,
        total=rows.order_by()[: replay_filters.MOST].count(),
        end_key=last,
        started_by=started_by[:150],
    )
    deliveries.nudge()
    return made


@transaction.atomic
def cancel(replay: Replay) -> None:
    """Send no more of it, nor what waits. What was sent stays sent. Raises Conflict when it is over."""
    changed = Replay.objects.filter(pk=replay.pk, status=Replay.Status.RUNNING).update(
        status=Replay.Status.CANCELLED
    )
    waiting = Delivery.objects.filter(replay_key=replay.pk, status=Delivery.Status.PENDING)
    taken_back = waiting.update(
        status=Delivery.Status.CANCELLED,
        error_code=CANCELLED,
        error_message="Its replay was cancelled. It can be sent again.",
    )
    if not changed and not taken_back:
        raise Conflict("replay_over", "The replay is over already.")
    if not changed:
        Replay.objects.filter(pk=replay.pk).update(status=Replay.Status.CANCELLED)
    replay.refresh_from_db()


def results(rows: Iterable[Replay]) -> dict[int, dict[str, int]]:
    """What became of the cards of each replay: its key -> status -> number."""
    keys = [row.pk for row in rows]
    found: dict[int, dict[str, int]] = {key: dict.fromkeys(Delivery.Status.values, 0) for key in keys}
    counted = Delivery.objects.filter(replay_key__in=keys).order_by().values("replay_key", "status")
    for each in counted.annotate(number=Count("pk")):
        found[each["replay_key"] or 0][each["status"]] = each["number"]
    return found


def step(pace: Pace | None = None) -> set[int]:
    """Work on the oldest running replay; returns the keys of channels that have cards now."""
    replay = Replay.objects.filter(status=Replay.Status.RUNNING).order_by("id").first()
    if replay is None:
        return set()
    waiting = Delivery.objects.filter(status=Delivery.Status.PENDING, lane=Delivery.Lane.REPLAY)
    if waiting.order_by()[: WAITING + 1].count() > WAITING:
        return set()
    pace = pace or Pace()
    pace.begin(replay, timezone.now())
    rows = replay_filters.rows_of(replay.kind, replay.filters)
    rows = rows.filter(pk__gt=replay.last_key, pk__lte=replay.end_key)
    channels: set[int] = set()
    found = list(rows.order_by("pk")[:STEP])
    for row in found:
        with transaction.atomic():
            if not Replay.objects.select_for_update().filter(pk=replay.pk, status="running").exists():
                return channels  # it was cancelled just now
            made = _again(row, replay, pace)
            replay.last_key = row.pk
            replay.done += bool(made)
            replay.skipped += not made
            replay.save(update_fields=["last_key", "done", "skipped"])
        channels |= made
    if len(found) < STEP:
        Replay.objects.filter(pk=replay.pk, status=Replay.Status.RUNNING).update(status=Replay.Status.DONE)
    return channels


def _again(row: Any, replay: Replay, pace: Pace) -> set[int]:
    """Send one row once more; the keys of its channels, empty when there is nothing to send."""
    now = timezone.now()
    slow = deliveries.Slow(replay.pk, now)
    try:
        if isinstance(row, Event):
            made = replay_event(row, replay.channel, slow)
        else:
            again = deliveries.send_again(row, replay.channel, slow)
            made = [again] if again else []
    except AppError:
        return set()
    for each in made:
        Delivery.objects.filter(pk=each.pk).update(due_at=pace.next(each.channel_id, now))
    return {each.channel_id for each in made}
