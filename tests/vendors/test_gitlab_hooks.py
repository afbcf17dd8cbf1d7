"""GitLab's webhooks: made, compared, mended, and asked what they failed to deliver."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from apps.sources import registry
from apps.sources.api import Api, ApiError
from apps.sources.hooks import HookPlan, Hooks, differences
from apps.sources.sdk import ActionError
from tests.vendors.stub import Answer, Call, StubServer

SOURCE = registry.get("gitlab")
P = "/api/v4/projects/octo%2Fhello/hooks"
PLACE = {"kind": "project", "path": "octo/hello"}
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
URL = "https://c.example.com/hooks/x"
Row = dict[str, Any]


@pytest.fixture
def hooks() -> Hooks:
    assert SOURCE.hooks is not None
    return SOURCE.hooks


@pytest.fixture
def api(stub: StubServer) -> Api:
    return stub.api("gitlab", "token", token="glpat-x")


@pytest.fixture
def there(stub: StubServer) -> Row:
    """The one webhook that the stub keeps as GitLab does; the secret is never told."""
    row: Row = {}

    def shown() -> Row:
        kept = {key: value for key, value in row.items() if key not in ("token", "signing_token")}
        return {**kept, "token_present": "token" in row, "signing_token_present": "signing_token" in row}

    def one(call: Call) -> Answer:
        if not row:
            return Answer(404, {"message": "404 Not found"})
        if call.method == "DELETE":
            row.clear()
            return Answer(204)
        if call.method == "PUT":
            row.update(call.body)
        return Answer(200, shown())

    def create(call: Call) -> Answer:
        row.update({**call.body, "id": 3, "alert_status": "executable", "disabled_until": None})
        return Answer(201, shown())

    for base in (P, "/api/v4/groups/octo/hooks"):
        stub.on("GET", base, lambda call: [shown()] if row else [])
        stub.on("POST", base, create)
        for method in ("GET", "PUT", "DELETE"):
            stub.on(method, f"{base}/3", one)
    return row


def plan_for(hooks: Hooks, place: dict[str, str], *names: str, scheme: str = "token") -> HookPlan:
    names = names or ("merge_request.opened", "issue.closed", "member.added", "pipeline.failed")
    return hooks.fit(place, HookPlan(URL, "hush", hooks.events(names), scheme=scheme))


def test_every_event_that_projects_and_groups_send_has_its_switch(hooks: Hooks) -> None:
    none = {spec.name.partition(".")[0] for spec in SOURCE.events if not hooks.events([spec.name])}
    # These come from system hooks, audit streams and Duo; no project's webhook has a switch for them.
    assert none == {
        "group",
        "user",
        "key",
        "repository_update",
        "member_approval",
        "duo_flow",
        "audit_event",
        "other",
    }


def test_a_hook_is_made_with_exactly_what_was_chosen(
    hooks: Hooks, api: Api, stub: StubServer, there: Row
) -> None:
    plan = plan_for(hooks, PLACE)
    assert plan.events == ("issues_events", "merge_requests_events", "pipeline_events")
    made = hooks.create(api, PLACE, plan)
    assert differences(plan, made) == ()
    sent = stub.made("POST", P)[0].body
    assert (sent["token"], sent["push_events"], sent["enable_ssl_verification"]) == ("hush", False, True)
    assert "confidential_issues_events" not in sent
    assert made.page == f"{stub.url}/octo/hello/-/hooks/3/edit"
    found = hooks.find(api, PLACE, URL)
    assert found is not None
    assert found.id == "3"
    assert hooks.find(api, PLACE, "https://c.example.com/hooks/other") is None
    hooks.delete(api, PLACE, "3")
    hooks.delete(api, PLACE, "3")
    assert hooks.read(api, PLACE, "3") is None


def test_a_groups_hook_also_tells_about_members(hooks: Hooks, api: Api, stub: StubServer, there: Row) -> None:
    place = {"kind": "group", "path": f"{stub.url}/groups/octo/-/settings"}
    plan = plan_for(hooks, place, scheme="signing_token")
    assert "member_events" in plan.events
    made = hooks.create(api, place, plan)
    assert differences(plan, made) == ()
    assert made.page == f"{stub.url}/groups/octo/-/hooks/3/edit"
    assert stub.made("POST", ".*")[0].body["signing_token"] == "hush"


@pytest.mark.parametrize(
    "drift, what",
    [
        ({"push_events": True}, {"Events"}),
        ({"pipeline_events": False}, {"Events"}),
        ({"url": "https://c.example.com/hooks/y"}, {"URL"}),
    ],
)
def test_each_drift_is_seen_and_mended(
    hooks: Hooks, api: Api, there: Row, drift: Row, what: set[str]
) -> None:
    plan = plan_for(hooks, PLACE)
    hooks.create(api, PLACE, plan)
    there.update(drift)
    found = hooks.read(api, PLACE, "3")
    assert found is not None
    assert {each.what for each in differences(plan, found)} == what
    assert differences(plan, hooks.update(api, PLACE, "3", plan)) == ()


def test_a_lost_secret_is_seen_and_given_again(hooks: Hooks, api: Api, there: Row) -> None:
    plan = plan_for(hooks, PLACE)
    hooks.create(api, PLACE, plan)
    del there["token"]
    found = hooks.read(api, PLACE, "3")
    assert found is not None
    assert [each.what for each in differences(plan, found)] == ["Secret"]
    assert differences(plan, hooks.update(api, PLACE, "3", plan)) == ()
    assert there["token"] == "hush"


@pytest.mark.parametrize(
    "state, words",
    [
        ({"alert_status": "disabled"}, "again and again"),
        (
            {
                "alert_status": "temporarily_disabled",
                "disabled_until": (NOW + dt.timedelta(hours=1)).isoformat(),
            },
            "until",
        ),
        ({"disabled_until": (NOW + dt.timedelta(hours=1)).isoformat()}, "until"),
    ],
)
def test_a_hook_that_gitlab_switched_off_is_switched_on_by_a_test(
    hooks: Hooks, api: Api, stub: StubServer, there: Row, state: Row, words: str
) -> None:
    plan = plan_for(hooks, PLACE)
    hooks.create(api, PLACE, plan)
    there.update(state)
    found = hooks.read(api, PLACE, "3")
    assert found is not None
    assert words in found.trouble
    assert [each.what for each in differences(plan, found)] == ["Active"]

    def works(call: Call) -> Answer:
        there.update(alert_status="executable", disabled_until=None)
        return Answer(201, {"message": "201 Created"})

    stub.on(
        "POST",
        f"{P}/3/test/push_events",
        {"message": "Ensure the project has at least one commit."},
        status=422,
    )
    stub.on("POST", f"{P}/3/test/tag_push_events", works)
    assert differences(plan, hooks.update(api, PLACE, "3", plan)) == ()


def test_a_rest_that_is_over_is_no_trouble(hooks: Hooks, api: Api, there: Row) -> None:
    hooks.create(api, PLACE, plan_for(hooks, PLACE))
    there["disabled_until"] = (NOW - dt.timedelta(hours=1)).isoformat()
    found = hooks.read(api, PLACE, "3")
    assert found is not None
    assert (found.active, found.trouble) == (True, "")


@pytest.mark.parametrize("path", ["", "hello", "/", "https://gitlab.com/"])
def test_a_place_that_is_none_is_told(hooks: Hooks, api: Api, stub: StubServer, path: str) -> None:
    with pytest.raises(ActionError, match="group/project"):
        hooks.create(api, {"path": path}, HookPlan(URL))
    assert not stub.calls


def entry(number: int, status: str, at: dt.datetime) -> Row:
    sent = {"X-Gitlab-Event": "Issue Hook", "Idempotency-Key": f"k-{number}", "X-Gitlab-Token": "[REDACTED]"}
    return {"id": number, "response_status": status, "created_at": at.isoformat(), "request_headers": sent,
            "request_data": {"object_kind": "issue", "object_attributes": {"iid": number}}}  # fmt: skip


def test_events_that_failed_are_fetched_over_pages_oldest_first(
    hooks: Hooks, api: Api, stub: StubServer
) -> None:
    def log(call: Call) -> Answer:
        minutes = dt.timedelta(minutes=1)
        if call.query.get("page") == "2":
            return Answer(200, [entry(1, "500", NOW - 4 * minutes), entry(0, "500", NOW - 90 * minutes)])
        rows = [entry(4, "internal error", NOW - minutes), entry(3, "201", NOW - 2 * minutes)]
        return Answer(200, [*rows, entry(2, "404", NOW - 3 * minutes)], {
            "Link": f'<{stub.url}{P}/3/events?page=2&per_page=100>; rel="next"'})  # fmt: skip

    stub.on("GET", f"{P}/3/events", log)
    found = list(hooks.missed(api, PLACE, "3", NOW - dt.timedelta(hours=1), NOW))
    assert [each.id for each in found] == ["k-1", "k-2", "k-4"]
    assert json.loads(found[0].body)["object_attributes"] == {"iid": 1}
    assert found[0].headers["x-gitlab-event"] == "Issue Hook"
    assert "x-gitlab-token" not in found[0].headers


def test_an_older_gitlab_keeps_no_log(hooks: Hooks, api: Api, stub: StubServer) -> None:
    with pytest.raises(ApiError, match=r"17\.3"):
        list(hooks.missed(api, PLACE, "3", NOW, NOW))
