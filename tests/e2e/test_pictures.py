"""The pictures of the documentation: every main page, light, dark and on a phone (`make screenshots`).

A page that breaks, or has to be scrolled sideways on a phone, fails here; docs/tour.md shows all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.looks import DESK, LOOKS, WANTED, shoot
from tests.e2e.stack import ROOT, Stack
from tests.e2e.test_axe import button_of, product
from tests.e2e.test_stack import Client
from tests.e2e.watch import watch

__all__ = ["product"]
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e"),
    pytest.mark.skipif(not WANTED, reason="only for make screenshots"),
]
PAGES = {
    "dashboard": "", "catalog": "catalog/", "source": "catalog/github/", "guide": "guide/workflow/",
    "guide-commands": "guide/commands/", "connectors": "connectors/connector/", "channels": "channels/channel/",
    "events": "inbound/event/", "deliveries": "deliveries/delivery/", "find": "find/", "replays": "replays/",
    "replay-new": "replays/new/", "custom": "custom/", "account-new": "connectors/account/add/",
    "secrets": "catalog/github/secrets/", "audit": "audit/", "people": "auth/user/", "person": "auth/user/1/change/",
}  # fmt: skip
FIRST = {  # the page of a row, by its list and the words of its link
    "connector": ("connectors/connector/", "GitHub demo"), "subscription": ("connectors/subscription/", "Website"),
    "channel": ("channels/channel/", "General"), "delivery": ("deliveries/delivery/", "opened"),
    "command-endpoint": ("commands/commandendpoint/", "Connector"),
}  # fmt: skip


@pytest.fixture(scope="module")
def page(chromium: Any, product: Stack) -> Iterator[Any]:
    """An admin's page, after enough has happened to be looked at."""
    client = Client(product)
    demo = next(each for each in client.get("connectors/")["results"] if each["name"] == "GitHub demo")
    for event in (
        "release.published",
        "issues.closed",
        "pull_request.closed",
        "workflow_run.completed",
        "push",
    ) * 3:
        client.post(f"connectors/{demo['id']}/test/", event=event)
    context = chromium.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.problems = watch(page, product.url)
    page.goto(f"{product.url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(product.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{product.url}/admin/")
    yield page
    assert page.problems == []
    context.close()


def shown(page: Any) -> None:
    """Wait until the page is as a person sees it."""
    page.wait_for_load_state("load")
    if page.locator("[data-preview]").count():
        page.locator("[data-preview]:not([aria-busy])").wait_for()
        page.locator("[data-preview-card] .ac-adaptiveCard").first.wait_for()


@pytest.mark.parametrize("name", PAGES)
def test_a_main_page_has_its_pictures(page: Any, product: Stack, pictures: Path, name: str) -> None:
    answer = page.goto(f"{product.url}/admin/{PAGES[name]}")
    assert answer.status == 200
    shown(page)
    shoot(page, pictures, name)


@pytest.mark.parametrize("name", FIRST)
def test_the_page_of_a_row_has_its_pictures(page: Any, product: Stack, pictures: Path, name: str) -> None:
    path, words = FIRST[name]
    page.goto(f"{product.url}/admin/{path}")
    page.locator("#result_list").get_by_role("link", name=re.compile(words)).first.click()
    shown(page)
    shoot(page, pictures, name)


@pytest.mark.parametrize("outcome", ["matched", "unmatched", "duplicate", "malformed"])
def test_each_end_of_a_trace_has_its_pictures(
    page: Any, product: Stack, pictures: Path, outcome: str
) -> None:
    client = Client(product)
    if outcome == "malformed":
        path = f"request/{client.get('requests/', status=outcome)['results'][0]['id']}"
    else:
        path = client.get("events/", outcome=outcome)["results"][0]["id"]
    page.goto(f"{product.url}/admin/trace/{path}/")
    page.get_by_text("Received and verified").wait_for()
    if outcome != "malformed":
        shown(page)
    shoot(page, pictures, "trace" if outcome == "matched" else f"trace-{outcome}")


def test_pages_without_the_admin_have_their_pictures(
    page: Any, chromium: Any, product: Stack, pictures: Path
) -> None:
    page.goto(button_of(Client(product)))
    shoot(page, pictures, "button")
    context = chromium.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
    stranger = context.new_page()
    for name, path in {
        "sign-in": "/admin/", "button-stranger": button_of(Client(product)), "not-found": "/nowhere",
        "button-gone": "/act/no-such-button",
    }.items():  # fmt: skip
        stranger.goto(path if path.startswith("http") else product.url + path)
        stranger.get_by_role("heading", level=1).wait_for()
        shoot(stranger, pictures, name)
    context.close()


def test_the_tour_shows_every_picture_and_the_pictures_stay_small() -> None:
    folder = ROOT / "docs" / "images"
    told = (ROOT / "docs" / "tour.md").read_text() + (ROOT / "README.md").read_text()
    there = {file.name for file in folder.glob("*.png")}
    assert there == set(re.findall(r"images/([\w-]+\.png)", told))
    assert sum(file.stat().st_size for file in folder.glob("*.png")) < 6_500_000
    for name in {name.removesuffix(".png") for name in there if not re.search("-(dark|phone).png$", name)} - {
        "card"
    }:
        assert {f"{name}{ending}.png" for ending in LOOKS} <= there, name
