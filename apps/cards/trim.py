"""A card that is too big, made to fit: texts first, then what stands last, and it says so."""

from __future__ import annotations

from typing import Any

from apps.cards import limits
from apps.cards.text import Markdown, plain, truncate

Element = dict[str, Any]
NOTE = {"type": "TextBlock", "text": "… cut to fit", "isSubtle": True, "size": "Small", "wrap": True}
TEXTS = (6000, 4000, 1500, 500, 200)
ROOM = 400  # bytes kept free for the note


def fit(content: Element) -> tuple[Element, list[str]]:
    """The card within the budget, and what was cut. The given card may be changed."""
    if limits.size(content) <= limits.BUDGET:
        return content, []
    for length in TEXTS:
        if _shorten(content, length) and limits.size(content) <= limits.BUDGET:
            return content, ["Long texts were cut to fit Teams' size limit."]
    actions = content.get("actions")
    if isinstance(actions, list) and limits.size(actions) > limits.BUDGET // 3:
        content["actions"] = [
            each for each in actions if each.get("type") == "Action.OpenUrl" and limits.size(each) < 3000
        ][:3]
    words = ["The card was too big for Teams: its end was cut off."]
    room = limits.BUDGET - ROOM - limits.size({**content, "body": []})
    if room > 1000:
        kept = _take(content.get("body"), room, 0)
        cut = {**content, "body": [*kept, dict(NOTE)]}
        if kept and limits.size(cut) <= limits.BUDGET:
            return cut, words
    return _essence(content), ["The card was too big for Teams: only its texts are shown."]


def _shorten(content: Element, length: int) -> bool:
    """Cut every text to `length` characters; whether any was longer."""
    found = False
    for _, item, _ in limits.elements(content):
        facts = item.get("facts")
        pairs = [(item, "text")] + [
            (fact, key)
            for fact in (facts if isinstance(facts, list) else [])
            if isinstance(fact, dict)
            for key in ("title", "value")
        ]
        for holder, key in pairs:
            text = holder.get(key)
            if isinstance(text, str) and len(text) > length:
                holder[key] = str(truncate(Markdown(text), length))
                found = True
    return found


def _take(items: object, room: int, depth: int) -> list[Element]:
    """As many elements from the top as fit; the first that does not is taken in part."""
    kept: list[Element] = []
    for item in items if isinstance(items, list) else []:
        need = limits.size(item) + 2
        if need <= room:
            kept.append(item)
            room -= need
            continue
        part = _part(item, room, depth) if isinstance(item, dict) else None
        return kept + ([part] if part else [])
    return kept


def _part(item: Element, room: int, depth: int) -> Element | None:
    for key in ("items", "facts", "images", "rows", "columns"):
        inner = item.get(key)
        if isinstance(inner, list) and depth < limits.MAX_DEPTH and item.get("type") != "Table":
            left = room - limits.size({**item, key: []}) - 50
            found = _take(inner, left, depth + 1) if left > 100 else []
            if found:
                return {**item, key: found}
    return None


def _essence(content: Element) -> Element:
    """The texts alone, for a card whose weight lies elsewhere."""
    texts = [item["text"] for _, item, _ in limits.elements(content) if isinstance(item.get("text"), str)]
    shown = truncate(Markdown("\n\n".join(texts[:60])), 3000) or "This message was too big for Teams."
    made: Element = {
        "type": "AdaptiveCard",
        "version": limits.VERSION,
        "body": [{"type": "TextBlock", "text": str(shown), "wrap": True}, dict(NOTE)],
    }
    line = plain(content.get("fallbackText") or "")
    return made | ({"fallbackText": truncate(line, 200)} if line else {})
