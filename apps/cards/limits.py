"""What a card posted by a Workflows URL may be: its size as Teams counts it, and its elements.

Teams refuses messages over 28,672 bytes and counts the card as an escaped string inside another JSON
text, about 1.18 times what was posted. So the card is measured encoded twice, and the budget is 22,000
bytes (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from apps.core.errors import PayloadError

BUDGET = 22_000  # bytes, encoded twice
MAX_ACTIONS = 6
MAX_DEPTH = 30
VERSION = "1.4"
VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")
ELEMENTS = frozenset(
    {
        "TextBlock",
        "RichTextBlock",
        "TextRun",
        "Image",
        "ImageSet",
        "Container",
        "ColumnSet",
        "Column",
        "FactSet",
    }
    | {"ActionSet", "Table", "TableRow", "TableCell", "Media"}
)
ACTIONS = frozenset({"Action.OpenUrl", "Action.ShowCard", "Action.ToggleVisibility"})
CHILDREN = ("body", "items", "columns", "rows", "cells", "images", "inlines")


def size(content: object) -> int:
    """Bytes of the card as Teams counts them."""
    once = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    twice = json.dumps(once, ensure_ascii=False)
    return len(twice.encode("utf-8", "replace"))


def elements(content: object, path: str = "$", depth: int = 0) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Every element and action of a card with its path and depth, the card itself first."""
    if not isinstance(content, dict) or depth > MAX_DEPTH + 1:
        return
    yield path, content, depth
    for key in (*CHILDREN, "actions"):
        inner = content.get(key)
        if isinstance(inner, list):
            for index, item in enumerate(inner):
                yield from elements(item, f"{path}.{key}[{index}]", depth + 1)
    for key in ("card", "selectAction", "inlineAction"):
        if isinstance(content.get(key), dict):
            yield from elements(content[key], f"{path}.{key}", depth + 1)


def validate(content: object) -> None:
    """Raise PayloadError, naming the path, unless `content` has the form of an Adaptive Card."""
    if not isinstance(content, dict) or content.get("type") != "AdaptiveCard":
        raise PayloadError("not_a_card", 'The card must be an object with "type": "AdaptiveCard".', path="$")
    for key in ("body", "actions"):
        if key in content and not isinstance(content[key], list):
            raise PayloadError("not_a_card", f"The card's “{key}” must be a list.", path=f"$.{key}")
    for path, item, depth in elements(content):
        if depth > MAX_DEPTH:
            raise PayloadError("too_deep", f"The card is nested deeper than {MAX_DEPTH} levels.", path=path)
        if not isinstance(item.get("type", "AdaptiveCard"), str):
            raise PayloadError("not_a_card", f"The element at {path} has no readable type.", path=path)


def check(content: dict[str, Any]) -> list[str]:
    """What would not work in Teams, one sentence each with its path; [] for a card that is fine."""
    try:
        validate(content)
    except PayloadError as error:
        return [f"{error.path}: {error.public_message}"]
    found = []
    if content.get("version") not in VERSIONS:
        found.append(f"$.version: {content.get('version')!r} may not be shown; use {VERSION}.")
    for path, item, depth in elements(content):
        kind = item.get("type")
        if depth and isinstance(kind, str):
            found += _element(path, kind, item)
        if len(item.get("actions") or ()) > MAX_ACTIONS:
            found.append(f"{path}.actions: Teams shows {MAX_ACTIONS} buttons, the rest are lost.")
    measured = size(content)
    if measured > BUDGET:
        found.append(f"$: the card has {measured:,} of {BUDGET:,} bytes; Teams would drop it.")
    return found


def _element(path: str, kind: str, item: dict[str, Any]) -> list[str]:
    found = []
    if kind.startswith("Action."):
        if kind not in ACTIONS:
            found.append(f"{path}: {kind} does nothing on a card posted by a webhook.")
        elif kind == "Action.OpenUrl" and not str(item.get("url", "")).startswith(("https://", "http://")):
            found.append(f"{path}.url: a button needs an http or https address.")
    elif kind.startswith("Input."):
        found.append(f"{path}: {kind} has nobody to send its value to.")
    elif kind not in ELEMENTS and "fallback" not in item and not _opened(path, kind):
        found.append(f"{path}: {kind} is not known to the flow service and has no fallback.")
    if kind == "Image" and not str(item.get("url", "")).startswith("https://"):
        found.append(f"{path}.url: pictures must come from an https address.")
    if kind == "TextBlock" and not item.get("wrap") and len(str(item.get("text", ""))) > 40:
        found.append(f"{path}: a long text without wrap is cut off on phones.")
    return found


def _opened(path: str, kind: str) -> bool:
    """Whether it is the card that an Action.ShowCard opens."""
    return kind == "AdaptiveCard" and path.endswith(".card")


def sanitize(content: object, *, allow_mentions: bool = True) -> tuple[dict[str, Any], list[str]]:
    """A copy of the card that a webhook may post, and in words what had to be changed.

    `check` finds nothing in the copy. Raises PayloadError when it is no card at all.
    """
    from apps.cards.sanitize import clean_card
    from apps.cards.trim import fit

    made, warnings = clean_card(content, allow_mentions=allow_mentions)
    made, cuts = fit(made)
    return made, [*warnings, *cuts]


def headline(content: object, limit: int = 200) -> str:
    """The first words of a card as one plain line, for toasts and lists."""
    from apps.cards.text import Markdown, plain, truncate

    for _, item, _ in elements(content):
        for text in (item.get("text"), *_fact_words(item)):
            words = plain(Markdown(text)) if isinstance(text, str) else ""
            if words:
                return truncate(words, limit)
    return ""


def _fact_words(item: dict[str, Any]) -> Iterator[str]:
    facts = item.get("facts")
    for fact in facts if isinstance(facts, list) else []:
        if isinstance(fact, dict):
            yield f"{fact.get('title') or ''} {fact.get('value') or ''}"
