"""`manage.py send_sample SOURCE EVENT --connector ID`: a shipped sample, signed, by HTTP."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.connectors.models import Connector
from apps.core import http
from apps.core.errors import AppError, TransportError
from apps.inbound import services
from apps.sources import registry
from apps.sources.http import Http
from apps.sources.samples import samples

WAIT = 0.25  # seconds between two tries while the web server starts


class Command(BaseCommand):
    """Signs a sample as the source would, with the connector's own secret, and posts it to the inbound URL."""

    help = "Signs a shipped sample as the source would and posts it to a connector's inbound URL."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="the source's slug: github")
        parser.add_argument("events", nargs="+", metavar="event", help="one or more: pull_request.opened")
        parser.add_argument("--connector", required=True, metavar="ID", help="the connector's id")
        parser.add_argument(
            "--wait", type=float, default=0, metavar="SECONDS", help="try this long while nobody answers"
        )

        parser.add_argument(
            "--while", dest="process", type=int, metavar="PID", help="wait only as long as this process lives"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            source = registry.get(options["source"])
            connector = Connector.objects.filter(public_id=options["connector"]).first()
            if connector is None:
                raise CommandError("There is no connector with this id. The admin shows the ids.")
            if connector.source != source.slug:
                raise CommandError(f"The connector “{connector.name}” is one of {connector.source}.")
            for event in options["events"]:
                answer = self._post(
                    services.sample_request(connector, event), options["wait"], options["process"]
                )
                self.stdout.write(f"{event}: {answer.status} {answer.text.strip()[:300]}".rstrip())
                if answer.status >= 400:
                    raise CommandError("The sample was not taken.")
        except AppError as error:
            hint = ""
            if error.code == "no_sample":
                hint = "\nThere are: " + ", ".join(each.name for each in samples(source))
            raise CommandError(error.public_message + hint) from error

    def _post(self, request: Http, wait: float, process: int | None) -> http.Answer:
        end = time.monotonic() + wait
        url = request.url + (f"?{request.query}" if request.query else "")
        while True:
            try:
                return http.post(url, body=request.body, headers=dict(request.headers))
            except TransportError as error:
                if error.code != "connection_refused" or time.monotonic() > end:
                    raise
                if process and not Path(f"/proc/{process}").exists() and Path("/proc/self").exists():
                    raise
                time.sleep(WAIT)
