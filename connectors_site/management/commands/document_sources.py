"""`manage.py document_sources`: docs/sources.md, made of what the sources declare."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.core.management.base import BaseCommand

from apps.sources import registry
from apps.sources.source import Source


def page() -> str:
    """The whole page."""
    parts = [
        "# Sources",
        "",
        "Made by `manage.py document_sources`; do not edit. Events in **bold** are ticked by default.",
        "",
        "| source | slug | events | verified by |",
        "|---|---|---|---|",
    ]
    found = sorted(registry.all_sources(), key=lambda each: each.name)
    for each in found:
        schemes = ", ".join(f"{scheme.label} ({scheme.strength})" for scheme in each.schemes)
        parts.append(
            f"| [{each.name}](#{_anchor(each.name)}) | `{each.slug}` | {len(each.events)} | {schemes} |"
        )
    for each in found:
        parts += _section(each)
    return "\n".join(parts) + "\n"


def _anchor(name: str) -> str:
    return "".join(char for char in name.lower().replace(" ", "-") if char.isalnum() or char == "-")


def _section(source: Source) -> list[str]:
    parts = ["", f"## {source.name}", "", f"{source.summary} [Vendor's documentation]({source.docs_url})", ""]
    ordered = sorted(source.events, key=lambda spec: spec.group)
    parts += ["| group | events |", "|---|---|"]
    for group, members in groupby(ordered, key=lambda spec: spec.group):
        names = ", ".join(f"**`{each.name}`**" if each.default else f"`{each.name}`" for each in members)
        parts.append(f"| {group} | {names} |")
    if source.options:
        parts += ["", "| option | kind | meaning |", "|---|---|---|"]
        parts += [f"| `{each.key}` | {each.kind} | {each.label}. {each.help} |" for each in source.options]
    if source.events.ignored:
        parts += [
            "",
            "Deliberately left out: "
            + ", ".join(f"`{name}`" for name in sorted(source.events.ignored))
            + ".",
        ]
    return parts


class Command(BaseCommand):
    """Prints the page; the tests compare it with the one in docs."""

    help = "Prints docs/sources.md."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(page(), ending="")
