"""Every page of ours, light and dark, on a desk and on a phone: axe finds nothing, and nothing is asked of others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing
from tests.custom.test_custom_sources import MAPPING
from tests.e2e.stack import ROOT, Stack, running
from tests.e2e.test_action_browser import waiting
from tests.e2e.test_commands_load import TOKEN
from tests.e2e.test_stack import Client
from tests.e2e.watch import watch

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 800}
PAGES = (
    "", "catalog/", "catalog/github/", "catalog/github/connect/", "find/", "find/?q=issue", "audit/", "audit/?object=none",
    "guide/workflow/", "guide/commands/",
    "connectors/connector/", "connectors/subscription/", "channels/channel/", "channels/channel/?q=none",
    "channels/channel/add/", "channels/team/", "channels/team/add/", "inbound/event/",
    "inbound/event/?outcome__exact=matched", "deliveries/delivery/", "inbound/replay/",
    "inbound/inboundrequest/", "commands/commandendpoint/", "commands/commandendpoint/add/",
    "catalog/github/secrets/", "custom/", "custom/new/", "custom/custom-shop/", "connectors/customsource/",
    "connectors/account/", "connectors/account/add/", "connectors/hook/", "connectors/subscription/add/",
    "replays/", "replays/new/", "actions/actionrun/", "inbound/savedsample/",
    "commands/chatuser/", "commands/chatuser/add/", "commands/commanduse/", "auth/user/", "auth/user/add/",
    "auth/group/", "auth/group/add/", "api/apitoken/", "api/apitoken/add/", "django_q/schedule/",
    "password_change/",
)  # fmt: skip
FIRST = (  # the first row's page of these lists
    "connectors/connector/", "connectors/subscription/", "channels/channel/", "channels/team/", "inbound/event/",
    "deliveries/delivery/", "inbound/inboundrequest/", "auth/user/", "auth/group/", "api/apitoken/",
    "commands/commandendpoint/", "connectors/account/", "connectors/customsource/", "commands/chatuser/",
)  # fmt: skip


@pytest.fixture(scope="module")
def axe() -> str:
    """The checker's script."""
    for folder in (
        ROOT / "node_modules",
        *map(Path, filter(None, os.environ.get("NODE_PATH", "").split(":"))),
    ):
        script = folder / "axe-core" / "axe.min.js"
        if script.is_file():
            return script.read_text()
    missing("axe-core")
    return ""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product as it runs in production, with the demo's rows."""
    keys = {"SECRET_KEY": "k" * 50, "FIELD_KEYS": "one"}
    with running(tmp_path_factory.mktemp("axe"), "--demo", DEBUG="0", **keys) as stack:
        stack.manage("create_token", "Night build", "--role", "viewer")
        furnish(stack)
        yield stack


def furnish(stack: Stack) -> None:
    """Rows that the demo lacks, so that their pages have something to show."""
    client = Client(stack)
    account = client.post(
        "accounts/", name="Robot", source="github", kind="token", fields={"token": "ghp_test"}
    )
    channel = client.get("channels/")["results"][0]
    acting = client.post("connectors/", name="Acting", source="github", account=account["id"])
    client.post("subscriptions/", connector=acting["id"], channel=channel["id"], events=["*"])
    client.post(f"connectors/{acting['id']}/test/", event="issues.opened")
    client.post("custom-sources/", mapping=MAPPING, slug="custom-shop")
    client.post("replays/", events={"connector": acting["id"]})
    client.post("command-endpoints/", name="Connector", team=channel["team"], token=TOKEN)
    stack.manage(
        "shell", "-c",
        "from apps.commands.models import ChatUser; ChatUser.objects.create(teams_id='29:abc', name='Ada')",
    )  # fmt: skip
    waiting(lambda: button_of(client))


def button_of(client: Client) -> str:
    """Where a card's button leads that acts in the source; empty while there is none."""
    for each in client.get("deliveries/", limit="50")["results"]:
        for button in each["card"].get("actions", ()):
            if "/act/" in button.get("url", ""):
                return str(button["url"])
    return ""


