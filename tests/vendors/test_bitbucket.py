"""Bitbucket Cloud's API: signing in, pull requests and webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from apps.sources import registry
from apps.sources.api import Api, ApiError
from apps.sources.hooks import HookPlan, Hooks, differences
from apps.sources.sdk import Act, ActionError
from tests.vendors.offers import check_offers
from tests.vendors.stub import Answer, Call, StubServer

SOURCE = registry.get("bitbucket")
P = "/2.0/repositories/octo/hello"
PAGE = "https://bitbucket.org/octo/hello/pull-requests/12"
HEAD = "0123456789ab"
PULL: dict[str, Any] = {
    "id": 12, "title": "Oil", "state": "OPEN", "links": {"html": {"href": PAGE}}, "source": {"commit": {"hash": HEAD}},
    "destination": {"branch": {"default_merge_strategy": "squash", "merge_strategies": ["merge_commit", "squash"]}},
}  # fmt: skip
AT = {"repo": "octo/hello", "number": "12"}
URL = "https://c.example.com/hooks/x"


@pytest.fixture
def api(stub: StubServer) -> Api:
    stub.on("GET", f"{P}/pullrequests/12", PULL)
    stub.on("POST", f"{P}/pullrequests/12/(approve|request-changes|merge|decline)", {})
    stub.on(
        "POST",
        f"{P}/pullrequests/12/comments",
        {"links": {"html": {"href": f"{PAGE}/_/diff#comment-5"}}},
        status=201,
    )
    stub.on("DELETE", f"{P}/pullrequests/12/approve", Answer(204))
    return stub.api("bitbucket", "access_token", "/2.0", token="t")


def act(api: Api, action: str, params: dict[str, str] | None = None, **inputs: str) -> Any:
    return SOURCE.actions.run(action, Act(api, params or AT, inputs, who="@{Grace}\nHopper"))


def refused(message: str, **more: object) -> dict[str, object]:
    return {"type": "error", "error": {"message": message, **more}}


def test_an_api_token_signs_in_with_the_e_mail_address(stub: StubServer) -> None:
    scopes = {"X-OAuth-Scopes": "read:user:bitbucket, write:pullrequest:bitbucket, write:webhook:bitbucket"}
    stub.on("GET", "/2.0/user", Answer(200, {"display_name": "Robot"}, scopes))
    api = stub.api("bitbucket", "api_token", "/2.0", email="robot@octo.example", token="t")
    standing = SOURCE.check_account(api)
    assert (standing.who, standing.lacks) == ("Robot", ())
    assert standing.may == ("comment on, approve and merge pull requests", "look after webhooks")
    assert stub.calls[0].headers["authorization"] == "Basic cm9ib3RAb2N0by5leGFtcGxlOnQ="


def test_missing_scopes_are_told_also_by_a_refusal(api: Api, stub: StubServer) -> None:
    stub.on(
        "GET", "/2.0/user", Answer(200, {"display_name": "Robot"}, {"X-OAuth-Scopes": "pullrequest:write"})
    )
    assert SOURCE.check_account(api).lacks == ("the scope webhook, to look after webhooks",)
    detail = {"required": ["account"], "granted": ["webhook", "pullrequest"]}
    stub.on("GET", "/2.0/user", refused("no scope", detail=detail), status=403)
    standing = SOURCE.check_account(api)
    assert (standing.who, standing.may) == ("an access token", ("look after webhooks",))
    assert "pullrequest:write" in standing.lacks[0]
    stub.on("GET", "/2.0/user", refused("no user"), status=403)
    assert SOURCE.check_account(api).lacks == ()


def test_wrong_credentials_are_refused(api: Api, stub: StubServer) -> None:
    stub.on("GET", "/2.0/user", Answer(401, ""))
    with pytest.raises(ApiError) as caught:
        SOURCE.check_account(api)
    assert caught.value.code == "api_unauthorized"


def test_app_passwords_are_told_to_have_ended() -> None:
    assert "App passwords ended" in SOURCE.account_kinds[0].help


def test_a_comment_says_for_whom_and_leads_to_itself(api: Api, stub: StubServer) -> None:
    done = act(api, "comment", text="Fine")
    assert stub.made("POST", ".*comments")[0].body == {
        "content": {"raw": "Fine\n\n— Grace Hopper, from Microsoft Teams"}
    }
    assert done.subject.url == f"{PAGE}/_/diff#comment-5"
    assert (done.container.title, done.container.url) == ("octo/hello", "https://bitbucket.org/octo/hello")


def test_reviews_are_given_once_and_taken_back(api: Api, stub: StubServer) -> None:
    assert act(api, "approve").title == "Approved"
    assert act(api, "request_changes").title == "Changes requested"
    stub.fail("POST", ".*/approve", 409, refused("You already approved this pull request."))
    assert "already" in act(api, "approve").title
    assert act(api, "unapprove").title == "Approval taken back"
    stub.fail("DELETE", ".*/approve", 404, refused("You haven't approved this pull request."))
    assert act(api, "unapprove").title == "The account had not approved it"


def test_a_merge_is_of_the_commit_that_was_shown(api: Api, stub: StubServer) -> None:
    seen = SOURCE.actions.look("merge", Act(api, AT))
    assert seen.choices["strategy"] == (("merge_commit", "Merge commit"), ("squash", "Squash"))
    assert seen.defaults == {"strategy": "squash", "commit": HEAD}
    assert act(api, "merge", commit=HEAD + "c" * 28).title == "Merged"
    act(api, "merge", strategy="squash", close_branch="true")
    first, second = (call.body for call in stub.made("POST", ".*merge"))
    assert first == {"type": "pullrequest"}
    assert second == {"type": "pullrequest", "merge_strategy": "squash", "close_source_branch": True}
    with pytest.raises(ActionError, match="pushed meanwhile"):
        act(api, "merge", commit="f" * 12)


@pytest.mark.parametrize(
    "status, words", [(409, "conflicts"), (555, "Look there in a minute"), (400, "conflicts"), (500, "fails")]
)
def test_why_it_is_not_merged_is_told(api: Api, stub: StubServer, status: int, words: str) -> None:
    stub.fail("POST", ".*merge", status, refused("It has conflicts."))
    with pytest.raises(ActionError, match=words):
        act(api, "merge")


def test_what_is_closed_is_left_alone(api: Api, stub: StubServer) -> None:
    assert act(api, "decline").title == "Declined"
    stub.on("GET", f"{P}/pullrequests/12", {**PULL, "state": "MERGED"})
    assert act(api, "merge").title == "It was merged already"
    for action in ("approve", "request_changes", "decline"):
        with pytest.raises(ActionError, match="It is merged"):
            act(api, action)
    stub.on("GET", f"{P}/pullrequests/12", {**PULL, "state": "DECLINED"})
    assert act(api, "decline").title == "It was declined already"
    assert len(stub.made("POST", ".*")) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_refusals_carry_bitbuckets_words(api: Api, stub: StubServer, status: int) -> None:
    stub.fail("POST", ".*comments", status, refused("Bad thing", fields={"content": ["is required"]}))
    with pytest.raises(ActionError, match="Bad thing content: is required"):
        act(api, "comment", text="x")


def test_the_scope_that_is_missing_is_named(api: Api, stub: StubServer) -> None:
    detail = {"required": ["pullrequest:write"], "granted": ["pullrequest"]}
    stub.fail("POST", ".*approve", 403, refused("Your credentials lack a scope.", detail=detail))
    with pytest.raises(ActionError, match=r"lack a scope\. Needed: pullrequest:write\."):
        act(api, "approve")


@pytest.mark.parametrize("repo", ["octo/..", "octo", "octo/hello/more"])
def test_a_repository_leads_nowhere_else(api: Api, stub: StubServer, repo: str) -> None:
    with pytest.raises(ActionError):
        act(api, "approve", {"repo": repo, "number": "1"})
    assert not stub.calls


@pytest.mark.parametrize(
    "text, params", [("octo/hello#12", AT), (PAGE, AT), (f"{PAGE}/overview", AT), ("hello#12", None)]
)
def test_targets_of_commands(text: str, params: dict[str, str] | None) -> None:
    assert SOURCE.actions.spec("merge").match(text) == params


def test_offers_never_fail_and_fit_the_state() -> None:
    found = {name: [ref.action for ref in refs] for name, refs in check_offers(SOURCE).items()}
    assert found["pull_request.created"] == ["comment", "approve", "merge", "request_changes"]
    assert found["pull_request.merged"] == ["comment"]
    assert found["pull_request.declined"] == ["comment"]
    assert not {"repo.push", "issue.created", "commit_status.created"} & set(found)


@pytest.fixture
def hooks() -> Hooks:
    assert SOURCE.hooks is not None
    return SOURCE.hooks


@pytest.fixture
def there(stub: StubServer) -> dict[str, Any]:
    """The one webhook that the stub keeps, for a Bitbucket that does not know all events."""
    row: dict[str, Any] = {}
    known = ["repo:push", "pullrequest:created", "pullrequest:fulfilled"]

    def one(call: Call) -> Answer:
        if call.method == "POST":
            row["uuid"] = "{u-1}"
        elif not row:
            return Answer(404, refused("gone"))
        if call.method == "DELETE":
            row.clear()
            return Answer(204)
        if call.method in ("POST", "PUT"):
            row.update(call.body)
        shown = {key: value for key, value in row.items() if key != "secret"}
        return Answer(201 if call.method == "POST" else 200, {**shown, "secret_set": "secret" in row})

    def listed(call: Call) -> dict[str, Any]:
        if call.query.get("page") == "2":
            return {"values": [row]}
        return {"values": [{"url": "https://other.example.com"}], "next": f"{stub.url}{call.path}?page=2"}

    for base in (f"{P}/hooks", "/2.0/workspaces/octo/hooks"):
        stub.on("GET", base, listed)
        stub.on("POST", base, one)
        for method in ("GET", "PUT", "DELETE"):
            stub.on(method, rf"{base}/%7Bu-1%7D", one)
    stub.on("GET", "/2.0/hook_events/(repository|workspace)", {"values": [{"event": key} for key in known]})
    return row


PLACE = {"place": "octo/hello"}
NAMES = ["pull_request.created", "pull_request.merged", "repo.push", "issue.created", "pipeline.run"]


def plan_for(hooks: Hooks, *more: str) -> HookPlan:
    return HookPlan(URL, "hush", hooks.events([*NAMES, *more]))


@pytest.mark.parametrize(
    "place, page",
    [
        ("octo/hello", "octo/hello/admin/webhooks"),
        ("https://bitbucket.org/octo/hello/src/main/", "octo/hello/admin/webhooks"),
        ("octo", "octo/workspace/settings/webhooks"),
        ("https://bitbucket.org/octo/workspace/overview", "octo/workspace/settings/webhooks"),
    ],
)
def test_a_hook_is_made_found_and_taken_away(
    hooks: Hooks, api: Api, there: dict[str, Any], place: str, page: str
) -> None:
    plan, where = plan_for(hooks), {"place": place}
    assert plan.events == ("pullrequest:created", "pullrequest:fulfilled", "repo:push")
    made = hooks.create(api, where, plan)
    assert differences(plan, made) == ()
    assert (there["secret"], there["active"], made.page) == ("hush", True, f"https://bitbucket.org/{page}")
    found = hooks.find(api, where, URL)
    assert found is not None
    assert found.id == "{u-1}"
    hooks.delete(api, where, made.id)
    hooks.delete(api, where, made.id)
    assert hooks.read(api, where, made.id) is None


@pytest.mark.parametrize(
    "drift, what",
    [
        ({"active": False}, "Active"),
        ({"url": "https://c.example.com/y"}, "URL"),
        ({"events": ["repo:push"]}, "Events"),
        ({"secret": None}, "Secret"),
    ],
)
def test_each_drift_is_seen_and_mended(
    hooks: Hooks, api: Api, there: dict[str, Any], drift: dict[str, Any], what: str
) -> None:
    plan = plan_for(hooks)
    made = hooks.create(api, PLACE, plan)
    there.update(drift)
    if what == "Secret":
        del there["secret"]
    found = hooks.read(api, PLACE, made.id)
    assert found is not None
    assert [each.what for each in differences(plan, found)] == [what]
    assert differences(plan, hooks.update(api, PLACE, made.id, plan)) == ()


def test_what_a_person_ticked_beside_it_stays(hooks: Hooks, api: Api, there: dict[str, Any]) -> None:
    plan = plan_for(hooks)
    made = hooks.create(api, PLACE, plan)
    there["events"] = [*there["events"], "pipeline:span_created", "issue:created"]
    found = hooks.read(api, PLACE, made.id)
    assert found is not None
    assert differences(plan, found) == ()
    hooks.update(api, PLACE, made.id, plan)
    assert {"pipeline:span_created", "issue:created"} < set(there["events"])


def test_an_event_that_bitbucket_does_not_know_is_left_out_and_told(
    hooks: Hooks, api: Api, stub: StubServer, there: dict[str, Any]
) -> None:
    plan = plan_for(hooks, "repo.forked")
    [left] = differences(plan, hooks.create(api, PLACE, plan))
    assert (left.what, left.ours) == ("Events", "also repo:fork")
    stub.fail("GET", "/2.0/hook_events/repository", 404)
    assert differences(plan, hooks.update(api, PLACE, "{u-1}", plan)) == ()


@pytest.mark.parametrize("place", ["", "a/b/c", "octo/..", "https://bitbucket.org/"])
def test_a_place_that_is_none_is_told(hooks: Hooks, api: Api, stub: StubServer, place: str) -> None:
    with pytest.raises(ActionError, match="workspace/name"):
        hooks.find(api, {"place": place}, URL)
    assert not stub.calls
