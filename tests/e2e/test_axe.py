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
from tests.e2e.test_browser import signed_post
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
    "password_change/", "password_change/done/", "replays/new/?kind=deliveries", "replays/new/?type=no_such_type",
    "connectors/account/add/?source=github&kind=token", "connectors/subscription/add/?connector=1",
    "channels/channel/1/delete/", "auth/user/1/password/", "find/?q=no-such-thing", "inbound/event/?q=no-such-thing",
)  # fmt: skip
FIRST = (  # the first row's page of these lists
    "connectors/connector/", "connectors/subscription/", "channels/channel/", "channels/team/", "inbound/event/",
    "deliveries/delivery/", "inbound/inboundrequest/", "auth/user/", "auth/group/", "api/apitoken/",
    "commands/commandendpoint/", "connectors/account/", "connectors/customsource/", "commands/chatuser/",
)  # fmt: skip

EMPTY = {  # what the pages of a product say in which nothing was done yet
    "": "Connect the first source", "connectors/connector/": "Choose the source in the catalog",
    "connectors/subscription/": "It is made when a source is connected", "channels/channel/": "A channel is where cards go",
    "channels/team/": "A team holds channels", "connectors/customsource/": "outside the catalog",
    "connectors/account/": "An account signs in at a source", "connectors/hook/": "a button that makes one",
    "inbound/event/": "No event yet", "deliveries/delivery/": "No card was sent yet", "replays/": "Nothing was replayed yet",
    "actions/actionrun/": "Who pressed which button", "inbound/inboundrequest/": "Nothing has come in yet",
    "inbound/savedsample/": "Real requests can be kept", "commands/commandendpoint/": "a team asks by chat",
    "commands/chatuser/": "until you give them a role", "commands/commanduse/": "Nobody has asked by chat yet",
    "api/apitoken/": "A token lets a program", "find/": "What you can look for", "catalog/github/secrets/": "Connect one",
}  # fmt: skip


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
    acting = client.post("connectors/", name="Backend repository", source="github", account=account["id"])
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
    narrow = client.post("connectors/", name="Website, pushes only", source="github")
    client.post("subscriptions/", connector=narrow["id"], channel=channel["id"], events=["push"])
    client.post("connectors/", name="Mobile app", source="github")
    for secret, event, body in (
        ("wrong", "push", None), (narrow["secret"], "push", None), (narrow["secret"], "push", None),
        (narrow["secret"], "issues.opened", None), (narrow["secret"], "push", b"{"),
    ):  # fmt: skip
        signed_post(narrow["url"], secret, event, body)
    waiting(lambda: client.get("requests/", status="malformed")["results"])


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
    acting = next(each["id"] for each in found if each["name"] == "Backend repository")
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
    [
        "/admin/login/",
        "/sandbox/",
        "/nowhere",
        "/admin/nowhere/",
        "/api/v1/docs/",
        "/act/no-such-button",
        "/act/no-such-page/",
    ],
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


@pytest.mark.parametrize("outcome", ["matched", "unmatched", "duplicate", "malformed"])
def test_the_trace_is_open_to_everybody(page: Any, product: Stack, axe: str, outcome: str) -> None:
    client = Client(product)
    if outcome == "malformed":
        path = f"request/{client.get('requests/', status='malformed')['results'][0]['id']}"
    else:
        path = client.get("events/", outcome=outcome)["results"][0]["id"]
    assert_clean(page, axe, f"{product.url}/admin/trace/{path}/")
    assert_clean(page, axe, f"{product.url}/admin/trace/{path}/?body")


def clean_as_it_stands(page: Any, axe: str) -> None:
    """The page after something was done on it."""
    found = in_all_looks(page, axe) + page.problems
    page.problems.clear()
    assert not found, f"{page.url}\n" + "\n".join(found)


def test_the_set_up_is_open_to_everybody_while_it_is_filled_in(page: Any, product: Stack, axe: str) -> None:
    page.goto(f"{product.url}/admin/catalog/github/connect/")
    page.get_by_label("Webhook URL of the channel's workflow").fill(
        "https://x.webhook.office.com/webhookb2/a"
    )
    page.get_by_text("switched them off").wait_for()
    page.locator("summary", has_text="How to get this URL").click()
    page.locator("summary", has_text="Issues").first.click()
    page.locator("summary", has_text="Every rule and its verdict").click()
    page.locator("summary", has_text="Verification").click()
    clean_as_it_stands(page, axe)
    page.get_by_role("button", name="Connect GitHub").click()
    page.get_by_text("Give the channel a name, or choose one above.").wait_for()
    clean_as_it_stands(page, axe)


