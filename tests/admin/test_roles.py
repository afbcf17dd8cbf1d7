"""Viewers see, operators run, admins configure; buttons are POSTs; secrets are write-only."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from apps.api.models import ApiToken
from apps.channels.models import Channel, Team, WebhookURL
from apps.commands import services as commands
from apps.commands.models import CommandEndpoint
from apps.connectors import services as connectors
from apps.connectors.models import Connector, Subscription
from apps.deliveries.models import Delivery
from apps.inbound.models import Event, InboundRequest

pytestmark = pytest.mark.django_db
WORKFLOW = "https://a.b.environment.api.powerplatform.com/workflows/x/triggers/manual/paths/invoke?api-version=1&sig=very-secret"
PAGES = ("index", "catalog", "find", "channels_channel_changelist", "connectors_connector_changelist",
         "connectors_subscription_changelist", "channels_team_changelist", "inbound_event_changelist",
         "deliveries_delivery_changelist", "inbound_inboundrequest_changelist", "audit")  # fmt: skip
ADMIN_PAGES = ("auth_user_changelist", "auth_user_add", "auth_group_changelist", "api_apitoken_changelist",
               "api_apitoken_add", "channels_channel_add", "channels_team_add", "django_q_schedule_changelist")  # fmt: skip


def signed_in(role: str) -> Client:
    user, new = User.objects.get_or_create(username=role)
    if new:
        user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def connector() -> Connector:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    row = WebhookURL(channel=channel, host="x.example", fingerprint="abc", url=WORKFLOW)
    row.save()
    commands.create_endpoint("Connector", channel.team, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    made, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(made, channel)
    return made


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
@pytest.mark.parametrize("page", PAGES)
def test_everybody_with_a_role_may_look(role: str, page: str, connector: Connector) -> None:
    assert signed_in(role).get(reverse(f"admin:{page}")).status_code == 200


@pytest.mark.parametrize("page", ADMIN_PAGES)
def test_people_tokens_and_forms_are_for_admins(page: str, connector: Connector) -> None:
    assert signed_in("admin").get(reverse(f"admin:{page}")).status_code == 200
    for role in ("viewer", "operator"):
        expected = 200 if page.endswith("changelist") and page.startswith(("channels", "connectors")) else 403
        assert signed_in(role).get(reverse(f"admin:{page}")).status_code == expected


def test_a_user_without_a_role_is_sent_to_sign_in() -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody", password="a long password"))
    assert client.get(reverse("admin:index")).status_code == 302


BUTTONS = [
    ("channels_channel", Channel, "test", "operator"),
    ("channels_channel", Channel, "pause", "operator"),
    ("connectors_connector", Connector, "sample", "operator"),
    ("connectors_connector", Connector, "pause", "operator"),
    ("connectors_connector", Connector, "rotate", "admin"),
    ("commands_commandendpoint", CommandEndpoint, "trial", "operator"),
]


@pytest.mark.parametrize("page, model, button, role", BUTTONS)
def test_a_button_needs_its_role_and_a_post(
    page: str, model: Any, button: str, role: str, connector: Connector
) -> None:
    url = reverse(f"admin:{page}_do", args=[model.objects.get().pk, button])
    lower = {"operator": "viewer", "admin": "operator"}[role]
    refused = signed_in(lower)
    assert refused.post(url).status_code == 403
    assert (
        f"/do/{button}/"
        not in refused.get(reverse(f"admin:{page}_change", args=[model.objects.get().pk])).content.decode()
    )
    allowed = signed_in(role)
    assert allowed.get(url).status_code == 405
    assert allowed.post(url).status_code in (200, 302)


def test_a_test_card_a_sample_and_a_pause_do_what_they_say(connector: Connector) -> None:
    client = signed_in("operator")
    channel = Channel.objects.get()
    client.post(reverse("admin:channels_channel_do", args=[channel.pk, "test"]))
    assert Delivery.objects.get().origin == "test"
    client.post(reverse("admin:connectors_connector_do", args=[connector.pk, "sample"]))
    assert InboundRequest.objects.get().connector == connector
    client.post(reverse("admin:channels_channel_do", args=[channel.pk, "pause"]))
    channel.refresh_from_db()
    assert (channel.paused, channel.state_words) == (True, "Paused by operator.")
    client.post(reverse("admin:channels_channel_do", args=[channel.pk, "resume"]))
    delivery = Delivery.objects.get()
    client.post(reverse("admin:deliveries_delivery_do", args=[delivery.pk, "cancel"]))
    delivery.refresh_from_db()
    assert delivery.status == "cancelled"
    client.post(reverse("admin:deliveries_delivery_do", args=[delivery.pk, "retry"]))
    delivery.refresh_from_db()
    assert delivery.status == "pending"


def test_a_new_secret_is_shown_once_and_the_old_one_stays_for_a_day(connector: Connector) -> None:
    client = signed_in("admin")
    answer = client.post(reverse("admin:connectors_connector_do", args=[connector.pk, "rotate"]))
    newest, older = connector.secrets.all()
    assert newest.value in answer.content.decode()
    assert older.valid_until is not None
    page = client.get(reverse("admin:connectors_connector_change", args=[connector.pk])).content.decode()
    assert newest.value not in page
    assert older.value not in page


def test_the_set_up_page_makes_channel_connector_and_subscription(settings: Settings) -> None:
    client = signed_in("admin")
    answer = client.post(
        reverse("admin:connect", args=["github"]),
        {
            "name": "Harbour", "channel": "", "team_name": "Port", "channel_name": "Builds", "webhook_url": WORKFLOW,
            "scheme": "hmac_sha256", "events": ["push", "issues.opened"], "option_branches": "main\nrelease/*",
            "option_private_repositories": "include",
        },
    )  # fmt: skip
    connector = Connector.objects.get()
    assert answer.headers["Location"] == reverse("admin:connected", args=[connector.public_id])
    assert connector.options["branches"] == ["main", "release/*"]
    assert Subscription.objects.get().events == ["push", "issues.opened"]
    assert Delivery.objects.get().origin == "test"
    page = client.get(answer.headers["Location"]).content.decode()
    secret = connector.secrets.get().value
    assert secret in page
    assert "very-secret" not in page
    assert secret not in signed_in("operator").get(answer.headers["Location"]).content.decode()


@pytest.mark.parametrize(
    "url, words",
    [
        ("https://x.webhook.office.com/webhookb2/a", "switched them off in May 2026"),
        ("http://192.168.0.1/x", "not known as a Teams webhook"),
        ("", "Paste the URL"),
    ],
)
def test_a_url_that_cannot_work_is_explained_and_nothing_is_made(url: str, words: str) -> None:
    client = signed_in("admin")
    data = {"name": "Harbour", "channel_name": "Builds", "webhook_url": url, "events": ["push"]}
    page = client.post(reverse("admin:connect", args=["github"]), {**data, "scheme": "hmac_sha256"})
    assert words in page.content.decode()
    assert not Connector.objects.exists()
    assert not Channel.objects.exists()
    answer = client.post(reverse("admin:check-url"), {"url": url})
    assert answer.json()["ok"] is False


def test_a_webhook_url_is_kept_replaced_and_never_shown(connector: Connector) -> None:
    client = signed_in("admin")
    channel, row = Channel.objects.get(), WebhookURL.objects.get()
    page = reverse("admin:channels_channel_change", args=[channel.pk])
    data = {
        "team": channel.team_id, "name": "Renamed", "time_zone": "Europe/Berlin", "stale_after": "240",
        "webhook_urls-TOTAL_FORMS": "1", "webhook_urls-INITIAL_FORMS": "1",
        "webhook_urls-0-id": row.pk, "webhook_urls-0-channel": channel.pk,
        "webhook_urls-0-kind": "workflow", "webhook_urls-0-new_url": "", "webhook_urls-0-priority": "1",
    }  # fmt: skip
    assert client.post(page, data).status_code == 302
    row.refresh_from_db()
    assert row.url == WORKFLOW
    client.post(page, {**data, "webhook_urls-0-new_url": WORKFLOW.replace("very-secret", "other-secret")})
    row.refresh_from_db()
    assert "other-secret" in row.url
    assert "other-secret" not in client.get(page).content.decode()


def test_a_connector_and_a_subscription_are_edited_in_words(connector: Connector) -> None:
    client = signed_in("admin")
    page = reverse("admin:connectors_connector_change", args=[connector.pk])
    inline = {"subscriptions-TOTAL_FORMS": "0", "subscriptions-INITIAL_FORMS": "0"}
    data = {"name": "New name", "scheme": "hmac_sha256", "option_ignore_bots": "on",
            "option_private_repositories": "exclude", **inline}  # fmt: skip
    assert client.post(page, data).status_code == 302
    connector.refresh_from_db()
    assert (connector.name, connector.options["ignore_bots"]) == ("New name", True)

    row = Subscription.objects.get()
    page = reverse("admin:connectors_subscription_change", args=[row.pk])
    assert client.get(page).status_code == 200
    wanted: dict[str, Any] = {
        "channel": row.channel_id, "enabled": "on", "events": ["push"], "patterns": "issues",
        "conditions": "branch is main, develop\n$.repository.private is not true",
        "muted_until_0": "", "muted_until_1": "",
    }  # fmt: skip
    assert client.post(page, wanted).status_code == 302
    row.refresh_from_db()
    assert row.events == ["push", "issues"]
    assert row.filters[0] == {"field": "branch", "op": "is", "value": ["main", "develop"]}
    assert row.filters[1]["op"] == "is_not"
    bad = client.post(page, {**wanted, "conditions": "nonsense"}).content.decode()
    assert "Line 1 is no condition" in bad


def test_a_second_channel_is_added_to_a_connector(connector: Connector) -> None:
    client = signed_in("admin")
    other = Channel.objects.create(team=Team.objects.get(), name="Other")
    page = reverse("admin:connectors_subscription_add")
    assert client.get(page).status_code == 302
    page += f"?connector={connector.pk}"
    assert client.get(page).status_code == 200
    answer = client.post(page, {"channel": other.pk, "enabled": "on", "events": ["push"]})
    assert answer.status_code == 302
    assert Subscription.objects.get(channel=other).connector == connector


def test_the_trace_answers_why_and_masks_secrets(connector: Connector) -> None:
    client = signed_in("viewer")
    from apps.inbound import pipeline
    from apps.inbound import services as inbound

    inbound.run_sample(connector, "issues.opened")
    pipeline.process_batch()
    event = Event.objects.get()
    page = client.get(reverse("admin:trace", args=[event.public_id]) + "?body").content.decode()
    assert "Received and verified" in page
    assert "selects issues.opened" in page
    assert connector.secrets.get().value not in page
    found = client.get(reverse("admin:find"), {"q": event.title[:20]})
    assert found.status_code in (200, 302)
    assert client.post(reverse("admin:trace", args=[event.public_id])).status_code == 403
    assert signed_in("operator").post(reverse("admin:trace", args=[event.public_id])).status_code == 302
    assert Delivery.objects.filter(origin="replay").count() == 1


def test_an_api_token_is_shown_once() -> None:
    client = signed_in("admin")
    page = client.post(reverse("admin:api_apitoken_add"), {"name": "CI", "role": "viewer"}, follow=True)
    assert "tc_" in page.content.decode()
    row = ApiToken.objects.get()
    assert "tc_" not in client.get(reverse("admin:api_apitoken_change", args=[row.pk])).content.decode()


def test_a_person_whom_an_admin_adds_signs_in_with_their_role() -> None:
    made = signed_in("admin").post(
        reverse("admin:auth_user_add"),
        {"username": "ada", "usable_password": "true", "password1": "tide-table-7", "password2": "tide-table-7",
         "groups": [Group.objects.get(name="operator").pk]},
    )  # fmt: skip
    assert made.status_code == 302
    client = Client()
    login = {"username": "ada", "password": "tide-table-7", "next": reverse("admin:find")}
    assert client.post(reverse("admin:login"), login).headers["Location"] == reverse("admin:find")
    assert client.get(reverse("admin:find")).status_code == 200
    assert client.get(reverse("admin:auth_user_changelist")).status_code == 403
    wrong = Client().post(reverse("admin:login"), {**login, "password": "tide"}).content.decode()
    assert "not the right username and password" in wrong
    assert "staff" not in wrong
    User.objects.get(username="ada").groups.clear()
    assert "no role here" in Client().post(reverse("admin:login"), login).content.decode()
