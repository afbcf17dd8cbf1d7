"""New secrets for all connectors of a source: by the admin, by REST, and at the hooks that are ours."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.api.models import ApiToken
from apps.connectors import hooks, rotation, services
from apps.connectors.models import Connector, Hook
from apps.core.errors import Conflict
from apps.core.tokens import hash_token
from tests.actions.conftest import channel, connector, vendor
from tests.inbound.test_repair import PLACE, Playful, remote

__all__ = ["channel", "connector", "remote", "vendor"]
pytestmark = pytest.mark.django_db


def make(name: str, source: str = "github", **more: Any) -> Connector:
    return services.create_connector(name=name, source=source, **more)[0]


def newest(row: Connector) -> str:
    return services.live_secrets(row, timezone.now())[0].value


def rest(role: str, body: dict[str, Any]) -> Any:
    ApiToken.objects.create(name=role, role=role, hashed=hash_token(f"tc_{role}"))
    api = Client(headers={"Authorization": f"Bearer tc_{role}"})
    return api.post("/api/v1/connectors/rotate-secrets/", body, content_type="application/json")


def test_all_of_a_source_get_new_secrets_and_the_old_ones_live_for_a_day() -> None:
    rows = [make("One"), make("Two")]
    other = make("Three", "bitbucket")
    before = {row.pk: newest(row) for row in (*rows, other)}
    done = rotation.rotate(rotation.of_source("github"))
    assert [each.connector.name for each in done.turned] == ["One", "Two"]
    for each in done.turned:
        assert each.secret == newest(each.connector) != before[each.connector.pk]
        later = timezone.now() + dt.timedelta(hours=23)
        assert before[each.connector.pk] in [
            row.value for row in services.live_secrets(each.connector, later)
        ]
        assert len(services.live_secrets(each.connector, later + dt.timedelta(hours=2))) == 1
    assert newest(other) == before[other.pk]


def test_a_secret_that_only_the_source_makes_stays_and_the_reason_is_said() -> None:
    make("Board", "trello", secret="the application's")
    done = rotation.rotate(rotation.of_source("trello"))
    assert done.turned == []
    assert "Only the source can make this secret" in done.skipped[0][1]
    with pytest.raises(Conflict, match="paste"):
        services.rotate_secret(Connector.objects.get())
    assert services.rotate_secret(Connector.objects.get(), secret="the new one") == "the new one"


def test_hooks_that_are_ours_get_theirs_in_the_background(
    connector: Connector, remote: Playful, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = hooks.make(connector, PLACE)
    begun: list[tuple[object, ...]] = []
    monkeypatch.setattr("apps.connectors.rotation.background.start", lambda *call: begun.append(call))
    done = rotation.rotate(rotation.of_source(connector.source))
    assert [(each.connector, each.hooks) for each in done.turned] == [(connector, 1)]
    assert begun == [(rotation.GIVE, connector.pk)]
    # Until then the comparison says so.
    assert [each["what"] for each in hooks.check(row).drift]
    assert rotation.give(connector.pk) == "1 given, 0 in trouble"
    assert Hook.objects.get().state == Hook.State.OK


def test_rest_names_the_new_secrets_once_and_what_was_left() -> None:
    row, other = make("One"), make("Two")
    answer = rest("admin", {"source": "github", "connectors": [row.public_id]})
    assert answer.status_code == 200, answer.content
    (found,) = answer.json()["rotated"]
    assert found == {"id": row.public_id, "name": "One", "secret": newest(row), "hooks": 0}
    assert answer.json()["skipped"] == []
    assert other.secrets.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "source"),
        ({"source": "nope"}, 404, "nope"),
        ({"source": "github", "connectors": "all"}, 400, "connectors"),
        ({"source": "github", "connectors": ["nobody"]}, 404, "nobody"),
    ],
)
def test_rest_says_what_is_wrong(body: dict[str, Any], status: int, words: str) -> None:
    make("One")
    answer = rest("admin", body)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_only_admins_rotate() -> None:
    row = make("One")
    assert rest("operator", {"source": "github"}).status_code == 403
    assert row.secrets.count() == 1


def test_the_page_asks_first_and_shows_each_new_secret_once(admin_client: Client) -> None:
    row, other = make("One"), make("Two")
    page = reverse("admin:rotate", args=["github"])
    asked = admin_client.get(page).content.decode()
    assert "One" in asked
    assert newest(row) not in asked
    assert row.secrets.count() == 1
    answer = admin_client.post(page, {"connector": [row.public_id]})
    shown = answer.content.decode()
    assert newest(row) in shown
    assert other.secrets.count() == 1
    assert "no-store" in answer["Cache-Control"]
    nothing = admin_client.post(page, {})
    assert nothing.status_code == 422
    assert "Tick at least one" in nothing.content.decode()


def test_a_source_without_connectors_says_what_to_do(admin_client: Client) -> None:
    assert "Connect one" in admin_client.get(reverse("admin:rotate", args=["gitlab"])).content.decode()
