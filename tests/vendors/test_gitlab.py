"""GitLab's API: threads, pipelines, webhooks and events that failed."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from apps.sources import registry
from apps.sources.api import Api
from apps.sources.hooks import HookPlan, differences
from apps.sources.sdk import Act, ActionError
from tests.vendors.offers import check_offers
from tests.vendors.stub import Answer, Call, StubServer

SOURCE = registry.get("gitlab")
P = "/api/v4/projects/octo%2Fhello"
THREAD = {
    "iid": 12,
    "title": "The door squeaks",
    "state": "opened",
    "web_url": "https://gitlab.com/octo/hello/-/issues/12",
}
REQUEST = {
    **THREAD,
    "sha": "a" * 40,
    "detailed_merge_status": "mergeable",
    "web_url": "https://gitlab.com/o/h/-/merge_requests/12",
}
ISSUE = {"project": "octo/hello", "kind": "#", "number": "12"}
MERGE = {"project": "octo/hello", "number": "12"}


@pytest.fixture
def gitlab(stub: StubServer) -> Api:
    stub.on("GET", f"{P}/issues/12", THREAD)
    stub.on("PUT", f"{P}/issues/12", lambda call: {**THREAD, "assignees": [{"name": "Ada"}]})
    stub.on("POST", f"{P}/(issues|merge_requests)/12/notes", {"id": 1}, status=201)
    stub.on("GET", f"{P}/merge_requests/12", REQUEST)
    stub.on("PUT", f"{P}/merge_requests/12/merge", {**REQUEST, "state": "merged"})
    stub.on("POST", f"{P}/merge_requests/12/approve", {}, status=201)
    stub.on("GET", f"{P}/labels", [{"name": "bug"}])
    stub.on("GET", f"{P}/members/all", [{"id": 7, "name": "Ada"}])
    stub.on("POST", f"{P}/pipelines/5/retry", {"web_url": "https://gitlab.com/p/5"}, status=201)
    stub.on("POST", f"{P}/jobs/6/play", {"name": "deploy", "web_url": "https://gitlab.com/j/6"})
    stub.on("POST", f"{P}/issues", lambda call: {**THREAD, "iid": 13, "title": call.body["title"]})
    return stub.api("gitlab", "token", token="glpat-x")


def act(api: Api, action: str, params: dict[str, str], **inputs: str) -> Any:
    return SOURCE.actions.run(action, Act(api, params, inputs, who="@Grace"))


def test_who_it_is_what_it_may_and_until_when(gitlab: Api, stub: StubServer) -> None:
    stub.on("GET", "/api/v4/user", {"name": "Robot"})
    stub.on(
        "GET", "/api/v4/personal_access_tokens/self", {"scopes": ["read_api"], "expires_at": "2027-01-31"}
    )
    standing = SOURCE.check_account(gitlab)
    assert (standing.who, standing.may) == ("Robot", ("read_api",))
    assert "scope api" in standing.lacks[0]
    assert standing.expires_at is not None
    assert standing.expires_at.date() == dt.date(2027, 1, 31)
    assert stub.calls[0].headers["private-token"] == "glpat-x"


def test_a_comment_is_no_quick_action_and_mentions_nobody(gitlab: Api, stub: StubServer) -> None:
    act(gitlab, "comment", ISSUE, text="Fine\n/close")
    assert stub.made("POST", ".*notes")[0].body == {"body": "Fine\n\\/close\n\n— Grace, from Microsoft Teams"}


def test_threads_are_turned_labelled_and_assigned(gitlab: Api, stub: StubServer) -> None:
    assert act(gitlab, "close", ISSUE).title == "Closed"
    assert act(gitlab, "reopen", ISSUE).title == "Reopened already"
    assert SOURCE.actions.look("label", Act(gitlab, ISSUE)).choices["label"] == (("bug", "bug"),)
    assert SOURCE.actions.look("assign", Act(gitlab, ISSUE)).choices["person"] == (("7", "Ada"),)
    act(gitlab, "label", ISSUE, label="bug")
    assert act(gitlab, "assign", ISSUE, person="7").title == "Assigned to Ada"
    bodies = [call.body for call in stub.made("PUT", ".*issues/12")]
    assert bodies == [{"state_event": "close"}, {"add_labels": "bug"}, {"assignee_ids": [7]}]


def test_a_merge_is_of_the_commit_that_was_shown(gitlab: Api, stub: StubServer) -> None:
    assert SOURCE.actions.look("merge", Act(gitlab, MERGE)).defaults == {"sha": "a" * 40}
    assert act(gitlab, "merge", MERGE, sha="a" * 40, squash="true").title == "Merged"
    assert stub.made("PUT", ".*merge")[0].body == {"sha": "a" * 40, "squash": True}
    stub.fail("PUT", ".*merge", 409, {"message": "SHA does not match HEAD"})
    with pytest.raises(ActionError, match="nothing was merged"):
        act(gitlab, "merge", MERGE)
    stub.fail("PUT", ".*merge", 405, {"message": "405 Method Not Allowed"})
    with pytest.raises(ActionError, match="does not merge it now"):
        act(gitlab, "merge", MERGE)


def test_the_rest(gitlab: Api) -> None:
    assert act(gitlab, "approve", MERGE).title == "Approved"
    assert (
        act(gitlab, "retry", {"project": "octo/hello", "pipeline": "5"}).title == "Failed jobs are run again"
    )
    assert act(gitlab, "play", {"project": "octo/hello", "job": "6"}).title == "Job started"
    assert act(gitlab, "create", {"project": "octo/hello"}, title="New").subject.title == "#13 New"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 502])
def test_refusals_carry_gitlabs_words(gitlab: Api, stub: StubServer, status: int) -> None:
    stub.fail("POST", ".*notes", status, {"message": {"note": ["can't be blank"]}})
    with pytest.raises(ActionError, match="note can't be blank"):
        act(gitlab, "comment", ISSUE, text="x")


@pytest.mark.parametrize(
    "action, text, params",
    [
        ("close", "octo/hello#12", ISSUE),
        ("close", "octo/sub/hello!3", {"project": "octo/sub/hello", "kind": "!", "number": "3"}),
        ("merge", "https://gitlab.com/octo/hello/-/merge_requests/12", MERGE),
        ("close", "hello", None),
    ],
)
def test_targets_of_commands(action: str, text: str, params: dict[str, str] | None) -> None:
    assert SOURCE.actions.spec(action).match(text) == params


def test_offers_never_fail_and_fit_the_state() -> None:
    found = check_offers(SOURCE)
    assert [ref.action for ref in found["merge_request.opened"]] == ["comment", "approve", "merge", "close"]
    assert "merge" not in [ref.action for ref in found["merge_request.merged"]]
    assert "close" in [ref.action for ref in found["issue.opened"]]
    assert [ref.action for ref in found["pipeline.failed"]] == ["retry"]


def test_a_hook_is_made_with_exactly_what_was_chosen_and_mended(gitlab: Api, stub: StubServer) -> None:
    hooks, there, place = SOURCE.hooks, {}, {"path": "octo/hello"}  # type: ignore[var-annotated]
    assert hooks is not None

    def one(call: Call) -> Answer:
        if not there:
            return Answer(404, {"message": "404 Not found"})
        if call.method == "DELETE":
            there.clear()
            return Answer(204)
        if call.method == "PUT":
            there.update({**call.body, "alert_status": "executable"})
        return Answer(200, dict(there))

    def create(call: Call) -> Answer:
        there.update({**call.body, "id": 3, "alert_status": "executable", "disabled_until": None})
        return Answer(201, {key: value for key, value in there.items() if key != "token"})

    stub.on("GET", f"{P}/hooks", lambda call: [dict(there)] if there else [])
    stub.on("POST", f"{P}/hooks", create)
    for method in ("GET", "PUT", "DELETE"):
        stub.on(method, f"{P}/hooks/3", one)
    events = hooks.events(["merge_request.opened", "issue.closed", "member.added", "pipeline.failed"])
    plan = hooks.fit(place, HookPlan("https://c.example.com/hooks/x", "hush", events, scheme="token"))
    assert plan.events == ("issues_events", "merge_requests_events", "pipeline_events")
    made = hooks.create(gitlab, place, plan)
    assert differences(plan, made) == ()
    sent = stub.made("POST", f"{P}/hooks")[0].body
    assert (sent["token"], sent["push_events"]) == ("hush", False)
    assert "confidential_issues_events" not in sent
    there.update(alert_status="temporarily_disabled", disabled_until="2026-03-15T00:00:00Z", push_events=True)
    drifted = hooks.read(gitlab, place, "3")
    assert drifted is not None
    assert {each.what for each in differences(plan, drifted)} == {"Events", "Active"}
    assert differences(plan, hooks.update(gitlab, place, "3", plan)) == ()
    found = hooks.find(gitlab, place, plan.url)
    assert found is not None
    hooks.delete(gitlab, place, "3")
    assert hooks.read(gitlab, place, "3") is None


def test_events_that_failed_are_fetched(gitlab: Api, stub: StubServer) -> None:
    now = dt.datetime.now(dt.UTC)
    row = {"request_headers": {"X-Gitlab-Event": "Issue Hook", "X-Gitlab-Event-UUID": "u-1", "X-Gitlab-Token": "hush"},
           "request_data": {"object_kind": "issue"}, "created_at": now.isoformat()}  # fmt: skip
    stub.on("GET", f"{P}/hooks/3/events", [
        {**row, "id": 2, "response_status": "200"}, {**row, "id": 1, "response_status": "internal error"},
    ])  # fmt: skip
    hooks = SOURCE.hooks
    assert hooks is not None
    later = now + dt.timedelta(minutes=1)
    [missed] = hooks.missed(gitlab, {"path": "octo/hello"}, "3", now - dt.timedelta(hours=1), later)
    assert missed.id == "u-1"
    assert json.loads(missed.body) == {"object_kind": "issue"}
    assert "x-gitlab-token" not in missed.headers
