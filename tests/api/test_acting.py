"""Accounts, hooks and action runs by REST."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.api.models import ApiToken
from apps.connectors.models import Account, Connector, Hook
from apps.core.tokens import hash_token
from apps.sources import registry
from apps.sources.sdk import Standing
from tests.actions.conftest import channel, connector, vendor
from tests.inbound.test_repair import PLACE, Playful, remote
from tests.vendors.stub import StubServer

__all__ = ["channel", "connector", "remote", "vendor"]
pytestmark = pytest.mark.django_db(transaction=True)


def client(role: str = "admin") -> Client:
    ApiToken.objects.create(name=role, role=role, hashed=hash_token(f"tc_{role}"))
    return Client(headers={"Authorization": f"Bearer tc_{role}"})


def send(api: Client, method: str, path: str, body: object = None) -> Any:
    return getattr(api, method)(f"/api/v1/{path}", body, content_type="application/json")


def test_an_account_is_made_and_its_secret_is_never_shown(vendor: StubServer) -> None:
    api = client()
    made = send(api, "post", "accounts/", {
        "name": "Robot", "source": "github", "kind": "token", "api_url": vendor.url, "fields": {"token": "hush-hush"},
    })  # fmt: skip
    assert made.status_code == 201, made.content
    assert made.json()["fields"] == {"token": "set"}
    assert "hush-hush" not in api.get("/api/v1/accounts/").content.decode()
    assert "hush-hush" not in str(Account.objects.values("fields", "public_id").get())


@pytest.mark.parametrize(
    "change, words",
    [
        ({"fields": {}}, "Token"),
        ({"fields": {"token": "t", "tokn": "x"}}, "tokn"),
        ({"kind": "magic"}, "magic"),
        ({"source": "nope"}, "nope"),
        ({"api_url": "http://git.example.com"}, "https"),
        ({"api_url": "nonsense"}, "https://git.example.com"),
    ],
)
def test_what_is_wrong_is_named(vendor: StubServer, change: dict[str, Any], words: str) -> None:
    body = {"name": "Robot", "source": "github", "kind": "token", "fields": {"token": "t"}, **change}
    answer = send(client(), "post", "accounts/", body)
    assert answer.status_code in (400, 404)
    assert words in answer.json()["detail"]


def test_a_test_says_who_it_is_and_what_it_lacks(
    vendor: StubServer, connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(self: object, api: Any) -> Standing:
        return Standing(api.get("/user").text("$.login"), may=("read",), lacks=("write",))

    monkeypatch.setattr(type(registry.get("github")), "check_account", check)
    vendor.on("GET", "/user", {"login": "robot"})
    row = Account.objects.get()
    api = client("operator")
    assert send(api, "post", f"accounts/{row.public_id}/test/").json()["state"] == "limited"
    vendor.fail("GET", "/user", 401, {})
    answer = send(api, "post", f"accounts/{row.public_id}/test/").json()
    assert answer["state"] == "refused"
    assert "credentials" in answer["message"]


def test_a_connector_gets_an_account_of_its_own_source_only(connector: Connector) -> None:
    api = client()
    other = Account.objects.create(name="x", source="gitlab", kind="token")
    assert (
        send(api, "patch", f"connectors/{connector.public_id}/", {"account": other.public_id}).status_code
        == 409
    )
    assert (
        send(api, "patch", f"connectors/{connector.public_id}/", {"account": None}).json()["account"] is None
    )
    wrong = send(api, "patch", f"connectors/{connector.public_id}/", {"action_policy": "all"})
    assert wrong.status_code == 400


def test_hooks_are_made_compared_mended_and_removed(connector: Connector, remote: Playful) -> None:
    api = client()
    made = send(api, "post", "hooks/", {"connector": connector.public_id, "place": PLACE})
    assert made.status_code == 201, made.content
    path = f"hooks/{made.json()['id']}"
    remote.there.clear()
    assert send(api, "post", f"{path}/check/").json()["state"] == "gone"
    assert send(api, "post", f"{path}/mend/").json()["state"] == "ok"
    assert send(api, "post", f"{path}/repair/").json() == {"found": 0, "stored": 0}
    assert len(send(api, "get", f"hooks/?connector={connector.public_id}").json()["results"]) == 1
    assert send(api, "delete", f"{path}/").status_code == 204
    assert not remote.there
    assert not Hook.objects.exists()


def test_a_viewer_only_looks(connector: Connector, remote: Playful) -> None:
    api = client("viewer")
    assert send(api, "get", "accounts/").status_code == 200
    assert send(api, "get", "action-runs/").status_code == 200
    assert send(api, "post", "accounts/", {}).status_code == 403
    assert send(api, "post", "hooks/", {}).status_code == 403
