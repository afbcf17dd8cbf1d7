"""Jira's API: who the account is, what buttons and commands do, webhooks of both kinds."""

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

SOURCE = registry.get("jira")
ISSUE = {
    "key": "WEB-7", "fields": {
        "summary": "The door squeaks", "status": {"name": "In Progress", "statusCategory": {"key": "indeterminate"}},
        "assignee": {"displayName": "Ada Lovelace"}, "project": {"key": "WEB"},
    },
}  # fmt: skip


@pytest.fixture
def jira(stub: StubServer) -> Api:
    stub.on("GET", "/rest/api/2/issue/WEB-7", ISSUE)
    stub.on("GET", "/rest/api/2/issue/WEB-7/transitions", {"transitions": [
        {"id": "11", "name": "Start", "to": {"name": "In Progress"}}, {"id": "31", "name": "Done", "to": {"name": "Done"}},
    ]})  # fmt: skip
    stub.on("POST", "/rest/api/2/issue/WEB-7/transitions", Answer(204))
    stub.on("POST", "/rest/api/2/issue/WEB-7/comment", {"id": "1"}, status=201)
    stub.on("PUT", "/rest/api/2/issue/WEB-7/assignee", Answer(204))
    stub.on("GET", "/rest/api/2/user/assignable/search", [
        {"accountId": "5b10a2844c20165700ede21g", "displayName": "Ada Lovelace"}, {"name": "grace", "displayName": "Grace"},
    ])  # fmt: skip
    stub.on("GET", "/rest/api/2/project/WEB", {"key": "WEB", "name": "Website", "issueTypes": [
        {"id": "1", "name": "Bug"}, {"id": "3", "name": "Task"}, {"id": "5", "name": "Sub-task", "subtask": True},
    ]})  # fmt: skip
    stub.on("POST", "/rest/api/2/issue", {"id": "10", "key": "WEB-8"}, status=201)
    return stub.api("jira", "cloud", email="robot@example.com", token="t")


def act(api: Api, action: str, params: dict[str, str], **inputs: str) -> Any:
    return SOURCE.actions.run(action, Act(api, params, inputs, who="Grace [~admin]"))


def test_who_it_is_and_what_it_lacks(jira: Api, stub: StubServer) -> None:
    stub.on("GET", "/rest/api/2/myself", {"displayName": "Robot", "accountId": "x"})
    stub.on("GET", "/rest/api/2/mypermissions", {"permissions": {
        "ADD_COMMENTS": {"havePermission": True}, "ADMINISTER": {"havePermission": False},
    }})  # fmt: skip
    standing = SOURCE.check_account(jira)
    assert standing.who == "Robot"
    assert standing.may == ("comment",)
    assert "may not make webhooks" in standing.lacks
    assert stub.calls[-1].headers["authorization"].startswith("Basic ")


def test_a_comment_names_who_wrote_it_and_mentions_nobody(jira: Api, stub: StubServer) -> None:
    done = act(jira, "comment", {"issue": "web-7"}, text="Oil it")
    [call] = stub.made("POST", ".*comment")
    assert call.body["body"] == "Oil it\n\n— Grace admin, from Microsoft Teams"
    assert done.subject.url == f"{stub.url}/browse/WEB-7"


def test_an_issue_is_moved_by_a_transition_that_it_allows(jira: Api, stub: StubServer) -> None:
    seen = SOURCE.actions.look("move", Act(jira, {"issue": "WEB-7"}))
    assert seen.title == "WEB-7 The door squeaks"
    assert seen.choices["transition"] == (("11", "Start"), ("31", "Done"))
    done = act(jira, "move", {"issue": "WEB-7"}, transition="31")
    assert stub.made("POST", ".*transitions")[0].body == {"transition": {"id": "31"}}
    assert done.title == "Moved to In Progress"


@pytest.mark.parametrize(
    "person, body",
    [
        ("5b10a2844c20165700ede21g", {"accountId": "5b10a2844c20165700ede21g"}),
        ("grace", {"name": "grace"}),
        ("", {"name": None}),
    ],
)
def test_people_of_both_editions_are_assigned(jira: Api, stub: StubServer, person: str, body: object) -> None:
    act(jira, "assign", {"issue": "WEB-7"}, person=person)
    assert stub.made("PUT", ".*assignee")[0].body == body


def test_an_issue_is_created_as_a_task_when_nothing_is_said(jira: Api, stub: StubServer) -> None:
    done = act(jira, "create", {"project": "web"}, summary="New door")
    fields = stub.made("POST", "/rest/api/2/issue")[0].body["fields"]
    assert (fields["project"], fields["issuetype"], fields["summary"]) == (
        {"key": "WEB"},
        {"id": "3"},
        "New door",
    )
    assert done.subject.url.endswith("/browse/WEB-8")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 503])
def test_refusals_carry_jiras_words(jira: Api, stub: StubServer, status: int) -> None:
    body = {"errorMessages": ["You do not have the permission."], "errors": {"comment": "too long"}}
    stub.fail("POST", ".*comment", status, body)
    with pytest.raises(ActionError, match=r"permission\. comment: too long"):
        act(jira, "comment", {"issue": "WEB-7"}, text="x")


