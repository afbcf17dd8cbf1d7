"""`manage.py up`: the whole product in the foreground."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection
from django.utils import timezone

from apps.core import wake
from apps.core.models import Heartbeat
from apps.core.supervisor import Child, Supervisor

STOP_TOPIC = "stop"  # as in apps.inbound.tasks, which would bring all sources into this process
SILENCE = dt.timedelta(seconds=45)  # without a heartbeat, after which a cluster is replaced


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
        self._begun = timezone.now()
        Supervisor(children, self.stderr.write).run(
            lambda: [] if options["no_worker"] else self._silent(), lambda: wake.notify(STOP_TOPIC)
        )

    def _web(self, port: int) -> list[str]:
        return [
            str(Path(sys.executable).with_name("granian")),
            "--interface", "wsgi", "--host", settings.HOST, "--port", str(port), "--workers",
            str(settings.WEB_WORKERS), "--blocking-threads", "4", "--no-ws", "--log-level", "warning",
            "--respawn-failed-workers", "connectors_site.wsgi:application",
        ]  # fmt: skip

    def _silent(self) -> list[str]:
        """The cluster, when its heart has not beaten for long; a fresh one gets the same time to begin."""
        try:
            row = Heartbeat.objects.filter(name="cluster").first()
        except DatabaseError:
            return []
        finally:
            connection.close()
        now = timezone.now()
        last = max(self._begun, row.seen_at) if row else self._begun
        if now - last < SILENCE:
            return []
        self._begun = now
        return ["cluster"]
