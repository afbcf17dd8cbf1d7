"""Who is alive: heartbeats of clusters and of the one that sends, for /readyz, /metrics and the dashboard."""

from __future__ import annotations

import datetime as dt
import os
import socket
from dataclasses import dataclass

from django.utils import timezone

from apps.core.models import Heartbeat

CLUSTER = "cluster:"  # + host + ":" + process number
SENDER = "sender"  # whichever process posts cards now
LATELY = dt.timedelta(seconds=45)
SENDS_NOT = dt.timedelta(seconds=90)
SWEEP_AFTER = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """A cluster that has said that it is well. age: how long ago; is_lately: recent enough to count."""

    host: str
    process: int
    seen_at: dt.datetime
    age: dt.timedelta
    is_lately: bool


def own_name(process: int = 0) -> str:
    """The heartbeat's name of a cluster on this host, by its process number (default: this process)."""
    return f"{CLUSTER}{socket.gethostname()[:70]}:{process or os.getpid()}"


def beat(name: str) -> None:
    """`name` is well at this moment."""
    Heartbeat.beat(name)


def forget(name: str) -> None:
    """`name` ended orderly."""
    Heartbeat.objects.filter(name=name).delete()


def sweep(now: dt.datetime | None = None) -> None:
    """Drop what clusters left that were killed long ago."""
    limit = (now or timezone.now()) - SWEEP_AFTER
    Heartbeat.objects.filter(name__startswith=CLUSTER, seen_at__lt=limit).delete()


def is_lately(seen_at: dt.datetime, now: dt.datetime) -> bool:
    """Whether a heartbeat counts. One from the future is of a clock that was set back since, and does not."""
    return abs(now - seen_at) <= LATELY


def clusters(now: dt.datetime | None = None) -> list[Seen]:
    """Every cluster that was seen in the last hour, by host."""
    now = now or timezone.now()
    found = []
    for row in Heartbeat.objects.filter(name__startswith=CLUSTER).order_by("name"):
        host, _, process = row.name.removeprefix(CLUSTER).rpartition(":")
        found.append(
            Seen(
                host,
                int(process) if process.isdecimal() else 0,
                row.seen_at,
                max(now - row.seen_at, dt.timedelta(0)),
                is_lately(row.seen_at, now),
            )
        )
    return found


def nobody_sends(now: dt.datetime | None = None) -> bool:
    """Whether the one that sends has been silent for long, although clusters may be well."""
    row = Heartbeat.objects.filter(name=SENDER).first()
    return row is not None and abs((now or timezone.now()) - row.seen_at) > SENDS_NOT
