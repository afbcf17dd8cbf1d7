"""Secrets at rest and in logs."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from apps.connectors import services as connectors
from apps.connectors.models import Secret
from apps.core.crypto import Keyring
from apps.core.errors import ConfigurationError
from apps.core.logs import Line, Redact, redact


@given(st.text(max_size=500).filter(lambda text: text.isprintable()))
def test_what_was_encrypted_is_read_back_and_differs_each_time(text: str) -> None:
    ring = Keyring(["one"])
    assert ring.decrypt(ring.encrypt(text)) == text
    assert ring.encrypt(text) != ring.encrypt(text)


def test_a_new_key_in_front_reads_old_texts_and_the_old_key_alone_does_not_read_new_ones() -> None:
    old, both, new = Keyring(["old"]), Keyring(["new", "old"]), Keyring(["new"])
    token = old.encrypt("secret")
    assert both.decrypt(token) == "secret"
    with pytest.raises(ConfigurationError) as error:
        new.decrypt(token)
    assert "FIELD_KEYS" in error.value.public_message
    assert new.decrypt(both.rotate(token)) == "secret"


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT value FROM {Secret._meta.db_table}")
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
def test_keys_are_rotated_by_a_command(settings: Settings, capsys: Any) -> None:
    settings.FIELD_KEYS = ["old"]
    _, secret = connectors.create_connector(name="Repository", source="github")
    before = stored()
    assert secret not in before
    settings.FIELD_KEYS = ["new", "old"]
    call_command("rotate_field_keys")
    assert "secrets: 1" in capsys.readouterr().out
    settings.FIELD_KEYS = ["new"]
    assert stored() != before
    assert Secret.objects.get().value == secret
    settings.FIELD_KEYS = ["another"]
    with pytest.raises(CommandError, match="Add the key that was used before"):
        call_command("rotate_field_keys")


@pytest.mark.parametrize(
    "line, secret",
    [
        (
            "POST https://x.api.powerplatform.com/workflows/abc/invoke?api-version=1&sig=hush-hush",
            "hush-hush",
        ),
        ("posting to https://x.example/a-very-long-path-that-is-a-credential-by-itself/more", "credential"),
        ("Authorization: Bearer tc_0123456789012345678901234567890", "tc_0123"),
        ("headers={'authorization': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
        ('GET "/hooks/0J0SsvmmEQW4cNJhaSpOoU"', "0J0Ssvmm"),
        ("token=abcdef123456 was wrong", "abcdef123456"),
    ],
)
def test_a_log_line_shows_no_secret(line: str, secret: str) -> None:
    assert secret not in redact(line)
    record = logging.LogRecord("x", logging.INFO, "", 1, "said: %s", (line,), None)
    Redact().filter(record)
    assert secret not in Line("{message}", style="{").format(record)


@given(st.text(max_size=300))
def test_redaction_takes_any_text(text: str) -> None:
    assert isinstance(redact(text), str)
