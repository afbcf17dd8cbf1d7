"""What stays of `manage.py up` once everything is prepared: a small process that keeps the parts alive.

It knows nothing of Django and of the database, which would cost forty megabytes for as long as the product runs.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from apps.core.supervisor import Child, Supervisor

PLAN = "UP_PLAN"  # the environment variable that hands the plan on to the small process
SILENCE = (
    45.0  # seconds without a sign of life, after which a part is replaced; a new one has the same to begin
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. web, cluster: command lines, the latter empty for none. host: to ask for by name, at `address`."""

    web: list[str]
    cluster: list[str]
    address: str
    port: int
    host: str


def become(plan: Plan) -> None:
    """Turn this process into the small one; never returns."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ[PLAN] = json.dumps(asdict(plan))
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - this very command


def keep(plan: str) -> None:
    """Run what the plan says until SIGTERM or SIGINT."""
    _Upkeep(Plan(**json.loads(plan))).run()


class _Upkeep:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._web_silence, self._cluster_silence = Silence(), Silence()
        handle, name = tempfile.mkstemp(prefix="teams-connectors-")
        os.close(handle)
        self._alive = Path(name)
        children = [Child("web server", plan.web)]
        if plan.cluster:
            children.append(Child("cluster", [*plan.cluster, "--alive", name]))
        self._supervisor = Supervisor(children, lambda words: print(words, file=sys.stderr, flush=True))

    def run(self) -> None:
        try:
            self._supervisor.run(self._dead_weight)
        finally:
            self._alive.unlink(missing_ok=True)

    def _dead_weight(self) -> list[str]:
        """The children that live but do no work."""
        names = []
        if self._web_silence.is_long(self._web_answers()):
            names.append("web server")
        cluster = self._supervisor.pid("cluster")
        if cluster and self._cluster_silence.is_long((cluster, self._last_sign())):
            names.append("cluster")
        return names

    def _web_answers(self) -> object:
        """Something new when the web server answers."""
        link = http.client.HTTPConnection(self._plan.address, self._plan.port, timeout=5)
        try:
            link.request("GET", "/healthz", headers={"Host": self._plan.host})
            link.getresponse().read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            link.close()
        return object()

    def _last_sign(self) -> int:
        """Changes with each sign of life of the cluster (see `apps.core.cluster`)."""
        with contextlib.suppress(OSError):
            return self._alive.stat().st_mtime_ns
        return 0


class Silence:
    """For how long a value has not changed. Wall clocks do not matter."""

    def __init__(self) -> None:
        self._last: object = None
        self._since = time.monotonic()

    def is_long(self, value: object) -> bool:
        """Whether it has lasted for too long; then it begins anew. None is never a change."""
        now = time.monotonic()
        if value is not None and value != self._last:
            self._last, self._since = value, now
        if now - self._since <= SILENCE:
            return False
        self._since = now
        return True
