"""Azure DevOps' API: work items, pull requests, approvals and service hooks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.connectors import accounts
from apps.connectors import hooks as upkeep
from apps.connectors import services as connectors
from apps.connectors.models import Hook
from apps.sources import registry
from apps.sources.api import Api, ApiError
from apps.sources.hooks import HookPlan, differences
from apps.sources.sdk import Act, ActionError
from tests.vendors.offers import check_offers
from tests.vendors.stub import Answer, Call, StubServer

SOURCE = registry.get("azure_devops")
ITEM = {"id": 7, "fields": {"System.Title": "The door squeaks", "System.State": "Active", "System.TeamProject": "Web",
                            "System.WorkItemType": "Bug"},
        "_links": {"html": {"href": "https://dev.azure.com/contoso/Web/_workitems/edit/7"}}}  # fmt: skip
PULL = {"pullRequestId": 12, "title": "Oil", "status": "active", "isDraft": False,
        "lastMergeSourceCommit": {"commitId": "a" * 40},
        "repository": {"id": "r1", "name": "web", "project": {"name": "Web"}}}  # fmt: skip
GIT = "/contoso/_apis/git/repositories/r1/pullRequests/12"


@pytest.fixture
def azure(stub: StubServer) -> Api:
    stub.on(
        "GET",
        "/contoso/_apis/connectionData",
        {"authenticatedUser": {"id": "me-1", "providerDisplayName": "Robot"}},
    )
    stub.on("GET", "/contoso/_apis/projects", {"count": 1})
    stub.on("GET", "/contoso/_apis/projects/Web", {"id": "p-1"})
    stub.on("GET", "/contoso/_apis/wit/workitems/7", ITEM)
    stub.on("PATCH", "/contoso/_apis/wit/workitems/7", ITEM)
    stub.on(
        "GET",
        "/contoso/Web/_apis/wit/workitemtypes/Bug/states",
        {"value": [{"name": "Active"}, {"name": "Closed"}]},
    )
    stub.on("GET", "/contoso/_apis/git/pullrequests/12", PULL)
    stub.on("POST", f"{GIT}/threads", {"id": 1})
    stub.on("PUT", f"{GIT}/reviewers/me-1", {"vote": 10})
    stub.on("PATCH", GIT, {**PULL, "status": "completed"})
    stub.on("PATCH", "/contoso/Web/_apis/pipelines/approvals", {"value": []})
    return stub.api("azure_devops", "token", "/contoso", token="pat")


def act(api: Api, action: str, params: dict[str, str], **inputs: str) -> Any:
    return SOURCE.actions.run(action, Act(api, params, inputs, who="Grace <b>"))


def test_who_it_is(azure: Api, stub: StubServer) -> None:
    assert SOURCE.check_account(azure).who == "Robot"
    assert stub.calls[0].headers["authorization"] == "Basic OnBhdA=="
    page = Answer(203, "<html>Sign In</html>", {"Content-Type": "text/html"})
    stub.on("GET", "/contoso/_apis/connectionData", lambda call: page)
    with pytest.raises(ApiError):
        SOURCE.check_account(azure)


def test_scopes_that_are_missing_are_found_out_without_changing_anything(
    azure: Api, stub: StubServer
) -> None:
    stub.on("GET", "/contoso/_apis/wit/fields", {"count": 1})
    stub.on("GET", "/contoso/_apis/git/repositories", azure_refusal(), status=403)
    stub.on("GET", "/contoso/_apis/hooks/subscriptions", Answer(401))
    standing = SOURCE.check_account(azure)
    assert standing.may == ("see projects", "see work items")
    assert [words.partition(",")[0] for words in standing.lacks] == [
        "the scope Code “Read & write”",
        "the scope Work items",
    ]
    assert {call.method for call in stub.calls} == {"GET"}


def azure_refusal() -> dict[str, str]:
    return {"message": "TF400813: The user is not authorized to access this resource."}


def test_one_subscription_that_posts_elsewhere_is_seen(azure: Api, stub: StubServer) -> None:
    hooks, remote = SOURCE.hooks, Remote(stub)
    assert hooks is not None
    plan = HookPlan("https://c.example.com/hooks/x", "s", ("build.complete", "workitem.created", "workitem.updated"),
                    scheme="basic")  # fmt: skip
    made = hooks.create(azure, {}, plan)
    remote.there["s2"]["consumerInputs"]["url"] = "https://old.example.com/"
    found = hooks.read(azure, {}, made.id)
    assert found is not None
    assert [each.what for each in differences(plan, found)] == ["URL"]
    assert differences(plan, hooks.update(azure, {}, made.id, plan)) == ()


def test_a_work_item_is_told_changed_and_assigned(azure: Api, stub: StubServer) -> None:
    item = {"item": "7"}
    seen = SOURCE.actions.look("state", Act(azure, item))
    assert (seen.state, seen.choices["state"]) == ("Active", (("Active", "Active"), ("Closed", "Closed")))
    act(azure, "comment", item, text="Oil <it>\nnow")
    act(azure, "state", item, state="Closed")
    act(azure, "assign", item, person="ada@example.com")
    first, second, third = stub.made("PATCH", ".*workitems/7")
    assert first.headers["content-type"] == "application/json-patch+json"
    assert '"/fields/System.History"' in first.body if isinstance(first.body, str) else True
    texts = [str(call.body) for call in (first, second, third)]
    assert "Oil &lt;it&gt;<br>now<br><br>— Grace b, from Microsoft Teams" in texts[0]
    assert "System.State" in texts[1]
    assert "ada@example.com" in texts[2]


def test_a_pull_request_is_reviewed_approved_and_completed(azure: Api, stub: StubServer) -> None:
    pull = {"repository": "web", "pull": "12"}
    done = act(azure, "approve", pull)
    assert done.subject.url == f"{stub.url}/contoso/Web/_git/web/pullrequest/12"
    act(azure, "review", pull, text="Fine")
    act(azure, "complete", pull)
    assert stub.made("PUT", ".*reviewers/me-1")[0].body["vote"] == 10
    assert stub.made("PATCH", GIT)[0].body == {
        "status": "completed",
        "lastMergeSourceCommit": {"commitId": "a" * 40},
    }
    stub.on("GET", "/contoso/_apis/git/pullrequests/12", {**PULL, "status": "completed"})
    assert act(azure, "complete", pull).title == "Completed already"
    with pytest.raises(ActionError, match="not open"):
        act(azure, "approve", pull)


def test_a_run_is_approved(azure: Api, stub: StubServer) -> None:
    approval = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    act(azure, "approve_run", {"project": "Web", "approval": approval}, text="Go")
    [call] = stub.made("PATCH", ".*approvals")
    assert call.body == [{"approvalId": approval, "status": "approved", "comment": "Grace <b>: Go"}]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
def test_refusals_carry_the_words_of_azure_devops(azure: Api, stub: StubServer, status: int) -> None:
    stub.fail("PATCH", ".*workitems/7", status, {"message": "TF401320: Rule Error for field State."})
    with pytest.raises(ActionError, match="TF401320"):
        act(azure, "state", {"item": "7"}, state="Odd")


def test_offers_never_fail() -> None:
    found = check_offers(SOURCE)
    assert [ref.action for ref in found["workitem.created"]] == ["comment", "state", "assign"]
    assert [ref.action for ref in found["git.pullrequest.created"]] == ["review", "approve", "complete"]


class Remote:
    """Service hook subscriptions as Azure DevOps keeps them."""

    PATH = "/contoso/_apis/hooks/subscriptions"

    def __init__(self, stub: StubServer) -> None:
        self.there: dict[str, dict[str, Any]] = {}
        self.number = 0
        stub.on("GET", self.PATH, lambda call: {"value": list(self.there.values())})
        stub.on("POST", self.PATH, self.create)
        for method in ("GET", "PUT", "DELETE"):
            stub.on(method, rf"{self.PATH}/(?P<id>s\d+)", self.one)

    def create(self, call: Call) -> Answer:
        if call.body["eventType"] == "tfvc.checkin":
            return Answer(400, {"message": "TFVC is not enabled."})
        self.number += 1
        made = {**call.body, "id": f"s{self.number}", "status": "enabled"}
        self.there[made["id"]] = made
        return Answer(200, made)

    def one(self, call: Call) -> Answer:
        number = call.groups["id"]
        if number not in self.there:
            return Answer(404, {"message": "not found"})
        if call.method == "DELETE":
            del self.there[number]
            return Answer(204)
        if call.method == "PUT":
            self.there[number] = call.body
        return Answer(200, self.there[number])


def test_one_hook_of_ours_is_a_subscription_for_each_kind(azure: Api, stub: StubServer) -> None:
    hooks, remote, place = SOURCE.hooks, Remote(stub), {"project": "Web"}
    assert hooks is not None
    events = hooks.events(
        ["workitem.created", "git.pullrequest.updated.approved", "git.pullrequest.updated", "build.complete"]
    )
    assert events == ("build.complete", "git.pullrequest.updated", "workitem.created")
    plan = HookPlan("https://c.example.com/hooks/x", "hush", events, scheme="basic")
    made = hooks.create(azure, place, plan)
    assert made.id == "s1,s2,s3"
    assert differences(plan, made) == ()
    sent = stub.made("POST", Remote.PATH)[0].body
    assert sent["consumerInputs"]["basicAuthPassword"] == "hush"
    assert sent["publisherInputs"] == {"projectId": "p-1"}
    remote.there["s1"]["status"] = "disabledBySystem"
    del remote.there["s2"]
    drifted = hooks.read(azure, place, made.id)
    assert drifted is not None
    assert {each.what for each in differences(plan, drifted)} == {"Events", "Active"}
    mended = hooks.update(azure, place, made.id, plan)
    assert differences(plan, mended) == ()
    assert len(remote.there) == 3
    hooks.delete(azure, place, mended.id)
    assert hooks.read(azure, place, mended.id) is None


def test_another_projects_subscriptions_of_the_same_connector_are_left_alone(
    azure: Api, stub: StubServer
) -> None:
    hooks, remote = SOURCE.hooks, Remote(stub)
    assert hooks is not None
    stub.on("GET", "/contoso/_apis/projects/Api", {"id": "p-2"})
    plan = HookPlan(
        "https://c.example.com/hooks/x", "s", ("build.complete", "workitem.created"), scheme="basic"
    )
    first = hooks.create(azure, {"project": "Web"}, plan)
    assert hooks.find(azure, {"project": "Api"}, plan.url) is None
    second = hooks.create(azure, {"project": "Api"}, plan)
    fewer = HookPlan(plan.url, "s", ("build.complete",), scheme="basic")
    hooks.update(azure, {"project": "Api"}, second.id, fewer)
    found = hooks.read(azure, {"project": "Web"}, first.id)
    assert found is not None
    assert differences(plan, found) == ()
    assert len(remote.there) == 3


def test_one_event_that_a_project_cannot_have_is_left_out_and_told(azure: Api, stub: StubServer) -> None:
    hooks, remote = SOURCE.hooks, Remote(stub)
    assert hooks is not None
    plan = HookPlan("https://c/x", "s", ("build.complete", "tfvc.checkin"), scheme="header")
    made = hooks.create(azure, {}, plan)
    assert [each["eventType"] for each in remote.there.values()] == ["build.complete"]
    assert "tfvc.checkin was refused" in made.trouble
    assert "TFVC is not enabled" in made.trouble
    [difference] = differences(plan, made)
    assert difference.ours == "also tfvc.checkin"
    with pytest.raises(ApiError, match="TFVC"):
        hooks.create(azure, {}, HookPlan("https://c/x", "s", ("tfvc.checkin",), scheme="header"))


def test_half_a_hook_is_not_left_behind(azure: Api, stub: StubServer) -> None:
    hooks, remote = SOURCE.hooks, Remote(stub)
    assert hooks is not None
    stub.on(
        "POST",
        Remote.PATH,
        lambda call: remote.create(call) if not remote.there else Answer(403, azure_refusal()),
    )
    with pytest.raises(ApiError, match="TF400813"):
        hooks.create(
            azure, {}, HookPlan("https://c/x", "s", ("build.complete", "workitem.created"), scheme="header")
        )
    assert remote.there == {}


def test_what_an_organisation_offers_is_asked_for_by_its_own_ids_and_the_rest_is_told(
    azure: Api, stub: StubServer
) -> None:
    hooks, remote = SOURCE.hooks, Remote(stub)
    assert hooks is not None
    stub.on("GET", "/contoso/_apis/hooks/publishers", {"value": [
        {"id": "tfs", "supportedEvents": [
            {"id": "workitem.created", "supportedResourceVersions": ["1.0-preview.2", "1.0"]},
            {"id": "ms.vss-code.git-pullrequest-comment-event", "supportedResourceVersions": ["2.0"]},
        ]},
        {"id": "rm", "supportedEvents": [{"id": "ms.vss-release.release-created-event"}]},
    ]})  # fmt: skip
    events = hooks.events(
        ["workitem.created", "git.pullrequest.commented", "release.created", "security_alert.created"]
    )
    plan = HookPlan("https://c.example.com/hooks/x", "s", events, scheme="basic")
    made = hooks.create(azure, {}, plan)
    asked = {
        (each["publisherId"], each["eventType"], each["resourceVersion"]) for each in remote.there.values()
    }
    assert asked == {
        ("tfs", "workitem.created", "1.0"),
        ("tfs", "ms.vss-code.git-pullrequest-comment-event", "2.0"),
        ("rm", "ms.vss-release.release-created-event", "1.0"),
    }
    found = hooks.read(azure, {}, made.id)
    assert found is not None
    assert differences(plan, found) == ()
    assert "ms.vss-alerts.alert-created-event" in found.lacking
    with pytest.raises(ApiError, match="none of the chosen events"):
        hooks.create(
            azure, {}, HookPlan(plan.url, "s", hooks.events(["security_alert.created"]), scheme="basic")
        )


@pytest.mark.django_db
def test_all_usual_events_make_one_hook_whose_many_ids_are_kept(stub: StubServer) -> None:
    remote = Remote(stub)
    make = remote.create

    def long_ids(call: Call) -> Answer:
        answer = make(call)
        if answer.status == 200:
            made = remote.there.pop(answer.body["id"])
            made["id"] += f"-0000-4000-8000-{'0' * 20}"
            remote.there[made["id"]] = made
        return answer

    stub.on("POST", Remote.PATH, long_ids)
    stub.on("GET", rf"{Remote.PATH}/(?P<id>s\d+-.*)", remote.one)
    connector, _ = connectors.create_connector(name="Org", source="azure_devops")
    account = accounts.save(
        name="PAT", source="azure_devops", api_url=f"{stub.url}/contoso", values={"token": "pat"}
    )
    accounts.attach(connector, account)
    row = upkeep.make(connector, {})
    assert len(row.remote_id) > 900
    row = upkeep.check(Hook.objects.get())
    assert [each["what"] for each in row.drift] == ["Events"]
    assert row.drift[0]["ours"] == "also tfvc.checkin"


def test_notifications_that_failed_are_fetched(azure: Api, stub: StubServer) -> None:
    hooks = SOURCE.hooks
    assert hooks is not None
    now = dt.datetime.now(dt.UTC)
    row = {"id": 5, "eventId": "e-1", "createdDate": now.isoformat(), "details": {}}
    stub.on("GET", f"{Remote.PATH}/s1/notifications", {"value": [row]})
    stub.on(
        "GET",
        f"{Remote.PATH}/s1/notifications/5",
        {**row, "details": {"event": {"id": "e-1", "eventType": "build.complete"}}},
    )
    [missed] = hooks.missed(azure, {}, "s1", now - dt.timedelta(hours=1), now)
    assert missed.id == "e-1"
    assert b"build.complete" in missed.body
