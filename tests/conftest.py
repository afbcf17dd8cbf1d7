"""What every test has: no way to the outside, and real servers on request."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import pytest_socket

from tests.environment import DATA

pytest_plugins = ["apps.sources.testing", "tests.vendors.fixtures"]

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
PATIENCE = 20.0


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


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing(what: str) -> None:
    """Skip the test, or fail it where everything has to be there."""
    if IN_CI:
        pytest.fail(f"{what} is not installed, but CI is set")
    pytest.skip(f"{what} is not installed")


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until `process` listens on `port`; fails when it ends or takes too long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"the server ended at once with exit code {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=0.2):
                return
        except OSError:
            time.sleep(0.05)
    process.kill()
    pytest.fail(f"nothing listens on port {port} after {PATIENCE:.0f} s")


def wait_for_database(url: str) -> None:
    """Wait until PostgreSQL lets somebody in: it listens a moment before that."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


def _postgres_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@pytest.fixture(scope="session")
def pg_url() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as this test session."""
    binaries = _postgres_binaries()
    if binaries is None:
        missing("PostgreSQL")
        return
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="connectors-pg-"))
    if user:
        shutil.chown(folder, user)
    data, port = folder / "data", free_port()
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"],
        check=True, capture_output=True, user=user, cwd=folder,
    )  # fmt: skip
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-F"],
        user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for_port(port, server)
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        wait_for_database(url)
        yield url
    finally:
        server.terminate()
        server.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a Redis server that lives as long as this test session."""
    binary = shutil.which("redis-server")
    if binary is None:
        missing("redis-server")
        return
    folder, port = tempfile.mkdtemp(prefix="connectors-redis-"), free_port()
    server = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for_port(port, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)
