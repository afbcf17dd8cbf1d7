"""`manage.py list_sources`: what is installed, and what could not be loaded."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.sources.registry import registry


class Command(BaseCommand):
    """Prints one line a source."""

    help = "Lists the sources with their number of events and their verification schemes."

    def handle(self, *args: Any, **options: Any) -> None:
        found = registry()
        for source in found.sources.values():
            schemes = ", ".join(scheme.key for scheme in source.schemes)
            origin = f"  (from {found.plugins[source.slug]})" if source.slug in found.plugins else ""
            self.stdout.write(
                f"{source.slug:24} {source.name:28} {len(source.events):4} events  {schemes}{origin}"
            )
        for problem in found.problems:
            self.stderr.write(f"cannot be loaded: {problem.where}: {problem.message}")
