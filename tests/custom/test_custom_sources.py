"""Custom connectors from end to end: made by REST or in the editor, posted to, told, exported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.api.models import ApiToken
from apps.channels.models import Channel
from apps.connectors import custom
from apps.connectors import services as connectors
from apps.connectors.models import Connector, CustomSource
from apps.core.tokens import hash_token
from apps.deliveries.models import Delivery
from apps.inbound.models import Event, InboundRequest
from apps.inbound.pipeline import process_batch
from apps.sources.http import Headers, Http
from tests.actions.conftest import channel

__all__ = ["channel"]
pytestmark = pytest.mark.django_db(transaction=True)
MAPPING: dict[str, Any] = {
    "version": 1, "name": "Shop", "docs_url": "https://shop.example.com/hooks",
    "verification": {"scheme": "hmac_body", "header": "X-Shop-Signature", "prefix": "v1="},
    "reading": {"name": "event", "id": "id"}, "attributes": {"customer": "order.customer"},
    "events": [{"name": "order.paid", "title": "Order {{ order.number }} paid", "text": "By **{{ order.customer }}**",
                "severity": "good", "link": "{{ order.url | default }}"}],
    "samples": [{"event": "order.paid", "headers": {"content-type": "application/json"},
                 "body": '{"event": "order.paid", "id": "1", "order": {"number": 7, "customer": "Ines"}}'}],
}  # fmt: skip


def api(role: str = "admin") -> Client:
    ApiToken.objects.create(name=role, role=role, hashed=hash_token(f"tc_{role}"))
    return Client(headers={"Authorization": f"Bearer tc_{role}"})


def call(client: Client, method: str, path: str, body: object = None) -> Any:
    return getattr(client, method)(f"/api/v1/{path}", body, content_type="application/json")


@pytest.fixture
def shop() -> CustomSource:
    return custom.save(MAPPING)


@pytest.fixture
def admin() -> Client:
    user = User.objects.create_user("root", is_staff=True)
    user.groups.add(Group.objects.get(name="admin"))
    client = Client()
    client.force_login(user)
    return client


def post(connector: Connector, body: object, sign: bool = True) -> Any:
    http = Http(headers=Headers({"content-type": "application/json"}), body=json.dumps(body).encode())
    if sign:
        http = connectors.scheme_of(connector).sign(http, connector.secrets.get().value, timezone.now())
    return Client().post(
        f"/hooks/{connector.public_id}", http.body, content_type="application/json",
        headers={key: value for key, value in http.headers.items() if key != "content-type"},
    )  # fmt: skip


def test_by_rest_from_mapping_to_card(channel: Channel) -> None:
    client = api()
    made = call(client, "post", "custom-sources/", {"mapping": MAPPING})
    assert made.status_code == 201, made.content
    slug = made.json()["slug"]
    assert slug == "custom-shop"
    assert slug in [each["slug"] for each in call(client, "get", "sources/").json()["results"]]
    assert call(client, "get", f"sources/{slug}/").json()["schemes"][0]["key"] == "hmac_body"
    answer = call(client, "post", "connectors/", {"name": "Shop", "source": slug})
    assert answer.status_code == 201, answer.content
    connector = Connector.objects.get(public_id=answer.json()["id"])
    call(client, "post", "subscriptions/", {"connector": connector.public_id, "channel": channel.public_id})
    body = {"event": "order.paid", "id": "9", "order": {"number": 12, "customer": "*Ines*"}}
    assert post(connector, body, sign=False).status_code == 401
    assert post(connector, body).status_code == 202
    assert post(connector, body).status_code == 202
    while process_batch().requests:
        pass
    card = Delivery.objects.get().card
    assert "Order 12 paid" in card
    assert "By **\\\\*Ines\\\\***" in card
    assert [event.outcome for event in Event.objects.order_by("pk")] == ["matched", "duplicate"]
    sample = call(client, "post", f"connectors/{connector.public_id}/test/", {})
    assert sample.status_code == 202, sample.content


def test_mistakes_are_named_by_rest() -> None:
    wrong = {**MAPPING, "events": [{"name": "a", "title": "x\n{{ y | nope }}"}]}
    answer = call(api(), "post", "custom-sources/", {"mapping": wrong})
    assert answer.status_code == 400
    assert "events.0.title, line 2" in answer.json()["detail"]


def test_the_preview_takes_a_mapping_that_is_not_saved() -> None:
    client = api("viewer")
    answer = call(client, "post", "preview/", {"mapping": MAPPING, "body": MAPPING["samples"][0]["body"]})
    assert answer.json()["events"][0]["notification"]["title"] == "Order 7 paid"


def test_the_preview_takes_a_saved_one_by_its_slug(shop: CustomSource) -> None:
    answer = call(
        api("viewer"), "post", "preview/", {"source": shop.slug, "body": MAPPING["samples"][0]["body"]}
    )
    assert answer.json()["events"][0]["type"] == "order.paid"


def test_a_change_works_from_the_next_event_on(shop: CustomSource) -> None:
    connector, _ = connectors.create_connector(name="S", source=shop.slug)
    custom.save({**MAPPING, "events": [{"name": "*", "title": "All: {{ event_name }}"}]}, row=shop)
    post(connector, {"event": "other", "id": "1"})
    process_batch()
    assert Event.objects.get().title == "All: other"


def test_connectors_follow_when_the_verification_changes(shop: CustomSource) -> None:
    connector, _ = connectors.create_connector(name="S", source=shop.slug)
    custom.save({**MAPPING, "verification": {"scheme": "bearer"}}, row=shop)
    connector.refresh_from_db()
    assert connectors.scheme_of(connector).key == "bearer"
    assert (
        post(
            connector, {"event": "order.paid", "id": "1", "order": {"number": 1, "customer": "I"}}
        ).status_code
        == 202
    )


def test_a_template_that_fails_on_a_real_event_is_told_to_the_admin(
    shop: CustomSource, admin: Client
) -> None:
    connector, _ = connectors.create_connector(name="S", source=shop.slug)
    post(connector, {"event": "order.paid", "id": "1", "order": {"number": 3}})
    process_batch()
    event = Event.objects.get()
    assert "no “customer”" in event.reason
    shop.refresh_from_db()
    assert "no “customer”" in shop.trouble
    assert "no “customer”" in admin.get(reverse("admin:custom-edit", args=[shop.slug])).content.decode()


def test_one_that_is_used_cannot_be_deleted(shop: CustomSource) -> None:
    client = api()
    connector, _ = connectors.create_connector(name="S", source=shop.slug)
    refused = call(client, "delete", f"custom-sources/{shop.slug}/")
    assert refused.status_code == 409
    connector.delete()
    assert call(client, "delete", f"custom-sources/{shop.slug}/").status_code == 204
    assert call(client, "get", f"sources/{shop.slug}/").status_code == 404


def test_two_of_one_name_get_two_slugs_and_no_slug_clashes(shop: CustomSource) -> None:
    assert custom.save(MAPPING).slug == "custom-shop-2"
    answer = call(api(), "post", "custom-sources/", {"mapping": MAPPING, "slug": "github"})
    assert answer.status_code == 400
    assert "custom-github" in answer.json()["detail"]


def test_the_editor_saves_exports_imports_copies_and_deletes(admin: Client) -> None:
    assert "Standard Webhooks" in admin.get(reverse("admin:custom-start")).content.decode()
    assert "Add an event" not in admin.get(reverse("admin:custom-new") + "?from=form").content.decode()
    answer = admin.post(reverse("admin:custom-new"), {"document": json.dumps(MAPPING)}, follow=True)
    assert "It works from the next event on" in answer.content.decode()
    row = CustomSource.objects.get()
    wrong = admin.post(reverse("admin:custom-edit", args=[row.slug]), {"document": '{"name": "x"'})
    assert wrong.status_code == 422
    assert "no JSON" in wrong.content.decode()
    exported = admin.get(reverse("admin:custom-export", args=[row.slug]))
    assert exported.headers["Content-Disposition"] == 'attachment; filename="custom-shop.json"'
    assert custom.save(json.loads(exported.content)).document == row.document
    admin.post(reverse("admin:custom-copy", args=[row.slug]))
    assert CustomSource.objects.filter(name="Shop (copy)").exists()
    admin.post(reverse("admin:custom-remove", args=[row.slug]))
    assert not CustomSource.objects.filter(pk=row.pk).exists()


def test_the_editors_preview_names_mistakes_and_shows_cards(admin: Client) -> None:
    page = reverse("admin:custom-preview")

    def ask(mapping: object, body: str) -> Any:
        return admin.post(
            page, {"mapping": mapping, "headers": {}, "body": body}, content_type="application/json"
        ).json()

    good = ask(MAPPING, MAPPING["samples"][0]["body"])
    assert good["events"][0]["card"]["type"] == "AdaptiveCard"
    assert good["events"][0]["bytes"] < good["events"][0]["budget"]
    broken = {**MAPPING, "events": [{"name": "order.paid", "title": "{{"}]}
    assert ask(broken, "{}")["problems"][0]["where"] == "events.0.title"
    assert ask(MAPPING, "{")["trouble"]
    assert admin.post(page, "nonsense", content_type="application/json").json()["problems"]


def test_a_captured_request_can_be_taken_over(shop: CustomSource, admin: Client) -> None:
    connector, _ = connectors.create_connector(name="S", source=shop.slug)
    post(connector, {"event": "order.paid", "id": "1"})
    request = InboundRequest.objects.get()
    page = admin.get(reverse("admin:custom-edit", args=[shop.slug])).content.decode()
    assert request.public_id in page
    found = admin.get(reverse("admin:custom-captured", args=[shop.slug, request.public_id])).json()
    assert json.loads(found["body"])["event"] == "order.paid"


def test_a_viewer_looks_and_cannot_save(shop: CustomSource) -> None:
    user = User.objects.create_user("vic", is_staff=True)
    user.groups.add(Group.objects.get(name="viewer"))
    viewer = Client()
    viewer.force_login(user)
    assert viewer.get(reverse("admin:custom-edit", args=[shop.slug])).status_code == 200
    assert viewer.post(reverse("admin:custom-edit", args=[shop.slug]), {"document": "{}"}).status_code == 403
    assert viewer.get(reverse("admin:custom-start")).status_code == 403
    for name in ("copy", "remove"):
        assert viewer.post(reverse(f"admin:custom-{name}", args=[shop.slug])).status_code == 403


def test_the_catalog_shows_it_with_its_sample_card(shop: CustomSource, admin: Client) -> None:
    assert "Shop" in admin.get(reverse("admin:catalog")).content.decode()
    assert "order.paid" in admin.get(reverse("admin:source", args=[shop.slug])).content.decode()
    assert admin.get(reverse("admin:connect", args=[shop.slug])).status_code == 200


def test_it_is_written_out_as_a_package_that_passes_the_conformance_suite(
    shop: CustomSource, tmp_path: Path
) -> None:
    place = tmp_path / "out"
    call_command("export_source", shop.slug, to=str(place))
    with pytest.raises(CommandError, match="exists already"):
        call_command("export_source", shop.slug, to=str(place))
    with pytest.raises(CommandError, match="no custom source"):
        call_command("export_source", "custom-nope", to=str(tmp_path / "x"))
    root = Path(__file__).resolve().parents[2]
    options = [
        "-q", "-p", "tests.environment", "-p", "no:cacheprovider", "--rootdir", str(place),
        "-c", str(root / "pyproject.toml"), "--override-ini", "addopts=", "--update-golden", str(place / "tests"),
    ]  # fmt: skip
    script = (
        "import sys, pytest; "
        f"sys.path[:0] = [{str(place / 'src')!r}, {str(root)!r}]; "
        f"sys.exit(pytest.main({options!r}))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert (place / "src" / "shop_source" / "golden" / "order.paid.json").is_file()
