"""What the dashboard tells of channels and connectors. Reads counters and a bounded number of the latest rows."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from django.db.models import Q, Sum
from django.urls import reverse

from apps.channels.models import Channel
from apps.connectors.health import PATIENCE, QUIET, health, span_words
from apps.connectors.models import Connector
from apps.core.models import Counter
from apps.deliveries.models import Attempt

LATEST = 2_000  # posts looked at
SHOWN = 8
MOST = 200  # connectors looked at
SLOW = 2_000  # ms, from which a channel counts as slow


@dataclass(slots=True)
class Tally:
    """The latest posts to one channel."""

    taken: int = 0
    times: list[int] = field(default_factory=list)


def channels(now: dt.datetime) -> list[dict[str, Any]]:
    """The channels with lately refused or slow posts, worst first."""
    # Taken by key first: a filter by time would read on and on for a second thousand.
    lately = Attempt.objects.order_by("-id")
    day = now - dt.timedelta(days=1)
    tallies: defaultdict[int, Tally] = defaultdict(Tally)
    rows = lately.values_list("delivery__channel_id", "code", "elapsed_ms", "at")
    for key, code, elapsed, at in rows[:LATEST]:
        if at < day:
            continue
        tallies[key].taken += not code
        tallies[key].times.append(elapsed)

    def rank(key: int) -> tuple[float, float]:
        tally = tallies[key]
        return tally.taken / len(tally.times), -median(tally.times)

    worst = sorted(tallies, key=rank)[:SHOWN]
    known = Channel.objects.select_related("team").prefetch_related("webhook_urls").in_bulk(worst)
    return [_channel(known[key], tallies[key]) for key in worst if key in known]


def _channel(row: Channel, tally: Tally) -> dict[str, Any]:
    middle = round(median(tally.times))
    return {
        "name": str(row),
        "link": reverse("admin:channels_channel_change", args=[row.pk]),
        "state": row.state,
        "why": row.state_words,
        "posts": len(tally.times),
        "taken": f"{tally.taken * 100 / len(tally.times):.0f} %",
        "time": f"{middle:,} ms",
        "slow": middle >= SLOW,
    }


def refusals(now: dt.datetime) -> dict[str, int]:
    """How many requests without a right signature came in the last 24 hours, by the connector's id."""
    rows = Counter.objects.filter(name="inbound.unverified", hour__gte=now - dt.timedelta(days=1))
    found = rows.values_list("key").annotate(total=Sum("value"))
    return {key: total for key, total in found if key}


def connectors(now: dt.datetime) -> list[dict[str, str]]:
    """The connectors that need a person, each with why and the page where it is mended."""
    refused = refusals(now)
    rows = Connector.objects.prefetch_related("subscriptions").order_by("-last_event_at")[:MOST]
    found = [(row, health(row, now, refused.get(row.public_id, 0))) for row in rows]
    return [
        {
            "level": "danger" if each.state == "broken" else "warning",
            "text": f"{row.name}: {each.words}",
            "link": reverse("admin:connectors_connector_change", args=[row.pk]),
        }
        for row, each in found
        if each.needs_person
    ]


def quiet(now: dt.datetime) -> list[dict[str, str]]:
    """The connectors that should hear something and don't, longest silence first."""
    silent = Q(last_event_at__lt=now - QUIET) | Q(last_event_at=None, created_at__lt=now - PATIENCE)
    rows = Connector.objects.filter(silent, paused=False).order_by("last_event_at", "pk")[:SHOWN]
    return [
        {
            "name": row.name,
            "link": reverse("admin:connected", args=[row.public_id]),
            "source": row.get_source_display(),
            "last": f"{span_words(now - row.last_event_at)} ago" if row.last_event_at else "never",
        }
        for row in rows
    ]
