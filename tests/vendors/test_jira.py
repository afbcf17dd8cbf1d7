"""Jira's API: who the account is, what buttons and commands do, webhooks of both kinds."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine

from apps.connectors import accounts
from apps.connectors import hooks as upkeep
from apps.connectors import services as connectors
from apps.connectors.models import Account
from apps.core.models import AuditEntry
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
    "edition, person, body",
    [
        ("Cloud", "5b10a2844c20165700ede21g", {"accountId": "5b10a2844c20165700ede21g"}),
        ("Cloud", "-1", {"accountId": "-1"}),
        ("Cloud", "", {"accountId": None}),
        ("Server", "grace", {"name": "grace"}),
        ("Server", "christopher.robinson@example.com", {"name": "christopher.robinson@example.com"}),
        ("Server", "", {"name": None}),
    ],
)
def test_people_of_both_editions_are_assigned(
    jira: Api, stub: StubServer, edition: str, person: str, body: object
) -> None:
    stub.on("GET", "/rest/api/2/serverInfo", {"deploymentType": edition, "version": "10.3.0"})
    act(jira, "assign", {"issue": "WEB-7"}, person=person)
    assert stub.made("PUT", ".*assignee")[0].body == body


def test_a_project_whose_screen_has_no_description_gets_the_issue_all_the_same(
    jira: Api, stub: StubServer
) -> None:
    words = "Field 'description' cannot be set. It is not on the appropriate screen, or unknown."
    stub.fail("POST", "/rest/api/2/issue", 400, {"errorMessages": [], "errors": {"description": words}})
    assert act(jira, "create", {"project": "web"}, summary="New door").title == "Issue created"
    first, second = stub.made("POST", "/rest/api/2/issue")
    assert first.body["fields"]["description"] == "— Grace admin, from Microsoft Teams"
    assert "description" not in second.body["fields"]
    stub.fail("POST", "/rest/api/2/issue", 400, {"errorMessages": [], "errors": {"description": words}})
    with pytest.raises(ActionError, match="cannot be set"):
        act(jira, "create", {"project": "web"}, summary="New door", description="Somebody typed this")


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
        signed = "secret" in call.body or "SECRET" in call.body.get("configuration", {})
        made = {**body, "self": f"{self.url}{call.path}/{number}", "isSigned": signed}
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
    sent = stub.made("POST", path)[0].body
    assert sent["filters"] == {"issue-related-events-section": "project = WEB"}
    if "jira-webhook" in path:  # Data Center 10 and later
        assert (sent["configuration"]["SECRET"], sent["active"]) == ("hush", True)
        assert not {"secret", "enabled"} & set(sent)
    else:
        assert (sent["secret"], sent["enabled"]) == ("hush", True)
        assert not {"configuration", "active"} & set(sent)
    found = hooks.find(jira, place, plan.url)
    assert found is not None
    assert found.id == made.id
    switch = "active" if "jira-webhook" in path else "enabled"
    admin.there[made.id] |= {switch: False, "events": ["jira:issue_created"]}
    drifted = hooks.read(jira, place, made.id)
    assert drifted is not None
    assert {each.what for each in differences(plan, drifted)} == {"Active", "Events"}
    assert differences(plan, hooks.update(jira, place, made.id, plan)) == ()
    hooks.delete(jira, place, made.id)
    assert hooks.read(jira, place, made.id) is None


def test_failures_that_data_center_counts_are_told(jira: Api, stub: StubServer) -> None:
    path, hooks = "/rest/jira-webhook/1.0/webhooks", SOURCE.hooks
    assert hooks is not None
    Admin(stub, path)
    made = hooks.create(jira, {}, HookPlan("https://c/hooks/x", "s", ("jira:issue_created",)))
    stub.on("GET", f"{path}/1/statistics", {"counts": {"errors": 2, "failures": 3, "successes": 9}})
    found = hooks.read(jira, {}, made.id)
    assert found is not None
    assert found.trouble == "5 deliveries failed lately"


class Dynamic:
    """An app's webhooks as Jira keeps them: they end after 30 days unless they are refreshed."""

    def __init__(self, stub: StubServer) -> None:
        self.now = dt.datetime.now(dt.UTC)
        self.there: dict[int, dict[str, Any]] = {}
        self.number = 4
        stub.on("POST", "/rest/api/2/webhook", self.register)
        stub.on("GET", "/rest/api/2/webhook", lambda call: {"values": self.alive(), "isLast": True})
        stub.on("PUT", "/rest/api/2/webhook/refresh", self.refresh)
        stub.on("DELETE", "/rest/api/2/webhook", self.delete)

    def ends(self) -> int:
        return int((self.now + dt.timedelta(days=30)).timestamp() * 1000)

    def alive(self) -> list[dict[str, Any]]:
        now = self.now.timestamp() * 1000
        self.there = {key: each for key, each in self.there.items() if each["expirationDate"] > now}
        return list(self.there.values())

    def register(self, call: Call) -> dict[str, Any]:
        self.number += 1
        [wanted] = call.body["webhooks"]
        self.there[self.number] = {
            **wanted,
            "id": self.number,
            "url": call.body["url"],
            "expirationDate": self.ends(),
        }
        return {"webhookRegistrationResult": [{"createdWebhookId": self.number}]}

    def refresh(self, call: Call) -> dict[str, Any]:
        self.alive()
        for number in call.body["webhookIds"]:
            if number in self.there:
                self.there[number]["expirationDate"] = self.ends()
        return {"expirationDate": self.ends()}

    def delete(self, call: Call) -> Answer:
        for number in call.body["webhookIds"]:
            self.there.pop(number, None)
        return Answer(202)


