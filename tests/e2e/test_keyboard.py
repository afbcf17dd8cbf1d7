"""Everything can be done by keyboard: the focus is seen, moves in order, stays in dialogs and comes back."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.e2e.stack import Stack
from tests.e2e.test_axe import axe, faults, page, product

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
__all__ = ["axe", "page", "product"]
FOCUS = """() => {
  const element = document.activeElement;
  const box = element.getBoundingClientRect();
  const drawn = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  // The theme draws the ring of some fields around the box that holds them.
  const around = [element, element.parentElement, element.parentElement?.parentElement].filter(Boolean);
  const words = element.getAttribute("aria-label") || element.textContent || element.name || "";
  return {
    name: element.tagName,
    words: words.replace(/\\s+/g, " ").trim().slice(0, 60),
    seen: box.width > 0 && box.height > 0,
    ring: around.some((each) => drawn(getComputedStyle(each))),
    inMain: Boolean(element.closest("main")),
  };
}"""


def tabbed(page: Any, most: int, until: str) -> list[dict[str, Any]]:
    """What has the focus after each press of Tab, up to the element with the words `until`."""
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        found.append(page.evaluate(FOCUS))
        if re.search(until, found[-1]["words"]):
            return found
    raise AssertionError(f"“{until}” was not reached: {[each['words'] for each in found]}")


def test_the_first_stop_skips_the_navigation(page: Any, product: Stack) -> None:
    page.goto(f"{product.url}/admin/catalog/github/connect/")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)["words"] == "Skip to the content"
    assert page.locator(".tc-skip").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)["inMain"]


def test_the_set_up_page_is_filled_in_without_a_mouse(page: Any, product: Stack) -> None:
    page.goto(f"{product.url}/admin/catalog/github/connect/")
    stops = tabbed(page, 140, "^Connect GitHub$")
    assert [each for each in stops if not (each["seen"] and each["ring"])] == []
    names = [each["name"] for each in stops]
    assert {"SELECT", "TEXTAREA", "INPUT", "SUMMARY", "BUTTON"} <= set(names)
    page.keyboard.press("Enter")
    page.get_by_text("Give the channel a name, or choose one above.").wait_for()


def test_the_filters_of_a_list_are_a_dialog_that_keeps_the_focus(page: Any, product: Stack, axe: str) -> None:
    page.goto(f"{product.url}/admin/inbound/event/")
    tabbed(page, 60, "^Filters")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Filters")
    dialog.wait_for()
    page.wait_for_function("document.activeElement.closest('[role=dialog]')")
    assert faults(page, axe) == []
    for key in ["Tab"] * 25 + ["Shift+Tab"] * 30:
        page.keyboard.press(key)
        assert page.evaluate("Boolean(document.activeElement.closest('[role=dialog]'))"), key
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert page.evaluate(FOCUS)["words"].startswith("Filters")


def test_a_filter_is_chosen_by_keyboard(page: Any, product: Stack) -> None:
    page.goto(f"{product.url}/admin/inbound/event/")
    tabbed(page, 60, "^Filters")
    page.keyboard.press("Enter")
    tabbed(page, 20, "^Matched$")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("outcome__exact=matched"))


def test_the_menu_of_the_person_opens_by_keyboard(page: Any, product: Stack, axe: str) -> None:
    page.goto(f"{product.url}/admin/")
    tabbed(page, 60, r"\badmin\b")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out").wait_for()
    assert faults(page, axe) == []
    # Dark for good, and back to what the system says.
    page.get_by_role("button", name="Dark").press("Enter")
    page.wait_for_function("document.documentElement.classList.contains('dark')")
    page.get_by_role("button", name="System").press("Enter")
    page.wait_for_function("!document.documentElement.classList.contains('dark')")


def test_a_phone_opens_the_navigation_by_its_button(page: Any, product: Stack, axe: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    try:
        page.goto(f"{product.url}/admin/")
        page.get_by_role("button", name="Show or hide the navigation").press("Enter")
        page.get_by_role("link", name="Catalog").wait_for()
        assert faults(page, axe) == []
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})


def test_nothing_went_wrong_meanwhile(page: Any) -> None:
    assert page.problems == []
