"""The queues of django-q2 as this product uses them: a task is a nudge, so it may be lost but must not be late."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import os
import time
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.db.models import Q
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.brokers.redis_broker import Redis as StockRedis
from django_q.conf import Conf
from django_q.signing import SignedPackage

from apps.core import wake
from apps.core.board import Cell, here

logger = logging.getLogger(__name__)
TOPIC = "queue"
SOCKET_TIMEOUT = 1.0
IDLE_POLL = 1.0
AWAY = 1.0  # seconds of rest when the broker cannot be reached
OFFERS = 8  # so often a standing task that nobody holds is offered in the time after which a process counts as frozen


def standing() -> list[tuple[None, str]]:
    """The task that has to be at work at all times, if no worker of this cluster is at it.

    It comes from here rather than out of the queue, so that no lost message, no time limit of a queue and no
    broker that is down can keep it from being done.
    """
    if here[Cell.WORKER] or here[Cell.STOP] or here.was_seen(Cell.OFFERED, settings.FROZEN_AFTER / OFFERS):
        return []
    here.note(Cell.OFFERED)
    task = {
        "id": "standing",
        "name": "standing",
        "func": settings.STANDING_TASK,
        "args": (),
        "kwargs": {},
        "timeout": -1,  # guarded by the board instead
        "started": timezone.now(),
    }
    return [(None, SignedPackage.dumps(task))]


class DatabaseBroker(ORM):  # type: ignore[misc]  # django-q2 has no types
    """The database broker, woken by a datagram when a task is committed instead of sleeping its poll away."""

    _listener: wake.Listener | None = None
    _owner = 0

    def enqueue(self, task: str) -> Any:
        key = super().enqueue(task)
        transaction.on_commit(functools.partial(wake.notify, TOPIC), using=Conf.ORM)
        return key

    def dequeue(self) -> list[tuple[Any, str]] | None:
        here.note(Cell.PUSHER)
        offered = standing()
        if offered:
            return list(offered)
        try:
            # Listen before looking: a task that is committed in between leaves its datagram in the socket.
            listener = self._listen()
            listener.drain()
            tasks = self._take()
            if not tasks:
                listener.wait(IDLE_POLL)
        except (DatabaseError, OSError) as error:
            # Down, or a full disk. The pusher would end over it; it had better try again.
            logger.warning("the queue cannot be read: %s", type(error).__name__)
            connections[Conf.ORM].close()
            time.sleep(AWAY)
            return None
        return tasks or None

    def _take(self) -> list[tuple[int, str]]:
        queue = self.get_connection()
        now = timezone.now()
        # A lock that ends later than any lock may is of a clock that was set back since.
        free = Q(lock__lte=now) | Q(lock__gt=now + dt.timedelta(seconds=Conf.RETRY + 60))
        # The update counts the row only if no other cluster was faster.
        return [
            (task.pk, task.payload)
            for task in queue.filter(free, key=self.list_key)[: Conf.BULK]
            if queue.filter(id=task.id, lock=task.lock).update(lock=self.timeout(task))
        ]

    def _listen(self) -> wake.Listener:
        # The cluster makes the broker before it forks; the socket has to belong to the process that waits.
        if self._listener is None or self._owner != os.getpid():
            self._listener = wake.Listener(TOPIC)
            self._owner = os.getpid()
        return self._listener


class RedisBroker(StockRedis):  # type: ignore[misc]  # django-q2 has no types
    """The Redis broker with bounded waits: a Redis that is down must not hold up its callers."""

    @staticmethod
    def get_connection(list_key: str | None = None) -> redis.Redis:
        # dequeue() blocks for 1 s in BLPOP, so reading needs more than that.
        return redis.Redis.from_url(
            Conf.REDIS,
            socket_connect_timeout=SOCKET_TIMEOUT,
            socket_timeout=SOCKET_TIMEOUT + 1,
            retry=None,
        )

    def dequeue(self) -> list[tuple[Any, str]] | None:
        here.note(Cell.PUSHER)
        offered = standing()
        if offered:
            return list(offered)
        try:
            found: list[tuple[Any, str]] | None = super().dequeue()
        except redis.RedisError as error:
            logger.warning("Redis cannot be reached: %s", type(error).__name__)
            time.sleep(AWAY)
            return None
        return found
