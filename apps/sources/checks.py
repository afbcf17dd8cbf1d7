"""A system check that reports sources which could not be loaded."""

from __future__ import annotations

from typing import Any

from django.core import checks

from apps.sources.registry import registry


def check_sources(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """One warning a broken source: the site goes on without it."""
    return [
        checks.Warning(
            f"The source {problem.where} cannot be loaded: {problem.message}",
            hint="Mend or uninstall the package; its connectors receive nothing until then.",
            id="sources.W001",
        )
        for problem in registry().problems
    ]
