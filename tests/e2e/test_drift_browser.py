"""A hook at a source in a real browser: what somebody changed there is shown, and mended by a click."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.stack import Stack
from tests.e2e.test_action_browser import waiting
from tests.e2e.test_browser import page, signed_post
from tests.vendors.stub import StubServer
from tests.vendors.test_github import P, Remote

__all__ = ["page"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]


def test_drift_is_shown_and_mended_and_a_new_secret_reaches_both_sides(
    page: Any, demo: Stack, pictures: Path
) -> None:
    token = demo.manage("create_token", "drift", "--role", "admin")

    def api(method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.request(method, f"{demo.url}/api/v1/{path}", json=body, headers=headers, timeout=20)
        assert answer.status_code < 300, answer.text
        return answer.json()

    with StubServer() as vendor:
        remote = Remote(vendor)
        account = api("POST", "accounts/", {
            "name": "Keeper", "source": "github", "kind": "token", "api_url": vendor.url, "fields": {"token": "ghp_test"},
        })  # fmt: skip
        connector = api("POST", "connectors/", {"name": "Kept", "source": "github", "account": account["id"]})
        channel = api("GET", "channels/")["results"][0]
        api("POST", "subscriptions/", {"connector": connector["id"], "channel": channel["id"],
                                       "events": ["issues.opened", "push"]})  # fmt: skip
        hook = api("POST", "hooks/", {"connector": connector["id"], "place": {"place": "octo/hello"}})
        [there] = remote.there.values()
        assert there["events"] == ["issues", "push"]
        assert there["config"]["url"] == connector["url"]

        # Somebody changes it at GitHub.
        there |= {"active": False, "events": ["push", "star"]}
        there["config"] = {**there["config"], "url": "https://old.example.com/hooks/secret-path"}
        page.goto(f"{demo.url}/admin/connectors/hook/")
        page.get_by_role("link", name="Kept").click()
        page.get_by_role("link", name="Compare now").or_(
            page.get_by_role("button", name="Compare now")
        ).click()
        page.get_by_text("https://old.example.com/…").wait_for()
        shown = page.content()
        assert "also issues" in shown
        assert "also star" in shown
        assert "secret-path" not in shown
        page.screenshot(path=pictures / "drift.png")
        page.get_by_role("link", name="Mend it").or_(page.get_by_role("button", name="Mend it")).click()
        page.get_by_text("The hook at the source is as it should be.").wait_for()
        assert there["active"] is True
        assert there["events"] == ["issues", "push"]
        assert there["config"]["url"] == connector["url"]
        assert api("POST", f"hooks/{hook['id']}/check/")["state"] == "ok"

        # A new secret: GitHub has it at once, and requests that are still signed with the old one are taken.
        made = api("POST", f"connectors/{connector['id']}/rotate-secret/")["secret"]
        given = waiting(
            lambda: [call.body["config"]["secret"] for call in vendor.made("PATCH", f"{P}/hooks/1")]
        )
        assert given[-1] == made != connector["secret"]
        for secret in (made, connector["secret"]):
            assert signed_post(connector["url"], secret, "push") == 202
        page.goto(f"{demo.url}/admin/connectors/connector/?q=Kept")
        page.get_by_role("link", name="Kept").first.click()
        page.get_by_text("valid until").first.wait_for()
        said = page.get_by_text("valid until").first.inner_text()
        assert said.count("last used") == 2, said
        assert f"{dt.datetime.now(dt.UTC) + dt.timedelta(days=1):%d %b %Y}" in said
        assert json.dumps(made) not in page.content()