@pytest.mark.parametrize(
    "action, text, params",
    [
        ("comment", "WEB-7", {"issue": "WEB-7"}),
        ("comment", "https://octo.atlassian.net/browse/WEB-7", {"issue": "WEB-7"}),
        ("create", "WEB", {"project": "WEB"}),
        ("comment", "WEB", None),
    ],
)
def test_targets_of_commands(action: str, text: str, params: dict[str, str] | None) -> None:
    assert SOURCE.actions.spec(action).match(text) == params


def test_offers_never_fail_and_name_the_issue() -> None:
    found = check_offers(SOURCE)
    assert [ref.action for ref in found["issue.created"]][:2] == ["comment", "move"]
    assert "sprint.started" not in found


class Admin:
    """Administrators' webhooks as Jira Cloud keeps them."""

    def __init__(self, stub: StubServer, path: str) -> None:
        self.there: dict[str, dict[str, Any]] = {}
        self.url = stub.url
        stub.on("GET", path, lambda call: list(self.there.values()))
        stub.on("POST", path, self.create)
        for method in ("GET", "PUT", "DELETE"):
            stub.on(method, f"{path}/(?P<id>\\d+)", self.one)

    def create(self, call: Call) -> Answer:
        number = str(len(self.there) + 1)
        body = {key: value for key, value in call.body.items() if key not in ("secret", "configuration")}
        made = {**body, "self": f"{self.url}{call.path}/{number}", "isSigned": "secret" in call.body}
        self.there[number] = made
        return Answer(201, made)

    def one(self, call: Call) -> Answer:
        number = call.groups["id"]
        if number not in self.there:
            return Answer(404, {"errorMessages": ["No such webhook."]})
        if call.method == "DELETE":
            del self.there[number]
            return Answer(204)
        if call.method == "PUT":
            self.there[number] |= {key: value for key, value in call.body.items() if key != "secret"}
        return Answer(200, self.there[number])


@pytest.mark.parametrize("path", ["/rest/webhooks/1.0/webhook", "/rest/jira-webhook/1.0/webhooks"])
def test_an_administrators_webhook_is_made_found_and_mended(jira: Api, stub: StubServer, path: str) -> None:
    admin, hooks = Admin(stub, path), SOURCE.hooks
    assert hooks is not None
    events = hooks.events(["issue.created", "issue.assigned", "comment.created", "sprint.started"])
    assert events == ("comment_created", "jira:issue_created", "jira:issue_updated", "sprint_started")
    plan = HookPlan("https://connectors.example.com/hooks/x", "hush", events)
    place = {"jql": "project = WEB"}
    made = hooks.create(jira, place, plan)
    assert differences(plan, made) == ()
    assert stub.made("POST", path)[0].body["filters"] == {"issue-related-events-section": "project = WEB"}
    found = hooks.find(jira, place, plan.url)
    assert found is not None
    assert found.id == made.id
    admin.there[made.id] |= {"enabled": False, "events": ["jira:issue_created"]}
    drifted = hooks.read(jira, place, made.id)
    assert drifted is not None
    assert {each.what for each in differences(plan, drifted)} == {"Active", "Events"}
    assert differences(plan, hooks.update(jira, place, made.id, plan)) == ()
    hooks.delete(jira, place, made.id)
    assert hooks.read(jira, place, made.id) is None


def test_a_dynamic_webhook_is_registered_renewed_and_asked_for_failures(jira: Api, stub: StubServer) -> None:
    hooks = SOURCE.hooks
    assert hooks is not None
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)
    value = {"id": 5, "jqlFilter": "project = WEB", "events": ["jira:issue_created"], "url": "https://c/hooks/x",
             "expirationDate": int(ends.timestamp() * 1000)}  # fmt: skip
    stub.on("POST", "/rest/api/2/webhook", {"webhookRegistrationResult": [{"createdWebhookId": 5}]})
    stub.on("GET", "/rest/api/2/webhook", {"values": [value], "isLast": True})
    stub.on("PUT", "/rest/api/2/webhook/refresh", {"expirationDate": ends.isoformat()})
    stub.on("GET", "/rest/api/2/webhook/failed", {"values": [
        {"id": "f-1", "body": '{"webhookEvent": "jira:issue_created"}', "url": "https://c/hooks/x",
         "failureTime": int(dt.datetime.now(dt.UTC).timestamp() * 1000) - 60_000},
    ]})  # fmt: skip
    place = {"kind": "dynamic", "jql": "project = WEB"}
    plan = HookPlan("https://c/hooks/x", "", ("jira:issue_created", "sprint_started"))
    made = hooks.create(jira, place, plan)
    assert made.id == "5"
    assert stub.made("POST", "/rest/api/2/webhook")[0].body["webhooks"][0]["events"] == ["jira:issue_created"]
    renewed = hooks.renew(jira, place, "5", dt.datetime.now(dt.UTC))
    assert renewed.expires_at is not None
    now = dt.datetime.now(dt.UTC)
    [missed] = hooks.missed(jira, place, "5", now - dt.timedelta(days=1), now)
    assert missed.id == "f-1"
    assert missed.headers["x-atlassian-webhook-identifier"] == "f-1"


def test_a_refused_registration_says_why(jira: Api, stub: StubServer) -> None:
    hooks = SOURCE.hooks
    assert hooks is not None
    stub.on(
        "POST",
        "/rest/api/2/webhook",
        {"webhookRegistrationResult": [{"errors": ["The clause is not supported."]}]},
    )
    with pytest.raises(ApiError, match="clause is not supported"):
        hooks.create(jira, {"kind": "dynamic"}, HookPlan("https://c/x"))
