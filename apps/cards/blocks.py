"""Small pieces of Adaptive Cards as plain JSON, for cards that are translated from other formats.

Texts given here are Markdown already: whoever calls has converted or escaped them.
"""

from __future__ import annotations

import colorsys
import re
from typing import Any

from apps.cards import limits
from apps.cards.notification import Card, Markdown, Severity
from apps.cards.text import link, plain, safe_url, truncate

Element = dict[str, Any]
STYLES = {
    Severity.NEUTRAL: "emphasis",
    Severity.INFO: "accent",
    Severity.GOOD: "good",
    Severity.WARNING: "warning",
    Severity.ATTENTION: "attention",
}
MAX_FACTS = 25
_NAMES = {
    "good": Severity.GOOD, "ok": Severity.GOOD, "success": Severity.GOOD, "green": Severity.GOOD, "lime": Severity.GOOD,
    "warning": Severity.WARNING, "yellow": Severity.WARNING, "orange": Severity.WARNING, "amber": Severity.WARNING,
    "danger": Severity.ATTENTION, "attention": Severity.ATTENTION, "error": Severity.ATTENTION,
    "critical": Severity.ATTENTION, "red": Severity.ATTENTION, "crimson": Severity.ATTENTION,
    "blue": Severity.INFO, "accent": Severity.INFO, "info": Severity.INFO, "purple": Severity.INFO,
}  # fmt: skip


def severity_of(colour: object) -> Severity:
    """The severity that a colour stands for: a hex code, a CSS name or Slack's good, warning, danger."""
    if isinstance(colour, int) and not isinstance(colour, bool) and 0 < colour <= 0xFFFFFF:
        colour = f"{colour:06x}"
    if not isinstance(colour, str):
        return Severity.NEUTRAL
    word = colour.strip().lower()
    if word in _NAMES:
        return _NAMES[word]
    digits = word.removeprefix("#").removeprefix("0x")
    if re.fullmatch(r"[0-9a-f]{3}", digits):
        digits = "".join(digit * 2 for digit in digits)
    if not re.fullmatch(r"[0-9a-f]{6}(?:[0-9a-f]{2})?", digits):
        return Severity.NEUTRAL
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    if saturation < 0.2 or not 0.08 < light < 0.95:
        return Severity.NEUTRAL
    degrees = hue * 360
    if degrees < 20 or degrees >= 320:
        return Severity.ATTENTION
    if degrees < 68:
        return Severity.WARNING
    return Severity.GOOD if degrees < 175 else Severity.INFO


def say(text: str, **properties: object) -> Element:
    """A paragraph."""
    return {"type": "TextBlock", "text": str(text), "wrap": True, **properties}


def heading(text: str, **properties: object) -> Element:
    """The card's title."""
    return say(text, size="Medium", weight="Bolder", style="heading", **properties)


def subtle(text: str, **properties: object) -> Element:
    """A line that stands back: a date, a footer."""
    return say(text, isSubtle=True, size="Small", **properties)


def box(items: list[Element], **properties: object) -> Element:
    """A container."""
    return {"type": "Container", **properties, "items": items}


def columns(*parts: tuple[str, list[Element]]) -> Element:
    """A row of columns, each given as (width, items)."""
    made = [
        {"type": "Column", "width": width, "items": items, "verticalContentAlignment": "Center"}
        for width, items in parts
        if items
    ]
    return {"type": "ColumnSet", "columns": made}


def facts(pairs: list[tuple[str, str]]) -> list[Element]:
    """A table of names and values; empty ones are left out, too many are counted."""
    kept = [(name, value) for name, value in pairs if value.strip()]
    left = len(kept) - MAX_FACTS
    shown = kept[:MAX_FACTS] if left > 0 else kept
    rows = [{"title": name, "value": value} for name, value in shown]
    if left > 0:
        rows.append({"title": "And", "value": f"{left} more"})
    return [{"type": "FactSet", "facts": rows, "spacing": "Medium"}] if rows else []


def picture(url: object, alt: str = "", **properties: object) -> Element | None:
    """A picture, or None when there is no address. Whether Teams can load it is decided later."""
    if not isinstance(url, str) or not url.strip():
        return None
    return {"type": "Image", "url": url.strip(), "altText": plain(alt) or "picture", **properties}


def pictures(found: list[Element]) -> list[Element]:
    """Several pictures as a set, one as itself."""
    if len(found) < 2:
        return [{**each, "size": "Stretch", "spacing": "Medium"} for each in found]
    return [{"type": "ImageSet", "imageSize": "Medium", "images": found, "spacing": "Medium"}]


def button(title: str, url: object) -> Element | None:
    """A button that opens a page, or None for an address that no browser should open."""
    target = safe_url(url)
    if not target:
        return None
    return {"type": "Action.OpenUrl", "title": truncate(plain(title), 60) or "Open", "url": target}


def row_of(actions: list[Element]) -> list[Element]:
    """Buttons inside the body."""
    return [{"type": "ActionSet", "actions": actions}] if actions else []


def titled(text: Markdown, url: object) -> Markdown:
    """A title that opens a page, unless it holds a link itself."""
    if not safe_url(url) or "](" in text:
        return text
    return link(Markdown(text), url)


def finish(
    body: list[Element],
    *,
    actions: list[Element] | None = None,
    summary: str = "",
    severity: Severity = Severity.NEUTRAL,
    warnings: list[str] | None = None,
) -> Card:
    """The card within all limits. What had to be changed is said in its warnings."""
    content: Element = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": limits.VERSION,
        "body": body,
        "msteams": {"width": "Full"},
    }
    if actions:
        content["actions"] = actions
    line = truncate(plain(Markdown(summary)), 200)
    if line:
        content["fallbackText"] = line
    made, found = limits.sanitize(content)
    shown = line or limits.headline(made) or "Message"
    return Card(made, shown, severity, tuple(dict.fromkeys([*(warnings or []), *found])))
