"""Mentions in somebody else's card: `<at>` counts only with a person whom the card names properly.

https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format#mention-support-within-adaptive-cards
"""

from __future__ import annotations

import re
from typing import Any

from apps.cards.text import clean, neutral_mentions

MAX_PEOPLE = 20
_TAG = re.compile(r"<at>[^<>]{1,200}</at>", re.IGNORECASE)
_PERSON = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # an Entra object id
    r"|(?:8:orgid:|29:|28:)[\w:.-]{1,200}"  # an id that bots know
    r"|[^\s@<>]{1,100}@[^\s@<>]{1,150}",  # a user principal name
    re.IGNORECASE,
)


def teams_of(content: dict[str, Any]) -> dict[str, Any]:
    """Teams' own properties of a card; Jenkins writes `msTeams`."""
    for key, value in content.items():
        if str(key).lower() == "msteams" and isinstance(value, dict):
            return value
    return {}


def allowed(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The mentions that the card defines completely, as Teams wants them."""
    entities = teams_of(content).get("entities")
    found: list[dict[str, Any]] = []
    for entity in entities[: MAX_PEOPLE * 5] if isinstance(entities, list) else []:
        person = entity.get("mentioned") if isinstance(entity, dict) else None
        if not isinstance(person, dict) or str(entity.get("type", "mention")).lower() != "mention":
            continue
        text, ident, name = (
            clean(value) if isinstance(value, str) else ""
            for value in (entity.get("text"), person.get("id"), person.get("name"))
        )
        if _TAG.fullmatch(text) and _PERSON.fullmatch(ident.strip()) and len(found) < MAX_PEOPLE:
            shown = name or re.sub(r"</?at>", "", text, flags=re.IGNORECASE)
            mentioned = {"id": ident.strip(), "name": shown[:200]}
            found.append({"type": "mention", "text": text, "mentioned": mentioned})
    return found


def neutral(text: str, people: list[dict[str, Any]]) -> tuple[str, set[str], bool]:
    """The text in which only the mentions of `people` are left; which ones they are; whether others were there."""
    if "<" not in text:
        return text, set(), False
    known = {person["text"] for person in people}
    used: set[str] = set()
    out, at = [], 0
    for found in _TAG.finditer(text):
        name = found[0] if found[0] in known else "@" + found[0][4:-5].removeprefix("@")
        out += [neutral_mentions(text[at : found.start()]), name]
        used |= {name} & known
        at = found.end()
    out.append(neutral_mentions(text[at:]))
    made = "".join(out)
    return made, used, made != text
