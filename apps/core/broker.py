"""The queues of django-q2 as this product uses them: a task is a nudge, so it may be lost but must not be late."""

from __future__ import annotations

import functools
import os
from typing import Any

import redis
from django.db import transaction
from django_q.brokers.orm import ORM
from django_q.brokers.redis_broker import Redis as StockRedis
from django_q.conf import Conf

from apps.core import wake

TOPIC = "queue"
SOCKET_TIMEOUT = 1.0
IDLE_POLL = 1.0


class DatabaseBroker(ORM):  # type: ignore[misc]  # django-q2 has no types
    """The database broker, woken by a datagram when a task is committed instead of sleeping its poll away."""

    _listener: wake.Listener | None = None
    _owner = 0

    def enqueue(self, task: str) -> Any:
        key = super().enqueue(task)
        transaction.on_commit(functools.partial(wake.notify, TOPIC), using=Conf.ORM)
        return key

    def dequeue(self) -> list[tuple[int, str]] | None:
        # Listen before looking: a task that is committed in between leaves its datagram in the socket.
        listener = self._listen()
        listener.drain()
        tasks = self._take()
        if tasks:
            return tasks
        listener.wait(IDLE_POLL)
        return None

    def _take(self) -> list[tuple[int, str]]:
        from django.utils import timezone

        queue = self.get_connection()
        now = timezone.now()
        # The update counts the row only if no other cluster was faster.
        return [
            (task.pk, task.payload)
            for task in queue.filter(key=self.list_key, lock__lte=now)[: Conf.BULK]
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
