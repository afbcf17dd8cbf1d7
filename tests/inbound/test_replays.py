"""Replays in bulk: by filter, to another channel, cancellable, and never in the way of live events."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.api.models import ApiToken
from apps.channels.models import Channel, Team, WebhookURL
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.deliveries import picking
from apps.deliveries.models import Delivery
from apps.inbound import pipeline, replays
from apps.inbound import services as inbound
from apps.inbound.models import Event, InboundRequest, Replay

pytestmark = pytest.mark.django_db


@pytest.fixture
def connector() -> Connector:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    made, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(made, channel, events=["*"])
    for _ in range(12):
        inbound.run_sample(made, "issues.opened")
    pipeline.process_batch()
    Delivery.objects.update(status="accepted")
    return made


def post(path: str, body: object, role: str = "operator") -> Any:
    headers = {"Authorization": f"Bearer {ApiToken.issue('t', role)}"}
    return Client().post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)


def work_off() -> None:
    for _ in range(20):
        replays.step()
        Delivery.objects.filter(status="pending").update(status="accepted")


def test_all_events_of_a_connector_are_sent_again(connector: Connector) -> None:
    answer = post("replays/", {"events": {"connector": connector.public_id}})
    assert (answer.status_code, answer.json()["total"]) == (202, 12)
    work_off()
    row = Replay.objects.get()
    assert (row.status, row.done, row.skipped) == ("done", 12, 0)
    assert Delivery.objects.filter(origin="replay").count() == 12


def test_failed_deliveries_are_tried_again_and_accepted_ones_copied_elsewhere(connector: Connector) -> None:
    first = Delivery.objects.order_by("id").first()
    assert first
    Delivery.objects.filter(pk=first.pk).update(status="failed")
    post("replays/", {"deliveries": {"status": "failed"}})
    replays.step()
    first.refresh_from_db()
    assert first.status == "pending"
    other = Channel.objects.create(team=Team.objects.get(), name="Other")
    post("replays/", {"deliveries": {"status": "accepted"}, "channel": other.public_id})
    work_off()
    assert Delivery.objects.filter(channel=other, origin="replay").count() == 11


def test_only_a_few_wait_at_a_time_and_cancelling_stops_it(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "WAITING", 4)
    made = post("replays/", {"events": {}}).json()
    for _ in range(10):
        replays.step()
    waiting = Delivery.objects.filter(status="pending").count()
    assert waiting <= replays.WAITING + replays.STEP
    assert post(f"replays/{made['id']}/cancel/", {}).json()["status"] == "cancelled"
    replays.step()
    assert Delivery.objects.filter(status="pending").count() == 0
    assert Delivery.objects.filter(error_code="replay_cancelled").count() == waiting
    assert post(f"replays/{made['id']}/cancel/", {}).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"events": {}, "deliveries": {}},
        {"events": 7},
        {"events": {"colour": "red"}},
        {"events": {"since": "x"}},
    ],
)
def test_a_filter_that_makes_no_sense_is_explained(body: object, connector: Connector) -> None:
    answer = post("replays/", body)
    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert post("replays/", {"events": {}}, role="viewer").status_code == 403


def test_events_that_make_no_card_are_skipped_and_counted(connector: Connector) -> None:
    Event.objects.update(outcome="unmatched", trace=[])
    post("replays/", {"events": {}})
    work_off()
    assert Replay.objects.get().skipped == 12


@pytest.fixture
def many(connector: Connector) -> Connector:
    """10,000 events, each with its card accepted."""
    first = InboundRequest.objects.order_by("pk").first()
    assert first
    event = Event.objects.get(request=first)
    now = timezone.now()
    requests = InboundRequest.objects.bulk_create(
        InboundRequest(
            connector=connector, headers=first.headers, body=first.body, size=first.size, status="processed"
        )
        for _ in range(10_000 - 12)
    )
    Event.objects.bulk_create(
        Event(
            connector=connector, request=each, type=event.type, title=event.title, outcome="matched",
            trace=event.trace, received_at=now,
        )
        for each in requests
    )  # fmt: skip
    return connector


def send_due() -> int:
    """What the sender does with all that is due: one card after the other, accepted."""
    sent = 0
    channel = Channel.objects.get(name="General")
    while due := picking.oldest_due([channel.pk], timezone.now()):
        Delivery.objects.filter(pk=due[0].delivery_id).update(status="accepted")
        sent += 1
    return sent


def test_ten_thousand_are_replayed_behind_what_is_live_with_progress_and_can_be_cancelled(
    many: Connector,
) -> None:
    channel = Channel.objects.get()
    answer = post("replays/", {"events": {"connector": many.public_id, "type": "issues"}}).json()
    assert answer["total"] == 10_000
    with time_machine.travel(timezone.now(), tick=False) as clock:
        pace = replays.Pace()
        for _ in range(8):
            replays.step(pace)
        # A live event comes while forty replayed cards wait: it is the next to go.
        clock.shift(3)
        inbound.run_sample(many, "push")
        pipeline.process_batch()
        live = Delivery.objects.get(origin="event", status="pending")
        assert picking.oldest_due([channel.pk], timezone.now())[0].delivery_id == live.pk
        Delivery.objects.filter(pk=live.pk).update(status="accepted")
        # The replay never takes more than half of what the channel takes.
        sent = []
        for _ in range(60):
            clock.shift(1)
            replays.step(pace)
            sent.append(send_due())
        assert max(sent[1:]) <= 2
        assert all(sum(sent[at : at + 30]) <= 31 for at in range(1, len(sent)))
    headers = {"Authorization": f"Bearer {ApiToken.issue('viewer', 'viewer')}"}
    shown = Client().get(f"/api/v1/replays/{answer['id']}/", headers=headers).json()
    assert shown["status"] == "running"
    assert 40 <= shown["done"] < 400
    assert shown["cards"]["accepted"] >= sum(sent)
    assert post(f"replays/{answer['id']}/cancel/", {}).json()["status"] == "cancelled"
    assert picking.oldest_due([channel.pk], timezone.now() + dt.timedelta(days=1)) == []
    replays.step(pace)
    assert Replay.objects.get().done == shown["done"]


def test_a_new_drain_keeps_the_pace_of_the_one_before(connector: Connector) -> None:
    WebhookURL.objects.create(
        channel=Channel.objects.get(), host="x", fingerprint="x", url="https://x.example/", per_hour=8
    )
    post("replays/", {"events": {}})
    replays.step(replays.Pace())
    replays.step(replays.Pace())
    late = timezone.now() + dt.timedelta(minutes=30)
    assert Delivery.objects.filter(origin="replay", due_at__lt=late).count() == 4
    assert Delivery.objects.filter(origin="replay", due_at__gte=late).count() == 6


def test_retried_cards_of_a_replay_wait_behind_live_ones_too(connector: Connector) -> None:
    Delivery.objects.update(status="failed")
    post("replays/", {"deliveries": {"status": "failed"}})
    replays.step()
    inbound.run_sample(connector, "push")
    pipeline.process_batch()
    live = Delivery.objects.latest("pk")
    channel = Channel.objects.get()
    assert picking.oldest_due([channel.pk], timezone.now())[0].delivery_id == live.pk


@pytest.mark.parametrize(
    "kind, filters, found",
    [
        ("events", {"type": "issues"}, 12),
        ("events", {"type": "issue"}, 0),
        ("events", {"type": "issues.opened", "outcome": "matched"}, 12),
        ("deliveries", {"type": "issues.*", "status": "accepted"}, 12),
        ("deliveries", {"code": "muted"}, 0),
        ("deliveries", {"until": "2001-01-01"}, 0),
    ],
)
def test_filters_find_what_they_name(
    connector: Connector, kind: str, filters: dict[str, str], found: int
) -> None:
    assert post("replays/", {kind: filters}).json()["total"] == found


def test_events_of_a_channel_and_deliveries_of_a_connector_are_found(connector: Connector) -> None:
    channel = Channel.objects.get()
    assert post("replays/", {"events": {"channel": channel.public_id}}).json()["total"] == 12
    assert post("replays/", {"deliveries": {"connector": connector.public_id}}).json()["total"] == 12
    assert post("replays/", {"events": {"outcome": "odd"}}).status_code == 400


def test_each_replay_of_an_event_has_its_own_number(connector: Connector) -> None:
    event = Event.objects.first()
    assert event
    for _ in range(2):
        post("replays/", {"events": {"type": "issues"}})
        work_off()
    numbers = Delivery.objects.filter(event_key=event.pk).order_by("pk").values_list("replay", flat=True)
    assert list(numbers) == [0, 1, 2]
