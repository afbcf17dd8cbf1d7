"""`manage.py up`: the whole product in the foreground."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from apps.core import upkeep


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
        flags = ["--demo"] if options["demo"] else []
        done = subprocess.run([sys.executable, sys.argv[0], "prepare", *flags], check=False)
        if done.returncode:
            raise SystemExit(done.returncode)
        os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # glibc keeps one heap a thread otherwise
        address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104 - not bound to
        plan = upkeep.Plan(
            web=self._web(port),
            cluster=[] if options["no_worker"] else [sys.executable, sys.argv[0], "qcluster"],
            address=address,
            port=port,
            host=settings.ALLOWED_HOSTS[0].lstrip(".*") or address,
        )
        upkeep.become(plan)

    def _web(self, port: int) -> list[str]:
        return [
            sys.executable,
            "-m",
            "connectors_site.serve",
            settings.HOST,
            str(port),
            str(settings.WEB_WORKERS),
        ]
