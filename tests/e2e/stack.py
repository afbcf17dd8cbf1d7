"""The real product as separate processes: web server, cluster, sandbox, database."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[2]
START = 60.0  # seconds within which everything has to be up
CLEARED = (
    "DATABASE_URL",
    "BROKER_URL",
    "DESTINATION_ALLOW",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "SECRET_KEY",
    "SANDBOX",
)


@dataclass
class Stack:
    """A running product."""

    url: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def password(self) -> str:
        """The first admin's, as it was printed."""
        found = re.search(r"with the password (\S+)", self.log.read_text())
        assert found, self.log.read_text()
        return found[1]

    def manage(self, *arguments: str) -> str:
        """The output of a management command against the same installation."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout.strip()

    def stop(self) -> int:
        """SIGTERM, as an operator stops it; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise


@contextmanager
def running(folder: Path, *options: str, ready: str = "/readyz", **extra: str) -> Iterator[Stack]:
    """The product in `folder`, until the block ends."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if name not in CLEARED}
    environment = inherited | {
        "DEBUG": "1",
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "SANDBOX": "1",
        **extra,
    }
    log = folder / "up.log"
    folder.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port), *options],
            cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    stack = Stack(f"http://127.0.0.1:{port}", environment, process, log)
    try:
        wait_ready(stack, ready)
        yield stack
    finally:
        stack.stop()


def wait_ready(stack: Stack, path: str = "/readyz") -> None:
    """Until the web server answers and the cluster was seen."""
    end = time.monotonic() + START
    while time.monotonic() < end:
        assert stack.process.poll() is None, stack.log.read_text()
        try:
            if requests.get(f"{stack.url}{path}", timeout=2).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not ready after {START:.0f} s:\n{stack.log.read_text()}")
