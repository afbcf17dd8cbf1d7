"""In a real browser: the card and its verdict follow the form as it is typed, and a backtest shows its counts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.looks import shoot
from tests.e2e.stack import Stack
from tests.e2e.test_browser import page

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
__all__ = ["page"]
CARD = "[data-preview-card] .ac-adaptiveCard"
PULL_REQUEST = "sample:pull_request.opened"


def open_row(page: Any, demo: Stack, kind: str) -> None:
    """The page of the demo's connector or subscription, with its preview drawn."""
    page.goto(f"{demo.url}/admin/connectors/{kind}/")
    page.get_by_role("link", name="GitHub demo").first.click()
    page.locator(CARD).wait_for()
    choose(page, PULL_REQUEST)


def choose(page: Any, material: str) -> None:
    with page.expect_response(re.compile("/admin/preview/")):
        page.locator("[data-preview-material]").select_option(material)
    page.locator("[data-preview]:not([aria-busy])").wait_for()


def verdict(page: Any) -> Any:
    return page.locator("[data-preview-decision]")


def wait_for_events(page: Any, demo: Stack) -> None:
    """The demo sends its first events by itself."""
    for _ in range(60):
        page.goto(f"{demo.url}/admin/inbound/event/")
        if page.get_by_role("row", name=re.compile("Pull request")).count():
            return
        page.wait_for_timeout(500)
    raise AssertionError("the demo sent nothing")


def test_typing_a_condition_changes_the_verdict(page: Any, demo: Stack, pictures: Path) -> None:
    open_row(page, demo, "subscription")
    verdict(page).get_by_text("This event would be sent").wait_for()
    page.get_by_text("As text").click()
    text = page.locator("#id_conditions")
    text.press_sequentially("branch is nowhere")
    verdict(page).get_by_text("dropped because of “filter 1”: branch is nowhere: it is main.").wait_for()
    page.get_by_text("Every rule and its verdict").click()
    assert page.locator("[data-preview-rules] li").count() == 3
    shoot(page, pictures, "preview-dropped")

    # The builder shows the same condition; by keyboard, it is mended.
    value = page.get_by_label("Condition 1: value")
    assert value.input_value() == "nowhere"
    value.fill("main, release/*")
    verdict(page).get_by_text("This event would be sent").wait_for()
    assert text.input_value() == "branch is main, release/*"
    page.get_by_label("Condition 1: comparison").select_option("not_matches")
    verdict(page).get_by_text("would be dropped").wait_for()
    page.get_by_role("button", name="Remove condition 1").press("Enter")
    verdict(page).get_by_text("This event would be sent").wait_for()
    page.get_by_role("button", name="Leave out bots").click()
    page.get_by_label("Condition 1: field or path").fill("$.pull_request.title")
    page.get_by_label("Condition 1: value").fill("x")
    page.wait_for_function(
        "document.getElementById('id_conditions').value === '$.pull_request.title is_not x'"
    )

    # A slip is said, by name.
    text.fill("severity at_least high")
    verdict(page).get_by_text("Line 1: severity is one of").wait_for()
    text.fill("labelz is bug")
    verdict(page).get_by_text("Did you mean “labels”?").wait_for()


def test_events_that_are_not_ticked_are_dropped_live(page: Any, demo: Stack) -> None:
    open_row(page, demo, "subscription")
    page.locator("#id_patterns").fill("issues")
    verdict(page).get_by_text("pull_request.opened is not among the chosen events").wait_for()
    page.locator("#id_patterns").fill("pull_request")
    verdict(page).get_by_text("This event would be sent").wait_for()


def test_an_option_changes_the_card_theme_and_width_its_look(page: Any, demo: Stack, pictures: Path) -> None:
    open_row(page, demo, "connector")
    page.locator("#id_option_branches").fill("nowhere")
    verdict(page).get_by_text("The branch main is not among the chosen branches").wait_for()
    page.locator("[data-preview-card]").wait_for(state="hidden")
    page.locator("#id_option_branches").fill("main")
    page.locator(CARD).wait_for()
    host = page.locator("[data-preview-card]")
    for theme in ("dark", "contrast", "light"):
        page.get_by_label("Theme", exact=True).select_option(theme)
        assert host.get_attribute("data-theme") == theme
    page.get_by_role("button", name="Phone", exact=True).press("Enter")
    assert host.bounding_box()["width"] <= 360
    assert page.get_by_role("button", name="Phone", exact=True).get_attribute("aria-pressed") == "true"
    assert "of 22,000 bytes" in page.locator("[data-preview-size]").inner_text()
    assert "Show the tide table" in page.locator("[data-preview-summary]").inner_text()


def test_a_backtest_shows_counts_and_differences(page: Any, demo: Stack, pictures: Path) -> None:
    wait_for_events(page, demo)
    open_row(page, demo, "subscription")
    page.get_by_text("As text").click()
    page.locator("#id_conditions").fill("event not_matches pull_request")
    page.get_by_role("button", name="Run the backtest").click()
    state = page.locator("[data-backtest-state]")
    state.get_by_text("Against what is saved").wait_for()
    found = re.search(r"Tried on (\d+) events?: (\d+) would be sent, (\d+) dropped", state.inner_text())
    assert found
    checked, sent, dropped = map(int, found.groups())
    assert checked == sent + dropped
    assert dropped >= 1
    page.get_by_role("heading", name="Cards per day").wait_for()
    page.get_by_role("heading", name=re.compile("No longer sent")).wait_for()
    page.get_by_role("cell", name="filter 1: event not matches pull_request").wait_for()
    page.locator("[data-backtest]").evaluate("each => each.scrollIntoView()")
    shoot(page, pictures, "backtest", top=False)
    # A form that cannot be read is said, not tried.
    page.locator("#id_conditions").fill("nonsense")
    page.get_by_role("button", name="Run the backtest").click()
    state.get_by_text("Correct the form first").wait_for()


def test_a_stored_event_is_kept_as_a_sample_and_previewed_later(page: Any, demo: Stack) -> None:
    wait_for_events(page, demo)
    page.goto(f"{demo.url}/admin/find/?q=%23318")
    if "/trace/" not in page.url:  # other tests tell the same story of connectors of their own
        page.get_by_role("row", name="GitHub demo").get_by_role("link").first.click()
    page.locator(CARD).wait_for()
    page.get_by_label("Keep it as a sample").fill("The tide table")
    page.get_by_role("button", name="Save as sample").click()
    page.get_by_text("is kept, with secrets masked").wait_for()
    page.get_by_role("link", name="Show what was sent").click()
    assert '"repository"' in page.locator("pre.tc-body").inner_text()
    open_row(page, demo, "subscription")
    page.locator("[data-preview-material]").select_option(label="The tide table")
    page.locator("[data-preview-summary]", has_text="tide table").wait_for()


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_cut_on_a_phone(page: Any, demo: Stack, pictures: Path, dark: bool) -> None:
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.set_viewport_size({"width": 390, "height": 844})
    for kind in ("subscription", "connector"):
        open_row(page, demo, kind)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
