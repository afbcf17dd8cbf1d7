"""The editor of custom connectors in a real browser: the card changes as one types."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.looks import shoot
from tests.e2e.stack import Stack
from tests.e2e.test_browser import page

__all__ = ["page"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]


def test_the_card_changes_as_one_types_and_mistakes_are_named(page: Any, demo: Stack, pictures: Path) -> None:
    page.goto(f"{demo.url}/admin/custom/")
    page.get_by_role("link", name=re.compile("My tool")).click()
    toast = page.locator("#card-toast")
    toast.get_by_text("Order 1042").wait_for()
    page.locator("#card-host").get_by_text("Desk lamp").wait_for()
    page.locator("details", has_text="Event: order.*").locator("summary").first.click()
    title = page.locator("[data-where='events.0.title']")
    if not title.is_visible():
        page.locator("details", has_text="Event: order.*").locator("summary").first.click()
    title.fill("Sold: {{ order.number }}")
    toast.get_by_text("Sold: 1042").wait_for()
    title.fill("Sold\n{{ order.nummer }}")
    page.locator("#card-notes").get_by_text(re.compile("no “nummer”")).wait_for()
    title.fill("Sold {{ order.number | nope }}")
    page.locator("#card-problems").get_by_text(re.compile("There is no filter “nope”")).wait_for()
    assert title.get_attribute("aria-invalid") == "true"
    title.fill("Sold: {{ order.number }}")
    toast.get_by_text("Sold: 1042").wait_for()
    shoot(page, pictures, "custom-editor")

    # The JSON view shows the same document, and another payload makes another event.
    page.get_by_role("button", name="JSON", exact=True).click()
    assert "Sold: {{ order.number }}" in page.locator("#document").input_value()
    page.get_by_label("Body").fill('{"title": "Backup failed", "status": "failed"}')
    toast.get_by_text("Backup failed").wait_for()
    page.get_by_role("button", name="Keep as sample").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("It works from the next event on").wait_for()
    page.set_viewport_size({"width": 390, "height": 844})
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 1
