"""Rows are found by every id that people have, and by time, without reading whole tables."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.api.models import ApiToken
from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.deliveries.models import Delivery
from apps.inbound import lookup
from apps.inbound.models import Event, InboundRequest

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def event() -> Event:
    connector, _ = connectors.create_connector(name="Repository", source="github")
    request = InboundRequest.objects.create(connector=connector, body=b"")
    return Event.objects.create(
        connector=connector, request=request, type="push", outcome="matched", source_event_id="guid-1"
    )


@pytest.fixture
def channel() -> Channel:
    return Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")


def test_an_event_is_found_by_its_own_id_its_requests_and_the_sources(event: Event) -> None:
    for word in (event.public_id, event.request.public_id, "guid-1"):
        assert lookup.events_called(word) == [event.pk]
    for word in ("guid-2", "", "x" * 300):
        assert lookup.events_called(word) == []


def test_the_sources_id_is_looked_up_by_an_index(event: Event) -> None:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        lookup.events_called("guid-1")
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + seen[-1]["sql"])
        plan = " ".join(str(row[-1]) for row in cursor.fetchall())
    assert "event_source_id" in plan


def test_a_delivery_is_found_by_its_own_id_and_its_events(event: Event, channel: Channel) -> None:
    row = Delivery.objects.create(
        channel=channel, card="{}", event_key=event.pk, event_public_id=event.public_id
    )
    assert lookup.deliveries_called(row.public_id) == lookup.deliveries_called(event.public_id) == [row.pk]
    assert lookup.deliveries_called("nothing") == []
    client = Client(headers={"Authorization": f"Bearer {ApiToken.issue('t', 'viewer')}"})
    for event_id, count in ((event.public_id, 1), ("nothing", 0)):
        assert client.get(f"/api/v1/deliveries/?event={event_id}").json()["count"] == count


@pytest.mark.parametrize("gap", [0, 3])
def test_no_delivery_of_a_time_stands_before_the_place_that_is_found(channel: Channel, gap: int) -> None:
    for hours in range(40, 0, -1):
        Delivery.objects.create(channel=channel, card="{}", created_at=NOW - dt.timedelta(hours=hours))
    if gap:
        Delivery.objects.filter(pk__in=[row.pk for row in Delivery.objects.all()[::gap]]).delete()
    for hours in range(45):
        moment = NOW - dt.timedelta(hours=hours, minutes=30)
        younger = set(Delivery.objects.filter(created_at__gte=moment).values_list("pk", flat=True))
        first = lookup.first_delivery_since(moment)
        found = set(
            Delivery.objects.filter(pk__gte=first, created_at__gte=moment).values_list("pk", flat=True)
        )
        assert found == younger
        if younger and hours < 39:
            assert first >= min(younger) - 1 - gap  # and it is not just the beginning


def test_there_is_a_place_without_any_delivery() -> None:
    assert lookup.first_delivery_since(NOW) == 0


def test_a_time_without_a_zone_is_utc(channel: Channel) -> None:
    Delivery.objects.create(channel=channel, card="{}")
    client = Client(headers={"Authorization": f"Bearer {ApiToken.issue('t', 'viewer')}"})
    assert client.get("/api/v1/deliveries/?since=2020-01-01T00:00:00").json()["count"] == 1
    assert client.get("/api/v1/deliveries/?since=2999-01-01T00:00:00").json()["count"] == 0
