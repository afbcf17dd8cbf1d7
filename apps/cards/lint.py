"""What a card's author should know before it is posted: what does not work, and what reads badly on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from apps.cards import limits

MANY_FACTS, MANY_COLUMNS, LONG_BUTTON, LONG_TEXT, MANY_BUTTONS = 10, 3, 30, 1_500, 4
NEARLY_FULL = 0.8  # of the budget
_PATH = re.compile(r"^(\$[^:]*): ")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a card. level: problem (it will not work) or advice; path: where, "$" for the card."""

    level: Literal["problem", "advice"]
    path: str
    message: str

    def as_json(self) -> dict[str, str]:
        """The form in which pages and programs get it."""
        return {"level": self.level, "path": self.path, "message": self.message}


def lint(content: dict[str, Any]) -> list[Finding]:
    """Problems first, then advice; [] for a card that is fine everywhere."""
    problems = [_problem(each) for each in limits.check(content)]
    return [*problems, *_advice(content)]


def _problem(text: str) -> Finding:
    found = _PATH.match(text)
    path = found[1] if found else "$"
    words = text[found.end() :] if found else text
    level: Literal["problem", "advice"] = "advice" if "cut off on phones" in words else "problem"
    return Finding(level, path, words[:1].upper() + words[1:])


def _advice(content: dict[str, Any]) -> Iterator[Finding]:
    measured = limits.size(content)
    if limits.BUDGET * NEARLY_FULL < measured <= limits.BUDGET:
        yield Finding("advice", "$", "Nearly too big: with a little more text, parts of it are cut.")
    if not content.get("fallbackText"):
        yield Finding("advice", "$", "Without “fallbackText” the activity feed only says “Card”.")
    for path, item, _ in limits.elements(content):
        for words in _element(item):
            yield Finding("advice", path, words)


def _element(item: dict[str, Any]) -> Iterator[str]:
    kind = item.get("type")
    if kind == "FactSet" and _many(item.get("facts"), MANY_FACTS):
        yield f"{len(item['facts'])} facts: on a phone the buttons below are far down. Aim for {MANY_FACTS}."
    if kind == "ColumnSet" and _many(item.get("columns"), MANY_COLUMNS):
        yield f"{len(item['columns'])} columns are squeezed on a phone. Use at most {MANY_COLUMNS}."
    if kind == "Table" and _many(item.get("columns"), MANY_COLUMNS):
        yield f"A table of {len(item['columns'])} columns is squeezed on a phone."
    if kind == "TextBlock" and len(str(item.get("text", ""))) > LONG_TEXT:
        yield "A very long text: few people read on behind the first lines."
    if kind == "TextBlock" and isinstance(item.get("maxLines"), int) and len(str(item.get("text", ""))) > 400:
        yield f"The text is cut after {item['maxLines']} lines, earlier on phones."
    if kind == "Image" and not item.get("altText"):
        yield "A picture without “altText” says nothing to people who cannot see it."
    if str(kind).startswith("Action.") and len(str(item.get("title", ""))) > LONG_BUTTON:
        yield f"A button of more than {LONG_BUTTON} characters is cut on phones."
    actions = item.get("actions")
    if isinstance(actions, list) and MANY_BUTTONS < len(actions) <= limits.MAX_ACTIONS:
        yield f"{len(actions)} buttons take several rows on a phone."


def _many(value: object, most: int) -> bool:
    return isinstance(value, list) and len(value) > most
