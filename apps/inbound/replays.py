"""Replays in bulk: what a filter finds is sent once more, slowly enough that live events never wait for it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from apps.channels.models import Channel
from apps.core.errors import AppError, ConfigurationError, Conflict
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound.models import Event, Replay
from apps.inbound.services import replay_event

STEP = 5  # rows in one turn of the drain
WAITING = 10  # replayed cards that may wait at a time: so many stand before a live one at most
MOST = 1_000_000  # rows counted

EVENT_FILTERS = {
    "connector": "connector__public_id", "type": "type", "outcome": "outcome", "since": "received_at__gte",
    "until": "received_at__lt",
}  # fmt: skip
DELIVERY_FILTERS = {
    "channel": "channel__public_id", "status": "status", "event": "event_public_id", "since": "created_at__gte",
    "until": "created_at__lt",
}  # fmt: skip


def _rows(kind: str, filters: object) -> QuerySet[Any]:
    """What the filters find. Raises ConfigurationError for one that is unknown or unreadable."""
    if not isinstance(filters, dict):
        raise ConfigurationError("bad_filters", f"“{kind}” is an object of filters; {{}} means all.")
    events = kind == Replay.Kind.EVENTS
    known = EVENT_FILTERS if events else DELIVERY_FILTERS
    rows: QuerySet[Any] = Event.objects.all() if events else Delivery.objects.all()
    for name, value in filters.items():
        if name not in known:
            raise ConfigurationError("bad_filters", f"There is no filter “{name}”. Use {', '.join(known)}.")
        if not isinstance(value, str) or not value or len(value) > 200:
            raise ConfigurationError("bad_filters", f"The filter “{name}” must be a text.")
        wanted: object = value
        if name in ("since", "until"):
            wanted = _moment(name, value)
        rows = rows.filter(**{known[name]: wanted})
    return rows


def _moment(name: str, value: str) -> dt.datetime:
    try:
        found = parse_datetime(value.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None:
        raise ConfigurationError("bad_filters", f"“{name}” is a time such as 2026-03-14T09:00:00Z.")
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


@transaction.atomic
def start(kind: str, filters: object, channel: Channel | None = None, started_by: str = "") -> Replay:
    """Begin a replay of what the filters find now. Raises ConfigurationError."""
    rows = _rows(kind, filters)
    last = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
    made = Replay.objects.create(
        kind=kind,
        filters=filters,
        channel=channel,
        total=rows.order_by()[:MOST].count(),
        end_key=last,
        started_by=started_by[:150],
    )
    deliveries.nudge()
    return made


def cancel(replay: Replay) -> None:
    """Send no more of it. What was sent stays sent. Raises Conflict when it is over."""
    changed = Replay.objects.filter(pk=replay.pk, status=Replay.Status.RUNNING).update(
        status=Replay.Status.CANCELLED
    )
    if not changed:
        raise Conflict("replay_over", "The replay is over already.")
    replay.refresh_from_db()


def step() -> set[int]:
    """Work on the oldest running replay; returns the keys of channels that have cards now."""
    replay = Replay.objects.filter(status=Replay.Status.RUNNING).order_by("id").first()
    if replay is None:
        return set()
    waiting = Delivery.objects.filter(status=Delivery.Status.PENDING, origin=Delivery.Origin.REPLAY)
    if waiting.order_by()[: WAITING + 1].count() > WAITING:
        return set()
    rows = _rows(replay.kind, replay.filters).filter(pk__gt=replay.last_key, pk__lte=replay.end_key)
    found = list(rows.order_by("pk")[:STEP])
    channels: set[int] = set()
    for row in found:
        with transaction.atomic():
            made = _again(row, replay)
            replay.last_key = row.pk
            replay.done += bool(made)
            replay.skipped += not made
            replay.save(update_fields=["last_key", "done", "skipped"])
        channels |= made
    if len(found) < STEP:
        Replay.objects.filter(pk=replay.pk, status=Replay.Status.RUNNING).update(status=Replay.Status.DONE)
    return channels


def _again(row: Any, replay: Replay) -> set[int]:
    """Send one row once more; the keys of its channels, empty when there is nothing to send."""
    try:
        if isinstance(row, Event):
            return {each.channel_id for each in replay_event(row, replay.channel)}
        made = deliveries.send_again(row, replay.channel)
    except AppError:
        return set()
    return {made.channel_id} if made else set()
