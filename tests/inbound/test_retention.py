"""Old requests, events and cards go; what waits, and what is young, stays."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.core.pruning import in_batches
from apps.deliveries.models import Attempt, Delivery
from apps.inbound import retention, tasks
from apps.inbound.models import Event, InboundRequest

pytestmark = pytest.mark.django_db
OLD = dt.timedelta(days=90)


@pytest.fixture
def connector() -> Connector:
    made, _ = connectors.create_connector(name="Hello", source="github")
    return made


def request(connector: Connector, age: dt.timedelta, status: str = "processed") -> InboundRequest:
    row = InboundRequest.objects.create(
        connector=connector, body=b"", received_at=timezone.now() - age, status=status
    )
    Event.objects.create(connector=connector, request=row, type="push", outcome="matched")
    return row


def test_what_is_older_than_the_retention_goes_with_all_that_hangs_on_it(connector: Connector) -> None:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    request(connector, OLD)
    young = request(connector, dt.timedelta(days=1))
    cards = [
        Delivery.objects.create(channel=channel, card="{}", created_at=timezone.now() - age, status=status)
        for age, status in ((OLD, "accepted"), (OLD, "pending"), (dt.timedelta(days=1), "accepted"))
    ]
    Attempt.objects.create(delivery=cards[0], number=1, at=timezone.now() - OLD)
    assert tasks.prune() == "1 requests and 1 deliveries pruned"
    assert list(InboundRequest.objects.all()) == [young]
    assert Event.objects.get().request == young
    assert set(Delivery.objects.all()) == set(cards[1:])
    assert not Attempt.objects.exists()


def test_a_request_that_nobody_has_looked_into_is_never_pruned(connector: Connector) -> None:
    waiting = request(connector, OLD, "received")
    request(connector, OLD)
    assert retention.prune(timezone.now() - OLD / 2, 5) == 1
    assert list(InboundRequest.objects.all()) == [waiting]


def test_one_that_was_fetched_late_does_not_keep_the_others(connector: Connector) -> None:
    request(connector, dt.timedelta(0))
    request(connector, OLD)
    assert retention.prune(timezone.now() - OLD / 2, 5) == 1


def test_several_batches_go_in_one_run(connector: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        request(connector, OLD)
    assert retention.prune(timezone.now() - OLD / 2, 5) == 5


def test_it_stops_when_its_time_is_over_and_rests_between() -> None:
    clock, rested = [0.0], []

    def rest(seconds: float) -> None:
        rested.append(seconds)
        clock[0] += seconds

    def step() -> int:
        clock[0] += 1
        return 10

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("apps.core.pruning.time.monotonic", lambda: clock[0])
        patch.setattr("apps.core.pruning.time.sleep", rest)
        assert in_batches(step, 7) == 40
    assert rested == [1, 1, 1]
    assert clock[0] <= 7
