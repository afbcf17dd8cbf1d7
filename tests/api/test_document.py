"""The OpenAPI document is what the code says, and the answers are what the document says."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator

from apps.api.models import ApiToken
from apps.channels import services as channels
from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.inbound import pipeline
from apps.inbound import services as inbound

ROOT = Path(__file__).resolve().parents[2]


def test_the_written_document_is_the_one_that_the_code_makes() -> None:
    made = io.StringIO()
    call_command("spectacular", "--fail-on-warn", stdout=made)
    assert made.getvalue() == (ROOT / "docs/openapi.yaml").read_text(), "run: make docs"


@pytest.fixture
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
    return found


def as_json_schema(document: dict[str, Any], schema: Any) -> Any:
    """OpenAPI 3.0's nullable is JSON Schema's null type; write-only fields are not answered."""
    if isinstance(schema, list):
        return [as_json_schema(document, each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return as_json_schema(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    found = {key: as_json_schema(document, value) for key, value in schema.items()}
    hidden = [key for key, value in found.get("properties", {}).items() if value.get("writeOnly")]
    if hidden:
        found["required"] = [key for key in found.get("required", []) if key not in hidden]
    return {"anyOf": [found, {"type": "null"}]} if schema.get("nullable") else found


@pytest.mark.django_db
@pytest.mark.parametrize(
    "resource",
    [
        "sources",
        "channels",
        "webhook-urls",
        "connectors",
        "subscriptions",
        "requests",
        "events",
        "deliveries",
    ],
)
def test_every_list_answers_as_documented(resource: str, document: dict[str, Any], settings: Any) -> None:
    settings.DESTINATION_ALLOW = ["127.0.0.1"]
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    channels.add_url(channel, "http://127.0.0.1:9/x")
    connector, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(connector, channel, events=["*"])
    inbound.run_sample(connector, "push")
    pipeline.process_batch()
    token = ApiToken.issue("tests", "viewer")
    answer = Client().get(f"/api/v1/{resource}/", headers={"Authorization": f"Bearer {token}"}).json()
    described = document["paths"][f"/api/v1/{resource}/"]["get"]["responses"]["200"]
    schema = as_json_schema(document, described["content"]["application/json"]["schema"])
    assert answer["results"]
    Draft202012Validator(schema).validate(answer)


@pytest.mark.django_db
def test_the_documentation_page_asks_nobody_else_for_anything(client: Client) -> None:
    page = client.get("/api/v1/docs/").content.decode()
    assert "swagger-ui" in page
    assert "https://" not in page.replace("https://swagger.io", "")


@pytest.mark.django_db
def test_a_mistyped_path_is_a_problem_document(client: Client) -> None:
    answer = client.post("/api/v1/chanels/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.django_db
def test_a_token_that_calls_too_often_waits(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.api.throttling.CALLS", 3)
    headers = {"Authorization": f"Bearer {ApiToken.issue('busy', 'viewer')}"}
    statuses = [client.get("/api/v1/sources/", headers=headers).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert client.get("/api/v1/sources/", headers=headers).headers["Retry-After"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body", [b'{"name": "a\\u0000b"}', b'{"name": "\\ud800"}', b"[1", b"\xff", b'{"a": NaN}']
)
def test_what_cannot_be_stored_is_refused_in_words(client: Client, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {ApiToken.issue('t', 'admin')}"}
    answer = client.post("/api/v1/channels/", body, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["detail"]