def test_a_dynamic_webhook_is_registered_renewed_and_replaced(jira: Api, stub: StubServer) -> None:
    hooks, remote = SOURCE.hooks, Dynamic(stub)
    assert hooks is not None
    place = {"kind": "dynamic", "jql": "project = WEB"}
    plan = hooks.fit(
        place,
        HookPlan("https://c/hooks/x", "hush", ("board_created", "jira:issue_created", "sprint_started")),
    )
    # What an app may not listen to is no difference for ever, and neither is a secret that it has no place for.
    assert (plan.secret, plan.events) == ("", ("jira:issue_created", "sprint_started"))
    made = hooks.create(jira, place, plan)
    assert made.id == "5"
    assert remote.there[5]["events"] == ["jira:issue_created", "sprint_started"]
    found = hooks.read(jira, place, "5")
    assert found is not None
    assert differences(plan, found) == ()
    renewed = hooks.renew(jira, place, "5", dt.datetime.now(dt.UTC))
    assert renewed.expires_at is not None
    # It cannot be changed, so another takes its place.
    assert hooks.update(jira, place, "5", plan).id == "6"
    assert list(remote.there) == [6]


def test_what_jira_gave_up_on_is_fetched_for_this_address_alone(jira: Api, stub: StubServer) -> None:
    hooks, _ = SOURCE.hooks, Dynamic(stub)
    assert hooks is not None
    place = {"kind": "dynamic"}
    hooks.create(jira, place, HookPlan("https://c/hooks/x", "", ("jira:issue_created",)))
    now = dt.datetime.now(dt.UTC)
    failed = [
        {"id": f"f-{number}", "body": '{"webhookEvent": "jira:issue_created"}', "url": f"https://c/hooks/{address}",
         "failureTime": int(now.timestamp() * 1000) - 60_000 + number}
        for number, address in enumerate("xyx")
    ]  # fmt: skip
    stub.on("GET", "/rest/api/2/webhook/failed", {"values": failed})
    found = list(hooks.missed(jira, place, "5", now - dt.timedelta(days=1), now))
    assert [each.id for each in found] == ["f-0", "f-2"]
    assert found[0].headers["x-atlassian-webhook-identifier"] == "f-0"
    # Some apps may not ask for it. That is no failure of the night.
    stub.on("GET", "/rest/api/2/webhook/failed", {"errorMessages": ["Only Connect apps."]}, status=403)
    assert list(hooks.missed(jira, place, "5", now - dt.timedelta(days=1), now)) == []


@pytest.mark.django_db
def test_in_two_hundred_days_a_dynamic_webhook_never_ends_also_when_jira_is_away_for_a_week(
    stub: StubServer,
) -> None:
    remote = Dynamic(stub)
    connector, _ = connectors.create_connector(name="Site", source="jira", scheme="url")
    account = accounts.save(
        name="App", source="jira", kind="data_center", api_url=stub.url, values={"token": "t"}
    )
    accounts.attach(connector, account)
    row = upkeep.make(connector, {"kind": "dynamic"})
    start = dt.datetime.now(dt.UTC)
    for hour in range(0, 200 * 24, 6):
        remote.now = start + dt.timedelta(hours=hour)
        if 60 * 24 <= hour < 67 * 24:
            stub.fail("PUT", "/rest/api/2/webhook/refresh", 503, {})
        with time_machine.travel(remote.now, tick=False):
            upkeep.look_after(upkeep.due_rows(remote.now), remote.now)
        row.refresh_from_db()
        assert [each["id"] for each in remote.alive()] == [5], hour
    assert row.remote_id == "5"
    assert len(stub.made("PUT", ".*refresh")) < 20 + 7 * 4


