"""Buttons of other tools' MessageCards: HttpPOST and ActionCard work through a page of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.actions import services
from apps.actions.models import ActionRun, OfferedCall
from apps.channels.models import Channel
from apps.connectors import services as connectors
from apps.connectors.models import ActionPolicy, Connector
from apps.deliveries.models import Delivery
from apps.inbound.models import Event
from apps.inbound.pipeline import process_batch
from apps.inbound.services import replay_event
from tests.actions.conftest import buttons
from tests.vendors.stub import Answer, StubServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def forever(channel: Channel, stub: StubServer) -> Connector:
    """An incoming webhook that leads to the channel."""
    made, _ = connectors.create_connector(name="Old tools", source="incoming_webhook")
    connectors.subscribe(made, channel)
    return made


def send(connector: Connector, *actions: dict[str, Any]) -> Delivery:
    card = {
        "@type": "MessageCard",
        "@context": "https://schema.org/extensions",
        "title": "Build 7 waits",
        "text": "Somebody has to decide.",
        "potentialAction": list(actions),
    }
    answer = Client().post(f"/hooks/{connector.public_id}", json.dumps(card), content_type="application/json")
    assert (answer.status_code, answer.content) == (200, b"1")
    process_batch()
    return Delivery.objects.latest("pk")


def approve(stub: StubServer) -> dict[str, Any]:
    return {
        "@type": "HttpPOST",
        "name": "Approve",
        "target": f"{stub.url}/approve?key=very-secret",
        "headers": [{"name": "Authorization", "value": "Bearer tool"}, {"name": "Host", "value": "evil"}],
        "body": '{"build": 7}',
    }


def test_an_http_post_becomes_a_page_that_asks(
    forever: Connector, stub: StubServer, operator: Client
) -> None:
    stub.on("POST", "/approve", lambda call: Answer(200, {}, {"CARD-ACTION-STATUS": "Approved, thank you."}))
    delivery = send(forever, approve(stub))
    link = buttons(delivery)["Approve"]
    assert "very-secret" not in delivery.card
    page = operator.get(link).content.decode()
    assert "127.0.0.1" in page
    assert "very-secret" not in page
    assert not stub.calls
    operator.post(link)
    services.work()
    [call] = stub.calls
    assert call.query == {"key": "very-secret"}
    assert call.body == {"build": 7}
    assert call.headers["authorization"] == "Bearer tool"
    assert call.headers["host"] != "evil"
    told = Delivery.objects.get(origin=Delivery.Origin.ACTION)
    assert "Approved, thank you." in told.card
    assert operator.post(link).status_code == 409


def test_an_action_card_becomes_a_form(forever: Connector, stub: StubServer, operator: Client) -> None:
    stub.on("POST", "/say", {})
    action = {
        "@type": "ActionCard",
        "name": "Comment",
        "inputs": [
            {
                "@type": "TextInput",
                "id": "text",
                "title": "Your comment",
                "isMultiline": True,
                "isRequired": True,
            },
            {
                "@type": "MultichoiceInput",
                "id": "mood",
                "title": "Mood",
                "choices": [{"display": "Good", "value": "1"}, {"display": "Bad", "value": "2"}],
            },
            {"@type": "DateInput", "id": "due", "title": "Due"},
        ],
        "actions": [
            {
                "@type": "HttpPOST",
                "name": "Say it",
                "target": f"{stub.url}/say?m={{{{mood.value}}}}",
                "body": '{"text": "{{text.value}}", "due": "{{due.value}}"}',
            }
        ],
    }
    link = buttons(send(forever, action))["Comment"]
    page = operator.get(link).content.decode()
    assert "<textarea" in page
    assert 'type="date"' in page
    assert "<select" in page
    assert operator.post(link, {"mood": "1"}).status_code == 422
    operator.post(link, {"text": 'She said "oil"', "mood": "2", "due": "2026-03-14"})
    services.work()
    [call] = stub.calls
    assert call.body == {"text": 'She said "oil"', "due": "2026-03-14"}
    assert call.query == {"m": "2"}


def test_every_kind_of_input_is_asked_for_checked_and_sent_on(
    forever: Connector, stub: StubServer, operator: Client
) -> None:
    stub.on("POST", "/plan", {})
    choices = [{"display": name, "value": name.lower()} for name in ("Web", "Api", "Docs")]
    action = {
        "@type": "ActionCard", "name": "Plan",
        "inputs": [
            {"@type": "TextInput", "id": "title", "title": "Title", "maxLength": 10, "isRequired": "true"},
            {"@type": "DateInput", "id": "when", "title": "When", "includeTime": True, "value": "2026-03-14T09:30:00Z"},
            {"@type": "MultichoiceInput", "id": "parts", "title": "Parts", "isMultiSelect": True, "style": "expanded",
             "isRequired": True, "choices": choices, "value": "web;docs"},
        ],
        "actions": [{"@type": "HttpPOST", "name": "Plan", "target": f"{stub.url}/plan",
                     "body": '{"title": "{{title.value}}", "when": "{{when.value}}", "parts": "{{parts.value}}"}'}],
    }  # fmt: skip
    link = buttons(send(forever, action))["Plan"]
    page = operator.get(link).content.decode()
    assert 'maxlength="10"' in page
    assert 'type="datetime-local"' in page
    assert 'value="2026-03-14T09:30"' in page
    assert page.count('type="checkbox"') == 3
    assert page.count(" checked") == 2
    for wrong, words in (
        ({"title": "x" * 11, "parts": "web"}, "may have 10 characters"),
        ({"title": "x", "parts": "nothing of these"}, "is one of: Web, Api, Docs"),
        ({"title": "x"}, "“Parts” is needed"),
        ({"title": "x", "parts": "web", "when": "soon"}, "is a time such as"),
    ):
        answer = operator.post(link, wrong)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    operator.post(link, {"title": "Paint", "when": "2026-03-14T10:00", "parts": ["docs", "web"]})
    services.work()
    [call] = stub.calls
    assert call.body == {"title": "Paint", "when": "2026-03-14T10:00:00", "parts": "web;docs"}


def test_a_form_is_sent_as_a_form(forever: Connector, stub: StubServer, operator: Client) -> None:
    stub.on("POST", "/say", {})
    action = {
        "@type": "ActionCard", "name": "Say", "inputs": [{"@type": "TextInput", "id": "text", "title": "Text"}],
        "actions": [{"@type": "HttpPOST", "name": "Say", "target": f"{stub.url}/say", "body": "text={{text.value}}&by=teams",
                     "bodyContentType": "application/x-www-form-urlencoded"}],
    }  # fmt: skip
    link = buttons(send(forever, action))["Say"]
    operator.post(link, {"text": "oil & paint=both"})
    services.work()
    assert stub.calls[0].body == {"text": "oil & paint=both", "by": "teams"}


def test_a_refusal_of_the_tool_is_shown(forever: Connector, stub: StubServer, operator: Client) -> None:
    stub.on("POST", "/approve", lambda call: Answer(403, {}, {"CARD-ACTION-STATUS": "Only Ada may."}))
    link = buttons(send(forever, approve(stub)))["Approve"]
    operator.post(link)
    services.work()
    assert "Only Ada may." in operator.get(link).content.decode()


def test_a_button_without_a_web_address_is_dropped_with_a_warning(forever: Connector) -> None:
    delivery = send(forever, {"@type": "HttpPOST", "name": "Odd", "target": "ftp://x/y"})
    assert buttons(delivery) == {}
    assert "Odd" in Event.objects.latest("pk").reason


def test_with_buttons_off_nothing_is_kept(forever: Connector, stub: StubServer) -> None:
    forever.action_policy = ActionPolicy.OFF
    forever.save()
    assert buttons(send(forever, approve(stub))) == {}
    assert not OfferedCall.objects.exists()


def test_a_replay_has_a_fresh_link(forever: Connector, stub: StubServer, operator: Client) -> None:
    stub.on("POST", "/approve", {})
    first = buttons(send(forever, approve(stub)))["Approve"]
    [again] = replay_event(Event.objects.latest("pk"))
    second = buttons(again)["Approve"]
    assert first != second
    operator.post(second)
    services.work()
    assert ActionRun.objects.get().status == ActionRun.Status.DONE


def test_a_private_address_is_refused(forever: Connector, settings: Any, operator: Client) -> None:
    settings.DESTINATION_ALLOW = []
    action = {"@type": "HttpPOST", "name": "Probe", "target": "http://169.254.169.254/latest/meta-data"}
    link = buttons(send(forever, action))["Probe"]
    operator.post(link)
    services.work()
    run = ActionRun.objects.get()
    assert run.status == ActionRun.Status.FAILED
    assert "private" in run.outcome
