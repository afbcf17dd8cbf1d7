"""A wrong variable stops the start and names itself."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from connectors_site import env


@pytest.mark.parametrize(
    "value",
    [
        "ftp://teams.example.com",
        "teams.example.com",
        "http://",
        "https:///path",
        "https://exa mple.com",
        "https://user:password@teams.example.com",
        "https://teams.example.com:70000",
        "https://teams.example.com/?tenant=1",
        "https://teams.example.com/#top",
        "https://[::1",
    ],
)
def test_a_public_url_that_is_no_base_is_refused_by_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", value)
    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL") as refused:
        env.base("PUBLIC_URL", "http://127.0.0.1:8000")
    assert "password" not in str(refused.value)


@pytest.mark.parametrize(
    "value",
    [
        "https://teams.example.com",
        "https://teams.example.com:8443/connectors",
        "http://[::1]:8000",
        "http://10.1.2.3",
    ],
)
def test_a_public_url_may_have_a_port_and_a_path(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", value)
    assert env.base("PUBLIC_URL", "http://127.0.0.1:8000").geturl() == value


def test_a_value_comes_from_a_file_or_from_the_variable_but_not_from_both(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path_factory.mktemp("secrets") / "days"
    path.write_text("7\n")
    monkeypatch.setenv("RETENTION_DAYS_FILE", str(path))
    assert env.whole("RETENTION_DAYS", 30, least=1) == 7
    monkeypatch.setenv("RETENTION_DAYS", "8")
    with pytest.raises(ImproperlyConfigured, match="not both"):
        env.whole("RETENTION_DAYS", 30)
    monkeypatch.delenv("RETENTION_DAYS")
    path.unlink()
    with pytest.raises(ImproperlyConfigured, match="RETENTION_DAYS_FILE"):
        env.whole("RETENTION_DAYS", 30)
