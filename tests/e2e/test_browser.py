"""A newcomer in a real browser: from sign-in to a card in a channel."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from apps.sources.catalog.github import SOURCE
from apps.sources.samples import sample
from tests.e2e.looks import picture, shoot
from tests.e2e.stack import Stack
from tests.e2e.watch import watch

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
SLOW = 15_000  # ms


@pytest.fixture
def page(chromium: Any, demo: Stack) -> Iterator[Any]:
    """A signed-in page that fails the test on any script error, broken policy or request to another host."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(SLOW)
    page = context.new_page()
    problems = watch(page, demo.url)
    page.goto(f"{demo.url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name=re.compile("log in|sign in", re.IGNORECASE)).click()
    page.wait_for_url(f"{demo.url}/admin/")
    yield page
    context.close()
    assert problems == []


def signed_post(url: str, secret: str, event: str, body: bytes | None = None) -> int:
    """What GitHub does: a body, the sample's unless given, with its HMAC, made without the product's own code."""
    if body is None:
        shipped = sample(SOURCE, event)
        assert shipped
        body = shipped.body
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event.partition(".")[0],
        "X-GitHub-Delivery": hashlib.sha256(body + secret.encode()).hexdigest(),
        "X-Hub-Signature-256": f"sha256={digest}",
    }
    return requests.post(url, data=body, headers=headers, timeout=10).status_code


def test_an_admin_connects_github_to_a_channel_and_sees_the_card(
    page: Any, demo: Stack, pictures: Path
) -> None:
    # A channel in the pretend Teams, with the URL of its workflow.
    page.goto(f"{demo.url}/sandbox/")
    page.get_by_label("Name of a new channel").fill("Release room")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("Webhook URL of this pretend channel").click()
    workflow_url = page.locator("#webhook-url").inner_text()

    # The catalog, the source, the set-up page.
    page.goto(f"{demo.url}/admin/catalog/")
    page.get_by_label("Search the catalog").fill("github")
    page.get_by_role("link", name=re.compile("GitHub")).first.click()
    page.get_by_role("link", name="Connect GitHub").click()
    page.get_by_label("Team", exact=True).fill("Platform")
    page.get_by_label("Channel's name").fill("Release room")
    page.get_by_label("Webhook URL of the channel's workflow").fill(
        "https://x.webhook.office.com/webhookb2/a"
    )
    page.get_by_text("Microsoft switched them off in May 2026").wait_for()
    page.get_by_label("Webhook URL of the channel's workflow").fill(workflow_url)
    page.get_by_text("✓").wait_for()
    # A card goes through it at once, before anything is saved.
    page.get_by_role("button", name="Send a test card now").click()
    page.get_by_text("Teams took the test card (202").wait_for()
    # Each event shows its card.
    page.locator("summary", has_text="Issues").first.click()
    page.get_by_role("button", name="Show the card of issues.closed", exact=True).click()
    page.locator("[data-preview-card]", has_text="Issue closed").wait_for()
    shoot(page, pictures, "connect")
    page.get_by_role("button", name="Connect GitHub").click()

    # On the same page: what to paste at GitHub; it waits live.
    page.get_by_role("heading", name="Paste this at GitHub").wait_for()
    assert "/admin/connected/" in page.url
    assert page.evaluate("document.activeElement.id") == "paste"
    page.get_by_role("heading", name="Waiting for the first event").wait_for()
    page.get_by_text("Cards go to Platform › Release room").wait_for()
    url, secret = (each.inner_text() for each in page.locator(".tc-copy-value").all())
    assert url.startswith(f"{demo.url}/hooks/")
    assert signed_post(url, "not the secret", "pull_request.opened") == 401
    page.get_by_text("came with a missing or wrong signature").wait_for()
    assert signed_post(url, secret, "ping") == 202
    page.get_by_text("This is the test that GitHub sends when a webhook is made").wait_for()
    page.get_by_text("came with a missing or wrong signature").wait_for(state="hidden")  # it is mended
    assert signed_post(url, secret, "pull_request.opened") == 202
    page.get_by_text("Connected: Pull request opened").wait_for()
    way = page.locator("#arrivals-list li", has_text="Pull request opened").first.locator(".tc-way li")
    way.filter(has_text="Accepted by Platform › Release room").wait_for()
    told = [each.inner_text().partition("\n")[0] for each in way.all()]
    assert told == ["Received", "Verified", "Understood as pull_request.opened", "Card made",
                    "Accepted by Platform › Release room"]  # fmt: skip
    page.locator("#arrivals-list .teams-card").wait_for()
    # What nobody wanted, and what could not be read, is said too.
    assert signed_post(url, secret, "star.created") == 202
    page.get_by_text("star.created is not among the chosen events").wait_for()
    assert signed_post(url, secret, "push", body=b"{") == 202
    page.locator("#arrivals-list li", has_text="could not be read").locator(
        "li", has_text="Not understood"
    ).wait_for()
    page.locator("#arrivals-title").evaluate("each => each.scrollIntoView()")
    shoot(page, pictures, "connected", top=False)
    shoot(page, pictures, "paste")

    # The trace answers why.
    page.locator("#arrivals-list a", has_text="Pull request opened").first.click()
    page.get_by_text("Received and verified").wait_for()
    page.get_by_text("Platform › Release room got the card: Teams accepted it at").wait_for()
    page.get_by_text("Card to Platform › Release room: accepted").wait_for()

    # And the card stands in the channel, drawn by the official renderer.
    page.goto(f"{demo.url}/sandbox/")
    page.get_by_role("link", name="# Release room").click()
    card = page.locator(".teams-card", has_text="Pull request").first
    card.wait_for()
    shipped = sample(SOURCE, "pull_request.opened")
    assert shipped
    assert json.loads(shipped.body)["pull_request"]["title"] in card.inner_text()
    picture(page, pictures / "card.png", of=card)

    # The secret is nowhere else.
    page.goto(f"{demo.url}/admin/connectors/connector/")
    assert secret not in page.content()


def test_the_demo_shows_its_first_cards_by_itself(page: Any, demo: Stack, pictures: Path) -> None:
    page.goto(f"{demo.url}/sandbox/")
    page.get_by_role("link", name="# General").click()
    page.locator(".teams-card").nth(1).wait_for()
    picture(page, pictures / "sandbox.png")
    page.get_by_label("Theme").select_option("dark")
    picture(page, pictures / "sandbox-dark.png")
    page.get_by_label("Theme").select_option("light")
    page.set_viewport_size({"width": 390, "height": 800})
    picture(page, pictures / "sandbox-phone.png")


def test_the_dashboard_opens_in_the_dark_and_on_a_phone(
    chromium: Any, demo: Stack, pictures: Path, page: Any
) -> None:
    page.goto(f"{demo.url}/admin/")
    page.get_by_role("heading", name="Needs a person").wait_for()
    page.emulate_media(color_scheme="dark")
    page.reload()
    page.get_by_role("heading", name="Needs a person").wait_for()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
