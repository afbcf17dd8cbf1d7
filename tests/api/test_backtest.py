"""By REST: a subscription tried on stored events, and a stored event previewed with a verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.api.models import ApiToken
from apps.connectors.models import Connector, Subscription
from apps.inbound.models import Event
from tests.inbound.test_backtest import connector, take_in

pytestmark = pytest.mark.django_db
__all__ = ["connector"]
NO_BOTS = {"field": "bot", "op": "is_not", "value": "true"}


def call(path: str, body: object, role: str = "viewer", method: str = "POST") -> tuple[int, Any]:
    answer = Client().generic(
        method, f"/api/v1/{path}", json.dumps(body), content_type="application/json",
        headers={"Authorization": f"Bearer {ApiToken.issue(role, role)}"},
    )  # fmt: skip
    return answer.status_code, answer.json()


def test_a_change_is_compared_with_what_is_saved(connector: Connector) -> None:
    for sender in ("ada", "renovate[bot]"):
        take_in(connector, "The door squeaks", sender)
    row = Subscription.objects.get()
    status, found = call("subscriptions/backtest/", {"subscription": row.public_id, "filters": [NO_BOTS]})
    assert status == 200
    assert (found["total"], found["checked"], found["complete"], found["compared"]) == (2, 2, True, True)
    assert (found["sent"], found["dropped"], found["sent_before"], found["newly_dropped"]) == (1, 1, 2, 1)
    row.refresh_from_db()
    assert row.filters == []


def test_a_new_subscription_and_other_options_are_tried(connector: Connector) -> None:
    take_in(connector, "The door squeaks", "renovate[bot]")
    body: dict[str, Any] = {"connector": connector.public_id, "events": ["issues"], "limit": 1}
    assert call("subscriptions/backtest", body)[1]["sent"] == 1
    found = call("subscriptions/backtest/", {**body, "options": {"ignore_bots": True}})[1]
    assert (found["sent"], found["compared"]) == (0, False)
    found = call("subscriptions/backtest/", {**body, "filters": [{"field": "labelz", "value": "x"}]})[1]
    assert "Did you mean “labels”?" in found["hints"][0]


@pytest.mark.parametrize(
    "change, status, words",
    [
        ({"connector": None}, 400, "Give “subscription”"),
        ({"connector": "nobody"}, 404, "no connector"),
        ({"subscription": "nobody"}, 404, "no subscription"),
        ({"days": 0}, 400, "“days” is a number from 1 to 90"),
        ({"limit": 5000}, 400, "“limit” is a number from 1 to 2,000"),
        ({"cursor": "x"}, 400, "“cursor” is what the answer before gave"),
        ({"events": ["nothing.there"]}, 400, "No event of GitHub is called"),
        ({"filters": [{"field": "severity", "op": "at_least", "value": "high"}]}, 400, "severity is one of"),
        ({"options": {"nothing": 1}}, 400, "no option “nothing”"),
    ],
)
def test_what_is_wrong_is_named(
    connector: Connector, change: dict[str, Any], status: int, words: str
) -> None:
    answer, problem = call("subscriptions/backtest/", {"connector": connector.public_id, **change})
    assert answer == status
    assert words in problem["detail"]


def test_the_rest_is_asked_for_with_the_cursor(connector: Connector) -> None:
    for number in range(3):
        take_in(connector, f"Door {number}")
    body: dict[str, Any] = {"connector": connector.public_id, "events": ["*"], "limit": 2}
    found = call("subscriptions/backtest/", body)[1]
    assert (found["checked"], found["total"]) == (2, 2)
    rest = call("subscriptions/backtest/", {**body, "cursor": found["cursor"]})[1]
    assert (rest["checked"], rest["cursor"]) == (1, None)


def test_a_stored_event_is_previewed_with_a_verdict(connector: Connector) -> None:
    take_in(connector, "The door squeaks", "renovate[bot]")
    event = Event.objects.get().public_id
    status, found = call("preview/", {"event": event, "filters": [NO_BOTS], "events": ["issues"]})
    assert status == 200
    (shown,) = found["events"]
    assert (shown["type"], shown["outcome"], shown["verdict"]["matched"]) == ("issues.opened", "ok", False)
    assert "it is true" in shown["verdict"]["words"]
    assert "The door squeaks" in shown["summary"]
    assert (shown["bytes"] < shown["budget"], shown["lint"]) == (True, [])
    (shown,) = call("preview/", {"event": event, "options": {"ignore_bots": True}})[1]["events"]
    assert (shown["outcome"], shown["card"], shown["verdict"]) == ("ignored", None, None)
    assert call("preview/", {"event": "nobody"})[0] == 404


def test_filters_with_all_their_parts_are_kept_by_a_subscription(connector: Connector) -> None:
    row = Subscription.objects.get()
    wanted = [{"field": "branch", "op": "matches", "value": ["main"], "missing": "pass"}]
    _, found = call(f"subscriptions/{row.public_id}/", {"filters": wanted}, "admin", "PATCH")
    assert found["filters"] == wanted
