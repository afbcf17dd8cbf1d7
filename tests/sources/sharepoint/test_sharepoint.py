"""SharePoint and Microsoft Graph: the handshake, the secret in the body, and thin news."""

from __future__ import annotations

import json

import pytest

from apps.sources.catalog.sharepoint import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.source import Context
from apps.sources.testing import SourceConformance, outcomes
from apps.sources.understand import understand_all


class TestSharePoint(SourceConformance):
    source = SOURCE


@pytest.mark.parametrize("name", ["validationtoken", "validationToken"])
def test_the_token_comes_back_decoded_as_plain_text(name: str) -> None:
    http = Http(query=f"{name}=Validation%3A+Testing+client+%3Cb%3E")
    reply = SOURCE.handshake(http, Context())
    assert reply is not None
    assert (reply.status, reply.body) == (200, "Validation: Testing client <b>")
    assert reply.content_type.startswith("text/plain")
    assert ("X-Content-Type-Options", "nosniff") in reply.headers


def test_an_absurd_token_is_not_echoed() -> None:
    reply = SOURCE.handshake(Http(query="validationToken=" + "x" * 5_000), Context())
    assert reply is not None
    assert reply.status == 400


def test_the_client_state_is_not_stored() -> None:
    body = {"value": [{"clientState": "hush", "resource": "x"}, 7], "validationTokens": ["eyJ"]}
    kept = SOURCE.redact(Http(body=json.dumps(body).encode())).body
    assert b"hush" not in kept
    assert b"eyJ" not in kept
    assert json.loads(kept)["value"][1] == 7


def test_every_notification_of_a_batch_is_an_event() -> None:
    items = [{"changeType": "updated", "resource": f"sites/s/lists/{number}"} for number in range(5)]
    http = Http(headers=Headers({}), body=json.dumps({"value": items}).encode())
    assert [found.event.name for found in outcomes(SOURCE, http)] == ["list.changed"] * 5


def test_the_options_give_words_and_a_page() -> None:
    body = json.dumps({"value": [{"changeType": "updated", "resource": "drives/x/root"}]}).encode()
    options = {"what": "Invoices", "what_url": "https://contoso.sharepoint.com/sites/money"}
    (found,) = understand_all(SOURCE, Http(body=body), Context(options=options))
    assert getattr(found.notification, "title", "") == "Files changed: Invoices"
