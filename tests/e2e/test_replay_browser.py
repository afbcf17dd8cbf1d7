"""An operator's replay in a real browser: choose, count, start, watch, cancel."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.looks import shoot
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
SLOW = 20_000  # ms
EVENTS = 24
LIVE = 15.0  # seconds: far more than it takes, far less than the replay


@pytest.fixture
def page(chromium: Any, demo: Stack) -> Iterator[Any]:
    """A signed-in page that fails the test on any script error."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(SLOW)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{demo.url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name=re.compile("log in|sign in", re.IGNORECASE)).click()
    page.wait_for_url(f"{demo.url}/admin/")
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def events(demo: Stack) -> str:
    """The name of a connector with many events."""
    headers = {"Authorization": f"Bearer {demo.manage('create_token', 'replay', '--role', 'admin')}"}
    api = f"{demo.url}/api/v1"
    sent_to = requests.get(f"{api}/channels/", headers=headers, timeout=10).json()["results"][0]["id"]
    made = requests.post(
        f"{api}/connectors/", json={"name": "Replay yard", "source": "github"}, headers=headers, timeout=10
    ).json()
    subscription = {"connector": made["id"], "channel": sent_to, "events": ["*"]}
    assert requests.post(f"{api}/subscriptions/", json=subscription, headers=headers, timeout=10).ok
    for _ in range(EVENTS):
        body = {"event": "issues.opened"}
        answer = requests.post(f"{api}/connectors/{made['id']}/test/", json=body, headers=headers, timeout=10)
        assert answer.status_code == 202
    return "Replay yard"


def test_a_replay_is_counted_started_watched_and_cancelled(
    page: Any, demo: Stack, events: str, pictures: Path
) -> None:
    page.goto(f"{demo.url}/admin/replays/")
    page.get_by_role("link", name="Send again …").click()
    page.get_by_label("Of the connector").select_option(label=events)
    page.get_by_label("Of the type").fill("issues")
    page.get_by_role("button", name="Count them").click()
    button = page.get_by_role("button", name=f"Send {EVENTS} events again")
    button.wait_for()

    button.click()
    page.get_by_role("heading", name=f"Replay of {EVENTS} events").wait_for()
    bar = page.get_by_role("progressbar", name="Progress of the replay")
    page.wait_for_function("document.getElementById('replay-bar').value > 0")
    assert bar.is_visible()
    shoot(page, pictures, "replay")
    # By keyboard alone; the question before it is accepted.
    page.get_by_role("button", name="Cancel the replay").focus()
    page.keyboard.press("Enter")
    page.get_by_text(re.compile(r"^Cancelled after \d+ of 24 events")).wait_for()
    assert not page.get_by_role("button", name="Cancel the replay").is_visible()

    page.goto(f"{demo.url}/admin/replays/new/?kind=events&type=no_such_type")
    page.get_by_text("Nothing fits").wait_for()
    # A small one runs to its end while the page is watched.
    page.goto(f"{demo.url}/admin/replays/new/?kind=deliveries&code=replay_cancelled")
    page.get_by_role("button", name=re.compile(r"Send \d+ deliveries again")).click()
    page.get_by_text(re.compile(r"^Done: \d+ cards accepted by Teams")).wait_for(timeout=90_000)
    assert page.get_by_role("progressbar").get_attribute("value") == "100"
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{demo.url}/admin/replays/")
    page.get_by_text("cancelled", exact=True).first.wait_for()
    page.get_by_role("table").get_by_role("link").first.click()
    page.get_by_role("heading", name=re.compile(r"Replay of \d+ deliveries")).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")


def test_the_settings_of_a_channel_fit_on_a_phone(page: Any, demo: Stack, pictures: Path) -> None:
    page.goto(f"{demo.url}/admin/channels/channel/")
    page.get_by_role("link", name="General").first.click()
    page.get_by_role("heading", name="Quiet hours").wait_for()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")


MANY = """
from apps.inbound.models import Event, InboundRequest
event = Event.objects.filter(connector__name="Replay yard", type="issues.opened").select_related("request").first()
first = event.request
rows = InboundRequest.objects.bulk_create([InboundRequest(connector=event.connector, headers=first.headers,
    body=first.body, size=first.size, status="processed") for _ in range(10_000)], 1_000)
Event.objects.bulk_create([Event(connector=event.connector, request=each, type="issues.bulk", title=event.title,
    outcome="matched", trace=event.trace) for each in rows], 1_000)
"""


def test_ten_thousand_events_show_a_bar_let_live_events_through_and_are_cancelled(
    page: Any, demo: Stack, events: str
) -> None:
    demo.manage("shell", "-c", MANY)
    page.goto(f"{demo.url}/admin/replays/new/?kind=events&type=issues.bulk")
    page.get_by_role("button", name="Send 10,000 events again").click()
    page.get_by_role("heading", name="Replay of 10,000 events").wait_for()
    bar = page.get_by_role("progressbar", name="Progress of the replay")
    page.wait_for_function(
        "Number(document.querySelector('[data-figure=accepted]').textContent.replace(',', '')) > 0"
    )
    assert bar.is_visible()

    # While it runs, a live event is taken, and its card accepted, at once.
    headers = {"Authorization": f"Bearer {demo.manage('create_token', 'live', '--role', 'admin')}"}
    api = f"{demo.url}/api/v1"
    rows = requests.get(f"{api}/connectors/", headers=headers, timeout=10).json()["results"]
    yard = next(each for each in rows if each["name"] == events)

    def told() -> set[str]:
        """The cards of releases that were accepted as they came."""
        query = {"limit": "200", "status": "accepted"}
        found = requests.get(f"{api}/deliveries/", params=query, headers=headers, timeout=10).json()[
            "results"
        ]
        return {each["id"] for each in found if each["origin"] == "event" and "elease" in str(each["card"])}

    before = told()
    began = time.monotonic()
    body = {"event": "release.published"}
    assert requests.post(f"{api}/connectors/{yard['id']}/test/", json=body, headers=headers, timeout=10).ok
    accepted: set[str] = set()
    while not accepted and time.monotonic() - began < LIVE:
        accepted = told() - before
        time.sleep(0.1)
    assert accepted, f"the live event had no card accepted within {LIVE} s"

    assert page.locator("[data-status]").inner_text() in ("running", "sending")
    page.get_by_role("button", name="Cancel the replay").click()
    page.get_by_text(re.compile(r"^Cancelled after [\d,]+ of 10,000 events")).wait_for()
    page.reload()
    assert int(page.get_by_role("progressbar").get_attribute("value")) < 100
