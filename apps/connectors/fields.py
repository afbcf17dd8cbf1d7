"""What conditions may ask about: the fields that a source's events have, with values seen in a payload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from apps.connectors import options
from apps.connectors.matching import EVENT
from apps.core.errors import AppError
from apps.core.masking import is_secret
from apps.sources.events import Attribute
from apps.sources.samples import samples
from apps.sources.source import Context, Source
from apps.sources.understand import parse

MAX_PATHS, MAX_DEPTH, MAX_SHOWN = 150, 5, 60
ALWAYS = ("severity", EVENT)


def known(source: Source) -> frozenset[str]:
    """The fields that the source's own samples have; empty for a source that ships none."""
    try:
        return _known(source)
    except TypeError:
        return frozenset()  # somebody else's source that cannot be remembered


@lru_cache(maxsize=64)
def _known(source: Source) -> frozenset[str]:
    found: set[str] = set()
    ctx = Context(options=options.defaults(source))
    try:
        for each in samples(source):
            http = source.sample_http(each.event, each.body)
            for event in parse(source, http, ctx)[:5]:
                found.update(source.attributes(event, ctx))
    except (AppError, OSError, ValueError, TypeError, LookupError):
        # Somebody else's source may be unable to do this; then nothing is suggested.
        return frozenset(found)
    return frozenset(found)


def hints(filters: Sequence[Mapping[str, Any]], fields: frozenset[str]) -> list[str]:
    """What looks like a slip: a field that no event of the source has. Empty when nothing is known of them."""
    if not fields:
        return []
    every = sorted(fields | set(ALWAYS))
    found = []
    for number, rule in enumerate(filters, 1):
        field = str(rule.get("field", ""))
        if field.startswith("$") or field in every:
            continue
        near = get_close_matches(field, every, 1)
        meant = f" Did you mean “{near[0]}”?" if near else f" Known are {', '.join(every)}."
        found.append(f"Filter {number}: no event of this source has the field “{field[:60]}”.{meant}")
    return found


def suggestions(event: str, attributes: Mapping[str, Attribute], payload: object) -> list[dict[str, str]]:
    """The fields and paths of one event with their values, for a form's suggestions."""
    found = [{"field": EVENT, "value": event}]
    found += [{"field": key, "value": _shown(value)} for key, value in attributes.items() if key != EVENT]
    for path, value in _paths(payload, "$", 0):
        if len(found) >= MAX_PATHS:
            break
        found.append({"field": path, "value": _shown(value)})
    return found


def _paths(value: object, at: str, depth: int) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and depth < MAX_DEPTH:
        for key, inner in value.items():
            name = str(key)
            # JMESPath quotes what is no plain name.
            step = (
                name
                if name.replace("_", "a").isalnum() and not name[:1].isdigit() and name.isascii()
                else None
            )
            if step is None and '"' in name:
                continue
            path = f"{at}.{step}" if step else f'{at}."{name}"'
            if is_secret(name):
                yield path, "•••"
            else:
                yield from _paths(inner, path, depth + 1)
    elif isinstance(value, list):
        if value and isinstance(value[0], dict) and depth < MAX_DEPTH:
            yield from _paths(value[0], f"{at}[]", depth + 1)
        elif value:
            yield at, value
    elif value is not None:
        yield at, value


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value[:20]))[:MAX_SHOWN]
    return str(value)[:MAX_SHOWN]
