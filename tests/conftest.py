"""What every test has: no way to the outside, and real servers on request."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
import pytest_socket

from tests.environment import DATA
from tests.servers import Postgres, Redis

pytest_plugins = ["apps.sources.testing", "tests.vendors.fixtures"]

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


def pytest_runtest_setup() -> None:
    """No test reaches beyond this machine."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _no_custom_sources_of_another_test() -> None:
    """What a process remembers of the database does not outlive a test."""
    from apps.connectors import custom

    custom.forget()


def pytest_unconfigure() -> None:
    shutil.rmtree(DATA, ignore_errors=True)


def missing(what: str) -> None:
    """Skip the test, or fail it where everything has to be there."""
    if IN_CI:
        pytest.fail(f"{what} is not installed, but CI is set")
    pytest.skip(f"{what} is not installed")


@pytest.fixture(scope="session")
def pg_url() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as this test session."""
    try:
        server = Postgres()
    except FileNotFoundError:
        missing("PostgreSQL")
        return
    try:
        server.start()
        yield server.url
    finally:
        server.close()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a Redis server that lives as long as this test session."""
    try:
        server = Redis()
    except FileNotFoundError:
        missing("redis-server")
        return
    try:
        server.start()
        yield server.url
    finally:
        server.close()
