"""Commands that cannot do their work say why in a sentence, and not by a traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from connectors_site import env
from connectors_site.management.commands.demo import Command as Demo

ROOT = Path(__file__).resolve().parents[2]


def manage(folder: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DEBUG": "1", "DATA_DIR": str(folder)} | extra
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_token_cannot_be_made_before_the_database_is_set_up(tmp_path: Path) -> None:
    done = manage(tmp_path, "create_token", "me", "--role", "admin")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "The database cannot be used" in done.stderr
    assert "migrate" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_away_stops_the_start_without_showing_its_password(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"postgresql://me:a-password@127.0.0.1:{closed.getsockname()[1]}/connectors"
        done = manage(tmp_path, "prepare", DATABASE_URL=url)
    assert done.returncode == 1
    assert "The database cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
    assert "a-password" not in done.stdout + done.stderr


def test_a_port_that_another_program_has_is_not_shared_with_it(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as the web server does
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = manage(tmp_path, "up", "--port", port)
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert not (tmp_path / "db.sqlite3").exists()


def test_the_printed_command_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://me:a-password@db.internal/connectors"
    for name, value in {"DATABASE_URL": url, "PORT": "8123"}.items():
        monkeypatch.setenv(name, value)
    for shown, expected in ((url, "PORT=8123"), (url.replace(":a-password", ""), None)):
        monkeypatch.setenv("DATABASE_URL", shown)
        monkeypatch.setattr(settings, "DATABASE_URL", env.url("DATABASE_URL", "", ("postgresql",)))
        assert Demo().shown("DATABASE_URL", "PORT") == (expected or f"DATABASE_URL={shown} PORT=8123")
