"""Where a scenario runs: a folder of its own and, when asked for, PostgreSQL and Redis of its own."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.driver import ALLOW
from tests.e2e.stack import Stack, running
from tests.servers import Postgres, Redis


@dataclass
class Place:
    """A fresh installation. postgres and redis: the servers, None with the embedded default."""

    folder: Path
    postgres: Postgres | None = None
    redis: Redis | None = None
    extra: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def product(self, *options: str, **settings: str) -> Iterator[Stack]:
        """The whole product; with `--no-worker` only the web server."""
        ready = "/healthz" if "--no-worker" in options else "/readyz"
        with running(self.folder, *options, ready=ready, **ALLOW, **self.extra, **settings) as stack:
            yield stack


@contextmanager
def fresh(with_servers: bool) -> Iterator[Place]:
    """An empty place; with_servers: PostgreSQL, which waits for the disk as a real one does, and Redis."""
    with ExitStack() as stack:
        place = Place(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))))
        if with_servers:
            place.postgres, place.redis = Postgres(safe=True), Redis()
            for server in (place.postgres, place.redis):
                stack.callback(server.close)
                server.start()
            place.extra = {"DATABASE_URL": place.postgres.url, "BROKER_URL": place.redis.url}
        yield place


def memory(pid: int) -> float:
    """Proportional memory of a process and its children, in MB."""
    found = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    own = 0.0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                own = int(line.split()[1]) / 1024
    except OSError:
        own = 0.0
    return own + sum(memory(int(child)) for child in found)
