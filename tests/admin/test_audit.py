"""Whoever changes what is set stands in the history: by a form, a button, a program, or in chat."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from apps.api.models import ApiToken
from apps.channels import services as channels
from apps.channels.models import Channel, Team, WebhookURL
from apps.commands.models import ChatUser
from apps.connectors import services as connectors
from apps.connectors.models import Connector, Subscription
from apps.core import audit
from apps.core.admin import ConfigAdmin
from apps.core.audit import Audited
from apps.core.models import AuditEntry
from apps.inbound.pipeline import process_batch
from tests.admin.test_roles import WORKFLOW, signed_in
from tests.api.test_api import Api
from tests.commands.test_commands import ask, endpoint

pytestmark = pytest.mark.django_db
__all__ = ["endpoint"]


def last(kind: str) -> AuditEntry:
    found = AuditEntry.objects.filter(object_kind=kind).first()
    assert found is not None
    return found


def changed(entry: AuditEntry) -> dict[str, tuple[Any, Any]]:
    return {each["field"]: (each["old"], each["new"]) for each in entry.changes}


@pytest.fixture
def channel() -> Channel:
    made = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    channels.add_url(made, WORKFLOW)
    return made


def test_every_row_that_is_configured_is_followed() -> None:
    stock = {User, Group}
    pages = admin.site._registry
    left_out = {
        model.__name__
        for model, page in pages.items()
        if isinstance(page, ConfigAdmin) and not issubclass(model, Audited) and model not in stock
    }
    assert left_out == set()


def test_a_form_tells_who_changed_what_from_what_to_what(channel: Channel) -> None:
    client = signed_in("admin")
    page = reverse("admin:channels_team_change", args=[channel.team_id])
    client.post(page, {"name": "Platform", "notes": "Ask Ada first."})
    client.post(page, {"name": "Harbour", "notes": "Ask Ada first."})
    entry = last("team")
    assert (entry.actor_kind, entry.actor_name, entry.action) == ("user", "admin", "changed")
    assert changed(entry) == {"name": ("Platform", "Harbour")}
    assert entry.object_id == channel.team.public_id


def test_a_webhook_url_and_a_secret_are_changed_but_never_shown(channel: Channel) -> None:
    row = WebhookURL.objects.get()
    assert changed(last("webhookurl"))["url"] == (None, "set")
    channels.set_url(row, WORKFLOW.replace("very-secret", "other-secret"))
    row.save()
    assert changed(last("webhookurl"))["url"] == (None, "changed")
    connector, secret = connectors.create_connector(name="Repository", source="github")
    newer = connectors.rotate_secret(connector)
    told = json.dumps(list(AuditEntry.objects.values("changes", "object_name", "words")))
    for hidden in ("very-secret", "other-secret", secret, newer):
        assert hidden not in told
    assert changed(last("secret"))["value"] == (None, "set")
    assert last("secret").parent_id == connector.public_id


def test_a_button_that_changes_a_field_is_told_once_and_another_by_its_words(channel: Channel) -> None:
    client = signed_in("operator")
    AuditEntry.objects.all()._raw_delete("default")
    client.post(reverse("admin:channels_channel_do", args=[channel.pk, "pause"]))
    assert changed(last("channel")) == {"paused": (False, True), "paused_reason": ("", "Paused by operator.")}
    assert AuditEntry.objects.count() == 1
    client.post(reverse("admin:channels_channel_do", args=[channel.pk, "test"]))
    assert (last("channel").action, last("channel").words) == ("did", "Send a test card")


def test_a_program_is_named_by_its_token(channel: Channel) -> None:
    api = Api("admin")
    made = api.call("POST", "connectors/", {"name": "Repository", "source": "github"}).json()
    api.call("PATCH", f"connectors/{made['id']}/", {"options": {"branches": ["main"]}})
    entry = last("connector")
    assert (entry.actor_kind, entry.actor_name) == ("token", "admin")
    assert changed(entry)["options.branches"] == (None, ["main"])
    api.call("DELETE", f"connectors/{made['id']}/")
    assert last("connector").action == "deleted"
    assert last("secret").action == "deleted"  # it went with its connector


def test_a_person_in_teams_is_named_by_what_teams_said(endpoint: Any) -> None:
    ChatUser.objects.create(teams_id="29:abc", name="Ada", role="admin")
    ask(endpoint, "mute Repository 2h")
    entry = last("subscription")
    assert (entry.actor_kind, entry.actor_id, entry.actor_name) == ("teams", "29:abc", "Ada")
    assert list(changed(entry)) == ["muted_until"]
    ask(endpoint, "unsubscribe Repository from General")
    assert (last("subscription").action, last("subscription").actor_name) == ("deleted", "Ada")
    assert not Subscription.objects.exists()


def test_people_their_roles_and_passwords_are_followed() -> None:
    client = signed_in("admin")
    client.post(
        reverse("admin:auth_user_add"),
        {"username": "grace", "usable_password": "true", "password1": "harbour-lights-9",
         "password2": "harbour-lights-9", "groups": [Group.objects.get(name="viewer").pk]},
    )  # fmt: skip
    assert changed(last("user"))["groups"] == (None, ["viewer"])
    assert changed(last("user"))["password"] == (None, "set")
    person = User.objects.get(username="grace")
    page = reverse("admin:auth_user_change", args=[person.pk])
    client.post(
        page, {"username": "grace", "is_active": "on", "groups": [Group.objects.get(name="admin").pk]}
    )
    assert changed(last("user")) == {"groups": (["viewer"], ["admin"])}
    words = {"usable_password": "true", "password1": "another-light-9", "password2": "another-light-9"}
    client.post(reverse("admin:auth_user_password_change", args=[person.pk]), words)
    assert changed(last("user")) == {"password": (None, "changed")}
    client.post(reverse("admin:auth_user_delete", args=[person.pk]), {"post": "yes"})
    assert (last("user").action, last("user").object_name) == ("deleted", "grace")


def test_ones_own_password_is_followed() -> None:
    client = signed_in("viewer")
    person = User.objects.get(username="viewer")
    person.set_password("a long password")
    person.save()
    client.force_login(person)
    words = {"old_password": "a long password", "new_password1": "harbour-lights-9",
             "new_password2": "harbour-lights-9"}  # fmt: skip
    assert client.post(reverse("admin:password_change"), words).status_code == 302
    assert changed(last("user")) == {"password": (None, "changed")}
    assert last("user").actor_name == "viewer"


def test_many_rows_at_once_are_followed_one_by_one(channel: Channel) -> None:
    other = Channel.objects.create(team=channel.team, name="Other")
    AuditEntry.objects.all()._raw_delete("default")
    Channel.objects.filter(team=channel.team).update(stale_after=5)
    assert {entry.object_id for entry in AuditEntry.objects.all()} == {channel.public_id, other.public_id}
    Team.objects.all().delete()
    gone = set(AuditEntry.objects.filter(action="deleted").values_list("object_kind", flat=True))
    assert gone == {"team", "channel", "webhookurl"}


def test_what_is_no_setting_is_not_history(channel: Channel) -> None:
    before = AuditEntry.objects.count()
    channels.note_accepted([WebhookURL.objects.get().pk])
    channel.save()
    assert AuditEntry.objects.count() == before


def test_the_history_is_never_rewritten(channel: Channel) -> None:
    entry = AuditEntry.objects.all()[0]
    for attempt in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(words="nothing happened"),
    ):
        with pytest.raises(TypeError, match="append-only"):
            attempt()


def test_a_change_that_fails_leaves_no_entry(channel: Channel) -> None:
    before = AuditEntry.objects.count()

    def half() -> None:
        with transaction.atomic():
            Team.objects.create(name="Nobody")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        half()
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize("role, seen", [("viewer", False), ("operator", False), ("admin", True)])
def test_the_page_shows_people_and_tokens_to_admins_alone(role: str, seen: bool, channel: Channel) -> None:
    ApiToken.issue("Night build", "viewer")
    page = signed_in(role).get(reverse("admin:audit")).content.decode()
    assert "General" in page
    assert ("Night build" in page) is seen


def test_the_page_finds_by_object_person_and_time(channel: Channel) -> None:
    client = signed_in("admin")
    client.post(reverse("admin:channels_channel_do", args=[channel.pk, "pause"]))
    page = reverse("admin:audit")

    def found(**query: str) -> str:
        return client.get(page, query).content.decode()

    assert "Paused by admin." in found(object=channel.public_id, kind="channel")
    assert "webhook URL" in found(object=channel.public_id, kind="channel")
    assert "Paused by admin." in found(object="gener", who="admin", action="changed")
    assert "Nothing found" in found(who="nobody")
    assert "Nothing found" in found(until="2001-01-01")
    assert "Nothing found" in found(kind="no such kind", since="9999-99-99")
    assert client.get(page, {"before": "x" * 40, "after": "9" * 30}).status_code == 200


def test_the_page_goes_on_by_key(channel: Channel) -> None:
    for number in range(120):
        audit.record(channel, "did", words=f"step {number}")
    client = signed_in("viewer")
    first = client.get(reverse("admin:audit")).content.decode()
    assert ("step 119" in first, "step 60" in first) == (True, False)
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = client.get(reverse("admin:audit") + older).content.decode()
    assert "step 60" in second
    newer = second.partition('rel="prev" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "step 119" in client.get(reverse("admin:audit") + newer).content.decode()


@pytest.mark.parametrize("model", ["channels_channel", "channels_team"])
def test_each_page_leads_to_its_own_history(model: str, channel: Channel) -> None:
    client = signed_in("viewer")
    row = channel if model == "channels_channel" else channel.team
    page = client.get(reverse(f"admin:{model}_change", args=[row.pk])).content.decode()
    link = reverse(f"admin:{model}_history", args=[row.pk])
    assert link in page
    answer = client.get(link)
    assert answer.headers["Location"] == f"/admin/audit/?kind={row._meta.model_name}&object={row.public_id}"
    assert client.get(reverse(f"admin:{model}_history", args=[999])).status_code == 404


def test_admins_read_the_history_by_rest_and_nobody_writes_it(channel: Channel) -> None:
    api = Api("admin")
    answer = api.call("GET", f"audit/?object={channel.public_id}").json()
    entry = answer["results"][-1]
    assert entry["object"] == {"kind": "channel", "id": channel.public_id, "name": "Platform › General"}
    assert entry["actor"]["kind"] == "system"
    assert api.call("GET", f"audit/{entry['id']}/").json() == entry
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert api.call(method, f"audit/{entry['id']}/", {}).status_code == 405
    assert api.call("GET", "audit/?since=yesterday").status_code == 400
    for role in ("viewer", "operator"):
        assert Api(role).call("GET", "audit/").status_code == 403
    assert Client().get("/api/v1/audit/").status_code == 401


def test_options_that_are_secrets_by_name_are_not_told() -> None:
    found = audit.changes({"options.api_token": "a"}, {"options.api_token": "b", "options.room": "c"})
    assert found == [
        {"field": "options.api_token", "old": None, "new": "changed"},
        {"field": "options.room", "old": None, "new": "c"},
    ]
    assert {"name", "source", "scheme", "options", "paused"} <= Connector.watched()


def test_what_is_encrypted_with_a_lost_key_can_still_be_replaced_and_deleted(settings: Settings) -> None:
    settings.FIELD_KEYS = ["old"]
    connector, _ = connectors.create_connector(name="Repository", source="github")
    settings.FIELD_KEYS = ["new"]
    connector = Connector.objects.get()
    connectors.rotate_secret(connector)
    assert changed(last("secret"))["value"] == (None, "set")
    connector.delete()
    assert AuditEntry.objects.filter(object_kind="secret", action="deleted").count() == 2


def test_what_a_program_does_without_changing_a_field_stands_in_the_history_too(channel: Channel) -> None:
    made, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(made, channel, events=["*"])
    program = Api("operator")
    request = program.call("POST", f"connectors/{made.public_id}/test/", {"event": "issues.opened"}).json()[
        "request"
    ]
    process_batch()
    (event,) = program.call("GET", "events/").json()["results"]
    (delivery,) = program.call("GET", "deliveries/").json()["results"]
    url = channel.webhook_urls.get().public_id
    for path in (
        f"requests/{request}/replay/", f"events/{event['id']}/replay/", f"deliveries/{delivery['id']}/cancel/",
        f"deliveries/{delivery['id']}/retry/", f"webhook-urls/{url}/test/",
    ):  # fmt: skip
        answer = program.call("POST", path)
        assert answer.status_code in (200, 202), (path, answer.content)
    replay = program.call("POST", "replays/", {"events": {"connector": made.public_id}}).json()["id"]
    assert program.call("POST", f"replays/{replay}/cancel/").status_code == 200
    done = AuditEntry.objects.filter(action=AuditEntry.Action.DID, actor_kind="token").order_by("id")
    assert [(each.object_kind, each.words) for each in done] == [
        ("connector", "Send a sample"), ("inboundrequest", "Process again"), ("event", "Send again"),
        ("delivery", "Cancel"), ("delivery", "Try again now"), ("webhookurl", "Send a test card"),
        ("replay", "Start"), ("replay", "Cancel"),
    ]  # fmt: skip
    assert {each.actor_name for each in done} == {"operator"}
