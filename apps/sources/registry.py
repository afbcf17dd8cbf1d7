"""Finds the sources: built-in folders by pkgutil, other people's by entry points.

A broken plug-in is remembered and reported (system check, admin banner); it never stops the site.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points

from apps.core.errors import NotFound
from apps.sources import catalog
from apps.sources.source import Source

logger = logging.getLogger(__name__)
GROUP = "teams_connectors.sources"


@dataclass(frozen=True, slots=True)
class Problem:
    """A source that could not be loaded."""

    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Registry:
    """All sources by slug, and what went wrong while loading."""

    sources: dict[str, Source]
    problems: tuple[Problem, ...]
    plugins: dict[str, str]


@cache
def registry() -> Registry:
    """Load everything once, at first use (never at import)."""
    found: dict[str, Source] = {}
    problems: list[Problem] = []
    plugins: dict[str, str] = {}
    for module in pkgutil.iter_modules(catalog.__path__):
        _load(f"{catalog.__name__}.{module.name}", found, problems)
    for entry in entry_points(group=GROUP):
        slug = _load(entry.value, found, problems)
        if slug and entry.dist is not None:
            plugins[slug] = f"{entry.dist.name} {entry.dist.version}"
    ordered = dict(sorted(found.items(), key=lambda pair: pair[1].name.lower()))
    return Registry(ordered, tuple(problems), plugins)


def _load(place: str, found: dict[str, Source], problems: list[Problem]) -> str:
    module_name, _, attribute = place.partition(":")
    try:
        source = getattr(importlib.import_module(module_name), attribute or "SOURCE")
        if not isinstance(source, Source):
            raise TypeError(f"{place} is not a Source instance")
        if source.slug in found:
            raise ValueError(f"the slug {source.slug} is taken")
    except Exception as error:
        logger.exception("source %s cannot be loaded", place)
        problems.append(Problem(place, f"{type(error).__name__}: {error}"))
        return ""
    found[source.slug] = source
    return source.slug


Provider = Callable[[], Mapping[str, Source]]
_providers: list[Provider] = []


def provide(provider: Provider) -> None:
    """Let `provider` add sources that are not code: custom connectors. It is asked at each look-up and must be quick."""
    if provider not in _providers:
        _providers.append(provider)


def _provided() -> dict[str, Source]:
    found: dict[str, Source] = {}
    for provider in _providers:
        found.update(provider())
    return found


def all_sources() -> Iterator[Source]:
    """Every source that is code, by name."""
    return iter(registry().sources.values())


def available() -> Iterator[Source]:
    """Every source that a connector can have: those in code by name, then the custom ones. Asks the database."""
    yield from registry().sources.values()
    yield from sorted(_provided().values(), key=lambda source: source.name.lower())


def known(slug: str) -> bool:
    """Whether there is a source of that slug."""
    return slug in registry().sources or slug in _provided()


def get(slug: str) -> Source:
    """The source of that slug. Raises NotFound."""
    found = registry().sources.get(slug) or _provided().get(slug)
    if found is None:
        raise NotFound("unknown_source", f"There is no source “{slug}”. See the list of sources.")
    return found


def choices() -> list[tuple[str, str]]:
    """(slug, name) pairs for forms; passed as a callable so that a new source needs no migration."""
    return [(source.slug, source.name) for source in available()]
