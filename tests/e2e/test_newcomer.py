"""A newcomer connects GitHub to a channel in under two minutes, by the page alone.

Nobody can be hired for a test, so a person's time is reckoned by the keystroke-level model (Card, Moran and Newell,
1980): 1.35 s to think, 1.1 s to point, 0.2 s to press a button, 0.28 s a key; and reading, at four words a second, of
every heading, label, button, answer and step that stands in view. Explanations in grey are left to those who want
them, values are copied and not read. What the product itself takes is measured and added.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import Stack, running
from tests.e2e.test_browser import signed_post
from tests.e2e.watch import watch

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
THINK, POINT, PRESS, KEY, WORD = 1.35, 1.1, 0.2, 0.28, 0.25  # seconds
IN_VIEW = """() => {
  const words = [];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node; (node = walker.nextNode());) {
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    const hidden = node.parentElement.closest("option, script, code, [data-preview], .tc-visually-hidden, .tc-quiet");
    const told = node.parentElement.closest("h1, h2, label, button, li, .tc-verdict, .tc-note");
    const inView = node.parentElement.checkVisibility() && box.height && box.bottom > 0 && box.top < innerHeight;
    if (!hidden && told && inView) words.push(...node.textContent.trim().split(/\\s+/));
  }
  return words.filter(Boolean).length;
}"""


class Newcomer:
    """Somebody who sees the pages for the first time. seconds: what they have taken so far."""

    def __init__(self, page: Any) -> None:
        self.page, self.seconds, self.acts, self.read = page, 0.0, 0, 0

    def reads(self) -> None:
        """What is in view and says what to do."""
        words = self.page.evaluate(IN_VIEW)
        self.read += words
        self.seconds += words * WORD

    def clicks(self, target: Any) -> None:
        self._act(THINK + POINT + PRESS)
        target.click()

    def types(self, target: Any, text: str) -> None:
        self._act(THINK + POINT + PRESS + KEY * len(text))
        target.fill(text)

    def pastes(self, target: Any, text: str) -> None:
        self._act(THINK + POINT + PRESS + 2 * KEY)
        target.fill(text)

    def elsewhere(self, acts: int) -> None:
        """Clicks and pastes on another product's pages."""
        for _ in range(acts):
            self._act(THINK + POINT + PRESS)

    def _act(self, seconds: float) -> None:
        self.acts += 1
        self.seconds += seconds


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Stack]:
    """The product before anybody has done anything, with a pretend Teams."""
    with running(tmp_path) as stack:
        yield stack


@pytest.fixture
def page(chromium: Any, fresh: Stack) -> Iterator[Any]:
    """The first admin's page."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    problems = watch(page, fresh.url)
    page.goto(f"{fresh.url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(fresh.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{fresh.url}/admin/")
    yield page
    context.close()
    assert problems == []


def test_github_is_connected_in_under_two_minutes_without_reading_documentation(
    page: Any, fresh: Stack
) -> None:
    page.goto(f"{fresh.url}/sandbox/")
    page.get_by_label("Name of a new channel").fill("Newcomers")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("Webhook URL of this pretend channel").click()
    workflow_url = page.locator("#webhook-url").inner_text()
    page.goto(f"{fresh.url}/admin/")

    began = time.monotonic()
    person = Newcomer(page)
    person.reads()
    person.clicks(page.get_by_role("link", name="Open the catalog"))
    page.wait_for_url(re.compile("/catalog/"))
    person.types(page.get_by_label("Search the catalog"), "github")
    person.clicks(page.get_by_role("link", name=re.compile("^GitHub")).first)
    person.clicks(page.get_by_role("link", name="Connect GitHub"))
    page.get_by_role("heading", name="Which channel?").wait_for()
    person.reads()
    person.types(page.get_by_label("Team", exact=True), "Web")
    person.types(page.get_by_label("Channel's name"), "Newcomers")
    person.pastes(page.get_by_label("Webhook URL of the channel's workflow"), workflow_url)
    person.clicks(page.get_by_role("button", name="Send a test card now"))
    page.get_by_text("Teams took the test card").wait_for()
    person.clicks(page.get_by_role("button", name="Connect GitHub"))
    page.get_by_role("heading", name="Paste this at GitHub").wait_for()
    person.reads()
    url, secret = (each.inner_text() for each in page.locator(".tc-copy-value").all())
    for name in ("URL", "Secret"):
        person.clicks(page.get_by_role("button", name=f"Copy {name}"))
    # At GitHub: Settings, Webhooks, Add webhook, paste, content type (two), paste, send everything, Add webhook.
    person.elsewhere(9)
    assert signed_post(url, secret, "ping") == 202
    page.get_by_text("the URL and the secret are right").wait_for()
    assert signed_post(url, secret, "issues.opened") == 202
    page.locator("#arrivals-list .teams-card", has_text="Issue opened").wait_for()
    page.locator("#arrivals-list li", has_text="Accepted by Web › Newcomers").first.wait_for()
    product = time.monotonic() - began
    total = person.seconds + product
    print(
        f"{person.acts} acts, {person.read} words, {person.seconds:.0f} s of a person, {product:.0f} s of the product"
    )
    assert total < 120, f"{person.acts} acts take {person.seconds:.0f} s, the product {product:.0f} s"
