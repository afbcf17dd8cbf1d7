"""Bitbucket Cloud's API: pull requests and webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from apps.sources import registry
from apps.sources.api import Api
from apps.sources.hooks import HookPlan, differences
from apps.sources.sdk import Act, ActionError
from tests.vendors.offers import check_offers
from tests.vendors.stub import Answer, Call, StubServer

SOURCE = registry.get("bitbucket")
P = "/2.0/repositories/octo/hello"
PULL = {
    "id": 12,
    "title": "Oil",
    "state": "OPEN",
    "links": {"html": {"href": "https://bitbucket.org/octo/hello/pull-requests/12"}},
    "destination": {
        "branch": {"default_merge_strategy": "squash", "merge_strategies": ["merge_commit", "squash"]}
    },
}
AT = {"repo": "octo/hello", "number": "12"}


@pytest.fixture
def bitbucket(stub: StubServer) -> Api:
    stub.on("GET", f"{P}/pullrequests/12", PULL)
    stub.on("POST", f"{P}/pullrequests/12/(comments|approve|request-changes|merge|decline)", {})
    return stub.api("bitbucket", "access_token", "/2.0", token="t")


def act(api: Api, action: str, params: dict[str, str], **inputs: str) -> Any:
    return SOURCE.actions.run(action, Act(api, params, inputs, who="@{Grace}"))


def test_who_it_is_and_what_it_lacks(bitbucket: Api, stub: StubServer) -> None:
    scopes = {"X-OAuth-Scopes": "pullrequest:write, repository"}
    stub.on("GET", "/2.0/user", lambda call: Answer(200, {"display_name": "Robot"}, scopes))
    standing = SOURCE.check_account(bitbucket)
    assert (standing.who, standing.lacks) == ("Robot", ("the scope for webhooks",))
    stub.on("GET", "/2.0/user", {"error": {"message": "no user"}}, status=403)
    assert SOURCE.check_account(bitbucket).who == "an access token"


def test_pull_requests_are_told_approved_merged_and_declined(bitbucket: Api, stub: StubServer) -> None:
    act(bitbucket, "comment", AT, text="Fine")
    assert stub.made("POST", ".*comments")[0].body == {
        "content": {"raw": "Fine\n\n— Grace, from Microsoft Teams"}
    }
    assert act(bitbucket, "approve", AT).title == "Approved"
    assert act(bitbucket, "request_changes", AT).title == "Changes requested"
    seen = SOURCE.actions.look("merge", Act(bitbucket, AT))
    assert seen.choices["strategy"] == (("merge_commit", "Merge commit"), ("squash", "Squash"))
    assert seen.defaults == {"strategy": "squash"}
    act(bitbucket, "merge", AT, strategy="squash")
    assert stub.made("POST", ".*merge")[0].body["merge_strategy"] == "squash"
    assert act(bitbucket, "decline", AT).title == "Declined"
    stub.on("GET", f"{P}/pullrequests/12", {**PULL, "state": "MERGED"})
    assert act(bitbucket, "merge", AT).title == "Merged already"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_refusals_carry_bitbuckets_words(bitbucket: Api, stub: StubServer, status: int) -> None:
    stub.fail(
        "POST",
        ".*merge",
        status,
        {"type": "error", "error": {"message": "You can't merge", "detail": "yet."}},
    )
    with pytest.raises(ActionError, match="You can't merge yet"):
        act(bitbucket, "merge", AT)


def test_a_repository_leads_nowhere_else(bitbucket: Api, stub: StubServer) -> None:
    with pytest.raises(ActionError):
        act(bitbucket, "approve", {"repo": "octo/..", "number": "1"})
    assert not stub.calls


def test_offers_never_fail_and_fit_the_state() -> None:
    found = check_offers(SOURCE)
    assert [ref.action for ref in found["pull_request.created"]][:2] == ["comment", "approve"]
    assert [ref.action for ref in found["pull_request.merged"]] == ["comment"]


def test_a_hook_is_made_found_and_mended(bitbucket: Api, stub: StubServer) -> None:
    hooks, place = SOURCE.hooks, {"place": "octo/hello"}
    assert hooks is not None
    there: dict[str, Any] = {}

    def one(call: Call) -> Answer:
        if not there:
            return Answer(404, {"error": {"message": "gone"}})
        if call.method == "DELETE":
            there.clear()
            return Answer(204)
        if call.method == "PUT":
            there.update(call.body)
        return Answer(200, dict(there))

    def create(call: Call) -> Answer:
        there.update({**call.body, "uuid": "{u-1}", "secret_set": bool(call.body.pop("secret", ""))})
        return Answer(201, dict(there))

    stub.on("GET", f"{P}/hooks", lambda call: {"values": [dict(there)] if there else []})
    stub.on("POST", f"{P}/hooks", create)
    for method in ("GET", "PUT", "DELETE"):
        stub.on(method, rf"{P}/hooks/%7Bu-1%7D", one)
    events = hooks.events(
        ["pull_request.created", "pull_request.merged", "repo.push", "issue.created", "pipeline.run"]
    )
    assert events == ("issue:created", "pullrequest:created", "pullrequest:fulfilled", "repo:push")
    plan = HookPlan("https://c.example.com/hooks/x", "hush", events)
    made = hooks.create(bitbucket, place, plan)
    assert differences(plan, made) == ()
    there.update(active=False, events=["repo:push"])
    drifted = hooks.read(bitbucket, place, made.id)
    assert drifted is not None
    assert {each.what for each in differences(plan, drifted)} == {"Active", "Events"}
    assert differences(plan, hooks.update(bitbucket, place, made.id, plan)) == ()
    assert hooks.find(bitbucket, place, plan.url) is not None
    hooks.delete(bitbucket, place, made.id)
    assert hooks.read(bitbucket, place, made.id) is None