@pytest.fixture(scope="module")
def page(chromium: Any, product: Stack) -> Iterator[Any]:
    """An admin's page."""
    context = chromium.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.problems = watch(page, product.url)
    page.goto(f"{product.url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(product.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{product.url}/admin/")
    yield page
    context.close()


def faults(page: Any, axe: str) -> list[str]:
    """What axe finds on the page as it stands, in one line each."""
    page.evaluate(axe)
    # Half-faded words have a contrast that nobody reads them by: a menu starts to fade in some frames after the key.
    page.wait_for_timeout(100)
    page.wait_for_function(
        "document.getAnimations().every(each => each.playState !== 'running'"
        " || each.effect.getComputedTiming().iterations === Infinity)"
    )
    found = page.evaluate(
        "(rules) => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})",
        RULES,
    )
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]} – {node['failureSummary'][:200]}"
        for rule in found["violations"]
        for node in rule["nodes"][:3]
    ]


def in_all_looks(page: Any, axe: str) -> list[str]:
    """What axe finds in light and dark, wide and narrow; and whether a phone has to scroll sideways."""
    found: list[str] = []
    for name, size in (("desk", DESK), ("phone", PHONE)):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            # The theme looks at the scheme only when a page opens.
            page.evaluate(
                "(dark) => document.documentElement.classList.toggle('dark', dark)", scheme == "dark"
            )
            page.wait_for_timeout(50)
            found += [f"{name}, {scheme}: {fault}" for fault in faults(page, axe)]
        if name == "phone" and not page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"):
            found.append("a phone has to scroll sideways")
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    return found


def assert_clean(page: Any, axe: str, url: str) -> None:
    page.goto(url)
    page.wait_for_load_state("load")
    found = in_all_looks(page, axe) + page.problems
    page.problems.clear()
    assert not found, f"{url}\n" + "\n".join(found)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_open_to_everybody(page: Any, product: Stack, axe: str, path: str) -> None:
    assert_clean(page, axe, f"{product.url}/admin/{path}")


@pytest.mark.parametrize("path", FIRST)
def test_the_page_of_a_row_is_open_to_everybody(page: Any, product: Stack, axe: str, path: str) -> None:
    page.goto(f"{product.url}/admin/{path}")
    row = page.locator(f"#result_list a[href*='/admin/{path}']").first
    if not row.count():
        pytest.skip("the demo has no such row")
    url = product.url + row.get_attribute("href").partition("?")[0]
    assert_clean(page, axe, url)
    if re.match("connectors/connector|inbound/event", path):
        assert_clean(page, axe, url.replace("/change/", "/delete/") if path.startswith("conn") else url)


@pytest.mark.parametrize("rest", ["", "hook/"])
def test_the_page_of_a_new_connection_is_open_to_everybody(
    page: Any, product: Stack, axe: str, rest: str
) -> None:
    found = Client(product).get("connectors/")["results"]
    acting = next(each["id"] for each in found if each["name"] == "Acting")
    assert_clean(page, axe, f"{product.url}/admin/connected/{acting}/{rest}")


def test_the_page_of_a_replay_is_open_to_everybody(page: Any, product: Stack, axe: str) -> None:
    assert_clean(
        page, axe, f"{product.url}/admin/replays/{Client(product).get('replays/')['results'][0]['id']}/"
    )


def test_the_page_of_a_button_is_open_to_everybody(
    page: Any, chromium: Any, product: Stack, axe: str
) -> None:
    address = button_of(Client(product))
    assert_clean(page, axe, address)  # signed in
    context = chromium.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
    stranger = context.new_page()
    stranger.problems = watch(stranger, product.url)
    assert_clean(stranger, axe, address)
    context.close()


@pytest.mark.parametrize(
    "path",
    ["/admin/login/", "/sandbox/", "/nowhere", "/admin/nowhere/", "/api/v1/docs/", "/act/no-such-button/"],
)
def test_a_public_page_is_open_to_everybody(chromium: Any, product: Stack, axe: str, path: str) -> None:
    context = chromium.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.problems = watch(page, product.url)
    try:
        page.goto(product.url + path)
        if "docs" in path:
            page.wait_for_selector(".opblock")
            assert page.problems == []  # the viewer is another project's
        else:
            assert_clean(page, axe, product.url + path)
    finally:
        context.close()
