"""Custom connectors' sources: the only writer of their rows, and what makes them sources like all others."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from apps.connectors import memory
from apps.connectors.models import Connector, CustomSource
from apps.core.errors import AppError, ConfigurationError, Conflict, NotFound
from apps.sources import registry
from apps.sources.source import Source

if TYPE_CHECKING:
    # Loaded when there is a custom source: the template engine takes megabytes in each process.
    from apps.sources.declarative import DeclarativeSource

FRESH = 1.0  # seconds that a process remembers all documents
PREFIX = "custom-"
MOST = 500
TROUBLE_STEP = 60.0  # seconds between two notes of the same source's trouble
STARTERS = Path(registry.__file__).parent / "declarative" / "starters"

_known: dict[str, tuple[object, DeclarativeSource]] = {}
_state = {"until": 0.0}
_noted: dict[str, float] = {}


def sources() -> Mapping[str, Source]:
    """All custom sources by slug, at most a second old. Empty while there is no table yet."""
    if time.monotonic() < _state["until"]:
        return {slug: source for slug, (_, source) in _known.items()}
    try:
        with transaction.atomic():
            rows = list(CustomSource.objects.values_list("slug", "updated_at")[:MOST])
            stale = [slug for slug, at in rows if slug not in _known or _known[slug][0] != at]
            documents = (
                dict(CustomSource.objects.filter(slug__in=stale).values_list("slug", "document"))
                if stale
                else {}
            )
    except DatabaseError:
        return {}
    for slug in set(_known) - {slug for slug, _ in rows}:
        _known.pop(slug, None)
    if documents:
        from apps.sources import declarative
    for slug, at in rows:
        if slug in documents:
            try:
                document = declarative.load(documents[slug])
            except AppError:
                # Saved by another release; the page of the source says so.
                _known.pop(slug, None)
                continue
            _known[slug] = (
                at,
                declarative.DeclarativeSource(slug, document, trouble=partial(note, slug)),
            )
    if not connection.in_atomic_block or _known:
        _state["until"] = time.monotonic() + FRESH
    return {slug: source for slug, (_, source) in _known.items()}


def forget() -> None:
    """Ask the database at the next look-up."""
    _state["until"] = 0.0
    memory.forget()


def note(slug: str, words: str) -> None:
    """Remember that a template failed on a real event, at most once a minute, so that the admin is told."""
    now = time.monotonic()
    if now - _noted.get(slug, -TROUBLE_STEP) < TROUBLE_STEP:
        return
    _noted[slug] = now
    # An update without `updated_at`: the document is the same.
    CustomSource.objects.filter(slug=slug).update(trouble=words[:400], trouble_at=timezone.now())


def starters() -> dict[str, dict[str, Any]]:
    """The starting points by name, the plain one first."""
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(STARTERS.glob("*.json"))}
    return {"json": found.pop("json"), **found}


def save(document: object, *, row: CustomSource | None = None, slug: str = "") -> CustomSource:
    """Make a custom source, or change `row`. Raises DocumentError naming what is wrong, Conflict for a taken slug."""
    from apps.sources import declarative

    found = declarative.load(document)
    data = found.model_dump(exclude_defaults=True) | {"version": found.version}
    if row is None:
        row = CustomSource(slug=_free(slug or found.name, given=bool(slug)))
    row.name, row.document, row.trouble, row.trouble_at = found.name, data, "", None
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Conflict("slug_taken", "There is a source of this slug already. Choose another one.") from None
    # A document has one scheme; connectors that were made with another one follow it.
    scheme = declarative.scheme_of(found.verification).key
    Connector.objects.filter(source=row.slug).exclude(scheme=scheme).update(scheme=scheme)
    _noted.pop(row.slug, None)
    forget()
    return row


def _free(text: str, *, given: bool) -> str:
    """A slug that is free. Raises ConfigurationError for a given one that is taken or wrong."""
    base = re.sub(r"[^a-z0-9]+", "-", text.lower().removeprefix(PREFIX)).strip("-")[:40] or "source"
    if given and text != f"{PREFIX}{base}":
        raise ConfigurationError("bad_slug", f"A custom source's slug looks like “{PREFIX}{base}”.")
    for number in range(1, 1_000):
        slug = f"{PREFIX}{base}" if number == 1 else f"{PREFIX}{base}-{number}"
        if not CustomSource.objects.filter(slug=slug).exists() and slug not in registry.registry().sources:
            return slug
        if given:
            break
    raise Conflict("slug_taken", "There is a source of this slug already. Choose another one.")


def remove(row: CustomSource) -> None:
    """Delete a custom source that no connector uses. Raises Conflict otherwise."""
    used = Connector.objects.filter(source=row.slug).count()
    if used:
        raise Conflict(
            "source_used",
            f"{used} connector(s) use “{row.name}”. Delete them first, or change the mapping instead.",
        )
    row.delete()
    forget()


def find(slug: str) -> CustomSource:
    """The row of that slug. Raises NotFound."""
    row = CustomSource.objects.filter(slug=slug).first()
    if row is None:
        raise NotFound("unknown_source", f"There is no custom source “{slug[:60]}”.")
    return row
