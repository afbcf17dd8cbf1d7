"""What every source's rule for buttons has to stand: all samples, with each key dropped or wrong."""

from __future__ import annotations

import copy
import json
from typing import Any

from apps.cards.notification import ActionRef
from apps.sources.samples import samples
from apps.sources.sdk import Context, Http, Payload
from apps.sources.source import Source
from apps.sources.testing import NOW, request_for
from apps.sources.understand import parse

VALUES: tuple[object, ...] = (None, 7, [])


def check_offers(source: Source) -> dict[str, tuple[ActionRef, ...]]:
    """Run the rules over all samples and their broken variants; returns the buttons by event name."""
    found: dict[str, tuple[ActionRef, ...]] = {}
    for sample in samples(source):
        http = request_for(source, sample)
        ctx = Context(now=NOW, headers=http.headers)
        for event in parse(source, Http(headers=http.headers, body=http.body, query=http.query), ctx):
            offered = source.actions.offers(event, ctx)
            for ref in offered:
                spec = source.actions.spec(ref.action)
                assert {key for key, _ in ref.params} <= set(spec.params), f"{ref.action} has other params"
                assert all(value for _, value in ref.params), f"{ref.action} has an empty param"
            if offered:
                found.setdefault(event.name, offered)
            for broken in _variants(event.payload.raw):
                source.actions.offers(type(event)(event.name, event.id, Payload(broken)), ctx)
    return found


def _variants(raw: Any, most: int = 150) -> list[Any]:
    paths = list(_paths(raw))[:most]
    made = []
    for path in paths:
        for value in (*VALUES, "drop"):
            changed = copy.deepcopy(raw)
            inner = changed
            for step in path[:-1]:
                inner = inner[step]
            if value == "drop":
                del inner[path[-1]]
            else:
                inner[path[-1]] = value
            made.append(changed)
    assert json.dumps(made) if made else True
    return made


def _paths(value: Any, before: tuple[Any, ...] = ()) -> Any:
    items = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    )
    for key, inner in items:
        yield (*before, key)
        yield from _paths(inner, (*before, key))
