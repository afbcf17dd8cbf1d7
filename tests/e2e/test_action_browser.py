"""A card's button in a real browser: it asks, acts at the vendor once, and the channel is told."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.looks import shoot
from tests.e2e.stack import Stack
from tests.e2e.test_browser import page, signed_post
from tests.vendors.stub import StubServer

__all__ = ["page"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]


def waiting(find: Any, seconds: float = 20.0) -> Any:
    """What `find` returns once it returns something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = find()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it never came")


def test_a_button_closes_an_issue_and_a_result_card_arrives(page: Any, demo: Stack, pictures: Path) -> None:
    token = demo.manage("create_token", "actions", "--role", "admin")

    def api(method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.request(method, f"{demo.url}/api/v1/{path}", json=body, headers=headers, timeout=20)
        assert answer.status_code < 300, answer.text
        return answer.json()

    with StubServer() as vendor:
        issue = {
            "number": 1,
            "title": "Timetable off by one",
            "state": "open",
            "html_url": "https://github.com/x/y/issues/1",
        }
        vendor.on("GET", r"/api/v3/repos/.+/issues/\d+", lambda call: issue)

        def close(call: Any) -> dict[str, Any]:
            issue["state"] = call.body["state"]
            return issue

        vendor.on("PATCH", r"/api/v3/repos/.+/issues/\d+", close)
        account = api("POST", "accounts/", {
            "name": "Robot", "source": "github", "kind": "token", "api_url": vendor.url, "fields": {"token": "ghp_test"},
        })  # fmt: skip
        channel = api("GET", "channels/")["results"][0]
        connector = api(
            "POST", "connectors/", {"name": "Acting", "source": "github", "account": account["id"]}
        )
        api(
            "POST",
            "subscriptions/",
            {"connector": connector["id"], "channel": channel["id"], "events": ["*"]},
        )
        assert signed_post(connector["url"], connector["secret"], "issues.opened") == 202

        def link() -> str:
            for each in api("GET", "deliveries/?limit=20")["results"]:
                for button in each["card"].get("actions", []):
                    if button["title"] == "Close" and "/act/" in button["url"]:
                        return str(button["url"])
            return ""

        address = waiting(link)
        # Somebody who is not signed in is asked who they are; a scanner learns nothing and changes nothing.
        stranger = requests.get(address, timeout=10)
        assert "Sign in" in stranger.text
        assert "Timetable" not in stranger.text
        assert requests.post(address, timeout=10).status_code == 403
        assert "unsafe" not in stranger.headers["Content-Security-Policy"]

        page.goto(address)
        page.get_by_text("Timetable off by one").wait_for()
        assert not vendor.made("PATCH", ".*")
        page.get_by_role("button", name="Close").click()

        page.get_by_text("Done", exact=True).wait_for()
        assert len(vendor.made("PATCH", ".*")) == 1
        shoot(page, pictures, "button-done")

        def told() -> bool:
            rows = api("GET", "deliveries/?limit=20")["results"]
            return any(
                each["origin"] == "action"
                and each["status"] == "accepted"
                and "Closed" in json.dumps(each["card"])
                for each in rows
            )

        assert waiting(told)
        page.goto(address)
        page.get_by_text("The button works once").wait_for()
