"""The real product as separate processes: web server, cluster, sandbox, database."""

from __future__ import annotations

import contextlib
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

from tests.servers import free_port

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


def descendants(pid: int) -> list[int]:
    """The processes that it started, and theirs, and so on."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, todo = [], [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


@dataclass(frozen=True)
class Cluster:
    """The processes of one cluster, by what they do."""

    parent: int
    sentinel: int
    others: list[int]
    sender: int

    @property
    def idle(self) -> list[int]:
        """The children of the sentinel that do not send: a worker, the pusher, the monitor."""
        return [pid for pid in self.others if pid != self.sender]


def cluster_of(stack: Stack) -> Cluster | None:
    """The cluster below `up`, when all of it runs and it is the one that sends (SQLite)."""
    for parent in descendants(stack.process.pid):
        with contextlib.suppress(OSError):
            if b"qcluster" not in Path(f"/proc/{parent}/cmdline").read_bytes():
                continue
            below = descendants(parent)
            sender = [pid for pid in below if _holds_lock(pid)]
            if sender and len(below) >= 5:
                return Cluster(parent, below[0], below[1:], sender[0])
    return None


def _holds_lock(pid: int) -> bool:
    return any(entry.readlink().name == "sender.lock" for entry in Path(f"/proc/{pid}/fd").iterdir())


def wait_for_cluster(stack: Stack, other_than: Cluster | None = None, seconds: float = 30) -> Cluster:
    """The cluster, once all of it runs; other_than: once it has another sender than that one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = cluster_of(stack)
        if found is not None and (other_than is None or found.sender != other_than.sender):
            return found
        time.sleep(0.05)
    raise AssertionError(f"no whole cluster after {seconds} s\n{stack.log.read_text()[-3000:]}")
