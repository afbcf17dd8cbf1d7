"""`manage.py create_token NAME --role admin`: prints one API token, alone, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.api.models import ApiToken


class Command(BaseCommand):
    """Makes an API token."""

    help = "Makes an API token and prints it, this one time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="who uses it")
        parser.add_argument("--role", choices=ApiToken.Role.values, default=ApiToken.Role.VIEWER.value)

    def handle(self, *args: Any, **options: Any) -> None:
        name = str(options["name"]).strip()
        if not 0 < len(name) <= 100:
            raise CommandError("The name must have 1 to 100 characters.")
        self.stdout.write(ApiToken.issue(name, options["role"]))
