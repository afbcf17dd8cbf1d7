"""Accounts and hooks in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from apps.connectors.models import Account, Connector, Hook
from apps.sources import registry
from apps.sources.sdk import Standing
from tests.actions.conftest import channel, connector, vendor
from tests.inbound.test_repair import Playful, remote
from tests.vendors.stub import StubServer

__all__ = ["channel", "connector", "remote", "vendor"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin() -> Client:
    user = User.objects.create_user("root", is_staff=True)
    user.groups.add(Group.objects.get(name="admin"))
    client = Client()
    client.force_login(user)
    return client


def test_an_account_is_made_in_two_steps_and_tested_at_once(
    admin: Client, vendor: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(registry.get("github")),
        "check_account",
        lambda self, api: Standing(api.get("/user").text("$.login")),
    )
    vendor.on("GET", "/user", {"login": "robot"})
    add = reverse("admin:connectors_account_add")
    assert "GitHub" in admin.get(add).content.decode()
    form = f"{add}?source=github&kind=token"
    assert "Token" in admin.get(form).content.decode()
    answer = admin.post(form, {"name": "Robot", "api_url": vendor.url, "value_token": "hush"}, follow=True)
    assert "knows it as robot" in answer.content.decode()
    row = Account.objects.get()
    page = admin.get(reverse("admin:connectors_account_change", args=[row.pk])).content.decode()
    assert "hush" not in page
    # Left empty, the secret stays.
    admin.post(
        reverse("admin:connectors_account_change", args=[row.pk]), {"name": "Other", "api_url": vendor.url}
    )
    row.refresh_from_db()
    assert row.name == "Other"
    assert "hush" in row.secrets


def test_a_stored_secret_is_not_sent_to_another_server(admin: Client, connector: Connector) -> None:
    row = Account.objects.get()
    page = reverse("admin:connectors_account_change", args=[row.pk])
    answer = admin.post(page, {"name": "Robot", "api_url": "https://evil.example.com"})
    assert "“Token” is needed" in answer.content.decode()
    row.refresh_from_db()
    assert "evil" not in row.api_url


def test_a_missing_field_is_told_beside_the_form(admin: Client, vendor: StubServer) -> None:
    form = f"{reverse('admin:connectors_account_add')}?source=github&kind=token"
    answer = admin.post(form, {"name": "Robot", "api_url": "http://git.example.com", "value_token": "x"})
    assert "https://" in answer.content.decode()
    assert not Account.objects.exists()


def test_the_hook_is_made_by_one_form(admin: Client, connector: Connector, remote: Playful) -> None:
    page = reverse("admin:make-hook", args=[connector.public_id])
    assert "Repository" in admin.get(page).content.decode()
    wrong = admin.post(page, {"option_repository": " "})
    assert wrong.status_code == 422
    answer = admin.post(page, {"option_repository": "octo/hello"}, follow=True)
    assert "octo/hello" in answer.content.decode()
    row = Hook.objects.get()
    remote.there.clear()
    check = reverse("admin:connectors_hook_do", args=[row.pk, "check"])
    assert "Gone at the source" in admin.post(check, follow=True).content.decode()
    mend = reverse("admin:connectors_hook_do", args=[row.pk, "mend"])
    assert "as it should be" in admin.post(mend, follow=True).content.decode()
    repair = reverse("admin:connectors_hook_do", args=[row.pk, "repair"])
    assert "taken in" in admin.post(repair, follow=True).content.decode()
    admin.post(reverse("admin:connectors_hook_do", args=[row.pk, "remove"]))
    assert not Hook.objects.exists()


def test_a_new_secret_goes_to_the_source_at_once(
    admin: Client, connector: Connector, remote: Playful
) -> None:
    admin.post(reverse("admin:make-hook", args=[connector.public_id]), {"option_repository": "octo/hello"})
    rotate = reverse("admin:connectors_connector_do", args=[connector.pk, "rotate"])
    assert "have the new secret already" in admin.post(rotate).content.decode()


def test_the_connector_page_offers_its_accounts(admin: Client, connector: Connector) -> None:
    page = reverse("admin:connectors_connector_change", args=[connector.pk])
    text = admin.get(page).content.decode()
    assert "Robot" in text
