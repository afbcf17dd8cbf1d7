"""What every page tells the browser: nothing inline, nothing from elsewhere, never in a frame."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from tests.admin.test_roles import signed_in

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = ("/admin/login/", "/sandbox/", "/act/nothing", "/nowhere", "/healthz", "/hooks/nothing", "/teams/nothing",
          "/api/v1/channels/")  # fmt: skip
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=[\"']|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE)


def policy(answer: object) -> dict[str, list[str]]:
    text: str = answer.headers["Content-Security-Policy"]  # type: ignore[attr-defined]
    return {each.split()[0]: each.split()[1:] for each in text.split(";")}


@pytest.mark.django_db
@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_carry_the_strict_policy(path: str) -> None:
    answer = Client().get(path)
    found = policy(answer)
    assert found["default-src"] == ["'none'"]
    assert (
        found["script-src"]
        == found["style-src"]
        == found["form-action"]
        == found["connect-src"]
        == ["'self'"]
    )
    assert found["frame-ancestors"] == found["object-src"] == found["base-uri"] == ["'none'"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.django_db
def test_the_admin_allows_what_its_theme_needs_and_nothing_else() -> None:
    found = policy(signed_in("viewer").get(reverse("admin:index")))
    assert found["script-src"] == ["'self'", "'unsafe-eval'"]
    assert found["style-src-attr"] == ["'unsafe-inline'"]
    assert "'unsafe-inline'" not in found["style-src"] + found["style-src-elem"] + found["script-src"]
    assert found["img-src"] == ["'self'", "data:"]
    assert found["frame-ancestors"] == found["object-src"] == found["base-uri"] == ["'none'"]


@pytest.mark.django_db
def test_the_page_of_the_api_loads_its_script_as_a_file() -> None:
    answer = Client().get("/api/v1/docs/")
    assert policy(answer)["script-src"] == ["'self'"]
    assert not re.search(r"<script(?![^>]*\ssrc=)", answer.content.decode())
    script = Client().get("/api/v1/docs/?script=").content.decode()
    assert '"validatorUrl": null' in script


@pytest.mark.django_db
@pytest.mark.parametrize("seconds, told", [(31_536_000, True), (0, False)])
def test_browsers_stay_with_https_once_they_saw_it(settings: Settings, seconds: int, told: bool) -> None:
    settings.SECURE_HSTS_SECONDS = seconds
    assert ("Strict-Transport-Security" in Client().get("/healthz").headers) is told


def test_no_template_has_anything_inline() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in (ROOT / "templates").rglob("*.html")
        for match in INLINE.finditer(file.read_text())
    ]
    assert found == []


@pytest.mark.django_db
@pytest.mark.parametrize("path, status, words", [
    ("/nowhere", 404, "There is nothing here"),
    ("/admin/auth/user/", 403, "You may not do this"),
])  # fmt: skip
def test_an_error_page_says_what_to_do(path: str, status: int, words: str) -> None:
    answer = signed_in("viewer").get(path)
    assert (answer.status_code, words in answer.content.decode()) == (status, True)


@pytest.mark.django_db
def test_an_expired_form_is_explained() -> None:
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a"})
    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()


@pytest.mark.django_db
def test_somebody_without_a_role_is_told_so_at_sign_in() -> None:
    from django.contrib.auth.models import User

    client = Client()
    client.force_login(User.objects.create_user("nobody", password="a long password"))
    assert "who has no role here" in client.get("/admin/login/?next=/admin/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/metrics", "application/problem+json"),
        ("/sandbox/", "text/html"),
    ],
)
def test_a_database_that_is_away_is_answered_503(
    path: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection to server at db.internal failed")

    monkeypatch.setattr(QuerySet, "_fetch_all", gone)
    answer = Client(raise_request_exception=False).get(path)
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (503, kind)
    assert answer["Retry-After"]
    assert b"db.internal" not in answer.content
