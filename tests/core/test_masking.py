"""Credentials in other people's payloads are masked by name and by shape, and the rest stays readable."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from apps.core.masking import MASK, is_secret, mask_body, mask_headers, mask_query

TOKEN = "ghp_" + "a" * 36


@pytest.mark.parametrize(
    "name",
    ["token", "X-Api-Key", "api_key", "clientState", "sessionId", "X-Hub-Signature-256", "private_key"],
)
def test_a_credential_is_known_by_its_name(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["title", "secret_scanning_alert", "token_type", "repository", "keyboard"])
def test_other_names_are_left_alone(name: str) -> None:
    assert not is_secret(name)


def test_json_keeps_its_shape() -> None:
    body = {
        "config": {"secret": "hush", "url": "https://x.example/?sig=hush&v=1"},
        "text": f"use {TOKEN}",
        "n": [1, None],
    }
    found = json.loads(mask_body(json.dumps(body)))
    assert found["config"] == {"secret": MASK, "url": f"https://x.example/?sig={MASK}&v=1"}
    assert found["text"] == f"use {MASK}"
    assert found["n"] == [1, None]


def test_forms_queries_and_xml_are_masked_too() -> None:
    inner = json.dumps({"token": "hush", "title": "Hello"})
    form = mask_body("payload=" + inner + "&token=hush", "application/x-www-form-urlencoded")
    assert json.loads(parse_qs(form)["payload"][0]) == {"token": MASK, "title": "Hello"}
    assert "hush" not in form
    assert "hush" not in mask_query("token=hush&a=1")
    xml = mask_body("<a><SessionId>hush</SessionId><Name>Ada</Name></a>")
    assert "hush" not in xml
    assert "<Name>Ada</Name>" in xml


def test_headers_keep_what_is_harmless() -> None:
    found = mask_headers({"x-github-event": "push", "x-gitlab-token": "hush"})
    assert found == {"x-github-event": "push", "x-gitlab-token": MASK}


@pytest.mark.parametrize("text", ["", "not json {", "[" * 5_000, "<" * 5_000, "\ud800"])
def test_nothing_breaks_it(text: str) -> None:
    mask_body(text, indent=2)


@pytest.mark.parametrize("rest", [', "x": 1', ', "x": "a\\', "", ' "y" }'])
def test_json_that_is_broken_is_masked_by_the_names_of_its_fields(rest: str) -> None:
    shown = mask_body('{"title": "Hello", "api_token" : "hu\\"sh"' + rest)
    assert "sh" not in shown.partition("token")[2].replace(rest, "")
    assert '"title": "Hello"' in shown
    assert MASK in shown
    assert "hush" not in mask_body('{"password": "hush')  # cut in the middle
