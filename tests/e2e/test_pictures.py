"""The pictures of the documentation: every main page, light, dark and on a phone (`make screenshots`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e"),
    pytest.mark.skipif(os.environ.get("SCREENSHOTS") != "1", reason="only for make screenshots"),
]
PAGES = {
    "dashboard": "/admin/", "catalog": "/admin/catalog/", "source": "/admin/catalog/github/",
    "connect": "/admin/catalog/github/connect/", "guide": "/admin/guide/workflow/", "events": "/admin/inbound/event/",
    "deliveries": "/admin/deliveries/delivery/", "channel": "/admin/channels/channel/1/change/",
    "connector": "/admin/connectors/connector/1/change/", "audit": "/admin/audit/", "find": "/admin/find/?q=issue",
    "sandbox": "/sandbox/",
}  # fmt: skip
LOOKS = {
    "": ("light", {"width": 1280, "height": 900}),
    "-dark": ("dark", {"width": 1280, "height": 900}),
    "-phone": ("light", {"width": 390, "height": 800}),
}


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest, chromium: Any, demo: Stack) -> Iterator[tuple[str, Any]]:
    """The ending of the file's name, and a signed-in page that looks so."""
    scheme, size = LOOKS[request.param]
    context = chromium.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{demo.url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{demo.url}/admin/")
    yield request.param, page
    context.close()


def test_every_main_page_has_its_picture(look: tuple[str, Any], demo: Stack, pictures: Path) -> None:
    ending, page = look
    for name, path in PAGES.items():
        page.goto(demo.url + path)
        page.wait_for_load_state("networkidle") if name != "sandbox" else page.wait_for_selector(
            ".teams-card"
        )
        page.wait_for_timeout(200)
        page.screenshot(path=pictures / f"{name}{ending}.png")
    page.goto(demo.url + "/admin/find/?q=opened")
    page.locator("main a[href*='/trace/']").first.click()
    page.get_by_text("Received and verified").wait_for()
    page.wait_for_timeout(300)
    page.screenshot(path=pictures / f"trace{ending}.png")
    page.context.clear_cookies()
    page.goto(demo.url + "/admin/")
    page.screenshot(path=pictures / f"sign-in{ending}.png")
