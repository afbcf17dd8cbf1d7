"""The REST promises, driven as a program would."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.api.models import ApiToken

pytestmark = pytest.mark.django_db
URL = (
    "https://0123456789abcdef.19.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/"
    "abc/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=very-secret-signature"
)
ISSUE = {
    "action": "opened",
    "issue": {
        "number": 3,
        "title": "The door squeaks",
        "html_url": "https://git.example/octo/hello/issues/3",
    },
    "repository": {"full_name": "octo/hello", "html_url": "https://git.example/octo/hello"},
    "sender": {"login": "ada"},
}


class Api:
    """A program with a token."""

    def __init__(self, role: str) -> None:
        self.headers = {"Authorization": f"Bearer {ApiToken.issue(role, role)}"}
        self.client = Client()

    def call(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body) if body is not None else ""
        return self.client.generic(
            method, f"/api/v1/{path}", data, content_type="application/json", headers=self.headers
        )


@pytest.fixture
def admin() -> Api:
    return Api("admin")


def preview(api: Api, **body: Any) -> Any:
    return api.call("POST", "preview/", {"source": "github", "headers": {"x-GITHUB-event": "issues"}, **body})


def test_a_whole_set_up_by_rest(admin: Api) -> None:
    channel = admin.call("POST", "channels/", {"name": "General", "team": "Platform"}).json()
    assert channel["state"] == "failing"  # no webhook URL yet
    url = admin.call("POST", "webhook-urls/", {"channel": channel["id"], "url": URL}).json()
    assert (url["kind"], url["state"]) == ("workflow", "ok")
    connector = admin.call("POST", "connectors/", {"name": "Hello", "source": "github"}).json()
    assert connector["secret"]
    assert connector["url"].endswith(f"/hooks/{connector['id']}")
    made = admin.call(
        "POST", "subscriptions/", {"connector": connector["id"], "channel": channel["id"], "events": ["*"]}
    )
    assert made.status_code == 201
    assert admin.call("GET", "channels/").json()["results"][0]["state"] == "ok"
    for path in (
        "channels/",
        "webhook-urls/",
        "connectors/",
        "subscriptions/",
        f"connectors/{connector['id']}/",
    ):
        text = admin.call("GET", path).content.decode()
        assert "very-secret-signature" not in text
        assert connector["secret"] not in text
    again = admin.call("POST", f"connectors/{connector['id']}/rotate-secret/").json()
    assert again["secret"] != connector["secret"]
    assert admin.call("POST", f"webhook-urls/{url['id']}/test/").status_code == 202
    (delivery,) = admin.call("GET", "deliveries/?status=pending").json()["results"]
    assert delivery["card"]["type"] == "AdaptiveCard"
    assert admin.call("POST", f"deliveries/{delivery['id']}/cancel/").json()["status"] == "cancelled"


def test_preview_shows_the_card_and_stores_nothing(admin: Api) -> None:
    answer = preview(admin, body=json.dumps(ISSUE)).json()
    (event,) = answer["events"]
    assert (answer["reply"], event["type"], event["outcome"]) == (None, "issues.opened", "ok")
    assert "The door squeaks" in event["notification"]["title"]
    assert 0 < event["bytes"] < 22_000
    assert admin.call("GET", "requests/").json()["count"] == 0


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "\ud800", "[" * 5000, '{"action": 5, "issue": 7}'])
def test_preview_never_fails_on_a_body(admin: Api, body: str) -> None:
    answer = preview(admin, body=body)
    assert answer.status_code == 200
    assert answer.json()["events"][0]["outcome"] in ("malformed", "ok", "unsupported")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://contoso.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d", "connector_retired"),
        ("https://prod-01.westeurope.logic.azure.com:443/workflows/a?sig=x", "workflow_moved"),
        ("https://evil.example/x", "unknown_host"),
        (URL.split("&sig", maxsplit=1)[0], "url_cut"),
        (7, "url_missing"),
    ],
)
def test_a_url_that_cannot_work_is_explained(admin: Api, url: object, code: str) -> None:
    channel = admin.call("POST", "channels/", {"name": "General"}).json()
    answer = admin.call("POST", "webhook-urls/", {"channel": channel["id"], "url": url})
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_roles_are_kept_apart(admin: Api) -> None:
    viewer, operator = Api("viewer"), Api("operator")
    assert viewer.call("GET", "sources/github/").json()["slug"] == "github"
    assert preview(viewer, body="{}").status_code == 200
    for api in (viewer, operator):
        answer = api.call("POST", "channels/", {"name": "x"})
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert Client().get("/api/v1/channels/").status_code == 401
    assert Client().get("/api/v1/channels/", headers={"Authorization": "Bearer nonsense"}).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "channels/nothing/", 404), ("PUT", "sources/", 405), ("GET", "sources/nothing/", 404),
        ("POST", "connectors/", 400), ("GET", "deliveries/?since=soon", 400),
    ],
)  # fmt: skip
def test_every_error_is_a_problem_document(admin: Api, method: str, path: str, status: int) -> None:
    answer = admin.call(method, path, {})
    assert answer.status_code == status
    assert {"type", "title", "status", "code", "detail"} <= set(answer.json())


def test_json_that_cannot_be_read_is_told(admin: Api) -> None:
    answer = Client().post("/api/v1/channels/", "{", content_type="application/json", headers=admin.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_half_a_character_and_absurd_depth_break_nothing(admin: Api) -> None:
    odd = json.dumps({**ISSUE, "issue": {"number": 3, "title": "half \ud800 a character"}})
    answer = preview(admin, body=odd)
    assert answer.status_code == 200
    assert answer.json()["events"][0]["outcome"] == "ok"
    deep = '{"a":' * 100_000
    raw = Client().post("/api/v1/preview", deep, content_type="application/json", headers=admin.headers)
    assert raw.status_code == 400


def test_lists_go_page_by_page(admin: Api) -> None:
    for number in range(5):
        admin.call("POST", "channels/", {"name": f"c{number}"})
    first = admin.call("GET", "channels/?limit=2").json()
    assert (first["count"], [each["name"] for each in first["results"]]) == (5, ["c4", "c3"])
    second = admin.call("GET", "channels/" + "?" + first["next"].partition("?")[2]).json()
    assert [each["name"] for each in second["results"]] == ["c2", "c1"]
    assert second["previous"]
