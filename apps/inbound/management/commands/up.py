"""`manage.py up`: the whole product in the foreground."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import upkeep
from apps.core.supervisor import die_politely

PATIENCE = 5.0  # seconds to wait for a port


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
        self._wait_for(settings.HOST, port)
        flags = ["--demo"] if options["demo"] else []
        # Stopped in the middle of it, nothing of it may go on.
        done = subprocess.run(
            [sys.executable, sys.argv[0], "prepare", *flags], check=False, preexec_fn=die_politely
        )
        if done.returncode:
            raise SystemExit(done.returncode)
        # glibc keeps one heap a thread otherwise, and in it what large bodies took.
        os.environ.setdefault("MALLOC_ARENA_MAX", "2")
        os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(1024 * 1024))
        address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104 - not bound to
        plan = upkeep.Plan(
            web=self._web(port),
            cluster=[] if options["no_worker"] else [sys.executable, sys.argv[0], "qcluster"],
            address=address,
            port=port,
            host=settings.ALLOWED_HOSTS[0].lstrip(".*") or address,
        )
        upkeep.become(plan)

    def _wait_for(self, host: str, port: int) -> None:
        """See that nobody else has the port; what was just killed may hold it for a moment. Raises CommandError.

        The web server itself would share the port with the other one, and each would get some of the requests.
        """
        end = time.monotonic() + PATIENCE
        while True:
            try:
                family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
                with socket.socket(family, socket.SOCK_STREAM) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((host, port))
                return
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise CommandError(
                        f"Cannot listen on {host}, port {port}: {error.strerror}. Set HOST or PORT."
                    ) from error
                if time.monotonic() > end:
                    raise CommandError(
                        f"Port {port} is in use by another program. Stop it, or choose another port with "
                        f"“up --port {port + 1 if port < 65535 else 8000}” (make run PORT=…)."
                    ) from error
            time.sleep(0.2)

    def _web(self, port: int) -> list[str]:
        return [
            sys.executable,
            "-m",
            "connectors_site.serve",
            settings.HOST,
            str(port),
            str(settings.WEB_WORKERS),
        ]
