"""What django-q2 runs: the standing task that processes and sends, and the pruning. All of it may run twice."""

from __future__ import annotations

import datetime as dt
import logging
import os
import sys
import time

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from django_q.models import Schedule

from apps.actions import tasks as actions
from apps.cards import adaptive
from apps.core import background, broker, health, wake
from apps.core.board import Cell, here
from apps.core.clock import Steps
from apps.core.models import Counter, Heartbeat
from apps.deliveries import due, keepalive, owner
from apps.deliveries import retention as delivery_retention
from apps.deliveries.sender import Sender
from apps.deliveries.services import TOPIC
from apps.inbound import digest, pipeline, replays, retention

logger = logging.getLogger(__name__)
STAND_SECONDS = 3600.0  # then it ends and begins anew, with fresh connections
PRUNE_SECONDS = 35.0  # for each of requests and deliveries; a task has 90
BEAT = 5.0  # seconds between heartbeats
DOWNTIME = dt.timedelta(minutes=5)  # a silence longer than that is repaired
DIGEST_EVERY = 20.0  # seconds between two looks at what is held, stale or idle
REPLAY_EVERY = 0.1  # seconds between two steps of a replay


def stand() -> str:
    """The standing task (see apps.core.broker): every cluster always offers it, one process at a time does it."""
    here.note(Cell.TRIED)
    try:
        return drain(STAND_SECONDS)
    except DatabaseError as error:
        # Down, restarted, or a full disk. It is offered again in a few seconds.
        logger.warning("sending breaks off, because the database fails: %s", type(error).__name__)
    except Exception as error:
        logger.error("sending broke off: %s", type(error).__name__, exc_info=error)
    connection.close()
    return "broke off"


def drain(seconds: float = 50.0) -> str:
    """Take in what waits and post what is due, for about `seconds` or until the cluster stops.

    One drain works at a time, on all machines; a second one ends at once. Wake-ups come by datagram.
    """
    with wake.Listener(TOPIC) as listener:
        lock = owner.OwnerLock()
        with lock as held:
            if not held:
                if _holder.is_silent():
                    logger.critical("whoever sends shows no sign of life; taking over: %s", owner.evict())
                return "another drain is at work"
            here[Cell.WORKER] = os.getpid()
            try:
                here.note(Cell.WORK)
                pipeline.blame()
                due.at_start(timezone.now())
                adaptive.warm()
                _tune()
                posts = _work(seconds, listener, lock)
            finally:
                here.note(Cell.TRIED)
                here[Cell.WORKER] = 0
    here[Cell.OFFERED] = 0
    wake.notify(broker.TOPIC)  # the pusher then offers it anew, unless this is a stop
    return f"{posts} posts"


class _Holder:
    """Watches the heartbeat of whoever sends, by the steady clock: wall clocks differ and may be set."""

    def __init__(self) -> None:
        self._last: dt.datetime | None = None
        self._since = time.monotonic()

    def is_silent(self) -> bool:
        """Whether it has not moved for long. Asked every few seconds."""
        found = Heartbeat.objects.filter(name=health.SENDER).values_list("seen_at", flat=True).first()
        if found != self._last:
            self._last, self._since = found, time.monotonic()
        return time.monotonic() - self._since > settings.FROZEN_AFTER * 0.75


_holder = _Holder()


def _tune() -> None:
    """Make this process quick: it owns the sending, and what it writes can be found out again."""
    # The thread that posts a card would wait up to 5 ms for its turn behind the one with the database.
    sys.setswitchinterval(0.001)
    if connection.vendor == "sqlite":
        # A power loss may undo the last results, never a stored request: those are written by the web process with
        # FULL. Undone work is done again.
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")


def _work(seconds: float, listener: wake.Listener, lock: owner.OwnerLock) -> int:
    beat, idle, looked, lost = -BEAT, 0.0, 0.0, False
    steps = Steps()

    def before() -> int:
        nonlocal beat, idle, looked, lost
        now = time.monotonic()
        if now - beat > BEAT:
            beat = now
            # A write: with a full disk it fails here, before a card is posted whose result could not be noted.
            health.beat(health.SENDER)
            lost = not lock.still_held()
            step = steps.take()
            if step < 0:
                due.after_set_back(dt.timedelta(seconds=-step), timezone.now())
        if stop():
            return 0
        if now - looked > DIGEST_EVERY:
            looked = now
            sender.expect(digest.run(busy=sender.on_their_way()) | keepalive.run())
        batch = pipeline.process_batch()
        sender.expect(batch.channels)
        if not batch.requests and now - idle > REPLAY_EVERY:
            # Only when no live event waits.
            idle = now
            sender.expect(replays.step(pace))
        return batch.requests

    def stop() -> bool:
        return lost or bool(here[Cell.STOP])

    sender, pace = Sender(settings.SEND_CONCURRENCY), replays.Pace()
    try:
        return sender.run(seconds=seconds, before=before, listener=listener, stop=stop)
    finally:
        sender.close()


def prune() -> str:
    """Delete what is older than RETENTION_DAYS, for some minutes at most: what is left then goes in the next hour."""
    before = timezone.now() - dt.timedelta(days=settings.RETENTION_DAYS)
    deliveries = delivery_retention.prune(before, PRUNE_SECONDS)
    requests = retention.prune(before, PRUNE_SECONDS)
    Counter.objects.filter(hour__lt=timezone.now() - dt.timedelta(days=400)).delete()
    return f"{requests} requests and {deliveries} deliveries pruned"


def ensure_schedules() -> None:
    """The hourly pruning; called when a cluster starts. Sending needs no schedule: see `stand`."""
    Schedule.objects.filter(name="drain").delete()  # of versions before 0.2
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
    _repair_after_downtime()


def _repair_after_downtime() -> None:
    """When nothing was alive for a while, ask the sources what they failed to deliver meanwhile."""
    last = Heartbeat.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()
    if last is not None and timezone.now() - last > DOWNTIME:
        background.start("apps.inbound.repair.repair_all")
