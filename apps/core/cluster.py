"""django-q2's cluster, guarded from outside, so that no death and no standstill of a process stalls it.

The stock cluster starts a dead worker anew beside the others. When the dead one held a lock of their common queue
(the one that waits for the next task always does), the others then wait for ever. So here any sudden death
replaces all of them, with new queues, in well under a second. The parent guards the sentinel in the same way, and
tells the database that the cluster is well.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
import uuid
from pathlib import Path
from types import FrameType
from typing import Any

from django import db
from django.conf import settings
from django_q import cluster
from django_q.conf import Conf
from django_q.queues import Queue
from django_q.scheduler import scheduler

from apps.core import health, wake
from apps.core.board import Cell, here
from apps.core.broker import TOPIC as QUEUE_TOPIC

logger = logging.getLogger(__name__)
POLITE = 2.0  # seconds that the standing task has to finish before the processes are replaced
STOP_SECONDS = 25.0  # within which a stop lets running tasks end
SCHEDULER_EVERY = 30.0  # seconds
BEAT = 5.0  # seconds between two notes that the cluster is well
CYCLE = 0.25  # seconds between two looks of the parent


def _ask_to_finish() -> None:
    """Tell the standing task, if it runs here, to come to its end."""
    here[Cell.STOP] = 1
    wake.notify(settings.STANDING_TOPIC)
    wake.notify(QUEUE_TOPIC)


def is_stopped(pid: int) -> bool:
    """Whether the process stands still because of SIGSTOP or a debugger; unknown counts as no."""
    try:
        # The name in brackets may hold anything, so read on from the last one.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("T", "t")
    except (OSError, IndexError):
        return False


class Sentinel(cluster.Sentinel):  # type: ignore[misc]  # django-q2 has no types
    """Guards workers, pusher and monitor; replaces all of them when one dies suddenly or stands still."""

    def start(self) -> None:
        # No ping: with the broker away there is still work to do, and the sentinel must outlive it.
        self._still: dict[int, float] = {}
        # Whoever stops a service often signals all of its processes. The parent alone takes that for an order: the
        # others would die in the middle of a post, and with locks that the parent then waits for.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.spawn_cluster()
        self.guard()

    def guard(self) -> None:
        self.start_event.set()
        went, scheduled = time.monotonic(), time.monotonic()
        while not self.stop_event.wait(Conf.GUARD_CYCLE):
            now = time.monotonic()
            here.note(Cell.SENTINEL)
            trouble = self._trouble(now - went)
            went = now
            if trouble:
                self._replace(trouble)
            elif now - scheduled >= SCHEDULER_EVERY:
                scheduled = now
                scheduler(broker=self.broker)
        self.stop()

    def _everyone(self) -> list[Any]:
        return [each for each in (*self.pool, self.monitor, self.pusher) if each is not None]

    def _trouble(self, passed: float) -> str:
        """What is wrong so that all have to be replaced; "" for nothing. Mends what can be mended alone."""
        for process in self._everyone():
            if process.exitcode:
                return f"process {process.pid} died suddenly ({process.exitcode})"
            if self._stands_still(process.pid):
                return f"process {process.pid} was stopped"
        for worker in list(self.pool):
            if worker.exitcode == 0:  # recycled, or ended by its own time limit; it left no lock behind
                self.pool.remove(worker)
                db.connections.close_all()
                self.spawn_worker()
            elif self._over_time(worker, passed):
                return f"worker {worker.pid} is over its time"
        if self.pusher.exitcode == 0 or self.monitor.exitcode == 0:
            return "the pusher or the monitor ended"
        return self._silence()

    def _silence(self) -> str:
        limit = settings.FROZEN_AFTER
        if here[Cell.WORKER]:
            return "the sender stands still" if here.silence(Cell.WORK) > limit else ""
        if here.silence(Cell.PUSHER) > limit:
            return "the pusher stands still"
        if here.silence(Cell.TRIED) > limit:
            return "no worker takes up work"
        return ""

    def _stands_still(self, pid: int) -> bool:
        """Whether it was stopped for half the time that counts as frozen."""
        if not is_stopped(pid):
            self._still.pop(pid, None)
            return False
        return time.monotonic() - self._still.setdefault(pid, time.monotonic()) > settings.FROZEN_AFTER / 2

    def _over_time(self, worker: Any, passed: float) -> bool:
        """Count down a busy worker's time. The lock may have been left behind by a dead one, so it is not waited for."""
        if not worker.timer.get_lock().acquire(timeout=1):
            return True
        try:
            timer = worker.timer.get_obj()
            if timer.value > 0:
                timer.value = max(0.0, timer.value - passed)
            return bool(timer.value == 0)
        finally:
            worker.timer.get_lock().release()

    def _replace(self, why: str) -> None:
        logger.critical("%s; replacing the cluster's processes", why)
        number = int(here[Cell.WORKER])
        if number and not is_stopped(number) and here.silence(Cell.WORK) < POLITE:
            # Somebody else is in trouble: let the posts that are on their way come back, then none is sent twice.
            _ask_to_finish()
            end = time.monotonic() + POLITE
            while here[Cell.WORKER] and time.monotonic() < end:
                time.sleep(0.02)
        suspect = here[Cell.REQUEST]
        self._kill()
        here.clear()
        here[Cell.SUSPECT] = suspect
        db.connections.close_all()
        self._still.clear()
        self.task_queue = Queue(maxsize=Conf.QUEUE_LIMIT)
        self.result_queue = Queue()
        self.event_out = multiprocessing.Event()
        self.spawn_cluster()
        self.reincarnations += 1

    def _kill(self) -> None:
        everyone = self._everyone()
        for process in everyone:
            process.kill()
        for process in everyone:
            process.join(2)
        for queue in (self.task_queue, self.result_queue):
            queue.cancel_join_thread()
            queue.close()

    def stop(self) -> None:
        """Let running tasks end, then end the rest. Bounded, because whoever stops us does not wait for ever."""
        end = time.monotonic() + STOP_SECONDS
        self.event_out.set()
        wake.notify(QUEUE_TOPIC)
        self.pusher.join(2)
        with contextlib.suppress(Exception):  # a full queue, when a worker hangs
            for _ in self.pool:
                self.task_queue.put("STOP", timeout=1)
        for worker in self.pool:
            worker.join(max(0.1, end - time.monotonic()))
        self.result_queue.put("STOP")
        self.monitor.join(2)
        self._kill()


