"""Bitbucket Data Center's API: signing in, pull requests and webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from apps.connectors.accounts import connect, kind_of
from apps.sources import registry
from apps.sources.api import Api, ApiError
from apps.sources.hooks import HookPlan, Hooks, differences
from apps.sources.sdk import Act, ActionError
from tests.vendors.offers import check_offers
from tests.vendors.stub import Answer, Call, StubServer

SOURCE = registry.get("bitbucket_data_center")
R = "/rest/api/1.0"
P = f"{R}/projects/OCTO/repos/hello"
PULL = f"{P}/pull-requests/12"
HEAD = "a" * 40
ROW: dict[str, Any] = {
    "id": 12, "version": 4, "title": "Oil the hinges", "state": "OPEN", "fromRef": {"latestCommit": HEAD},
    "author": {"user": {"name": "ada", "slug": "ada"}},
    "reviewers": [{"user": {"name": "Robot.User", "slug": "robot.user"}, "status": "UNAPPROVED"}],
    "links": {"self": [{"href": "https://bb.example.com/projects/OCTO/repos/hello/pull-requests/12"}]},
}  # fmt: skip
AT = {"project": "OCTO", "repo": "hello", "number": "12"}
URL = "https://c.example.com/hooks/x"
KNOWN = {"X-AUSERNAME": "Robot.User", "X-AUSERID": "7"}


def refused(name: str, message: str, **more: object) -> dict[str, object]:
    return {
        "errors": [
            {"context": None, "message": message, "exceptionName": f"com.atlassian.bitbucket.{name}", **more}
        ]
    }


@pytest.fixture
def api(stub: StubServer) -> Api:
    stub.on("GET", PULL, Answer(200, ROW, KNOWN))
    stub.on("POST", f"{PULL}/comments", {"id": 99}, status=201)
    stub.on("PUT", f"{PULL}/participants/robot.user", {"status": "APPROVED"})
    stub.on("POST", f"{PULL}/(merge|decline|reopen)", ROW)
    return stub.api("bitbucket_data_center", "token", token="t0k")


def act(api: Api, action: str, params: dict[str, str] | None = None, **inputs: str) -> Any:
    return SOURCE.actions.run(action, Act(api, params or AT, inputs, who="@Grace {x}\nHopper"))


def look(api: Api, action: str) -> Any:
    return SOURCE.actions.look(action, Act(api, AT))


def test_who_it_is_and_what_it_may(api: Api, stub: StubServer) -> None:
    stub.on("GET", f"{R}/application-properties", Answer(200, {"version": "9.4.0"}, KNOWN))
    users = [{"name": "robot.user2", "displayName": "No"}, {"name": "Robot.User", "displayName": "The robot"}]
    stub.on("GET", f"{R}/users", {"values": users, "isLastPage": True})
    stub.on(
        "GET",
        f"{R}/repos",
        lambda call: {"values": [] if call.query["permission"] == "REPO_ADMIN" else [{"id": 1}]},
    )
    standing = SOURCE.check_account(api)
    assert standing.who == "The robot (Robot.User)"
    assert standing.may == ("comment on and approve pull requests", "merge pull requests")
    assert standing.lacks == ("the permission “Admin” in a repository, to look after webhooks",)
    assert stub.calls[0].headers["authorization"] == "Bearer t0k"


@pytest.mark.parametrize("status", [200, 401])
def test_a_token_that_nobody_knows_is_refused(api: Api, stub: StubServer, status: int) -> None:
    body = refused("AuthenticationException", "Token revoked") if status == 401 else {}
    stub.on("GET", f"{R}/application-properties", Answer(status, body, {"X-AUSERNAME": "anonymous"}))
    with pytest.raises(ApiError) as caught:
        SOURCE.check_account(api)
    assert caught.value.code == "api_unauthorized"


@pytest.mark.parametrize("path", ["", "/", "/rest", "/rest/api/latest", "/rest/api/1.0/"])
def test_a_servers_address_may_be_pasted_with_or_without_the_apis_path(stub: StubServer, path: str) -> None:
    stub.on("GET", f"/bitbucket{PULL}", ROW)
    base = f"{stub.url}/bitbucket{path}"
    connected = connect(SOURCE, kind_of(SOURCE, "token"), base, {"token": "x"})
    assert SOURCE.actions.look("comment", Act(connected, AT)).title == "#12 Oil the hinges"


def test_a_missing_permission_is_no_bad_token(api: Api, stub: StubServer) -> None:
    """Bitbucket answers 401 to both."""
    words = refused("AuthorisationException", "You are not permitted to access this resource")
    stub.fail("POST", f"{PULL}/comments", 401, words, headers=KNOWN)
    with pytest.raises(ApiError, match="not permitted") as caught:
        act(api, "comment", text="x")
    assert caught.value.code == "api_forbidden"
    stub.fail("POST", f"{PULL}/comments", 401, refused("AuthenticationException", "Expired"))
    with pytest.raises(ApiError, match="Expired") as caught:
        act(api, "comment", text="x")
    assert caught.value.code == "api_unauthorized"


@pytest.mark.parametrize("status", [400, 403, 404, 409, 429, 500])
def test_refusals_carry_bitbuckets_words(api: Api, stub: StubServer, status: int) -> None:
    stub.fail("POST", f"{PULL}/comments", status, refused("NoSuchThing", "There is no such thing."))
    with pytest.raises(ActionError, match="no such thing"):
        act(api, "comment", text="x")


def test_a_comment_says_for_whom_and_leads_to_itself(api: Api, stub: StubServer) -> None:
    done = act(api, "comment", text="Fine @ada")
    assert stub.made("POST", ".*comments")[0].body == {
        "text": "Fine @ada\n\n— Grace x Hopper, from Microsoft Teams"
    }
    assert done.subject.url.endswith("/pull-requests/12/overview?commentId=99")
    assert done.container.title == "OCTO/hello"
    assert done.container.url == "https://bb.example.com/projects/OCTO/repos/hello"


def test_a_page_is_made_where_the_server_sends_none(api: Api, stub: StubServer) -> None:
    stub.on("GET", f"{R}/projects/~ada/repos/hello/pull-requests/12", {**ROW, "links": {}})
    params = {"project": "ada", "personal": "users/", "repo": "hello", "number": "12"}
    seen = SOURCE.actions.look("comment", Act(api, params))
    assert seen.url == f"{stub.url}/users/ada/repos/hello/pull-requests/12"


def test_reviews_are_put_below_the_accounts_own_user(api: Api, stub: StubServer) -> None:
    assert act(api, "approve").title == "Approved"
    assert act(api, "request_changes").title == "Marked as needs work"
    bodies = [call.body for call in stub.made("PUT", ".*")]
    assert [(body["status"], body["approved"]) for body in bodies] == [
        ("APPROVED", True),
        ("NEEDS_WORK", False),
    ]
    mine = {"user": {"name": "Robot.User", "slug": "robot.user"}, "status": "APPROVED"}
    stub.on("GET", PULL, Answer(200, {**ROW, "reviewers": [mine]}, KNOWN))
    assert "already" in act(api, "approve").title
    assert len(stub.made("PUT", ".*")) == 2


def test_a_reviewer_who_is_new_is_looked_up(api: Api, stub: StubServer) -> None:
    stub.on("GET", PULL, Answer(200, {**ROW, "reviewers": []}, KNOWN))
    stub.on("GET", f"{R}/users", {"values": [{"name": "robot.user", "slug": "robot_user"}]})
    stub.on("PUT", f"{PULL}/participants/robot_user", {})
    assert act(api, "approve").title == "Approved"


def test_nobody_reviews_their_own_pull_request_or_a_closed_one(api: Api, stub: StubServer) -> None:
    stub.on("GET", PULL, Answer(200, {**ROW, "author": {"user": {"name": "robot.user"}}}, KNOWN))
    with pytest.raises(ActionError, match="itself"):
        act(api, "approve")
    stub.on("GET", PULL, Answer(200, {**ROW, "state": "MERGED"}, KNOWN))
    with pytest.raises(ActionError, match="It is merged"):
        act(api, "approve")
    assert not stub.made("PUT", ".*")


def test_a_merge_is_of_the_version_that_was_read(api: Api, stub: StubServer) -> None:
    checks = {"canMerge": False, "conflicted": True, "vetoes": [{"summaryMessage": "1 approval is missing."}]}
    ways = [{"id": "no-ff", "name": "Merge commit", "enabled": True}, {"id": "squash", "enabled": False}]
    stub.on("GET", f"{PULL}/merge", checks)
    stub.on(
        "GET",
        f"{P}/settings/pull-requests",
        {"mergeConfig": {"defaultStrategy": {"id": "no-ff"}, "strategies": ways}},
    )
    seen = look(api, "merge")
    assert seen.state == "It has conflicts. 1 approval is missing"
    assert seen.choices == {"strategy": (("no-ff", "Merge commit"),)}
    assert seen.defaults == {"commit": HEAD, "strategy": "no-ff"}
    assert act(api, "merge", strategy="no-ff", commit=HEAD).title == "Merged"
    [call] = stub.made("POST", f"{PULL}/merge")
    assert (call.query, call.body) == ({"version": "4"}, {"strategyId": "no-ff"})
    with pytest.raises(ActionError, match="pushed meanwhile"):
        act(api, "merge", commit="b" * 40)


def test_the_confirm_page_stands_when_the_settings_are_hidden(api: Api, stub: StubServer) -> None:
    assert look(api, "merge").defaults == {"commit": HEAD}


@pytest.mark.parametrize(
    "name, more, words",
    [
        ("pull.PullRequestOutOfDateException", {}, "changed it meanwhile"),
        (
            "pull.PullRequestMergeVetoedException",
            {"vetoes": [{"summaryMessage": "Builds failed"}]},
            "Builds failed",
        ),
    ],
)
def test_why_it_is_not_merged_is_told(
    api: Api, stub: StubServer, name: str, more: dict[str, Any], words: str
) -> None:
    stub.fail("POST", f"{PULL}/merge", 409, refused(name, "Refused.", **more))
    with pytest.raises(ActionError, match=words):
        act(api, "merge")


def test_pull_requests_are_declined_and_reopened_once(api: Api, stub: StubServer) -> None:
    assert act(api, "decline").title == "Declined"
    assert act(api, "reopen").title == "It was open already"
    stub.on("GET", PULL, Answer(200, {**ROW, "state": "DECLINED"}, KNOWN))
    assert act(api, "decline").title == "It was declined already"
    assert act(api, "reopen").title == "Reopened"
    stub.on("GET", PULL, Answer(200, {**ROW, "state": "MERGED"}, KNOWN))
    assert act(api, "merge").title == "It was merged already"
    with pytest.raises(ActionError, match="cannot be reopened"):
        act(api, "reopen")


def test_a_repository_leads_nowhere_else(api: Api, stub: StubServer) -> None:
    with pytest.raises(ActionError):
        act(api, "approve", {**AT, "repo": ".."})
    assert not stub.calls


@pytest.mark.parametrize(
    "text, params",
    [
        ("OCTO/hello#12", AT),
        ("~ada/hello#12", {**AT, "project": "~ada"}),
        ("https://bb.example.com/projects/OCTO/repos/hello/pull-requests/12/overview?commentId=3", AT),
        (
            "https://example.com/bb/users/ada/repos/hello/pull-requests/12",
            {**AT, "project": "ada", "personal": "users/"},
        ),
        ("hello#12", None),
    ],
)
def test_targets_of_commands(text: str, params: dict[str, str] | None) -> None:
    assert SOURCE.actions.spec("merge").match(text) == params


def test_offers_never_fail_and_fit_the_state() -> None:
    found = {name: [ref.action for ref in refs] for name, refs in check_offers(SOURCE).items()}
    assert found["pull_request.created"] == ["comment", "approve", "merge", "request_changes"]
    assert found["pull_request.merged"] == ["comment"]
    assert found["pull_request.declined"] == ["comment", "reopen"]
    assert not {"pull_request.deleted", "repo.push", "commit_comment.created"} & set(found)


@pytest.fixture
def hooks() -> Hooks:
    assert SOURCE.hooks is not None
    return SOURCE.hooks


@pytest.fixture
def there(stub: StubServer) -> dict[str, Any]:
    """The one webhook that the stub keeps, as a server that knows neither secrets in pushes nor target updates."""
    row: dict[str, Any] = {}
    unknown = {"repo:secret_detected", "pr:reviewer:changes_requested", "pr:reopened", "build:status"}

    def one(call: Call) -> Answer:
        if call.method == "POST":
            row["id"] = 3
        elif not row:
            return Answer(404, refused("webhook.NoSuchWebhookException", "There is no such webhook."))
        if call.method == "DELETE":
            row.clear()
            return Answer(204)
        if call.method in ("POST", "PUT"):
            if unknown & set(call.body["events"]):
                return Answer(
                    400, refused("ArgumentValidationException", "the event ${validatedValue} is unknown")
                )
            row.update(call.body)
        return Answer(
            201 if call.method == "POST" else 200, {**row, "configuration": {"createdBy": "bitbucket"}}
        )

    for base in (f"{P}/webhooks", f"{R}/projects/OCTO/webhooks"):
        stub.on("GET", base, lambda call: {"values": [row] if row else [], "isLastPage": True})
        stub.on("POST", base, one)
        for method in ("GET", "PUT", "DELETE"):
            stub.on(method, f"{base}/3", one)
        stub.on("GET", f"{base}/3/latest", Answer(204))
    return row


PLACE = {"place": "OCTO/hello"}
NAMES = [
    "pull_request.created",
    "pull_request.changes_requested",
    "repo.push",
    "project.updated",
    "build.status",
]


def plan_for(hooks: Hooks, place: dict[str, str], *more: str) -> HookPlan:
    return hooks.fit(place, HookPlan(URL, "hush", hooks.events([*NAMES, *more]), scheme="hmac_sha256"))


def test_a_hook_is_made_found_and_taken_away(
    hooks: Hooks, api: Api, stub: StubServer, there: dict[str, Any]
) -> None:
    plan = plan_for(hooks, PLACE)
    assert plan.events == ("pr:opened", "pr:reviewer:needs_work", "repo:refs_changed")
    made = hooks.create(api, PLACE, plan)
    assert differences(plan, made) == ()
    assert stub.made("POST", ".*")[0].body["configuration"] == {"secret": "hush"}
    assert made.page == f"{stub.url}/plugins/servlet/webhooks/projects/OCTO/repos/hello/details/3"
    found = hooks.find(api, PLACE, URL)
    assert found is not None
    assert found.id == "3"
    hooks.delete(api, PLACE, "3")
    hooks.delete(api, PLACE, "3")
    assert hooks.read(api, PLACE, "3") is None


def test_a_projects_hook_also_tells_about_the_project(hooks: Hooks, api: Api, there: dict[str, Any]) -> None:
    place = {"place": "https://bb.example.com/projects/OCTO"}
    plan = plan_for(hooks, place)
    assert "project:modified" in plan.events
    assert differences(plan, hooks.create(api, place, plan)) == ()


def test_an_event_that_the_server_is_too_old_for_is_left_out_and_told(
    hooks: Hooks, api: Api, there: dict[str, Any]
) -> None:
    plan = plan_for(hooks, PLACE, "repo.secret_detected")
    [left] = differences(plan, hooks.create(api, PLACE, plan))
    assert (left.what, left.ours) == ("Events", "also repo:secret_detected")


@pytest.mark.parametrize(
    "drift, what",
    [
        ({"active": False}, "Active"),
        ({"url": "https://c.example.com/y"}, "URL"),
        ({"events": ["repo:refs_changed"]}, "Events"),
    ],
)
def test_each_drift_is_seen_and_mended(
    hooks: Hooks, api: Api, there: dict[str, Any], drift: dict[str, Any], what: str
) -> None:
    plan = plan_for(hooks, PLACE)
    hooks.create(api, PLACE, plan)
    there.update(drift)
    found = hooks.read(api, PLACE, "3")
    assert found is not None
    assert [each.what for each in differences(plan, found)] == [what]
    assert differences(plan, hooks.update(api, PLACE, "3", plan)) == ()


def test_what_a_person_ticked_beside_it_stays(hooks: Hooks, api: Api, there: dict[str, Any]) -> None:
    plan = plan_for(hooks, PLACE)
    hooks.create(api, PLACE, plan)
    there["events"] = [*there["events"], "pr:to_ref_updated"]
    found = hooks.read(api, PLACE, "3")
    assert found is not None
    assert differences(plan, found) == ()
    hooks.update(api, PLACE, "3", plan)
    assert "pr:to_ref_updated" in there["events"]


def test_a_last_delivery_that_failed_is_trouble(
    hooks: Hooks, api: Api, stub: StubServer, there: dict[str, Any]
) -> None:
    hooks.create(api, PLACE, plan_for(hooks, PLACE))
    latest = {
        "event": "pr:opened",
        "finish": 1773480371000,
        "result": {"outcome": "FAILURE", "statusCode": 502},
    }
    stub.on("GET", f"{P}/webhooks/3/latest", latest)
    found = hooks.read(api, PLACE, "3")
    assert found is not None
    assert (found.active, found.trouble) == (True, "The last delivery failed on 2026-03-14 09:26 UTC: 502.")
    stub.on("GET", f"{P}/webhooks/3/latest", {"result": {"outcome": "SUCCESS", "statusCode": 202}})
    found = hooks.read(api, PLACE, "3")
    assert found is not None
    assert found.trouble == ""


@pytest.mark.parametrize("place", ["", "a/b/c", "OCTO/..", "https://bb.example.com/"])
def test_a_place_that_is_none_is_told(hooks: Hooks, api: Api, stub: StubServer, place: str) -> None:
    with pytest.raises(ActionError, match="PROJECT/name"):
        hooks.find(api, {"place": place}, URL)
    assert not stub.calls
