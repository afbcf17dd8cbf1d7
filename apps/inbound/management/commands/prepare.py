"""`manage.py prepare`: everything that has to be there before the product runs. `up` calls it."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Brings the database and the static files up to date, and makes the first admin."""

    help = "Migrates, collects static files, and makes the first admin with a password of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="also the demo workspace")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        password = self._first_admin()
        self.stdout.write(f"\nTeams Connectors: http://127.0.0.1:{settings.PORT}/")
        if password:
            self.stdout.write(f"Sign in as admin with the password {password} (shown only now)")
        else:
            self.stdout.write("Sign in with the user that was made on the first run.")
        if options["demo"]:
            call_command("demo", stdout=self.stdout)
        self.stdout.flush()

    def _first_admin(self) -> str:
        """The password of the first admin, made now; "" when there is a user already."""
        users = get_user_model()
        if users.objects.exists():
            return ""
        password = secrets.token_urlsafe(12)
        users.objects.create_superuser("admin", password=password)
        return password
