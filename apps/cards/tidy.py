"""Property values of somebody else's card, made such that a strict reader takes them."""

from __future__ import annotations

import math
from typing import Any

from apps.cards.text import clean

MAX_DEPTH = 12
FLAGS = frozenset(
    {"wrap", "isSubtle", "separator", "isVisible", "bleed", "isEnabled", "showGridLines", "firstRowAsHeader"}
)
WORDS = {
    "size": {"default", "small", "medium", "large", "extralarge", "auto", "stretch"},
    "weight": {"default", "lighter", "bolder"},
    "color": {"default", "dark", "light", "accent", "good", "warning", "attention"},
    "spacing": {"default", "none", "small", "medium", "large", "extralarge", "padding", "extrasmall"},
    "horizontalAlignment": {"left", "center", "right"},
    "verticalContentAlignment": {"top", "center", "bottom"},
    "fontType": {"default", "monospace"},
    "imageSize": {"auto", "stretch", "small", "medium", "large"},
}
SYNONYMS = {"bold": "Bolder", "light": "Lighter", "normal": "Default", "red": "Attention", "green": "Good"}


def text_of(value: object) -> str:
    """A text without characters that break rendering or storing; numbers become text, other things nothing."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return clean(value)


def items_of(value: object) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def tidy(value: Any, depth: int = 0) -> Any:
    """A value with clean texts, at any sane depth."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, (dict, list)) and depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {clean(key): tidy(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [tidy(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # 1e999: JSON has no word for it
    return value


def sane(key: str, value: Any) -> Any:
    """One property's value, or None when a strict reader would refuse the card because of it."""
    if key in FLAGS:
        word = str(value).strip().lower()
        return word == "true" if word in ("true", "false") else None
    known = WORDS.get(key)
    if known is None:
        return tidy(value)
    if not isinstance(value, str):
        return None
    if value.lower() in known:
        return clean(value)
    found = SYNONYMS.get(value.lower(), "")
    return found if found.lower() in known else None
