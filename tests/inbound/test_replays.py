"""Replays in bulk: by filter, to another channel, cancellable, and never in the way of live events."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.api.models import ApiToken
from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.deliveries.models import Delivery
from apps.inbound import pipeline, replays
from apps.inbound import services as inbound
from apps.inbound.models import Event, Replay

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
