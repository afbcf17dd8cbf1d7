"""What a program gets wrong is refused with words, and what it sets is set."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from apps.channels.models import Channel
from apps.connectors.models import Connector
from apps.core.moments import moment
from tests.api.test_api import URL, Api

pytestmark = pytest.mark.django_db
LISTS = (
    "channels", "webhook-urls", "connectors", "subscriptions", "command-endpoints", "requests", "events", "deliveries",
    "replays", "custom-sources", "accounts", "hooks", "action-runs", "audit",
)  # fmt: skip


@pytest.fixture
def admin() -> Api:
    return Api("admin")


def made(api: Api, path: str, **body: Any) -> Any:
    answer = api.call("POST", path, body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", ["0", "-1", "ten", "1.5", "٠"])
def test_a_limit_that_is_no_number_from_1_is_refused(admin: Api, name: str, limit: str) -> None:
    refused(admin.call("GET", f"{name}/?limit={limit}"), 400, "bad_limit")


def test_a_limit_above_the_largest_means_the_largest(admin: Api) -> None:
    assert admin.call("GET", f"events/?limit={10**30}").status_code == 200


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("requests/?status=done", "bad_status"),
        ("events/?outcome=good", "bad_outcome"),
        ("deliveries/?status=delivered", "bad_status"),
        ("action-runs/?status=won", "bad_status"),
        ("audit/?action=look", "bad_action"),
        ("connectors/?source=netscape", "bad_source"),
        ("requests/?since=yesterday", "bad_since"),
        ("events/?since=0001-01-01T00:00:00%2B14:00", "bad_since"),
        ("deliveries/?since=9999-12-31T23:59:59-14:00", "bad_since"),
        ("audit/?until=2026-13-01", "bad_until"),
        ("events/?type=%00", "bad_type"),
        ("events/?connector=%00", "bad_connector"),
        ("deliveries/?event=%00", "bad_event"),
        ("hooks/?connector=%00", "bad_connector"),
        ("audit/?actor=%00", "bad_actor"),
        ("subscriptions/?channel=%00", "bad_channel"),
    ],
)
def test_a_filter_that_can_find_nothing_is_refused_by_name(admin: Api, path: str, code: str) -> None:
    refused(admin.call("GET", path), 400, code)


@pytest.mark.parametrize("name", ["channels", "events", "deliveries", "requests", "connectors"])
@pytest.mark.parametrize("wrong", ["%00", "x" * 500, "%F0%9F%98%80"])
def test_an_id_that_nothing_can_have_is_not_found(admin: Api, name: str, wrong: str) -> None:
    refused(admin.call("GET", f"{name}/{wrong}/"), 404, "not_found")


def test_a_channel_cannot_take_the_name_of_another_one_in_its_team(admin: Api) -> None:
    made(admin, "channels/", name="General", team="Platform")
    other = made(admin, "channels/", name="Random", team="Platform")
    for method in ("PATCH", "PUT"):
        refused(admin.call(method, f"channels/{other['id']}/", {"name": "General"}), 409, "name_taken")
    assert Channel.objects.get(public_id=other["id"]).name == "Random"


def test_a_channel_moves_to_another_team(admin: Api) -> None:
    row = made(admin, "channels/", name="General", team="Platform")
    assert admin.call("PATCH", f"channels/{row['id']}/", {"team": "Tools"}).json()["team"] == "Tools"
    made(admin, "channels/", name="General", team="Platform")
    refused(admin.call("PATCH", f"channels/{row['id']}/", {"team": "Platform"}), 409, "name_taken")


def test_what_is_paused_when_it_is_made_is_paused(admin: Api) -> None:
    assert made(admin, "channels/", name="General", paused=True)["state"] == "paused"
    assert made(admin, "connectors/", name="Hello", source="github", paused=True)["state"] == "paused"
    endpoint = made(admin, "command-endpoints/", name="Bot", team="Platform", paused=True)
    assert endpoint["state"] == "paused"


def test_subscriptions_and_webhook_urls_move(admin: Api) -> None:
    first, second = (made(admin, "channels/", name=name)["id"] for name in ("One", "Two"))
    url = made(admin, "webhook-urls/", channel=first, url=URL)
    github, jira = (made(admin, "connectors/", name=name, source=name)["id"] for name in ("github", "jira"))
    row = made(admin, "subscriptions/", connector=github, channel=first, events=["push"])
    assert admin.call("PATCH", f"webhook-urls/{url['id']}/", {"channel": second}).json()["channel"] == second
    moved = admin.call("PATCH", f"subscriptions/{row['id']}/", {"channel": second}).json()
    assert (moved["channel"], moved["events"]) == (second, ["push"])
    # Jira has no such event, so the events have to come along.
    path = f"subscriptions/{row['id']}/"
    refused(admin.call("PATCH", path, {"connector": jira}), 400, "unknown_event")
    assert admin.call("PATCH", path, {"connector": jira, "events": ["*"]}).json()["connector"] == jira
    assert admin.call("GET", f"subscriptions/?connector={jira}").json()["count"] == 1
    assert admin.call("GET", f"subscriptions/?connector={github}").json()["count"] == 0
    assert admin.call("GET", f"webhook-urls/?channel={first}").json()["count"] == 0
    assert admin.call("GET", "connectors/?source=jira").json()["count"] == 1


def test_what_cannot_be_changed_says_so(admin: Api) -> None:
    channel = made(admin, "channels/", name="One")["id"]
    url = made(admin, "webhook-urls/", channel=channel, url=URL)
    connector = made(admin, "connectors/", name="Hello", source="github")
    path = f"connectors/{connector['id']}/"
    refused(admin.call("PATCH", path, {"source": "jira"}), 400, "fixed")
    refused(admin.call("PATCH", f"webhook-urls/{url['id']}/", {"kind": "endpoint"}), 400, "fixed")
    assert admin.call("PUT", path, {"name": "Renamed", "source": "github"}).json()["name"] == "Renamed"


def test_a_put_needs_what_making_needed_but_no_secrets(admin: Api) -> None:
    channel = made(admin, "channels/", name="One")["id"]
    things = {
        "channels": made(admin, "channels/", name="Two"),
        "webhook-urls": made(admin, "webhook-urls/", channel=channel, url=URL),
        "connectors": made(admin, "connectors/", name="Hello", source="github"),
        "command-endpoints": made(admin, "command-endpoints/", name="Bot", team="Platform"),
    }
    things["subscriptions"] = made(
        admin, "subscriptions/", connector=things["connectors"]["id"], channel=channel
    )
    for name, thing in things.items():
        path = f"{name}/{thing['id']}/"
        refused(admin.call("PUT", path, {}), 400, "invalid")
        answered = admin.call("GET", path).json()
        assert admin.call("PUT", path, answered).json() == answered


@pytest.mark.parametrize("wrong", ["high", -1, 1001, True, 1.5])
def test_a_priority_is_a_number(admin: Api, wrong: object) -> None:
    channel = made(admin, "channels/", name="One")["id"]
    url = made(admin, "webhook-urls/", channel=channel, url=URL)
    refused(admin.call("PATCH", f"webhook-urls/{url['id']}/", {"priority": wrong}), 400, "invalid")
    refused(
        admin.call("POST", "webhook-urls/", {"channel": channel, "url": URL, "priority": wrong}),
        400,
        "invalid",
    )


def test_a_call_that_is_refused_in_the_end_has_changed_nothing(admin: Api) -> None:
    body = {"name": "Half", "source": "github", "action_policy": "nobody"}
    refused(admin.call("POST", "connectors/", body), 400, "invalid")
    assert admin.call("GET", "connectors/").json()["count"] == 0
    row = made(admin, "connectors/", name="Hello", source="github")
    path = f"connectors/{row['id']}/"
    refused(admin.call("PATCH", path, {"name": "Half", "action_policy": "nobody"}), 400, "invalid")
    assert admin.call("GET", path).json()["name"] == "Hello"


def test_a_database_that_is_away_is_said_to_be_away(admin: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: object) -> None:
        raise OperationalError("connection to server at db.internal failed")

    monkeypatch.setattr("apps.api.configuration.page", gone)
    answer = admin.call("GET", "channels/")
    refused(answer, 503, "not_available")
    assert answer["Retry-After"]
    assert b"db.internal" not in answer.content


@pytest.mark.parametrize("wrong", [[], "", 0, False, "x"])
def test_options_are_an_object(admin: Api, wrong: object) -> None:
    body = {"name": "Hello", "source": "github", "options": wrong}
    refused(admin.call("POST", "connectors/", body), 400, "bad_options")


def test_a_team_that_is_no_text_is_refused(admin: Api) -> None:
    refused(admin.call("POST", "channels/", {"name": "General", "team": []}), 400, "invalid")


def test_a_thing_that_a_worker_is_just_adding_to_is_deleted_all_the_same(
    admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = made(admin, "connectors/", name="Hello", source="github")
    real, tries = Connector.delete, []

    def busy(self: Connector, *args: Any, **kwargs: Any) -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise IntegrityError("a row was added")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Connector, "delete", busy)
    assert admin.call("DELETE", f"connectors/{row['id']}/").status_code == 204
    assert admin.call("GET", f"connectors/{row['id']}/").status_code == 404


@pytest.mark.parametrize(
    "wrong", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z"]
)
def test_a_time_that_no_calendar_holds_is_refused_everywhere(admin: Api, wrong: str) -> None:
    refused(admin.call("POST", "replays/", {"events": {"since": wrong}}), 400, "bad_filters")
    refused(admin.call("POST", "replays/", {"deliveries": {"until": wrong}}), 400, "bad_filters")
    refused(admin.call("POST", "channels/", {"name": "General", "muted_until": wrong}), 400, "invalid")


@pytest.mark.parametrize(
    "given",
    ["2026-03-14T09:00:00Z", "2026-03-14 09:00:00", "2026-03-14T10:00:00 01:00", "2026-03-14T09:00"],
)
def test_a_time_may_be_written_in_several_ways(given: str) -> None:
    assert moment(given) == dt.datetime(2026, 3, 14, 9, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "path", ["nothing/", "custom-sources/a%0A/", "channels/a/b/c", "%0A", "events/%E2%80%A8/"]
)
def test_a_path_that_is_not_there_is_a_problem_document_too(admin: Api, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = admin.call(method, path)
        assert answer.status_code in (404, 405)
        assert answer["Content-Type"] == "application/problem+json"
