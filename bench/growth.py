"""What one step costs beside a million events and two million deliveries, and beside ten thousand.

Each size gets a database of its own, measured in a process of its own; the figure is the ratio of the medians.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from bench import lists
from bench.place import Place, fresh
from tests.e2e.stack import ROOT

SMALL, LARGE = 10_000, 1_000_000
ROUNDS = 100
RETENTION_ROWS = 500


async def growth(place: Place) -> dict[str, float]:
    """The costs at both sizes and their ratios."""
    small = await asyncio.to_thread(_run, place, SMALL)
    with fresh(place.postgres is not None) as other:
        large = await asyncio.to_thread(_run, other, LARGE)
    figures: dict[str, float] = {}
    for name in small:
        figures[f"{name} ms"] = large[name]
        figures[f"{name}, ratio to {SMALL:,}"] = round(large[name] / small[name], 2)
    return figures


def _run(place: Place, events: int) -> dict[str, float]:
    environment = lists.prepared(place.folder, place.extra)
    done = subprocess.run([sys.executable, "-m", "bench.growth", str(events)], cwd=ROOT, env=environment, check=True,
                          stdout=subprocess.PIPE, text=True)  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _median(step: Callable[[], object], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        step()
        times.append((time.perf_counter() - begun) * 1000)
    return round(statistics.median(times), 3)


def measure() -> dict[str, float]:
    """Milliseconds of: storing a request, processing one into a delivery, claiming 64 cards, pruning 500 events."""
    from django.db import connection
    from django.utils import timezone

    from apps.connectors.models import Connector
    from apps.deliveries import retention as of_deliveries
    from apps.deliveries.models import Delivery
    from apps.deliveries.picking import Channels, oldest_due
    from apps.inbound import pipeline, retention, services
    from apps.inbound.models import InboundRequest
    from apps.sources.http import Headers, Http

    connector = Connector.objects.first()
    assert connector
    source = connector.source_object()
    raw = (ROOT / "apps/sources/catalog/github/samples/issues.opened.json").read_bytes()
    count = 0

    def store() -> None:
        nonlocal count
        count += 1
        headers = Headers({
            "content-type": "application/json", "x-github-event": "issues",
            "x-github-delivery": hashlib.sha256(str(count).encode()).hexdigest()[:36],
        })  # fmt: skip
        http = Http(method="POST", headers=headers, body=raw)
        services.store(connector, source, source.schemes[0], http, timezone.now())

    def claim() -> None:
        now = timezone.now()
        channels = Channels().take(64, (), now, time.monotonic())
        assert len(oldest_due(channels, now)) >= min(64, lists.CHANNELS)

    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA synchronous=NORMAL")  # the disk's own time is not what grows
    else:
        # Else what filling left behind is written while this measures.
        connection.cursor().execute("CHECKPOINT")
    for _ in range(20):
        store()
    pipeline.process_batch(20)
    figures = {"ingest": _median(store), "process": _median(lambda: pipeline.process_batch(1))}
    figures["claim"] = _median(claim)
    figures["retention, nothing old"] = _median(
        lambda: retention.step(_never()) + of_deliveries.step(_never()), 20
    )
    times = []
    for _ in range(4):
        rows = InboundRequest.objects.order_by("id").values_list("received_at", flat=True)
        cards = Delivery.objects.exclude(status="pending").order_by("id").values_list("created_at", flat=True)
        old_events, old_cards = rows[RETENTION_ROWS], cards[2 * RETENTION_ROWS]
        begun = time.perf_counter()
        _prune(of_deliveries.step, old_cards)
        _prune(retention.step, old_events)
        times.append((time.perf_counter() - begun) * 1000)
    figures["retention of 500"] = round(statistics.median(times), 3)
    return figures


def _never() -> dt.datetime:
    return dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def _prune(step: Callable[[dt.datetime], int], before: dt.datetime) -> None:
    while step(before):
        pass


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectors_site.settings")
    import django

    django.setup()
    lists.fill(int(sys.argv[1]))
    print(json.dumps(measure()))
