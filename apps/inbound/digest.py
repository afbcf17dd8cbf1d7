"""After an outage: one digest card in place of many stale ones.

What a digest covers is marked so, stands in the lists with its reason, and can be sent again. Urgent cards and
those that somebody asked for are never covered.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter as Tally

from django.conf import settings
from django.db import transaction
from django.db.models import Min, QuerySet
from django.urls import reverse
from django.utils import timezone

from apps.cards import adaptive
from apps.cards.notification import Fact, Item, Items, Link, Notification, Severity
from apps.channels.models import Channel
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound.models import Event

FEWEST = 5  # stale cards; fewer are sent as they are
MOST = 5_000  # covered by one card; what is left comes with the next one
SHOWN = 6
URGENT = Severity.ATTENTION.value
RANK = {each.value: each.rank for each in Severity}


def run(now: dt.datetime | None = None) -> set[int]:
    """Cover what has become stale; returns the keys of channels that have a digest card now."""
    now = now or timezone.now()
    made: set[int] = set()
    wanted = Channel.objects.filter(stale_after__gt=0, paused=False)
    least = wanted.aggregate(least=Min("stale_after"))["least"]
    if least is None:
        return made
    # One statement over what is pending, instead of one for each channel.
    old = Delivery.objects.filter(
        status=Delivery.Status.PENDING, created_at__lt=now - dt.timedelta(minutes=least)
    )
    keys = list(old.order_by().values_list("channel_id", flat=True).distinct()[:1_000])
    for channel in wanted.filter(pk__in=keys).select_related("team"):
        if _stale(channel, now)[:FEWEST].count() >= FEWEST and _cover(channel, now):
            made.add(channel.pk)
    return made


def _stale(channel: Channel, now: dt.datetime) -> QuerySet[Delivery]:
    before = now - dt.timedelta(minutes=channel.stale_after)
    rows = Delivery.objects.filter(
        channel=channel,
        status=Delivery.Status.PENDING,
        origin=Delivery.Origin.EVENT,
        exempt=False,
        created_at__lt=before,
    )
    return rows.exclude(severity=URGENT).order_by("id")


@transaction.atomic
def _cover(channel: Channel, now: dt.datetime) -> bool:
    rows = list(_stale(channel, now).only("pk", "summary", "severity", "event_key", "created_at")[:MOST])
    if deliveries.cover([row.pk for row in rows]) < FEWEST:
        return False
    card = adaptive.render(_note(channel, rows))
    deliveries.enqueue(channel, card, origin=Delivery.Origin.DIGEST)
    return True


def _note(channel: Channel, rows: list[Delivery]) -> Notification:
    events = {
        event.pk: event
        for start in range(0, len(rows), 500)
        for event in Event.objects.filter(
            pk__in=[row.event_key for row in rows[start : start + 500] if row.event_key]
        ).select_related("connector")
    }
    kinds = Tally(
        (event.connector.name, event.type)
        for row in rows
        if (event := events.get(row.event_key or 0)) is not None
    )
    first = sorted(rows, key=lambda row: (-RANK.get(row.severity, 0), -row.pk))[:SHOWN]
    page = f"{settings.PUBLIC_URL.rstrip('/')}{reverse('admin:deliveries_delivery_changelist')}"
    every = f"{page}?channel__id__exact={channel.pk}&status__exact=cancelled"
    span = f"{rows[0].created_at:%d %b, %H:%M} – {rows[-1].created_at:%d %b, %H:%M} UTC"
    return Notification(
        f"{len(rows):,} events came while this channel could not be reached",
        status="Digest",
        severity=Severity.WARNING,
        subject=Link("The full list", every),
        container=Link(str(channel)),
        facts=(Fact("From", span),),
        lists=(
            Items(
                "How many of what",
                tuple(
                    Item(f"{name}: {kind}", lead=f"{count:,} ×")
                    for (name, kind), count in kinds.most_common(SHOWN)
                ),
                total=len(kinds),
            ),
            Items(
                "The most important",
                tuple(_line(row, events) for row in first),
                total=len(rows),
                more_url=every,
            ),
        ),
        footer="Each of them can be sent again from the full list.",
        link_title="Full list",
    )


def _line(row: Delivery, events: dict[int, Event]) -> Item:
    event = events.get(row.event_key or 0)
    return Item(row.summary, url=event.url if event else "")
