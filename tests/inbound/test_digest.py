"""After an outage a channel gets one digest card instead of many stale ones."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound import digest, pipeline
from apps.inbound import services as inbound

pytestmark = pytest.mark.django_db
LATER = dt.timedelta(hours=5)


@pytest.fixture
def channel() -> Channel:
    made = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    connector, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(connector, made, events=["*"])
    for _ in range(8):
        inbound.run_sample(connector, "issues.opened")
    for _ in range(3):
        inbound.run_sample(connector, "push")
    inbound.run_sample(connector, "workflow_run.completed__failure")
    pipeline.process_batch()
    return made


def test_stale_cards_are_covered_and_urgent_ones_still_come(channel: Channel) -> None:
    assert digest.run(timezone.now()) == set()
    assert digest.run(timezone.now() + LATER) == {channel.pk}
    covered = Delivery.objects.filter(status="cancelled")
    assert covered.count() == 11
    assert set(covered.values_list("error_code", flat=True)) == {"digest"}
    waiting = list(Delivery.objects.filter(status="pending").order_by("id"))
    assert [row.origin for row in waiting] == ["event", "digest"]
    assert waiting[0].severity == "attention"
    card = waiting[1].card
    assert "11 events came while" in card
    assert "Repository: issues.opened" in card
    assert "8 ×" in card
    assert digest.run(timezone.now() + LATER) == set()


def test_what_was_covered_can_be_sent_again_and_is_not_covered_twice(channel: Channel) -> None:
    digest.run(timezone.now() + LATER)
    for row in Delivery.objects.filter(status="cancelled"):
        deliveries.retry(row)
    assert digest.run(timezone.now() + LATER) == set()
    assert Delivery.objects.filter(status="cancelled").count() == 0


def test_a_few_stale_cards_come_as_they_are_and_a_channel_may_want_none(channel: Channel) -> None:
    Channel.objects.update(stale_after=0)
    assert digest.run(timezone.now() + LATER) == set()
    Channel.objects.update(stale_after=60)
    keep = Delivery.objects.order_by("id").values_list("pk", flat=True)[:4]
    Delivery.objects.exclude(pk__in=list(keep)).update(status="accepted")
    assert digest.run(timezone.now() + LATER) == set()
