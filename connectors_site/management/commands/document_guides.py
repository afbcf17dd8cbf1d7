"""`manage.py document_guides`: prints docs/guides.md."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from connectors_site.pages.guide import as_markdown


class Command(BaseCommand):
    """The guides as the documentation shows them."""

    help = "Prints the set-up guides as Markdown."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("\n".join(as_markdown()), ending="")
