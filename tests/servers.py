"""PostgreSQL and Redis as processes of our own, which tests may kill and start again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

PATIENCE = 20.0


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until `process` listens on `port`; raises when it ends or takes too long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once with exit code {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=0.2):
                return
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"nothing listens on port {port} after {PATIENCE:.0f} s")


class Server:
    """A server in a folder of its own. `start` again after `kill` or `stop` brings back what is on disk."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="connectors-server-"))
        self.port = free_port()
        self.user: str | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str | Path]:
        raise NotImplementedError

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command(), user=self.user, cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for_port(self.port, self.process)

    def kill(self) -> None:
        """As a power failure of that machine, but for its disk."""
        assert self.process
        self.process.kill()
        self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Server):
    """A PostgreSQL without passwords; raises FileNotFoundError when none is installed.

    safe: it waits for the disk, as one does that has to outlast a power failure. Tests of the product need not.
    """

    def __init__(self, safe: bool = False) -> None:
        binaries = _postgres_binaries()
        if binaries is None:
            raise FileNotFoundError("PostgreSQL")
        super().__init__()
        self._binaries, self._safe = binaries, safe
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            self.user = "postgres"
            shutil.chown(self.folder, self.user)
        subprocess.run(
            [binaries / "initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"],
            check=True, capture_output=True, user=self.user, cwd=self.folder,
        )  # fmt: skip
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def command(self) -> list[str | Path]:
        data = self.folder / "data"
        return [
            self._binaries / "postgres", "-D", data, "-p", str(self.port), "-h", "127.0.0.1", "-k", self.folder,
            *(() if self._safe else ("-F",)),
        ]  # fmt: skip

    def start(self) -> None:
        super().start()
        self._wait_for_database()

    def restart(self) -> None:
        """At once, as an impatient operator does: every connection breaks."""
        subprocess.run(
            [self._binaries / "pg_ctl", "-D", self.folder / "data", "stop", "-m", "immediate", "-s"],
            check=True, user=self.user, cwd=self.folder,
        )  # fmt: skip
        assert self.process
        self.process.wait(PATIENCE)
        self.start()

    def _wait_for_database(self) -> None:
        # It listens a moment before it lets anybody in.
        end = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
            else:
                return


class Redis(Server):
    """A Redis that keeps nothing on disk; raises FileNotFoundError when none is installed."""

    def __init__(self) -> None:
        binary = shutil.which("redis-server")
        if binary is None:
            raise FileNotFoundError("redis-server")
        super().__init__()
        self._binary = binary
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str | Path]:
        return [
            self._binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder,
        ]  # fmt: skip


def _postgres_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None
