"""What django-q2 runs: the drain that processes and sends, and the nightly pruning. All of it may run twice."""

from __future__ import annotations

import datetime as dt
import logging
import sys
import time

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from apps.actions import tasks as actions
from apps.cards import adaptive
from apps.core import wake
from apps.core.models import Counter, Heartbeat
from apps.deliveries import keepalive
from apps.deliveries import retention as delivery_retention
from apps.deliveries.owner import OwnerLock
from apps.deliveries.sender import Sender
from apps.deliveries.services import TOPIC
from apps.inbound import digest, replays
from apps.inbound.models import InboundRequest
from apps.inbound.pipeline import process_batch

logger = logging.getLogger(__name__)
DRAIN = "apps.inbound.tasks.drain"
STOP_TOPIC = "stop"
DRAIN_SECONDS = 50.0  # well under the task time-out; the successor takes over
BEAT = 5.0  # seconds between heartbeats
PRUNE_BATCH = 200
DOWNTIME = dt.timedelta(minutes=5)  # a silence longer than that is repaired
DIGEST_EVERY = 20.0  # seconds between two looks at what is held, stale or idle
REPLAY_EVERY = 0.1  # seconds between two steps of a replay


def drain(seconds: float | None = None) -> str:
    """Take in what waits and post what is due, for about `seconds`; then hand over to a successor.

    One drain works at a time; a second one ends at once. Wake-ups come by datagram.
    """
    budget = DRAIN_SECONDS if seconds is None else seconds
    with wake.Listener(STOP_TOPIC) as stopper, wake.Listener(TOPIC) as listener:
        lock = OwnerLock()
        with lock as held:
            if not held:
                return "another drain is at work"
            adaptive.warm()
            _tune()
            posts, stopped = _work(budget, listener, stopper, lock)
    if not stopped and seconds is None:
        async_task(DRAIN)
    return f"{posts} posts"


def _tune() -> None:
    """Make this process quick: it owns the sending, and what it writes can be found out again."""
    # The one thread with the database would wait 5 ms for its turn behind each of the many that post.
    sys.setswitchinterval(0.001)
    if connection.vendor == "sqlite":
        # A power loss may undo the last results, never a stored request: those are written by the web process with
        # FULL. Undone work is done again.
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")


def _work(
    seconds: float, listener: wake.Listener, stopper: wake.Listener, lock: OwnerLock
) -> tuple[int, bool]:
    beat, idle, looked, stopped = 0.0, 0.0, 0.0, False

    def before() -> int:
        nonlocal beat, idle, looked, stopped
        now = time.monotonic()
        if now - looked > DIGEST_EVERY:
            looked = now
            sender.expect(digest.run(busy=sender.on_their_way()) | keepalive.run())
        if now - beat > BEAT:
            beat = now
            Heartbeat.beat("cluster")
            if not lock.still_held():
                stopped = True
        if stopped:
            return 0
        batch = process_batch()
        sender.expect(batch.channels)
        if not batch.requests and now - idle > REPLAY_EVERY:
            # Only when no live event waits.
            idle = now
            sender.expect(replays.step(pace))
        return batch.requests

    def stop() -> bool:
        nonlocal stopped
        stopped = stopper.drain() or stopped
        return stopped

    sender, pace = Sender(settings.SEND_CONCURRENCY), replays.Pace()
    try:
        posts = sender.run(seconds=seconds, before=before, listener=listener, stop=stop)
        return posts, stopped
    finally:
        sender.close()


def prune() -> str:
    """Delete what is older than RETENTION_DAYS, in small batches, bodies' rows first."""
    before = timezone.now() - dt.timedelta(days=settings.RETENTION_DAYS)
    deliveries = delivery_retention.prune(before)
    requests = 0
    for _ in range(50):
        old = list(
            InboundRequest.objects.filter(received_at__lt=before)
            .exclude(status=InboundRequest.Status.RECEIVED)
            .order_by("id")
            .values_list("pk", flat=True)[:PRUNE_BATCH]
        )
        if not old:
            break
        InboundRequest.objects.filter(pk__in=old).delete()
        requests += len(old)
    Counter.objects.filter(hour__lt=timezone.now() - dt.timedelta(days=400)).delete()
    return f"{requests} requests and {deliveries} deliveries pruned"


def ensure_schedules() -> None:
    """The minutely safety net and the hourly pruning; called when a cluster starts."""
    Schedule.objects.update_or_create(
        name="drain", defaults={"func": DRAIN, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
    )
    Schedule.objects.update_or_create(
        name="prune",
        defaults={"func": "apps.inbound.tasks.prune", "schedule_type": Schedule.HOURLY, "repeats": -1},
    )
    for name, task, kind in (
        ("hooks-renew", "apps.inbound.repair.renew_due", Schedule.HOURLY),
        ("hooks-check", "apps.inbound.repair.nightly", Schedule.DAILY),
    ):
        Schedule.objects.update_or_create(
            name=name, defaults={"func": task, "schedule_type": kind, "repeats": -1}
        )
    actions.ensure_schedules()


def start() -> None:
    """Begin at once: enqueue a drain without waiting for the schedule.

    After a downtime the sources are asked what they failed to deliver.
    """
    last = Heartbeat.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()
    async_task(DRAIN)
    if last is not None and timezone.now() - last > DOWNTIME:
        async_task("apps.inbound.repair.repair_all")
