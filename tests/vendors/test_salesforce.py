"""Salesforce's API: client credentials, a record's feed and fields."""

from __future__ import annotations

from typing import Any

import pytest

from apps.sources import registry
from apps.sources.api import Api
from apps.sources.sdk import Act, ActionError
from tests.vendors.offers import check_offers
from tests.vendors.stub import StubServer

SOURCE = registry.get("salesforce")
D = "/services/data/v60.0"
CASE = {"apiName": "Case", "fields": {"Subject": {"value": "The door squeaks"}, "Status": {"value": "New"}}}
AT = {"record": "5005e00000Bq1ZZAAZ"}


@pytest.fixture
def salesforce(stub: StubServer) -> Api:
    token = {"access_token": "00D!x", "instance_url": f"{stub.url}", "token_type": "Bearer"}
    stub.on("POST", "/services/oauth2/token", token)
    stub.on("GET", f"{D}/ui-api/records/5005e00000Bq1ZZAAZ", CASE)
    stub.on("POST", f"{D}/chatter/feed-elements", {"id": "0D5"}, status=201)
    stub.on("PATCH", f"{D}/sobjects/Case/5005e00000Bq1ZZAAZ", None, status=204)
    return stub.api("salesforce", "client_credentials", client_id="k", client_secret="s")


def act(api: Api, action: str, **inputs: str) -> Any:
    return SOURCE.actions.run(action, Act(api, AT, inputs, who="Grace"))


def test_whom_the_app_runs_as_and_what_it_may(salesforce: Api, stub: StubServer) -> None:
    stub.on("GET", "/services/oauth2/userinfo", {"name": "Integration User"})
    stub.on("GET", f"{D}/limits", {"DailyApiRequests": {"Max": 15000, "Remaining": 14998}})
    stub.on("GET", f"{D}/chatter/users/me", {"name": "Integration User"})
    standing = SOURCE.check_account(salesforce)
    assert (standing.who, standing.lacks) == ("Integration User", ())
    assert standing.may[0] == "use the REST API (14,998 of 15,000 calls left today)"
    assert "post to feeds" in standing.may
    assert stub.calls[-1].headers["authorization"] == "Bearer 00D!x"


@pytest.mark.parametrize(
    "denied, words",
    [
        ("limits", "scope api"),
        ("chatter/users/me", "Chatter"),
    ],
)
def test_what_an_app_lacks_is_named(salesforce: Api, stub: StubServer, denied: str, words: str) -> None:
    # Without the scope openid, the user cannot be asked there; that is no fault.
    stub.on("GET", "/services/oauth2/userinfo", "Bad_OAuth_Token", status=403)
    stub.on("GET", f"{D}/limits", {})
    stub.on("GET", f"{D}/chatter/users/me", {"displayName": "Integration User"})
    stub.on("GET", f"{D}/{denied}", [{"message": "x", "errorCode": "FUNCTIONALITY_NOT_ENABLED"}], status=403)
    standing = SOURCE.check_account(salesforce)
    assert words in " ".join(standing.lacks)
    assert standing.who == ("the app's user" if "chatter" in denied else "Integration User")


def test_a_post_and_a_changed_field(salesforce: Api, stub: StubServer) -> None:
    seen = SOURCE.actions.look("post", Act(salesforce, AT))
    assert (seen.title, seen.state) == ("Case The door squeaks", "New")
    done = act(salesforce, "post", text="Oil it")
    sent = stub.made("POST", ".*feed-elements")[0].body
    assert sent["subjectId"] == AT["record"]
    assert sent["body"]["messageSegments"][0]["text"] == "Oil it\n\n— Grace, from Microsoft Teams"
    assert done.subject.url.endswith("/5005e00000Bq1ZZAAZ")
    act(salesforce, "change", field="Status", value="Closed")
    assert stub.made("PATCH", ".*Case.*")[0].body == {"Status": "Closed"}
    with pytest.raises(ActionError, match="API name"):
        act(salesforce, "change", field="Status/../x", value="1")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_refusals_carry_the_words_of_salesforce(salesforce: Api, stub: StubServer, status: int) -> None:
    stub.fail("PATCH", ".*", status, [{"message": "Status: bad value", "errorCode": "INVALID"}], times=2)
    with pytest.raises(ActionError, match="bad value"):
        act(salesforce, "change", field="Status", value="?")


def test_offers_never_fail() -> None:
    assert [ref.action for ref in check_offers(SOURCE)["case"]] == ["post", "change"]
