"""The pretend Teams answers as Workflows does, and shows what was posted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from apps.cards.envelope import envelope
from apps.sandbox import services
from apps.sandbox.flow import Run
from apps.sandbox.models import SandboxCard, SandboxChannel

pytestmark = pytest.mark.django_db
CARD: dict[str, Any] = {
    "type": "AdaptiveCard",
    "version": "1.4",
    "body": [{"type": "TextBlock", "text": "Hello", "wrap": True}],
}


@pytest.fixture(autouse=True)
def on(settings: Settings) -> None:
    settings.SANDBOX_ENABLED = True
    settings.PUBLIC_URL = "http://127.0.0.1:8000"


@pytest.fixture
def channel() -> SandboxChannel:
    return services.put_channel("General", "make sample")


def path(channel: SandboxChannel) -> str:
    return services.webhook_url(channel).removeprefix("http://127.0.0.1:8000")


def post(client: Client, channel: SandboxChannel, body: object, **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path(channel), data, content_type="application/json", headers=headers)


def test_a_card_in_an_envelope_is_accepted_and_shown(client: Client, channel: SandboxChannel) -> None:
    answer = post(client, channel, envelope(CARD))
    assert (answer.status_code, answer.content) == (202, b"")
    found = client.get("/sandbox/feed", {"channel": channel.public_id}).json()["cards"]
    assert [each["card"] for each in found] == [CARD]
    assert found[0]["problem"] == ""
    again = client.get("/sandbox/feed", {"channel": channel.public_id, "after": found[0]["id"]}).json()
    assert again["cards"] == []


@pytest.mark.parametrize(
    "body, problem",
    [
        (CARD, "no_attachments"),
        ({"text": "hello"}, "no_attachments"),
        ({"attachments": []}, "no_attachments"),
        ({"attachments": [{"contentType": "text/plain", "content": "x"}]}, "not_adaptive"),
        (
            {
                "attachments": [
                    {"contentType": "application/vnd.microsoft.card.adaptive", "content": {"type": "Hero"}}
                ]
            },
            "not_a_card",
        ),
        (
            {
                "attachments": [
                    {
                        "contentType": "application/vnd.microsoft.card.adaptive",
                        "content": {**CARD, "body": [{"type": "TextBlock", "text": "x" * 30_000}]},
                    }
                ]
            },
            "too_big",
        ),
    ],
)
def test_a_message_that_fails_in_the_flow_is_answered_202_all_the_same(
    client: Client, channel: SandboxChannel, body: object, problem: str
) -> None:
    assert post(client, channel, body).status_code == 202
    row = SandboxCard.objects.get()
    assert (row.problem, row.content) == (problem, "")
    assert row.message


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b"[]", b"NaN"])
def test_a_body_that_is_no_json_object_is_refused(
    client: Client, channel: SandboxChannel, body: bytes
) -> None:
    answer = post(client, channel, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("InvalidRequestContent", "TriggerInputSchemaMismatch")


def test_an_authorization_header_is_refused_as_power_automate_does(
    client: Client, channel: SandboxChannel
) -> None:
    answer = post(client, channel, envelope(CARD), Authorization="Bearer x")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "DirectApiRequestHasMoreThanOneAuthorization"


def test_a_cut_or_forged_url_is_refused(client: Client, channel: SandboxChannel) -> None:
    whole = path(channel)
    cut = client.post(whole.split("?")[0], b"{}", content_type="application/json")
    assert cut.json()["error"]["code"] == "MissingApiVersionParameter"
    forged = client.post(whole[:-2] + "zz", b"{}", content_type="application/json")
    assert (forged.status_code, SandboxCard.objects.count()) == (401, 0)
    assert client.get(whole).status_code == 405


def test_the_fifth_request_in_a_second_is_throttled(client: Client, channel: SandboxChannel) -> None:
    statuses = [post(client, channel, envelope(CARD)).status_code for _ in range(6)]
    assert statuses[:4] == [202] * 4
    assert 429 in statuses[4:]


@pytest.mark.parametrize(
    "fault, value, status, shown",
    [("status", 503, 503, 0), ("after", 502, 502, 1), ("throttle", 7, 429, 0), ("words", 0, 200, 0)],
)
def test_a_fault_on_demand_happens_as_often_as_asked(
    client: Client, channel: SandboxChannel, fault: str, value: int, status: int, shown: int
) -> None:
    services.set_fault(channel, fault, value, count=1)
    answer = post(client, channel, envelope(CARD))
    assert (answer.status_code, SandboxCard.objects.count()) == (status, shown)
    if fault == "throttle":
        assert answer.headers["Retry-After"] == "7"
    assert post(client, channel, envelope(CARD)).status_code == 202


def test_the_page_names_the_channel_and_what_to_do_while_it_is_empty(
    client: Client, channel: SandboxChannel
) -> None:
    answer = client.get("/sandbox/")
    assert b"# General" in answer.content
    assert b"make sample" in answer.content
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_faults_and_clearing_are_posts_and_bad_values_are_explained(
    client: Client, channel: SandboxChannel
) -> None:
    post(client, channel, envelope(CARD))
    assert client.get(f"/sandbox/channels/{channel.public_id}/clear").status_code == 405
    client.post(f"/sandbox/channels/{channel.public_id}/clear")
    assert SandboxCard.objects.count() == 0
    bad = client.post(
        f"/sandbox/channels/{channel.public_id}/fault",
        {"fault": "status", "status": "200", "count": "1"},
        follow=True,
    )
    assert b"The status must be one of" in bad.content


def test_only_the_latest_cards_are_kept(channel: SandboxChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "KEPT", 3)
    for number in range(5):
        services.keep(channel, [Run(content=json.dumps({"number": number}))])
    assert [json.loads(each.content)["number"] for each in channel.cards.all()] == [4, 3, 2]


def test_it_is_not_there_unless_it_is_switched_on(
    client: Client, channel: SandboxChannel, settings: Settings
) -> None:
    settings.SANDBOX_ENABLED = False
    assert client.get("/sandbox/").status_code == 404
    assert client.get("/sandbox/feed", {"channel": channel.public_id}).status_code == 404
    assert post(client, channel, envelope(CARD)).status_code == 404


def test_strangers_must_sign_in_when_it_is_reachable_from_elsewhere(
    client: Client, channel: SandboxChannel, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://connectors.example.com"
    assert client.get("/sandbox/").status_code == 302
    assert client.get("/sandbox/feed", {"channel": channel.public_id}).status_code == 401
