"""Posts what is due: this thread owns the database, a pool of threads owns HTTP.

Each turn writes finished results and picks further cards. A channel has one card on its way at a time, so
its order is kept; many channels are served side by side. Pacing is kept in memory by the one owner.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import select
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from apps.cards.envelope import envelope
from apps.channels import transport
from apps.channels.models import Channel, WebhookURL
from apps.channels.pacing import Limits, Pacer
from apps.channels.transport import Accepted
from apps.core import wake
from apps.core.errors import TransportError
from apps.deliveries.models import Delivery
from apps.deliveries.results import Result, write

logger = logging.getLogger(__name__)
NO_WAY_WAIT = 30.0  # seconds until a channel without a working webhook URL is looked at again
LONGEST_SLEEP = 1.0  # seconds; a lost wake-up costs no more


@dataclass(frozen=True, slots=True)
class Job:
    """One post to make."""

    delivery_id: int
    channel_id: int
    webhook_url_id: int
    url: str
    number: int
    card: str
    other_way: bool


class Sender:
    """Runs until `stop` says so; see `run`."""

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="send")
        self._pacer = Pacer()
        self._busy: dict[int, Job] = {}  # by channel
        self._done: deque[Result] = deque()
        self._not_before: dict[int, float] = {}  # by channel, monotonic
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def run(
        self, *, seconds: float, before: Callable[[], int], listener: wake.Listener, stop: Callable[[], bool]
    ) -> int:
        """Work for about `seconds`; returns how many posts were made.

        before: called each turn to take in new work; returns how much it did (0 = nothing left).
        stop: asked each turn whether to finish early.
        """
        end = time.monotonic() + seconds
        posts = 0
        while True:
            took = before()
            self._settle()
            ending = time.monotonic() >= end or stop()
            if not ending:
                posts += self._fill()
            elif not self._busy and not self._done:
                return posts
            if took and not ending:
                continue
            self._sleep(listener, 0.05 if ending else self._pause(end))

    def close(self) -> None:
        """Give back threads and pipe. What is on its way is waited for."""
        self._pool.shutdown(wait=True)
        os.close(self._read)
        os.close(self._write)

    def _sleep(self, listener: wake.Listener, seconds: float) -> None:
        if self._done:
            return
        waiting: list[Any] = [listener, self._read]
        ready, _, _ = select.select(waiting, [], [], max(0.0, seconds))
        if listener in ready:
            listener.drain()
        if self._read in ready:
            try:
                os.read(self._read, 4096)
            except BlockingIOError:
                return

    def _pause(self, end: float) -> float:
        now = time.monotonic()
        soonest = [moment for moment in self._not_before.values() if moment > now]
        return min([LONGEST_SLEEP, end - now, *(moment - now for moment in soonest)])

    def _settle(self) -> None:
        """Write finished results; their channels become free only after that, so nothing is sent twice."""
        if not self._done:
            return
        finished: list[Result] = []
        while self._done:
            finished.append(self._done.popleft())
        jobs = {job.delivery_id: job for job in self._busy.values()}
        now = timezone.now()
        another = frozenset(id_ for id_, job in jobs.items() if job.other_way)
        write(finished, now, other_way=another)
        for result in finished:
            job = jobs[result.delivery_id]
            del self._busy[job.channel_id]
            error = result.outcome
            if isinstance(error, TransportError) and error.answer_status == 429:
                self._pacer.block(job.webhook_url_id, time.monotonic() + (error.retry_after or 60.0))

    def _fill(self) -> int:
        """Give free senders the oldest due card of each idle channel."""
        free = self.concurrency - len(self._busy)
        if free <= 0:
            return 0
        now, clock = timezone.now(), time.monotonic()
        self._not_before = {key: moment for key, moment in self._not_before.items() if moment > clock}
        due = Delivery.objects.filter(channel=OuterRef("pk"), status=Delivery.Status.PENDING, due_at__lte=now)
        channels = (
            Channel.objects.filter(Exists(due), paused=False)
            .exclude(pk__in=[*self._busy, *self._not_before])
            .values_list("pk", flat=True)[:free]
        )
        started = 0
        for channel_id in list(channels):
            started += self._start(channel_id, now, clock)
        if started:
            self._pacer.forget(clock - 1)
        return started

    def _start(self, channel_id: int, now: dt.datetime, clock: float) -> int:
        usable = list(
            WebhookURL.objects.filter(channel=channel_id)
            .exclude(state__in=[WebhookURL.State.OFF, WebhookURL.State.NEEDS_PERSON])
            .order_by("priority", "id")
        )
        ready = [row for row in usable if row.breaker_open_until is None or row.breaker_open_until <= now]
        if not ready:
            waits = [
                (row.breaker_open_until - now).total_seconds() for row in usable if row.breaker_open_until
            ]
            self._not_before[channel_id] = clock + min([NO_WAY_WAIT, *waits])
            return 0
        row = ready[0]
        limits = Limits(row.per_second, row.per_minute, row.per_hour)
        free_at = self._pacer.free_at(row.pk, limits, clock)
        if free_at > clock:
            self._not_before[channel_id] = free_at
            return 0
        delivery = (
            Delivery.objects.filter(channel=channel_id, status=Delivery.Status.PENDING, due_at__lte=now)
            .order_by("id")
            .only("pk", "attempts_made", "card")
            .first()
        )
        if delivery is None:
            return 0
        job = Job(
            delivery.pk,
            channel_id,
            row.pk,
            row.url,
            delivery.attempts_made + 1,
            delivery.card,
            len(ready) > 1,
        )
        self._busy[channel_id] = job
        self._pacer.take(row.pk, limits, clock)
        future = self._pool.submit(_post, job)
        future.add_done_callback(self._finished)
        return 1

    def _finished(self, future: Future[Result]) -> None:
        self._done.append(future.result())
        try:
            os.write(self._write, b"1")
        except OSError:  # full: the loop wakes anyway
            return


def _post(job: Job) -> Result:
    """In a sender's thread: one POST. Never raises, and never touches the database."""
    at, started = timezone.now(), time.monotonic()
    outcome: Accepted | TransportError
    try:
        outcome = transport.send(job.url, envelope(json.loads(job.card)))
    except TransportError as error:
        outcome = error
    except Exception as error:
        # A mistake of ours must not stop the others. The class name holds no URL.
        logger.error("a post failed in an unforeseen way: %s", type(error).__name__)
        outcome = TransportError(
            "internal", "The card could not be sent because of an internal error.", permanent=False
        )
    elapsed = round((time.monotonic() - started) * 1000)
    return Result(job.delivery_id, job.webhook_url_id, job.number, at, outcome, elapsed)
