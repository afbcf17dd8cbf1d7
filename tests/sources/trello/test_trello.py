"""Trello passes the suite, and tells the many kinds of updateCard apart."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from apps.sources.catalog.trello import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.source import Context
from apps.sources.testing import SourceConformance, outcomes


class TestTrello(SourceConformance):
    source = SOURCE


def http(action: dict[str, object], **model: object) -> Http:
    body = {"action": {"id": "1", "date": "2026-03-14T09:26:53.000Z", **action}, "model": model}
    return Http(headers=Headers({"content-type": "application/json"}), body=json.dumps(body).encode())


def test_trello_is_answered_when_it_asks_by_head() -> None:
    reply = SOURCE.handshake(Http(method="HEAD"), Context())
    assert reply is not None
    assert reply.status == 200


def test_the_signature_is_the_one_that_trello_documents() -> None:
    request = Http(body=b'{"action":{"type":"updateCard"}}', url="https://example.com/hooks/trello")
    signed = SOURCE.schemes[0].sign(request, "secret", dt.datetime.now(dt.UTC))
    assert signed.headers["x-trello-webhook"] == "igHLs/nxvH9/+Rap2m5ufB5tMIo="


@pytest.mark.parametrize(
    "old, card, name",
    [
        ({"idList": "1"}, {}, "card.moved"),
        ({"closed": False}, {"closed": True}, "card.archived"),
        ({"closed": True}, {"closed": False}, "card.unarchived"),
        ({"due": None, "pos": 3}, {"due": "2026-03-20T11:00:00.000Z"}, "card.due"),
        ({"pos": 3}, {}, "card.reordered"),
        ({"somethingNew": 1}, {}, "card.updated"),
        ({}, {}, "card.updated"),
    ],
)
def test_a_changed_card_is_named_after_what_changed(
    old: dict[str, object], card: dict[str, object], name: str
) -> None:
    data = {"old": old, "card": {"id": "c", "name": "Tides", **card}}
    (found,) = outcomes(SOURCE, http({"type": "updateCard", "data": data}))
    assert found.event.name == name


def test_an_action_that_trello_invents_tomorrow_still_makes_a_card() -> None:
    data = {"card": {"id": "c", "name": "Tides", "shortLink": "x"}, "rocket": {"name": "Saturn"}}
    (found,) = outcomes(SOURCE, http({"type": "launchRocketFromCard", "data": data}))
    assert found.outcome == "ok"
    assert found.notification is not None
    assert "Tides" in getattr(found.notification, "title", "")
