"""`manage.py demo`: the workspace that a newcomer sees. `up --demo` calls it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.channels import services as channels
from apps.channels.models import Channel, Team, WebhookURL
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.core import crypto
from apps.sandbox import services as sandbox

TEAM, CHANNEL, CONNECTOR = "Demo", "General", "GitHub demo"
FIRST = ("pull_request.opened", "push", "workflow_run.completed__failure", "pull_request.closed__merged")


class Command(BaseCommand):
    """Makes a demo team, a channel of the sandbox and a GitHub connector; a second run changes nothing."""

    help = "Makes a demo workspace: a pretend Teams channel with a GitHub connector."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX_ENABLED:
            raise CommandError("The sandbox is off. Set SANDBOX=1, or use “up --demo”.")
        connector, fresh = self._workspace()
        command = self._command(connector, "pull_request.opened")
        sandbox.put_channel(CHANNEL, command)
        self.stdout.write(f"The cards appear at {settings.PUBLIC_URL}/sandbox/")
        self.stdout.write(f"Send another one:\n  {command}\n")
        if fresh:
            self._first_cards(connector)

    @transaction.atomic
    def _workspace(self) -> tuple[Connector, bool]:
        team, _ = Team.objects.get_or_create(name=TEAM)
        channel, _ = Channel.objects.get_or_create(team=team, name=CHANNEL)
        url = sandbox.webhook_url(sandbox.put_channel(CHANNEL))
        self._keep_url(channel, url)
        connector = Connector.objects.filter(name=CONNECTOR, source="github").first()
        if connector:
            return connector, False
        connector, _ = connectors.create_connector(name=CONNECTOR, source="github")
        connectors.subscribe(connector, channel, events=["*"])
        return connector, True

    def _keep_url(self, channel: Channel, url: str) -> None:
        """The URL follows PUBLIC_URL, so that another port does not break the demo."""
        print_of_it = crypto.keyring().fingerprint(url)
        if channel.webhook_urls.filter(fingerprint=print_of_it).exists():
            return
        row = channel.webhook_urls.first() or WebhookURL(channel=channel, priority=1)
        channels.set_url(row, url)
        row.save()

    def _command(self, connector: Connector, event: str) -> str:
        """What a person types in another terminal; the environment says which installation is meant."""
        given = self.shown("DEBUG", "DATA_DIR", "DATABASE_URL", "PORT", "PUBLIC_URL", "SANDBOX")
        python = Path(sys.executable)
        if python.is_relative_to(settings.BASE_DIR):
            python = python.relative_to(settings.BASE_DIR)
        call = f"{python} manage.py send_sample github {event} --connector {connector.public_id}"
        return f"{given} {call}".strip()

    def shown(self, *names: str) -> str:
        """Those of the variables that are set, as a shell reads them.

        What holds a password stays out of logs; the other shell has to have it, as it has SECRET_KEY.
        """
        secret = "DATABASE_URL" if settings.DATABASE_URL.password else ""
        return " ".join(
            f"{name}={shlex.quote(os.environ[name])}"
            for name in names
            if os.environ.get(name) and name != secret
        )

    def _first_cards(self, connector: Connector) -> None:
        """Send a few samples by HTTP as soon as the web server answers, so that there is something to see."""
        subprocess.Popen(
            [
                sys.executable, "manage.py", "send_sample", "github", *FIRST,
                "--connector", connector.public_id, "--wait", "60", "--while", str(os.getppid()),
            ],
            cwd=settings.BASE_DIR,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
