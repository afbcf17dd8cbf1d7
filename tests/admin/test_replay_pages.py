"""Replays in the admin: choose, count, start, watch, cancel; for operators."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.deliveries.models import Delivery
from apps.inbound import pipeline, replays
from apps.inbound import services as inbound
from apps.inbound.models import Replay
from tests.admin.test_roles import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def connector() -> Connector:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    made, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(made, channel, events=["*"])
    for _ in range(3):
        inbound.run_sample(made, "issues.opened")
    inbound.run_sample(made, "push")
    pipeline.process_batch()
    Delivery.objects.update(status="accepted")
    return made


def new(client: Client, **query: str) -> str:
    return client.get(reverse("admin:replay-new"), query).content.decode()


def test_the_number_is_shown_before_anything_is_sent(connector: Connector) -> None:
    client = signed_in("operator")
    assert "Count them" in new(client)
    page = new(client, kind="events", connector=connector.public_id, type="issues", since="2020-01-01T00:00")
    assert "Send 3 events again" in page
    assert "Of the connector: Repository" in page
    assert "From (UTC): 01 Jan 2020, 00:00" in page
    assert not Replay.objects.exists()
    assert "Nothing fits" in new(client, kind="deliveries", status="failed")


def test_it_is_started_watched_and_cancelled(connector: Connector) -> None:
    client = signed_in("operator")
    other = Channel.objects.create(team=Team.objects.get(), name="Other")
    data = {"kind": "events", "type": "issues", "target": other.public_id}
    answer = client.post(reverse("admin:replay-new"), data)
    row = Replay.objects.get()
    assert (row.total, row.channel, row.started_by, row.filters) == (3, other, "operator", {"type": "issues"})
    assert answer.headers["Location"] == reverse("admin:replay", args=[row.public_id])
    state = reverse("admin:replay-state", args=[row.public_id])
    found = client.get(state).json()
    assert (found["status"], found["percent"], found["over"]) == ("running", 0, False)
    replays.step()
    found = client.get(state).json()
    assert (found["status"], found["waiting"], found["percent"], found["over"]) == ("sending", 3, 0, False)
    Delivery.objects.filter(channel=other).update(status="accepted")
    found = client.get(state).json()
    assert (found["status"], found["percent"], found["over"]) == ("done", 100, True)
    assert found["words"] == "Done: 3 cards accepted by Teams."
    page = client.get(answer.headers["Location"]).content.decode()
    assert "aria-live" in page
    assert "Other" in page
    assert "Of the type: issues" in page
    assert "Done: 3 cards" in client.get(reverse("admin:replays")).content.decode()
    # Over is over.
    again = client.post(reverse("admin:replay-cancel", args=[row.public_id]), follow=True)
    assert "is over already" in again.content.decode()


def test_what_waits_is_taken_back_when_it_is_cancelled(connector: Connector) -> None:
    client = signed_in("operator")
    client.post(reverse("admin:replay-new"), {"kind": "deliveries", "status": "accepted"})
    row = Replay.objects.get()
    replays.step()
    Delivery.objects.filter(pk=Delivery.objects.filter(origin="replay").earliest("pk").pk).update(
        status="accepted"
    )
    page = client.post(reverse("admin:replay-cancel", args=[row.public_id]), follow=True).content.decode()
    assert "Cancelled after 4 of 4 deliveries: 1 card accepted by Teams." in page
    assert Delivery.objects.filter(error_code="replay_cancelled").count() == 3


@pytest.mark.parametrize(
    "query, words",
    [
        ({"kind": "events", "since": "x"}, "Enter a valid date/time"),
        ({"kind": "events", "connector": "nobody"}, "Select a valid choice"),
        ({"kind": "events", "since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}, "Choose a later time"),
        ({"kind": "odd", "status": "x"}, "Count them"),
    ],
)
def test_a_filter_that_makes_no_sense_is_explained(
    connector: Connector, query: dict[str, str], words: str
) -> None:
    client = signed_in("operator")
    assert words in new(client, **query)
    assert client.post(reverse("admin:replay-new"), query).status_code in (200, 302)


def test_viewers_watch_and_operators_act(connector: Connector) -> None:
    row = replays.start("events", {})
    viewer = signed_in("viewer")
    assert viewer.get(reverse("admin:replays")).status_code == 200
    page = viewer.get(reverse("admin:replay", args=[row.public_id])).content.decode()
    assert "Cancel the replay" not in page
    assert viewer.get(reverse("admin:replay-new")).status_code == 403
    assert viewer.post(reverse("admin:replay-new"), {"kind": "events"}).status_code == 403
    assert viewer.post(reverse("admin:replay-cancel", args=[row.public_id])).status_code == 403
    operator = signed_in("operator")
    assert operator.get(reverse("admin:replay-cancel", args=[row.public_id])).status_code == 405
    assert operator.get(reverse("admin:replay", args=["nothing"])).status_code == 404