class Cluster(cluster.Cluster):  # type: ignore[misc]  # django-q2 has no types
    """The parent: keeps a sentinel at work until SIGTERM or SIGINT, and says in the database that all is well."""

    _stopping = False
    alive: Path | None = None  # a file that is touched for whoever started this cluster

    def run(self) -> None:
        """Stay until told to stop."""
        self._name = health.own_name()
        self._beaten = 0.0
        health.sweep()
        self._start_sentinel()
        while not self._stopping:
            multiprocessing.connection.wait([self.sentinel.sentinel], CYCLE)
            self._guard()
        self._finish()

    def _guard(self) -> None:
        if self._stopping:
            return
        if not self.sentinel.is_alive() or here.silence(Cell.SENTINEL) > settings.FROZEN_AFTER:
            logger.critical("the sentinel of the cluster died or stands still; replacing it")
            self._end_sentinel()
            time.sleep(0.2)
            self._start_sentinel()
        self._beat()

    def sig_handler(self, signum: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _start_sentinel(self) -> None:
        db.connections.close_all()
        here.clear()
        self.stop_event, self.start_event = multiprocessing.Event(), multiprocessing.Event()
        self.sentinel = multiprocessing.get_context("fork").Process(
            target=Sentinel,
            name=f"Process-{uuid.uuid4().hex}",
            args=(self.stop_event, self.start_event, self.cluster_id, self.broker, self.timeout),
        )
        self.sentinel.start()

    def _end_sentinel(self) -> None:
        # Its children go with it: the kernel ends them when their parent is gone.
        self.sentinel.kill()
        self.sentinel.join(5)

    def _beat(self) -> None:
        """Every few seconds, if every part went round lately: note it where readers find it."""
        now = time.monotonic()
        if now - self._beaten < BEAT:
            return
        self._beaten = now
        well, reached = self._is_well(), True
        try:
            if well:
                health.beat(self._name)
            else:
                with db.connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
        except db.DatabaseError:
            reached = False
            db.connection.close()  # the next one tries a new connection
        # While the database is down nothing is known, and a new cluster would do no better.
        if self.alive and (well or not reached):
            with contextlib.suppress(OSError):
                os.utime(self.alive)
        if not well:
            self._beaten -= BEAT - CYCLE  # look again soon

    def _is_well(self) -> bool:
        limit = settings.FROZEN_AFTER / 2
        at_work = here.was_seen(Cell.WORK if here[Cell.WORKER] else Cell.TRIED, limit)
        return at_work and here.was_seen(Cell.SENTINEL, limit)

    def _finish(self) -> None:
        _ask_to_finish()
        # A sentinel that was killed may have taken the event's lock with it, which nobody can give back.
        setter = threading.Thread(target=self.stop_event.set, daemon=True)
        setter.start()
        setter.join(1)
        end = time.monotonic() + STOP_SECONDS + 5
        while self.sentinel.is_alive() and time.monotonic() < end:
            if is_stopped(self.sentinel.pid or 0):
                break
            self.sentinel.join(0.2)
        self._end_sentinel()
        with contextlib.suppress(db.DatabaseError):
            health.forget(self._name)


_parent = 0


def _before_fork() -> None:
    global _parent  # noqa: PLW0603 - handed from the parent to its child
    _parent = os.getpid()


def _after_fork() -> None:
    from apps.core.supervisor import die_with_parent

    die_with_parent()
    if os.getppid() != _parent:
        # The parent died before the kernel was asked to tell.
        os.kill(os.getpid(), signal.SIGKILL)


def bind_children() -> None:
    """From now on no forked process outlives its parent: an orphan would work on unguarded, beside its successor."""
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