@pytest.fixture
def atlassian(stub: StubServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Atlassian's sign-in and gateway: a code and each refresh token work once."""
    monkeypatch.setattr("apps.sources.catalog.jira.oauth.AUTH", stub.url)
    monkeypatch.setattr("apps.sources.catalog.jira.oauth.GATEWAY", stub.url)
    state: dict[str, Any] = {"good": {"the-code"}, "number": 0, "offline": True}

    def token(call: Call) -> Answer:
        given = call.body.get("refresh_token") or call.body.get("code")
        if given not in state["good"]:
            return Answer(
                403, {"error": "unauthorized_client", "error_description": "refresh_token is invalid"}
            )
        state["number"] += 1
        state["good"] = {f"refresh-{state['number']}"}
        body = {"access_token": f"access-{state['number']}", "expires_in": 3600, "token_type": "Bearer",
                "scope": "manage:jira-webhook read:jira-work"}  # fmt: skip
        return Answer(
            200, {**body, "refresh_token": f"refresh-{state['number']}"} if state["offline"] else body
        )

    stub.on("POST", "/oauth/token", token)
    site = {"id": "c-1", "url": stub.url, "name": "octo", "scopes": ["read:jira-work"]}
    stub.on("GET", "/oauth/token/accessible-resources", [site])
    stub.on("GET", "/ex/jira/c-1/rest/api/2/myself", {"displayName": "Ada"})
    stub.on(
        "GET",
        "/ex/jira/c-1/rest/api/2/mypermissions",
        {"permissions": {"ADD_COMMENTS": {"havePermission": True}}},
    )
    return state


def app(stub: StubServer, code: str = "the-code") -> Account:
    values = {"client_id": "i", "client_secret": "s", "redirect_uri": "https://c.example.com/", "code": code}
    return accounts.save(name="App", source="jira", kind="app", api_url=stub.url, values=values)


@pytest.mark.django_db
def test_an_app_goes_on_with_each_next_refresh_token(stub: StubServer, atlassian: dict[str, Any]) -> None:
    row = accounts.test(app(stub))
    assert (row.state, row.who) == (Account.State.LIMITED, "Ada")
    assert row.may == ["comment", "make dynamic webhooks"]
    assert "may not make webhooks" not in row.lacks
    # The same process goes on with the token that it has, another one with what was stored.
    accounts.open_account(Account.objects.get()).get("/rest/api/2/myself")
    assert atlassian["number"] == 1
    for number in (2, 3):
        accounts.forget(row)
        accounts.open_account(Account.objects.get()).get("/rest/api/2/myself")
        assert atlassian["number"] == number
        assert stub.calls[-1].headers["authorization"] == f"Bearer access-{number}"
    kept = Account.objects.get().secrets
    assert "refresh-3" in kept
    assert "the-code" not in kept
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)):
        api = accounts.open_account(Account.objects.get())
        api.get("/rest/api/2/myself")
        api.get("/rest/api/2/myself")
    assert atlassian["number"] == 4
    assert len(stub.made("GET", "/oauth/token/accessible-resources")) == 1
    # Its stored credential is nobody's change.
    assert AuditEntry.objects.filter(object_kind__contains="account").count() == 1


@pytest.mark.django_db
def test_links_of_an_app_lead_to_the_site_and_its_calls_to_the_gateway(
    stub: StubServer, atlassian: dict[str, Any]
) -> None:
    stub.on("POST", "/ex/jira/c-1/rest/api/2/issue/WEB-7/comment", {"id": "1"}, status=201)
    api = accounts.open_account(app(stub))
    assert act(api, "comment", {"issue": "WEB-7"}, text="x").subject.url == f"{stub.url}/browse/WEB-7"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "broken, words",
    [("code", "Give it again"), ("site", "not for this site"), ("offline", "offline_access")],
)
def test_what_is_wrong_with_a_consent_is_told(
    stub: StubServer, atlassian: dict[str, Any], broken: str, words: str
) -> None:
    if broken == "site":
        stub.on(
            "GET", "/oauth/token/accessible-resources", [{"id": "c-2", "url": "https://other.atlassian.net"}]
        )
    atlassian["offline"] = broken != "offline"
    row = accounts.test(app(stub, "an-old-code" if broken == "code" else "the-code"))
    assert row.state == Account.State.REFUSED
    assert words in row.message


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
