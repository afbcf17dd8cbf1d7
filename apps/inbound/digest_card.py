"""The digest card: how many of what, the most important first, who talks most, and what would make it quieter.

Counted by the database, so that a digest of a hundred thousand cards is made as soon as one of ten.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Case, Count, IntegerField, Max, Min, QuerySet, Value, When
from django.urls import reverse

from apps.cards.notification import Fact, Item, Items, Link, Notification, Severity
from apps.channels import etiquette
from apps.channels.models import Channel
from apps.connectors.models import Subscription
from apps.deliveries.models import Delivery
from apps.inbound.models import Event

SHOWN = 6
TALKERS = 4
LOUD = 0.2  # the share of a digest from which a rule is suggested
FEW = 10  # a digest of fewer suggests nothing


class Why(Enum):
    """Why there is a digest."""

    OUTAGE = "outage"
    QUIET = "quiet"
    BUDGET = "budget"


def note(
    channel: Channel, rows: QuerySet[Delivery], why: Why, digest: Delivery, now: dt.datetime
) -> Notification:
    """The digest of deliveries that are still waiting. digest: its own row, for links to what it covers."""
    known: dict[str, Any] = rows.aggregate(total=Count("pk"), first=Min("created_at"), last=Max("created_at"))
    total = int(known["total"])
    events = Event.objects.filter(pk__in=rows.values("event_key")).order_by()
    every = _page("admin:deliveries_delivery_changelist", digest_key__exact=digest.pk)
    again = _page("admin:replay-new", kind="deliveries", digest=digest.public_id, status="cancelled")
    kinds = list(events.values("connector__name", "type").annotate(number=Count("pk")).order_by("-number"))
    lists = [
        Items(
            "How many of what",
            tuple(
                Item(f"{each['connector__name']}: {each['type']}", lead=f"{each['number']:,} ×")
                for each in kinds[:SHOWN]
            ),
            total=len(kinds),
        ),
        Items("The most important", _important(rows), total=total, more_url=every),
    ]
    talkers = _talkers(events)
    if len(talkers) > 1:
        words = tuple(Item(name, lead=f"{number:,} ×") for name, number in talkers)
        lists.append(Items("Who talked most", words))
    advice = suggestions(channel, events, talkers, kinds, total) if total >= FEW else ()
    if advice:
        lists.append(Items("What would make it quieter", advice))
    return Notification(
        _title(why, channel, total),
        status="Morning digest" if why is Why.QUIET else "Digest",
        severity=Severity.INFO if why is Why.QUIET else Severity.WARNING,
        subject=Link("The full list", every),
        container=Link(str(channel)),
        facts=(Fact("From", _span(known["first"], known["last"], channel)),),
        lists=tuple(lists),
        links=(Link("Send them all", again),),
        footer="Each of them can be sent again from the full list, or all together.",
        link_title="Full list",
    )


def _title(why: Why, channel: Channel, total: int) -> str:
    events = "1 event" if total == 1 else f"{total:,} events"
    if why is Why.QUIET:
        return f"{events} came in the quiet hours"
    if why is Why.BUDGET:
        cards = "1 card" if channel.budget_per_hour == 1 else f"{channel.budget_per_hour:,} cards"
        return f"{events} came above the noise budget of {cards} an hour"
    return f"{events} came while this channel could not be reached"


def _span(first: dt.datetime, last: dt.datetime, channel: Channel) -> str:
    zone = etiquette.zone_of(channel.time_zone)
    one, other = first.astimezone(zone), last.astimezone(zone)
    return f"{one:%d %b, %H:%M} – {other:%d %b, %H:%M} {channel.time_zone}"


def _important(rows: QuerySet[Delivery]) -> tuple[Item, ...]:
    ranks = [When(severity=each.value, then=Value(each.rank)) for each in Severity]
    ranked = rows.annotate(rank=Case(*ranks, default=Value(0), output_field=IntegerField()))
    first = list(ranked.order_by("-rank", "-pk").only("summary", "event_key")[:SHOWN])
    urls = dict(Event.objects.filter(pk__in=[row.event_key for row in first]).values_list("pk", "url"))
    return tuple(Item(row.summary, url=urls.get(row.event_key or 0, "")) for row in first)


def _talkers(events: QuerySet[Event]) -> list[tuple[str, int]]:
    counted = events.exclude(actor="").values("actor").annotate(number=Count("pk")).order_by("-number")
    return [(each["actor"], each["number"]) for each in counted[:TALKERS]]


def suggestions(
    channel: Channel,
    events: QuerySet[Event],
    talkers: list[tuple[str, int]],
    kinds: Sequence[Mapping[str, Any]],
    total: int,
) -> tuple[Item, ...]:
    """Rules that would have made the digest smaller, the strongest first, each with by how much."""
    found: list[tuple[int, Item]] = []
    for name, number in talkers:
        sample = events.filter(actor=name).select_related("connector").first()
        if number < LOUD * total or sample is None or sample.attributes.get("author") != name:
            continue
        text = f"Mute {name}: add the condition “author is not {name}”"
        found.append((number, _advice(text, number, total, channel, sample.connector_id)))
    for each in kinds[:SHOWN]:
        number = each["number"]
        if number < LOUD * total or len(kinds) == 1:
            continue
        sample = events.filter(type=each["type"], connector__name=each["connector__name"]).first()
        text = f"Leave out {each['type']} of {each['connector__name']}"
        found.append((number, _advice(text, number, total, channel, sample.connector_id if sample else 0)))
    found.sort(key=lambda pair: -pair[0])
    return tuple(item for _, item in found[:3])


def _advice(text: str, number: int, total: int, channel: Channel, connector_key: int) -> Item:
    row = Subscription.objects.filter(channel=channel, connector=connector_key).order_by("id").first()
    url = _page("admin:connectors_subscription_change", row.pk) if row else ""
    return Item(text, lead=f"−{number * 100 / total:.0f} %", url=url)


def _page(name: str, *arguments: object, **query: object) -> str:
    """The address of a page of the admin."""
    path = reverse(name, args=arguments) + (f"?{urlencode(query)}" if query else "")
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"
