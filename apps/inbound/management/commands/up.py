"""`manage.py up`: the whole product in the foreground."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection

from apps.core import health
from apps.core.models import Heartbeat
from apps.core.supervisor import Child, Supervisor

SILENCE = (
    45.0  # seconds without a sign of life, after which a part is replaced; a new one has the same to begin
)


class Command(BaseCommand):
    """Migrates, collects static files, and runs web server and cluster under one supervisor."""

    requires_system_checks: list[str] = []  # `prepare` runs them
    help = "Runs the web server and the background cluster until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument(
            "--demo", action="store_true", help="with a demo team, channel and GitHub connector"
        )
        parser.add_argument("--no-worker", action="store_true", help="the web server alone")

    def handle(self, *args: Any, **options: Any) -> None:
        port = options["port"]
        if options["demo"]:
            os.environ.setdefault("SANDBOX", "1")
        if port != settings.PORT:
            # Every address follows from PORT, so begin again with the right one.
            os.environ["PORT"] = str(port)
            os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - this very command
        # In a process of its own: what preparing loads would otherwise stay in memory for as long as this runs.
        flags = ["--demo"] if options["demo"] else []
        done = subprocess.run([sys.executable, sys.argv[0], "prepare", *flags], check=False)
        if done.returncode:
            raise SystemExit(done.returncode)
        os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # glibc keeps one heap a thread otherwise
        children = [Child("web server", self._web(port))]
        if not options["no_worker"]:
            children.append(Child("cluster", [sys.executable, sys.argv[0], "qcluster"]))
        connection.close()  # children open their own
        self._port, self._web_silence, self._cluster_silence = port, _Silence(), _Silence()
        supervisor = Supervisor(children, self.stderr.write)
        supervisor.run(lambda: self._dead_weight(supervisor))

    def _web(self, port: int) -> list[str]:
        return [
            str(Path(sys.executable).with_name("granian")),
            "--interface", "wsgi", "--host", settings.HOST, "--port", str(port), "--workers",
            str(settings.WEB_WORKERS), "--blocking-threads", "4", "--no-ws", "--log-level", "warning",
            "--respawn-failed-workers", "connectors_site.wsgi:application",
        ]  # fmt: skip

    def _dead_weight(self, supervisor: Supervisor) -> list[str]:
        """The children that live but do no work."""
        names = []
        if self._web_silence.is_long(self._web_answers()):
            names.append("web server")
        cluster = supervisor.pid("cluster")
        if cluster and self._cluster_silence.is_long(self._beat(cluster)):
            names.append("cluster")
        return names

    def _web_answers(self) -> object:
        """Something new when the web server answers."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104 - not bound to
        link = http.client.HTTPConnection(host, self._port, timeout=5)
        try:
            link.request("GET", "/healthz", headers={"Host": settings.ALLOWED_HOSTS[0].lstrip(".*") or host})
            link.getresponse().read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            link.close()
        return object()

    def _beat(self, cluster: int) -> object:
        """The cluster's last heartbeat. While the database is down nothing is known, so nothing is wrong."""
        try:
            row = Heartbeat.objects.filter(name=health.own_name(cluster)).first()
        except DatabaseError:
            return object()
        finally:
            connection.close()
        return (cluster, row.seen_at) if row else (cluster, None)


class _Silence:
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
