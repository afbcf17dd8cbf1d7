"""Every page and every button of the admin, as a viewer, an operator and an admin.

The tables say who may do what. A page or a button that stands in neither table fails the test, so that nothing new
comes without its rule.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

import connectors_site.urls  # noqa: F401 - the pages are there once the addresses are
from apps.actions.models import ActionRun
from apps.api.models import ApiToken
from apps.channels import services as channels
from apps.channels.models import Channel, Team
from apps.commands import services as commands
from apps.commands.models import ChatUser, CommandUse
from apps.connectors import custom
from apps.connectors import services as connectors
from apps.connectors.models import Account, Hook
from apps.deliveries import services as deliveries
from apps.inbound import pipeline, saved
from apps.inbound import services as inbound
from apps.inbound.models import Replay
from tests.admin.test_roles import WORKFLOW, signed_in
from tests.custom.test_custom_sources import MAPPING

pytestmark = pytest.mark.django_db
ROLES = ("viewer", "operator", "admin")
NOBODY = "nobody"
DONE = (200, 302, 400, 404, 409, 422)  # it was allowed; a test of its own says what came of it


@dataclass(frozen=True)
class Page:
    """Who may open a page and who may post to it, at least. nothing: nobody (405, or it is only looked at)."""

    get: str
    post: str = ""
    names: tuple[str, ...] = ()  # what its address holds: keys of `world`


PAGES = {
    "catalog": Page("viewer"),
    "source": Page("viewer", names=("source",)),
    "connect": Page("admin", "admin", ("source",)),
    "rotate": Page("admin", "admin", ("source",)),
    "connected": Page("viewer", names=("connector",)),
    "arrivals": Page("viewer", names=("connector",)),
    "custom-start": Page("admin", "admin"),
    "custom-new": Page("admin", "admin"),
    "custom-preview": Page("", "viewer"),
    "custom-edit": Page("viewer", "admin", ("custom",)),
    "custom-export": Page("viewer", names=("custom",)),
    "custom-copy": Page("", "admin", ("custom",)),
    "custom-remove": Page("", "admin", ("custom",)),
    "custom-captured": Page("viewer", names=("custom", "request")),
    "make-hook": Page("admin", "admin", ("connector",)),
    "audit": Page("viewer"),
    "guide": Page("viewer", names=("guide",)),
    "check-url": Page("", "viewer"),
    "try-url": Page("", "admin"),
    "preview": Page("", "viewer"),
    "backtest": Page("", "admin"),
    "find": Page("viewer"),
    "replays": Page("viewer"),
    "replay-new": Page("operator", "operator"),
    "replay": Page("viewer", names=("replay",)),
    "replay-state": Page("viewer", names=("replay",)),
    "replay-cancel": Page("", "operator", ("replay",)),
    "request-trace": Page("viewer", "operator", ("request",)),
    "request-keep": Page("", "admin", ("request",)),
    "trace": Page("viewer", "operator", ("event",)),
    "trace-keep": Page("", "admin", ("event",)),
}
BUTTONS = {
    "channels.Channel": {
        "test": "operator", "pause": "operator", "resume": "operator", "again": "operator", "mute_hour": "operator",
        "mute_tomorrow": "operator", "mute_forever": "operator", "unmute": "operator",
    },
    "connectors.Connector": {
        "setup": "viewer", "subscribe": "admin", "hook": "admin", "sample": "operator", "rotate": "admin",
        "pause": "operator", "resume": "operator",
    },
    "connectors.Subscription": {
        "mute_hour": "operator", "mute_tomorrow": "operator", "mute_forever": "operator", "unmute": "operator",
    },
    "connectors.Account": {"test": "operator"},
    "connectors.Hook": {"check": "operator", "mend": "admin", "repair": "operator", "remove": "admin"},
    "commands.CommandEndpoint": {"guide": "viewer", "trial": "operator"},
    "inbound.InboundRequest": {"replay": "operator"},
    "inbound.Event": {"trace": "viewer", "replay": "operator"},
    "inbound.Replay": {"cancel": "operator"},
    "inbound.SavedSample": {"send": "operator"},
    "deliveries.Delivery": {"retry": "operator", "cancel": "operator"},
}  # fmt: skip
# Lists: who may see them, and who may add.
SEEN_BY_ADMINS = {
    "auth.User",
    "auth.Group",
    "api.ApiToken",
    "django_q.Schedule",
    "django_q.Failure",
    "django_q.OrmQ",
}
NEVER_ADDED = {
    "actions.ActionRun", "commands.CommandUse", "connectors.Hook", "deliveries.Delivery", "django_q.Failure",
    "django_q.OrmQ", "django_q.Schedule", "inbound.Event", "inbound.InboundRequest", "inbound.Replay",
    "inbound.SavedSample",
}  # fmt: skip


def allowed(role: str, least: str) -> bool:
    return bool(least) and ROLES.index(role) >= ROLES.index(least)


@pytest.fixture
def world() -> dict[str, Any]:
    """One row of everything that has a page."""
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    channels.add_url(channel, WORKFLOW)
    made, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(made, channel, events=["*"])
    inbound.run_sample(made, "issues.opened")
    pipeline.process_batch()
    event = made.events.get()
    saved.save(event.request, "Kept", event=event.type)
    endpoint = commands.create_endpoint("Ask", channel.team, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    CommandUse.objects.create(endpoint=endpoint, text="help")
    ChatUser.objects.create(teams_id="29:abc", name="Ada")
    Account.objects.create(name="Robot", source="github", kind="token")
    Hook.objects.create(connector=made, remote_id="1")
    ActionRun.objects.create(connector=made, action="close", who="Ada")
    ApiToken.objects.create(name="CI", role="viewer")
    deliveries.send_test(channel)
    custom.save(MAPPING, slug="custom-shop")
    shop, _ = connectors.create_connector(name="Shop", source="custom-shop")
    request = shop.requests.create(body=zlib.compress(b"{}"))
    return {
        "source": "github", "connector": made.public_id, "custom": "custom-shop", "guide": "workflow",
        "event": event.public_id, "request": request.public_id,
        "replay": Replay.objects.create(kind="events").public_id,
    }  # fmt: skip


def row_of(label: str) -> Model:
    model = next(each for each in admin.site._registry if each._meta.label == label)
    row = model._base_manager.order_by("pk").first()
    assert row is not None, f"the world has no {label}"
    return row


def test_each_page_and_button_has_its_rule() -> None:
    named = {each.name for each in admin.site.extra_urls()}  # type: ignore[attr-defined]
    assert named == set(PAGES)
    buttons = {
        model._meta.label: {button.name for button in getattr(found, "buttons", ())}
        for model, found in admin.site._registry.items()
        if getattr(found, "buttons", ())
    }
    assert buttons == {label: set(found) for label, found in BUTTONS.items()}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_opened_and_posted_to_by_its_role(name: str, role: str, world: dict[str, Any]) -> None:
    page = PAGES[name]
    address = reverse(f"admin:{name}", args=[world[each] for each in page.names])
    got = signed_in(role).get(address)
    if not page.get:
        assert got.status_code == 405
    else:
        assert got.status_code in ((200, 302) if allowed(role, page.get) else (403,))
        if name == "make-hook" and role == "admin":
            assert got.status_code == 302  # it has no account
    if page.post:
        data = {"retry": "none"} if name == "trace" else {}
        posted = signed_in(role).post(address, data)
        assert posted.status_code in (DONE if allowed(role, page.post) else (403,))
    assert Client().get(address).status_code in (302, 405)
    assert Client().post(address).status_code in (302, 403)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("label, name", [(label, name) for label, found in BUTTONS.items() for name in found])
def test_a_button_is_pressed_by_its_role_and_only_by_post(
    label: str, name: str, role: str, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = row_of(label)
    found = admin.site._registry[type(row)]
    monkeypatch.setattr(type(found), f"do_{name}", lambda self, request, row: "Done.")
    meta = row._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_do", args=[row.pk, name])
    client = signed_in(role)
    assert client.get(address).status_code == 405
    may = allowed(role, BUTTONS[label][name])
    assert client.post(address).status_code == (302 if may else 403)
    shown = client.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]))
    assert shown.status_code == 200
    if not may:
        assert f"/do/{name}/" not in shown.content.decode()


@pytest.mark.parametrize("role", ROLES)
def test_lists_rows_and_forms_are_seen_by_their_role(role: str, world: dict[str, Any]) -> None:
    client = signed_in(role)
    for model in admin.site._registry:
        meta = model._meta
        base = f"admin:{meta.app_label}_{meta.model_name}"
        may = role == "admin" or meta.label not in SEEN_BY_ADMINS
        assert client.get(reverse(f"{base}_changelist")).status_code == (200 if may else 403), meta.label
        adds = role == "admin" and meta.label not in NEVER_ADDED
        expected = (200, 302) if adds else (403, 302)  # 302: to the page where it is made
        assert client.get(reverse(f"{base}_add")).status_code in expected, meta.label
        row = model._base_manager.order_by("pk").first()
        if row is not None:
            page = client.get(reverse(f"{base}_change", args=[row.pk]))
            assert page.status_code in ((200, 302) if may else (403,)), meta.label
            if may and role != "admin" and page.status_code == 200:
                assert 'name="_save"' not in page.content.decode(), meta.label


def test_an_account_without_a_role_sees_none_of_it(world: dict[str, Any]) -> None:
    client = Client()
    client.force_login(User.objects.create_user(NOBODY))
    for name, page in PAGES.items():
        address = reverse(f"admin:{name}", args=[world[each] for each in page.names])
        assert client.get(address).status_code == 302, name
    assert Group.objects.count() == len(ROLES)
