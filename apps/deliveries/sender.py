"""Posts what is due: this thread owns the database, a pool of threads owns HTTP.

Each turn writes finished results and picks further cards. A channel has one card on its way at a time, so
its order is kept; many channels are served side by side. Pacing is kept in memory by the one owner.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import heapq
import json
import logging
import os
import select
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connection
from django.utils import timezone

from apps.cards.envelope import around
from apps.channels import signing, transport
from apps.channels.pacing import Pacer
from apps.channels.transport import Accepted
from apps.core import wake
from apps.core.board import Cell, here
from apps.core.errors import TransportError
from apps.deliveries.picking import Channels, Due, Way, Ways, oldest_due
from apps.deliveries.results import Result, write

logger = logging.getLogger(__name__)
NO_WAY_WAIT = 30.0  # seconds until a channel without a working webhook URL is looked at again
NOTED = 10.0  # seconds between two notes that a webhook URL works
RESCUE = 600.0  # seconds for which results are kept that the database does not take
RESCUE_STEP = 0.5
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
    taken: float = 0.0  # monotonic: when its turn was noted
    keys: tuple[str, ...] = ()  # of an endpoint
    due: Due | None = None


class Sender:
    """Runs until `stop` says so; see `run`."""

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="send")
        self._pacer = Pacer()
        self._busy: dict[int, Job] = {}  # by channel
        self._done: deque[Result] = deque()
        self._not_before: dict[int, float] = {}  # by channel, monotonic
        self._waiting: list[tuple[float, int]] = []  # the same as a heap, so that each is taken up in time
        self._channels, self._ways = Channels(), Ways(self._pacer)
        self._noted: dict[int, float] = {}  # by webhook URL: when its health was written
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
        try:
            return self._run(seconds, before, listener, stop)
        except DatabaseError:
            # The lock may be lost too, so nothing more is posted. But what was, must be noted, or it is sent twice.
            self._rescue(stop)
            raise

    def _run(
        self, seconds: float, before: Callable[[], int], listener: wake.Listener, stop: Callable[[], bool]
    ) -> int:
        end = time.monotonic() + seconds
        posts = 0
        while True:
            here.note(Cell.WORK)
            took = before()
            self._settle()
            self._pause(end)
            ending = time.monotonic() >= end or stop()
            if not ending:
                posts += self._fill()
            elif not self._busy and not self._done:
                return posts
            if took and not ending:
                continue
            self._sleep(listener, 0.05 if ending else self._pause(end))

    def _rescue(self, stop: Callable[[], bool]) -> None:
        """Wait for the posts that are on their way, and for a database that takes their results."""
        begun = time.monotonic()
        while (self._busy or self._done) and time.monotonic() - begun < RESCUE:
            here.note(Cell.WORK)
            if stop() and len(self._done) == len(self._busy):
                logger.error("%s results could not be noted before the stop", len(self._done))
                return
            time.sleep(RESCUE_STEP)
            connection.close()
            with contextlib.suppress(DatabaseError):
                self._settle()

    def expect(self, channel_ids: Iterable[int]) -> None:
        """Cards for these channels were stored just now."""
        for channel_id in channel_ids:
            self._channels.put(channel_id)

    def on_their_way(self) -> frozenset[int]:
        """The keys of deliveries that are being posted just now."""
        return frozenset(job.delivery_id for job in self._busy.values())

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
        while self._waiting and self._waiting[0][0] <= now:
            self._channels.put(heapq.heappop(self._waiting)[1])
        soonest = self._waiting[0][0] - now if self._waiting else LONGEST_SLEEP
        return min(LONGEST_SLEEP, end - now, soonest)

    def _settle(self) -> None:
        """Write finished results; their channels become free only after that, so nothing is sent twice."""
        if not self._done:
            return
        finished = list(self._done)
        jobs = {job.delivery_id: job for job in self._busy.values()}
        now = timezone.now()
        another = frozenset(id_ for id_, job in jobs.items() if job.other_way)
        write(finished, now, other_way=another, healthy=self._healthy(finished))
        for result in finished:
            self._done.popleft()  # only now: a write that fails is tried again
            job = jobs[result.delivery_id]
            del self._busy[job.channel_id]
            self._pacer.correct(job.webhook_url_id, job.taken, result.started)
            self._channels.put(job.channel_id)
            error = result.outcome
            if isinstance(error, TransportError):
                self._ways.forget(job.channel_id)
                self._noted.pop(job.webhook_url_id, None)
            if isinstance(error, TransportError) and error.answer_status == 429:
                self._pacer.block(job.webhook_url_id, time.monotonic() + (error.retry_after or 60.0))

    def _healthy(self, results: list[Result]) -> frozenset[int]:
        """The webhook URLs whose health was noted a moment ago and need not be noted again."""
        clock, known = time.monotonic(), set()
        for result in results:
            if not isinstance(result.outcome, Accepted):
                continue
            if clock - self._noted.get(result.webhook_url_id, -1e9) < NOTED:
                known.add(result.webhook_url_id)
            else:
                self._noted[result.webhook_url_id] = clock
        return frozenset(known)

    def _fill(self) -> int:
        """Give free senders the oldest due card of each idle channel."""
        free = self.concurrency - len(self._busy)
        if free <= 0:
            return 0
        now, clock = timezone.now(), time.monotonic()
        self._not_before = {key: moment for key, moment in self._not_before.items() if moment > clock}
        skip = self._busy.keys() | self._not_before.keys()
        chosen = self._free_ways(self._channels.take(free, skip, now, clock), now, clock)
        if not chosen:
            return 0
        started = 0
        for due in oldest_due(chosen, now):
            way, other_way = chosen[due.channel_id]
            asked = self._ways.by(due.channel_id, due.via) if due.via else None
            if asked is not None:  # a test or a sign of life: taken by another way it would say nothing
                way, other_way = asked, False
            self._start(due, way, other_way, clock)
            started += 1
        self._pacer.forget(clock - 1)
        return started

    def _free_ways(
        self, channel_ids: list[int], now: dt.datetime, clock: float
    ) -> dict[int, tuple[Way, bool]]:
        """The way that each channel's next card takes, and whether there is another one."""
        found: dict[int, tuple[Way, bool]] = {}
        for channel_id, usable in self._ways.of(channel_ids, clock).items():
            ready = [way for way in usable if way.breaker_open_until is None or way.breaker_open_until <= now]
            if not ready:
                waits = [
                    (way.breaker_open_until - now).total_seconds() for way in usable if way.breaker_open_until
                ]
                self._wait(channel_id, clock + min([NO_WAY_WAIT, *waits]))
                continue
            free_at = self._pacer.free_at(ready[0].id, ready[0].limits, clock)
            if free_at > clock:
                self._wait(channel_id, free_at)
                continue
            found[channel_id] = (ready[0], len(ready) > 1)
        return found

    def _wait(self, channel_id: int, until: float) -> None:
        self._not_before[channel_id] = until
        heapq.heappush(self._waiting, (until, channel_id))

    def _start(self, due: Due, way: Way, other_way: bool, clock: float) -> None:
        job = Job(
            due.delivery_id,
            due.channel_id,
            way.id,
            way.url,
            due.attempts_made + 1,
            due.card,
            other_way,
            clock,
            way.keys,
            due if way.keys else None,
        )
        self._busy[due.channel_id] = job
        self._pacer.take(way.id, way.limits, clock)
        self._pool.submit(_post, job).add_done_callback(self._finished)

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
        if job.due is not None:
            due = job.due
            body = signing.message(due.event, due.summary, json.loads(job.card), at)
            outcome = transport.send_signed(job.url, signing.sign(due.public_id, body, job.keys, at))
        else:
            outcome = transport.send(job.url, around(job.card))
    except TransportError as error:
        outcome = error
    except Exception as error:
        # A mistake of ours must not stop the others. The class name holds no URL.
        logger.error("a post failed in an unforeseen way: %s", type(error).__name__)
        outcome = TransportError(
            "internal", "The card could not be sent because of an internal error.", permanent=False
        )
    elapsed = round((time.monotonic() - started) * 1000)
    return Result(job.delivery_id, job.webhook_url_id, job.number, at, outcome, elapsed, started)
