"""The trace answers for each channel, and offers what is done next, to those who may."""

from __future__ import annotations

import zlib
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from apps.channels import services as channels
from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.core.models import AuditEntry
from apps.deliveries.models import Delivery
from apps.inbound import pipeline
from apps.inbound import services as inbound
from apps.inbound.models import Event, InboundRequest, SavedSample
from tests.admin.test_roles import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def connector() -> Connector:
    team = Team.objects.create(name="Platform")
    made, _ = connectors.create_connector(name="Repository", source="github")
    for name, events in (("General", ["issues"]), ("Pushes", ["push"])):
        connectors.subscribe(made, Channel.objects.create(team=team, name=name), events=events)
    return made


@pytest.fixture
def event(connector: Connector) -> Event:
    inbound.run_sample(connector, "issues.opened")
    pipeline.process_batch()
    return connector.events.get()


def page_of(client: Client, event: Event) -> str:
    return unescape(client.get(reverse("admin:trace", args=[event.public_id])).content.decode())


@pytest.mark.parametrize(
    "status, words",
    [
        ("pending", "Platform › General gets the card: it waits. Because."),
        ("failed", "Platform › General did not get the card: Teams did not take it. Because."),
        ("cancelled", "Platform › General did not get the card: it was not sent. Because."),
        ("accepted", "Platform › General got the card: Teams accepted it."),
    ],
)
def test_the_answer_for_each_channel_comes_first(event: Event, status: str, words: str) -> None:
    Delivery.objects.update(status=status, error_message="Because.")
    page = page_of(signed_in("viewer"), event)
    assert words in page
    assert "Platform › Pushes did not get it: issues.opened is not among the chosen events." in page


def test_a_paused_connector_a_duplicate_and_an_unknown_kind_say_so(
    connector: Connector, event: Event
) -> None:
    client = signed_in("viewer")
    connectors.pause(connector)
    inbound.run_sample(connector, "issues.closed")
    pipeline.process_batch()
    paused = connector.events.order_by("-pk")[0]
    assert "The connector is paused." in page_of(client, paused)
    Event.objects.filter(pk=paused.pk).update(outcome="unsupported", reason="No words for it.", trace=[])
    assert "Nobody got a card. No words for it." in page_of(client, Event.objects.get(pk=paused.pk))


def test_a_card_is_tried_again_from_the_trace_by_an_operator(event: Event) -> None:
    Delivery.objects.update(status="failed", attempts_made=3)
    row = Delivery.objects.get()
    address = reverse("admin:trace", args=[event.public_id])
    assert "Try again now" not in page_of(signed_in("viewer"), event)
    assert signed_in("viewer").post(address, {"retry": row.public_id}).status_code == 403
    client = signed_in("operator")
    assert "Try again now" in page_of(client, event)
    assert client.post(address, {"retry": row.public_id}).headers["Location"] == address
    row.refresh_from_db()
    assert row.status == "pending"
    assert AuditEntry.objects.filter(words="Try again now", actor_name="operator").exists()
    assert client.post(address, {"retry": "nothing"}).status_code == 404


def test_an_unreadable_request_is_kept_and_processed_again(connector: Connector) -> None:
    row = InboundRequest.objects.create(
        connector=connector, body=zlib.compress(b'{"token": "hunter2", "x": 1'), size=27, status="malformed",
        error_message="It is no JSON.", headers={"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=feed"},
    )  # fmt: skip
    address = reverse("admin:request-trace", args=[row.public_id])
    keep = reverse("admin:request-keep", args=[row.public_id])
    viewer, operator, admin = signed_in("viewer"), signed_in("operator"), signed_in("admin")
    page = viewer.get(address + "?body").content.decode()
    assert "It is no JSON." in page
    assert "hunter2" not in page
    assert "Process again" not in page
    assert viewer.post(address).status_code == 403
    assert operator.post(keep, {"name": "Broken"}).status_code == 403
    assert admin.get(keep).status_code == 405
    assert admin.post(keep, {"name": "Broken"}).status_code == 302
    sample = SavedSample.objects.get()
    assert b"hunter2" not in zlib.decompress(bytes(sample.body))
    assert operator.post(address).status_code == 302
    row.refresh_from_db()
    assert row.status == "received"
    assert AuditEntry.objects.filter(words="Process again").exists()


def test_what_can_be_looked_for_is_said_before_anybody_searches(event: Event) -> None:
    page = signed_in("viewer").get(reverse("admin:find")).content.decode()
    assert "What you can look for" in page
    assert event.title in unescape(page)


def test_a_channel_says_on_its_page_how_it_is_and_why(connector: Connector) -> None:
    channel = Channel.objects.get(name="General")
    channels.pause(channel, "Paused by Ada.")
    page = (
        signed_in("viewer").get(reverse("admin:channels_channel_change", args=[channel.pk])).content.decode()
    )
    health = page[page.index('class="tc-health"') :][:400]
    assert "paused" in health
    assert "Paused by Ada." in health
