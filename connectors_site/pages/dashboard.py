"""What the first page shows: how much came and went, and what needs a person."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from apps.channels import health as workflows
from apps.channels.models import Channel, WebhookURL
from apps.connectors.health import span_words
from apps.connectors.models import Connector
from apps.core import health
from apps.core.models import Counter
from apps.deliveries.models import Delivery
from connectors_site.pages import attention, figures

HOURS = 24
MOST = 200  # channels looked at
LATE = dt.timedelta(minutes=5)


def context() -> dict[str, Any]:
    """The values of the dashboard. A fixed number of queries, none over a big table."""
    now = timezone.now()
    hours = _hours(now)
    most = max(1, *(hour["events"] for hour in hours), *(hour["cards"] for hour in hours))
    return {
        "hours": hours,
        "most": f"{most:,}",
        "half": f"{most / 2:,.0f}" if most > 1 else "",
        "chart": _told(hours),
        "quiet": figures.quiet(now),
        "totals": _totals(now),
        "todo": _todo(now),
        "channels": figures.channels(now),
        "empty": not Connector.objects.exists(),
    }


def _counts(now: dt.datetime) -> list[Counter]:
    start = now.replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=HOURS - 1)
    return list(Counter.objects.filter(hour__gte=start, name__in=("event", "delivery")))


def _hours(now: dt.datetime) -> list[dict[str, Any]]:
    """Events and accepted cards of each of the last 24 hours, with heights in percent."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    events: defaultdict[dt.datetime, int] = defaultdict(int)
    cards: defaultdict[dt.datetime, int] = defaultdict(int)
    for row in _counts(now):
        if row.name == "event":
            events[row.hour] += row.value
        elif row.key == Delivery.Status.ACCEPTED:
            cards[row.hour] += row.value
    most = max([1, *events.values(), *cards.values()])
    return [
        {
            "at": at,
            "events": events[at],
            "cards": cards[at],
            "events_height": round(events[at] * 100 / most),
            "cards_height": round(cards[at] * 100 / most),
        }
        for at in (hour - dt.timedelta(hours=back) for back in range(HOURS - 1, -1, -1))
    ]


def _told(hours: list[dict[str, Any]]) -> str:
    """The chart in a sentence, for whoever does not see it."""
    events, cards = (sum(hour[key] for hour in hours) for key in ("events", "cards"))
    if not events and not cards:
        return "Chart of the last 24 hours: no events and no cards."
    top = max(hours, key=lambda hour: hour["events"])
    return (
        f"Chart of the last 24 hours: {events:,} events and {cards:,} accepted cards. "
        f"Most events, {top['events']:,}, came in the hour from {top['at']:%H}:00 UTC. All hours stand in the table below."
    )


def _totals(now: dt.datetime) -> list[dict[str, Any]]:
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in _counts(now):
        found[(row.name, row.key)] += row.value
    events = sum(value for (name, _), value in found.items() if name == "event")
    accepted = found[("delivery", Delivery.Status.ACCEPTED)]
    failed = found[("delivery", Delivery.Status.FAILED)]
    tried = accepted + failed
    oldest = Delivery.objects.filter(status=Delivery.Status.PENDING).order_by("id").first()
    waiting = span_words(now - oldest.created_at) if oldest else "none"
    return [
        {"label": "Events, 24 h", "value": f"{events:,}", "link": reverse("admin:inbound_event_changelist")},
        {"label": "Cards accepted, 24 h", "value": f"{accepted:,}",
         "link": reverse("admin:deliveries_delivery_changelist") + "?status__exact=accepted"},
        {"label": "Acceptance", "value": f"{accepted * 100 / tried:.1f} %" if tried else "–",
         "link": reverse("admin:deliveries_delivery_changelist") + "?status__exact=failed"},
        {"label": "Tries repeated, 24 h", "value": f"{found[('delivery', 'retried')]:,}",
         "link": reverse("admin:deliveries_delivery_changelist") + "?status__exact=pending"},
        {"label": "Oldest waiting card", "value": waiting,
         "link": reverse("admin:deliveries_delivery_changelist") + "?status__exact=pending"},
    ]  # fmt: skip


def _todo(now: dt.datetime) -> list[dict[str, str]]:
    """What needs a person, worst first, each with the page where it is mended."""
    found: list[dict[str, str]] = []
    clusters = health.clusters(now)
    if not any(each.is_lately for each in clusters):
        found.append(
            {
                "level": "danger",
                "text": "The background cluster is not running, so no cards are sent. "
                "Start it with “manage.py qcluster”.",
                "link": "",
            }
        )
    elif health.nobody_sends(now):
        found.append(
            {
                "level": "danger",
                "text": "A background cluster is running, but it sends no cards. Look at its log, or restart it.",
                "link": "",
            }
        )
    found.extend(
        {
            "level": "warning",
            "text": f"The cluster on {each.host} (process {each.process}) was last seen {span_words(each.age)} ago. "
            "If it was stopped on purpose, this line goes away within an hour.",
            "link": "",
        }
        for each in clusters
        if not each.is_lately and any(other.is_lately for other in clusters)
    )
    found.extend(attention.at_sources(now))
    found.extend(
        {
            "level": "danger" if channel.state == "failing" else "warning",
            "text": f"{channel}: {channel.state_words}",
            "link": reverse("admin:channels_channel_change", args=[channel.pk]),
        }
        for channel in _troubled(now)
        if channel.state in ("failing", "degraded")
    )
    found.extend(figures.connectors(now))
    return found


def _troubled(now: dt.datetime) -> list[Channel]:
    """Channels that may need a person, found by the state and the age of their webhook URLs alone."""
    idle = now - dt.timedelta(days=workflows.IDLE_WARNING)
    ways = WebhookURL.objects.exclude(state=WebhookURL.State.OFF)
    bad = ways.filter(
        ~Q(state=WebhookURL.State.OK)
        | Q(last_accepted_at__lt=idle)
        | Q(last_accepted_at__isnull=True, created_at__lt=idle)
        | Q(failing_since__lt=now - dt.timedelta(days=workflows.FAIL_WARNING))
    )
    rows = Channel.objects.filter(
        Q(pk__in=bad.values("channel")) | ~Q(pk__in=ways.values("channel")), paused=False
    )
    return list(rows.select_related("team").prefetch_related("webhook_urls")[:MOST])
