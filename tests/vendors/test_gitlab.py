"""GitLab's API: signing in, issues, merge requests, pipelines and deployments."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.connectors.accounts import connect, kind_of
from apps.sources import registry
from apps.sources.api import Api, ApiError
from apps.sources.sdk import Act, ActionError
from tests.vendors.offers import check_offers
from tests.vendors.stub import Answer, Call, StubServer

SOURCE = registry.get("gitlab")
P = "/api/v4/projects/octo%2Fhello"
PAGE = "https://gitlab.com/octo/hello/-"
THREAD = {"iid": 12, "title": "The door squeaks", "state": "opened", "web_url": f"{PAGE}/issues/12"}
REQUEST = {
    **THREAD,
    "sha": "a" * 40,
    "detailed_merge_status": "mergeable",
    "web_url": f"{PAGE}/merge_requests/12",
}
ISSUE = {"project": "octo/hello", "kind": "#", "number": "12"}
MERGE = {"project": "octo/hello", "number": "12"}
PIPELINE = {"project": "octo/hello", "pipeline": "5"}
JOB = {"project": "octo/hello", "job": "6"}
DEPLOYMENT = {"project": "octo/hello", "deployment": "8"}


@pytest.fixture
def gitlab(stub: StubServer) -> Api:
    stub.on("GET", f"{P}/issues/12", THREAD)
    stub.on("PUT", f"{P}/issues/12", lambda call: {**THREAD, "assignees": [{"name": "Ada"}]})
    stub.on("POST", f"{P}/(issues|merge_requests)/12/notes", {"id": 1}, status=201)
    stub.on("GET", f"{P}/merge_requests/12", REQUEST)
    stub.on("GET", f"{P}/merge_requests/12/approvals", {"user_has_approved": False})
    stub.on("PUT", f"{P}/merge_requests/12/merge", {**REQUEST, "state": "merged"})
    stub.on("POST", f"{P}/merge_requests/12/(un)?approve", {}, status=201)
    stub.on("GET", f"{P}/labels", [{"name": "bug"}])
    stub.on(
        "GET",
        f"{P}/pipelines/5",
        {"id": 5, "ref": "main", "status": "failed", "web_url": f"{PAGE}/pipelines/5"},
    )
    stub.on("POST", f"{P}/pipelines/5/retry", {"id": 5, "status": "running"}, status=201)
    job = {"id": 6, "name": "deploy", "status": "manual", "web_url": f"{PAGE}/jobs/6"}
    stub.on("GET", f"{P}/jobs/6", job)
    stub.on("POST", f"{P}/jobs/6/play", {**job, "status": "pending"})
    stub.on("POST", f"{P}/jobs/6/retry", {**job, "id": 7, "web_url": f"{PAGE}/jobs/7"}, status=201)
    deployment = {"iid": 2, "status": "blocked", "environment": {"name": "production"}, "deployable": job}
    stub.on("GET", f"{P}/deployments/8", deployment)
    stub.on("POST", f"{P}/deployments/8/approval", {"status": "approved"}, status=201)
    stub.on(
        "POST", f"{P}/issues", lambda call: {**THREAD, "iid": 13, "title": call.body["title"]}, status=201
    )
    return stub.api("gitlab", "token", token="glpat-x")


def act(api: Api, action: str, params: dict[str, str], **inputs: str) -> Any:
    return SOURCE.actions.run(action, Act(api, params, inputs, who="@Grace\n/close"))


def look(api: Api, action: str, params: dict[str, str]) -> Any:
    return SOURCE.actions.look(action, Act(api, params))


def standing(api: Api, stub: StubServer, token: object, status: int = 200, **user: object) -> Any:
    stub.on("GET", "/api/v4/user", {"name": "Robot", "username": "project_7_bot", **user})
    stub.on("GET", "/api/v4/personal_access_tokens/self", token, status=status)
    return SOURCE.check_account(api)


def test_who_it_is_what_it_may_and_until_when(gitlab: Api, stub: StubServer) -> None:
    stub.on("GET", "/api/v4/projects", [{"id": 1}])
    told = standing(gitlab, stub, {"scopes": ["api"], "expires_at": "2027-01-31"})
    assert told.who == "Robot (@project_7_bot)"
    assert (told.may, told.lacks) == (("read and change everything that its role allows",), ())
    assert told.expires_at == dt.datetime(2027, 1, 31, tzinfo=dt.UTC)
    assert stub.calls[0].headers["private-token"] == "glpat-x"


def test_a_token_that_may_only_read_and_one_without_a_role_are_told(gitlab: Api, stub: StubServer) -> None:
    assert "scope api" in standing(gitlab, stub, {"scopes": ["read_api"]}).lacks[0]
    stub.on("GET", "/api/v4/projects", [])
    assert "Maintainer" in standing(gitlab, stub, {"scopes": ["api"]}).lacks[0]
    assert standing(gitlab, stub, {"scopes": ["api"]}, is_admin=True).lacks == ()


@pytest.mark.parametrize("status", [400, 404])
def test_an_older_gitlab_tells_no_scopes(gitlab: Api, stub: StubServer, status: int) -> None:
    stub.on("GET", "/api/v4/projects", [{"id": 1}])
    told = standing(gitlab, stub, {"message": "404 Not Found"}, status)
    assert (told.lacks, told.expires_at) == ((), None)
    assert "does not tell" in told.may[0]


def test_a_revoked_token_is_refused_in_words(gitlab: Api, stub: StubServer) -> None:
    words = {"error": "invalid_token", "error_description": "Token was revoked."}
    stub.fail("GET", "/api/v4/user", 401, words)
    with pytest.raises(ApiError, match=r"Token was revoked\.") as caught:
        SOURCE.check_account(gitlab)
    assert caught.value.code == "api_unauthorized"


@pytest.mark.parametrize("path", ["", "/", "/api/v4", "/api/v4/", "/api"])
def test_a_servers_address_may_be_pasted_with_or_without_the_apis_path(stub: StubServer, path: str) -> None:
    link = {"Link": f'<{stub.url}/api/v4/list?page=2>; rel="next"'}
    stub.on("GET", "/api/v4/list", lambda call: Answer(200, [call.query], {} if call.query else link))
    api = connect(SOURCE, kind_of(SOURCE, "token"), f"{stub.url}{path}", {"token": "x"})
    assert [page.count("$") for page in api.pages("/list")] == [1, 1]
    assert {call.path for call in stub.calls} == {"/api/v4/list"}


def test_a_comment_is_no_quick_action_and_mentions_nobody(gitlab: Api, stub: StubServer) -> None:
    done = act(gitlab, "comment", ISSUE, text="Fine\n  /close")
    body = {"body": "Fine\n\\/close\n\n— Grace /close, from Microsoft Teams"}
    assert stub.made("POST", ".*notes")[0].body == body
    assert done.subject.url == f"{PAGE}/issues/12#note_1"
    assert done.container.url == "https://gitlab.com/octo/hello"


def test_an_internal_comment_stays_out_of_the_channel(gitlab: Api, stub: StubServer) -> None:
    done = act(gitlab, "comment", ISSUE, text="The customer is Orchard", internal="true")
    assert stub.made("POST", ".*notes")[0].body["internal"] is True
    assert (done.title, done.text) == ("Internal comment added", "")


def test_threads_are_turned_labelled_and_assigned(gitlab: Api, stub: StubServer) -> None:
    members = [
        {"id": 7, "name": "Ada", "username": "ada", "state": "active"},
        {"id": 8, "name": "Ghost", "username": "g", "state": "blocked"},
    ]
    stub.on("GET", f"{P}/members/all", members)
    assert act(gitlab, "close", ISSUE).title == "Closed"
    assert act(gitlab, "reopen", ISSUE).title == "It was opened already"
    assert look(gitlab, "label", ISSUE).choices["label"] == (("bug", "bug"),)
    assert look(gitlab, "assign", ISSUE).choices["person"] == (("7", "Ada (ada)"),)
    act(gitlab, "label", ISSUE, label="bug")
    assert act(gitlab, "assign", ISSUE, person="7").title == "Assigned to Ada"
    bodies = [call.body for call in stub.made("PUT", ".*issues/12")]
    assert bodies == [{"state_event": "close"}, {"add_labels": "bug"}, {"assignee_ids": [7]}]


def test_members_are_read_page_by_page(gitlab: Api, stub: StubServer) -> None:
    following = {"Link": f'<{stub.url}{P}/members/all?page=2>; rel="next"'}

    def members(call: Call) -> Answer:
        second = call.query.get("page") == "2"
        row = {"id": 8 if second else 7, "name": "N", "username": "n", "state": "active"}
        return Answer(200, [row], {} if second else following)

    stub.on("GET", f"{P}/members/all", members)
    assert [key for key, _ in look(gitlab, "assign", ISSUE).choices["person"]] == ["7", "8"]


def test_a_person_may_be_named_by_user_name(gitlab: Api, stub: StubServer) -> None:
    stub.on("GET", "/api/v4/users", lambda call: [{"id": 9}] if call.query["username"] == "ada" else [])
    act(gitlab, "assign", ISSUE, person="@ada")
    assert stub.made("PUT", ".*issues/12")[0].body == {"assignee_ids": [9]}
    with pytest.raises(ActionError, match="knows nobody"):
        act(gitlab, "assign", ISSUE, person="bob")
    stub.on("PUT", f"{P}/issues/12", {**THREAD, "assignees": []})
    with pytest.raises(ActionError, match="assigned nobody"):
        act(gitlab, "assign", ISSUE, person="ada")


def test_what_is_merged_is_not_closed(gitlab: Api, stub: StubServer) -> None:
    stub.on("GET", f"{P}/merge_requests/12", {**REQUEST, "state": "merged"})
    with pytest.raises(ActionError, match="It is merged, so there is nothing to close"):
        act(gitlab, "close", {**ISSUE, "kind": "!"})
    assert not stub.made("PUT", ".*")


def test_a_merge_is_of_the_commit_that_was_shown(gitlab: Api, stub: StubServer) -> None:
    assert look(gitlab, "merge", MERGE).defaults == {"sha": "a" * 40}
    assert act(gitlab, "merge", MERGE, sha="a" * 40, squash="true").title == "Merged"
    assert stub.made("PUT", ".*merge")[0].body == {"sha": "a" * 40, "squash": True}
    stub.fail("PUT", ".*merge", 409, {"message": "SHA does not match HEAD"})
    with pytest.raises(ActionError, match="nothing was merged"):
        act(gitlab, "merge", MERGE)


@pytest.mark.parametrize(
    "status, words", [("draft_status", "a draft"), ("conflict", "has conflicts"), ("brand_new", "brand new")]
)
def test_why_it_is_not_merged_is_told(gitlab: Api, stub: StubServer, status: str, words: str) -> None:
    stub.on("GET", f"{P}/merge_requests/12", {**REQUEST, "detailed_merge_status": status})
    stub.fail("PUT", ".*merge", 405, {"message": "405 Method Not Allowed"})
    assert look(gitlab, "merge", MERGE).state.lower() in words
    with pytest.raises(ActionError, match=words):
        act(gitlab, "merge", MERGE)


def test_a_merge_may_wait_for_its_pipeline_and_happens_once(gitlab: Api, stub: StubServer) -> None:
    stub.on("PUT", f"{P}/merge_requests/12/merge", {**REQUEST, "merge_when_pipeline_succeeds": True})
    assert act(gitlab, "merge", MERGE, when_green="true").title.startswith("Will be merged")
    assert stub.made("PUT", ".*merge")[0].body["auto_merge"] is True
    stub.on("GET", f"{P}/merge_requests/12", {**REQUEST, "state": "merged"})
    assert act(gitlab, "merge", MERGE).title == "It was merged already"
    assert len(stub.made("PUT", ".*merge")) == 1


@pytest.mark.parametrize("action, method", [("approve", "POST"), ("merge", "PUT")])
def test_a_missing_right_is_no_bad_token(gitlab: Api, stub: StubServer, action: str, method: str) -> None:
    """GitLab answers 401 to both; an account that may do other things stays as it is."""
    stub.fail(method, f".*{action}", 401, {"message": "401 Unauthorized"})
    with pytest.raises(ActionError, match="role in the project is too low") as caught:
        act(gitlab, action, MERGE)
    assert caught.value.code == "api_forbidden"


def test_approvals_are_given_once_and_taken_back(gitlab: Api, stub: StubServer) -> None:
    assert act(gitlab, "approve", MERGE).title == "Approved"
    stub.on("GET", f"{P}/merge_requests/12/approvals", {"user_has_approved": True})
    assert "already" in act(gitlab, "approve", MERGE).title
    assert len(stub.made("POST", ".*/approve")) == 1
    assert act(gitlab, "unapprove", MERGE).title == "Approval taken back"
    stub.fail("POST", ".*/unapprove", 404, {"message": "404 Not Found"})
    assert "had not approved" in act(gitlab, "unapprove", MERGE).title


def test_failed_pipelines_and_jobs_are_run_again(gitlab: Api, stub: StubServer) -> None:
    assert look(gitlab, "retry", PIPELINE).state == "Failed"
    assert act(gitlab, "retry", PIPELINE).title == "Failed jobs are run again"
    stub.on("GET", f"{P}/pipelines/5", {"status": "success"})
    assert act(gitlab, "retry", PIPELINE).title == "Nothing failed in this pipeline"
    assert act(gitlab, "retry_job", JOB).subject.url == f"{PAGE}/jobs/7"
    stub.fail("POST", ".*jobs/6/retry", 403, {"message": "403 Forbidden - Job is not retryable"})
    with pytest.raises(ActionError, match="It is manual"):
        act(gitlab, "retry_job", JOB)


def test_a_waiting_job_is_started_once(gitlab: Api, stub: StubServer) -> None:
    assert look(gitlab, "play", JOB).title == "Job deploy"
    assert act(gitlab, "play", JOB).title == "Job started"
    stub.on("GET", f"{P}/jobs/6", {"name": "deploy", "status": "running"})
    assert act(gitlab, "play", JOB).title == "The job was started already: running"
    assert len(stub.made("POST", ".*play")) == 1


def test_a_blocked_deployment_is_judged(gitlab: Api, stub: StubServer) -> None:
    assert look(gitlab, "approve_deployment", DEPLOYMENT).title == "Deployment to production"
    assert act(gitlab, "approve_deployment", DEPLOYMENT, text="Go").title == "Deployment approved"
    act(gitlab, "reject_deployment", DEPLOYMENT)
    first, second = (call.body for call in stub.made("POST", ".*approval"))
    assert first == {"status": "approved", "comment": "Go\n\n— Grace /close, from Microsoft Teams"}
    assert second["status"] == "rejected"


def test_an_issue_is_created(gitlab: Api, stub: StubServer) -> None:
    done = act(gitlab, "create", {"project": "octo/hello"}, title="New", text="Why\n/assign @ada")
    assert done.subject.title == "#13 New"
    assert stub.made("POST", f"{P}/issues")[0].body["description"].startswith("Why\n\\/assign @ada\n")
    hidden = act(gitlab, "create", {"project": "octo/hello"}, title="Leak", confidential="true")
    assert hidden.subject.title == "#13 a confidential issue"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 502])
def test_refusals_carry_gitlabs_words(gitlab: Api, stub: StubServer, status: int) -> None:
    stub.fail("POST", ".*notes", status, {"message": {"note": ["can't be blank"]}})
    with pytest.raises(ActionError, match="note can't be blank"):
        act(gitlab, "comment", ISSUE, text="x")


def test_the_rate_limits_reset_is_kept(gitlab: Api, stub: StubServer) -> None:
    stub.fail(
        "POST", ".*notes", 429, "Retry later\n", headers={"RateLimit-Remaining": "0", "Retry-After": "33"}
    )
    with pytest.raises(ApiError) as caught:
        act(gitlab, "comment", ISSUE, text="x")
    assert (caught.value.code, caught.value.retry_after) == ("api_rate_limited", 33)


@pytest.mark.parametrize(
    "action, text, params",
    [
        ("close", "octo/hello#12", ISSUE),
        ("close", "octo/sub/hello!3", {"project": "octo/sub/hello", "kind": "!", "number": "3"}),
        ("close", f"{PAGE}/work_items/12#note_9", {**ISSUE, "kind": "work_items/"}),
        ("merge", f"{PAGE}/merge_requests/12", MERGE),
        ("merge", f"{PAGE}/merge_requests/12/diffs?commit_id=1", MERGE),
        ("retry", f"{PAGE}/pipelines/5", PIPELINE),
        ("play", "octo/hello#6", JOB),
        ("create", "https://gitlab.com/octo/hello", {"project": "octo/hello"}),
        ("close", "hello", None),
        ("close", "octo/hello#12 and more", None),
    ],
)
def test_targets_of_commands(action: str, text: str, params: dict[str, str] | None) -> None:
    assert SOURCE.actions.spec(action).match(text) == params


def test_offers_never_fail_and_fit_the_state() -> None:
    found = {name: [ref.action for ref in refs] for name, refs in check_offers(SOURCE).items()}
    assert found["merge_request.opened"] == ["comment", "approve", "merge", "close"]
    assert found["merge_request.drafted"] == ["comment", "approve", "close"]
    assert found["merge_request.merged"] == ["comment"]
    assert found["merge_request.closed"] == ["comment", "reopen"]
    assert found["issue.opened"] == ["comment", "assign", "close"]
    assert found["issue.closed"] == ["comment", "reopen"]
    assert found["note.issue"] == ["comment", "assign", "close"]
    assert found["pipeline.failed"] == ["retry"]
    assert found["pipeline.manual"] == ["play"]
    assert found["job.failed"] == ["retry_job"]
    assert found["deployment.blocked"] == ["approve_deployment", "reject_deployment"]
    assert not {"push", "note.epic", "issue.deleted", "pipeline.running"} & set(found)


@pytest.mark.parametrize("name", sorted(spec.name for spec in SOURCE.actions))
def test_every_actions_example_is_its_target(name: str) -> None:
    spec = SOURCE.actions.spec(name)
    assert spec.match(spec.example) is not None