def test_a_backtest_is_open_to_everybody(page: Any, product: Stack, axe: str) -> None:
    page.goto(f"{product.url}/admin/connectors/subscription/")
    page.locator("#result_list").get_by_role("link", name="Website, pushes only").click()
    page.locator("summary", has_text="As text").click()
    page.locator("#id_conditions").fill("branch is nowhere")
    page.get_by_role("button", name="Run the backtest").click()
    page.get_by_role("heading", name="Cards per day").wait_for()
    clean_as_it_stands(page, axe)


def test_new_secrets_and_the_test_of_an_endpoint_are_open_to_everybody(
    page: Any, product: Stack, axe: str
) -> None:
    page.goto(f"{product.url}/admin/connectors/connector/")
    page.once("dialog", lambda dialog: dialog.accept())  # not before: a form that is left asks too
    page.locator("#result_list").get_by_role("link", name="Mobile app").click()
    page.get_by_role("button", name="New secret").click()
    page.get_by_text("is shown only now").wait_for()
    clean_as_it_stands(page, axe)
    page.goto(f"{product.url}/admin/catalog/github/secrets/")
    page.get_by_role("button", name="Make the new secrets").click()
    page.get_by_text("These secrets are shown only now").wait_for()
    clean_as_it_stands(page, axe)
    page.goto(f"{product.url}/admin/commands/commandendpoint/")
    page.locator("#result_list").get_by_role("link", name="Connector").click()
    page.get_by_role("button", name="Test", exact=True).click()
    page.get_by_role("heading", name="The answer").wait_for()
    clean_as_it_stands(page, axe)


def test_what_hurts_asks_first(page: Any, product: Stack) -> None:
    """Said no, nothing is done; this is also true of pages without a preview."""
    asked: list[str] = []

    def refuse(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    tab = page.context.new_page()  # the other one may still be under way
    tab.on("dialog", refuse)
    tab.goto(f"{product.url}/admin/channels/channel/")
    tab.locator("#result_list").get_by_role("link", name="General").first.click()
    for name in ("Pause", "Mute for ever"):
        tab.get_by_role("button", name=name).click()
    tab.close()
    assert len(asked) == 2
    assert "wait until you resume it" in asked[0]
    assert Client(product).get("channels/")["results"][0]["state"] == "ok"


def test_refusals_are_open_to_everybody(chromium: Any, product: Stack, axe: str) -> None:
    product.manage(
        "shell", "-c",
        "from django.contrib.auth.models import Group, User; "
        "vic = User.objects.create_user('vic', password='a long password'); "
        "vic.groups.add(Group.objects.get(name='viewer'))",
    )  # fmt: skip
    context = chromium.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.problems = watch(page, product.url)
    try:
        page.goto(f"{product.url}/admin/auth/user/")
        page.get_by_label("Username").fill("vic")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("alert").wait_for()
        clean_as_it_stands(page, axe)
        page.get_by_label("Username").fill("vic")
        page.get_by_label("Password").fill("a long password")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{product.url}/admin/auth/user/")
        assert page.title() != ""
        clean_as_it_stands(page, axe)  # 403
        for path in (
            "",
            "catalog/",
            "catalog/github/",
            "connectors/connector/",
            "channels/channel/",
            "replays/",
        ):
            assert_clean(page, axe, f"{product.url}/admin/{path}")  # what a viewer sees of it
        context.clear_cookies()
        page.goto(f"{product.url}/admin/login/")
        page.evaluate("document.querySelector('[name=csrfmiddlewaretoken]').value = 'x'")
        for each in page.locator("input[required]").all():
            each.fill("x")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_load_state("load")
        clean_as_it_stands(page, axe)  # the form is too old
    finally:
        context.close()


def test_an_empty_product_is_open_to_everybody_and_says_what_to_do_next(
    chromium: Any, axe: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    keys = {"SECRET_KEY": "k" * 50, "FIELD_KEYS": "one", "SANDBOX": "0"}
    with running(
        tmp_path_factory.mktemp("empty"), "--no-worker", ready="/healthz", DEBUG="0", **keys
    ) as stack:
        context = chromium.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
        page = context.new_page()
        page.problems = watch(page, stack.url)
        page.goto(f"{stack.url}/admin/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(stack.password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Open the catalog").wait_for()
        for path, words in EMPTY.items():
            assert_clean(page, axe, f"{stack.url}/admin/{path}")
            assert words in page.locator("main").inner_text(), path
        context.close()
