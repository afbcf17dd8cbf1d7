"""The pages for looking things up: they open, ask no query per row, change nothing and show no secret."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from apps.channels.models import Channel, Team, WebhookURL
from apps.connectors import services as connectors
from apps.deliveries import services as deliveries
from apps.inbound.models import Event, InboundRequest

pytestmark = pytest.mark.django_db
READ_ONLY = ("deliveries_delivery", "inbound_inboundrequest", "inbound_event")
MODELS = (
    "channels_channel",
    "connectors_connector",
    "deliveries_delivery",
    "inbound_inboundrequest",
    "inbound_event",
)


@pytest.fixture
def secret() -> str:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    url = WebhookURL.objects.create(
        channel=channel, url="https://x.example/?sig=very-secret", host="x.example"
    )
    connector, shown = connectors.create_connector(name="Hello", source="github")
    connectors.subscribe(connector, channel)
    request = InboundRequest.objects.create(connector=connector, body=b"")
    Event.objects.create(connector=connector, request=request, type="ping", title="Hi", outcome="matched")
    deliveries.send_test(url.channel)
    return shown


@pytest.mark.parametrize("model", MODELS)
def test_a_list_and_a_page_open_and_show_no_secret(model: str, secret: str, admin_client: Client) -> None:
    listed = admin_client.get(reverse(f"admin:{model}_changelist"))
    assert listed.status_code == 200
    row = apps.get_model(model.replace("_", ".")).objects.get()
    page = admin_client.get(reverse(f"admin:{model}_change", args=[row.pk]))
    assert page.status_code == 200
    for text in (listed.content.decode(), page.content.decode()):
        assert secret not in text
        assert "very-secret" not in text


@pytest.mark.parametrize("model", READ_ONLY)
def test_nothing_can_be_changed_there(model: str, secret: str, admin_client: Client) -> None:
    assert admin_client.get(reverse(f"admin:{model}_add")).status_code == 403


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    answer = client.get(reverse("admin:inbound_event_changelist"))
    assert answer.status_code == 302
    assert "login" in answer.headers["Location"]


def test_the_list_of_deliveries_asks_no_query_per_row(
    secret: str, admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(30):
        deliveries.send_test(Channel.objects.get())
    with django_assert_max_num_queries(12):
        admin_client.get(reverse("admin:deliveries_delivery_changelist"))
