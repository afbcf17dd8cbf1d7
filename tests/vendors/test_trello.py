"""Trello's API: cards changed by buttons and commands, webhooks, and what a board did meanwhile."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.sources import registry
from apps.sources.api import Api, ApiError
from apps.sources.hooks import HookPlan, differences
from apps.sources.sdk import Act, ActionError
from tests.vendors.offers import check_offers
from tests.vendors.stub import Answer, Call, StubServer

SOURCE = registry.get("trello")
CARD = {"id": "c" * 24, "name": "Paint the door", "closed": False, "idBoard": "b" * 24, "idList": "l1",
        "shortUrl": "https://trello.com/c/aBcD1234"}  # fmt: skip
BOARD = {"id": "b" * 24, "name": "House", "shortUrl": "https://trello.com/b/xYz98765"}


@pytest.fixture
def trello(stub: StubServer) -> Api:
    def change(call: Call) -> dict[str, Any]:
        return {**CARD, **call.body, "closed": call.body.get("closed") == "true"}

    stub.on("GET", "/1/cards/aBcD1234", CARD)
    stub.on("PUT", "/1/cards/aBcD1234", change)
    stub.on("POST", "/1/cards/aBcD1234/actions/comments", {"id": "a1"})
    stub.on("POST", "/1/cards", lambda call: {**CARD, "name": call.body["name"]})
    stub.on("GET", "/1/boards/(xYz98765|b+)", BOARD)
    stub.on("GET", "/1/boards/b+/lists", [{"id": "l1", "name": "Doing"}, {"id": "l2", "name": "Done"}])
    return stub.api("trello", "token", "/1", key="k", token="t")


def act(api: Api, action: str, params: dict[str, str], **inputs: str) -> Any:
    return SOURCE.actions.run(action, Act(api, params, inputs, who="@grace"))


OWN: dict[str, Any] = {
    "identifier": "Teams Connectors", "dateExpires": "2027-01-01T00:00:00.000Z",
    "permissions": [{"idModel": "*", "modelType": "Board", "read": True, "write": True},
                    {"idModel": "m1", "modelType": "Member", "read": True, "write": False}],
}  # fmt: skip


def test_the_very_token_is_asked_what_it_may_and_when_it_ends(trello: Api, stub: StubServer) -> None:
    stub.on("GET", "/1/tokens/t", OWN)
    stub.on("GET", "/1/tokens/t/member", {"fullName": "Ada", "username": "ada"})
    standing = SOURCE.check_account(trello)
    assert (standing.who, standing.lacks) == ("Ada (by Teams Connectors)", ())
    assert "change cards" in standing.may
    assert standing.expires_at == dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    assert stub.calls[0].headers["authorization"] == 'OAuth oauth_consumer_key="k", oauth_token="t"'
    assert "token" not in str([call.query for call in stub.calls])


def test_a_refusal_that_names_the_path_does_not_tell_the_token(stub: StubServer) -> None:
    api = stub.api("trello", "token", "/1", key="k", token="ATTA0123456789")
    with pytest.raises(ApiError, match="the stub knows no GET /1/tokens/own") as caught:
        SOURCE.check_account(api)
    assert "ATTA0123456789" not in caught.value.public_message


def test_a_token_that_may_only_read_is_told_what_it_lacks(trello: Api, stub: StubServer) -> None:
    rights = [{"modelType": "Board", "read": True, "write": False},
              {"modelType": "Organization", "read": True, "write": True}]  # fmt: skip
    only = {**OWN, "dateExpires": None, "permissions": rights}
    stub.on("GET", "/1/tokens/t", only)
    stub.on("GET", "/1/tokens/t/member", {"username": "ada"})
    standing = SOURCE.check_account(trello)
    assert standing.expires_at is None
    assert "change cards" not in standing.may
    assert "read,write" in standing.lacks[0]


def test_a_token_that_stands_in_a_path_leads_nowhere_else(stub: StubServer) -> None:
    stub.on("GET", ".*", OWN)
    api = stub.api("trello", "token", "/1", key="k", token="../boards/x?y=")
    SOURCE.check_account(api)
    assert stub.calls[0].path == "/1/tokens/..%2Fboards%2Fx%3Fy%3D"


def test_a_comment_is_added_without_calling_a_member(trello: Api, stub: StubServer) -> None:
    done = act(trello, "comment", {"card": "aBcD1234"}, text="Blue, please")
    assert stub.made("POST", ".*comments")[0].body == {
        "text": "Blue, please\n\n— grace, from Microsoft Teams"
    }
    assert done.subject.url == "https://trello.com/c/aBcD1234"


def test_a_card_is_moved_to_a_list_of_its_board(trello: Api, stub: StubServer) -> None:
    seen = SOURCE.actions.look("move", Act(trello, {"card": "aBcD1234"}))
    assert (seen.state, seen.choices["list"]) == ("Doing", (("l1", "Doing"), ("l2", "Done")))
    assert act(trello, "move", {"card": "aBcD1234"}, list="l2").title == "Moved to Done"


def test_a_card_is_archived_once(trello: Api, stub: StubServer) -> None:
    assert act(trello, "archive", {"card": "aBcD1234"}).title == "Archived"
    stub.on("GET", "/1/cards/aBcD1234", {**CARD, "closed": True})
    assert act(trello, "archive", {"card": "aBcD1234"}).title == "Archived already"
    assert len(stub.made("PUT", ".*")) == 1


def test_a_card_is_created_in_the_first_list(trello: Api, stub: StubServer) -> None:
    act(trello, "create", {"board": "xYz98765"}, name="New")
    assert stub.made("POST", "/1/cards")[0].body["idList"] == "l1"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_refusals_carry_trellos_words(trello: Api, stub: StubServer, status: int) -> None:
    stub.fail("PUT", ".*", status, "invalid value for idList", headers={"Content-Type": "text/plain"})
    with pytest.raises(ActionError, match="invalid value for idList"):
        act(trello, "move", {"card": "aBcD1234"}, list="l9")


def test_offers_never_fail_and_fit_the_card() -> None:
    found = check_offers(SOURCE)
    assert [ref.action for ref in found["card.created"]] == ["comment", "move", "archive"]
    assert [ref.action for ref in found["card.archived"]] == ["comment", "restore"]
    assert "card.deleted" not in found


def test_a_webhook_is_made_found_and_switched_on_again(trello: Api, stub: StubServer) -> None:
    hooks = SOURCE.hooks
    assert hooks is not None
    there: dict[str, Any] = {}

    def create(call: Call) -> dict[str, Any]:
        there.update({**call.body, "id": "w1", "active": True, "consecutiveFailures": 0})
        return there

    def change(call: Call) -> Answer:
        if not there:
            return Answer(404, "The requested resource was not found.")
        if call.method == "PUT":
            there.update({**call.body, "active": call.body["active"] == "true", "consecutiveFailures": 0})
        if call.method == "DELETE":
            there.clear()
        return Answer(200, dict(there))

    stub.on("POST", "/1/webhooks", create)
    for method in ("GET", "PUT", "DELETE"):
        stub.on(method, "/1/webhooks/w1", change)
    stub.on("GET", "/1/tokens/t/webhooks", lambda call: [dict(there)] if there else [])
    plan, place = (
        HookPlan("https://c.example.com/hooks/x", "s"),
        {"board": "https://trello.com/b/xYz98765/house"},
    )
    assert hooks.find(trello, place, plan.url) is None
    stub.on("GET", "/1/boards/other123", {"id": "d" * 24, "name": "Another"})
    made = hooks.create(trello, place, plan)
    assert differences(plan, made) == ()
    found = hooks.find(trello, place, plan.url)
    assert found is not None
    assert hooks.find(trello, {"board": "other123"}, plan.url) is None
    there.update(active=False, consecutiveFailures=1000, firstConsecutiveFailDate="2026-02-14T09:00:00.000Z")
    drifted = hooks.read(trello, place, "w1")
    assert drifted is not None
    assert differences(plan, drifted)[0].theirs == (
        "1000 deliveries in a row failed, since 2026-02-14 09:00 UTC"
    )
    assert differences(plan, hooks.update(trello, place, "w1", plan)) == ()
    hooks.delete(trello, place, "w1")
    assert hooks.read(trello, place, "w1") is None


def test_what_a_board_did_meanwhile_is_taken_in_as_webhooks(trello: Api, stub: StubServer) -> None:
    hooks = SOURCE.hooks
    assert hooks is not None
    action = {
        "id": "a7",
        "type": "createCard",
        "date": "2026-03-14T09:00:00.000Z",
        "data": {"card": CARD, "board": BOARD},
    }
    stub.on("GET", "/1/boards/b+/actions", [action])
    now = dt.datetime(2026, 3, 14, 10, tzinfo=dt.UTC)
    [missed] = hooks.missed(trello, {"board": "xYz98765"}, "w1", now - dt.timedelta(hours=2), now)
    assert missed.id == "a7"
    [call] = stub.made("GET", "/1/boards/b+/actions")
    assert call.query["since"].startswith("2026-03-14T08:00")


def test_more_than_a_page_of_a_board_comes_oldest_first(
    trello: Api, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = SOURCE.hooks
    assert hooks is not None
    monkeypatch.setattr("apps.sources.catalog.trello.hooks.PAGE", 2)
    rows = [
        {"id": f"a{number}", "type": "updateCard", "date": f"2026-03-14T09:0{number}:00.000Z"}
        for number in range(5)
    ]

    def page(call: Call) -> list[dict[str, str]]:
        newest = [row for row in reversed(rows) if row["date"] < call.query["before"]]
        return newest[: int(call.query["limit"])]

    stub.on("GET", "/1/boards/b+/actions", page)
    now = dt.datetime(2026, 3, 14, 10, tzinfo=dt.UTC)
    found = hooks.missed(trello, {"board": "xYz98765"}, "w1", now - dt.timedelta(hours=2), now)
    assert [each.id for each in found] == ["a0", "a1", "a2", "a3", "a4"]
