"""What stands in for elements that a webhook's card cannot show: the same content as text and boxes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from apps.cards.text import clean, escape, plain

Element = dict[str, Any]
MAX_LINES, MAX_POINTS = 40, 12
COLOURS = {
    "good": "Good",
    "attention": "Attention",
    "warning": "Warning",
    "accent": "Accent",
    "informative": "Accent",
}
_DATE = re.compile(
    r"\{\{\s*(DATE|TIME)\s*\(\s*(\d{4}-\d\d-\d\dT[\d:.]{5,18}(?:Z|[+-]\d\d:?\d\d)?)\s*(?:,\s*(\w+)\s*)?\)\s*\}\}"
)


def dates(text: str) -> str:
    """The text with `{{DATE(...)}}` and `{{TIME(...)}}` written out, since Teams shows them as they are."""
    return _DATE.sub(_date, text) if "{{" in text else text


def _date(found: re.Match[str]) -> str:
    try:
        moment = dt.datetime.fromisoformat(found[2])
    except ValueError:
        return found[0]
    zone = " UTC" if found[2].endswith("Z") else ""
    if found[1] == "TIME":
        return moment.strftime("%H:%M") + zone
    return moment.strftime("%d %b %Y" if (found[3] or "").upper() != "LONG" else "%A, %d %B %Y")


def instead_of(kind: str, source: Element) -> list[Element]:
    """Known elements in place of one that is not; [] when nothing of it can be said."""
    maker = _MAKERS.get(kind.lower())
    if maker:
        return maker(source)
    if kind.startswith(("Input.", "Action.", "Chart.")):
        return _chart(source) if kind.startswith("Chart.") else []
    for key in ("items", "columns", "body", "pages", "rows", "cells"):
        if isinstance(source.get(key), list) and source[key]:
            return [{"type": "Container", "items": source[key]}]
    text = _words(source.get("text")) or _words(source.get("title")) or _words(source.get("label"))
    return [_say(str(escape(text)))] if text else []


def _say(text: str, **properties: object) -> Element:
    return {"type": "TextBlock", "text": text, "wrap": True, **properties}


def _words(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return clean(value).strip()


def _badge(source: Element) -> list[Element]:
    text = _words(source.get("text"))
    colour = COLOURS.get(str(source.get("style", "")).lower(), "Default")
    return [_say(str(escape(text)), weight="Bolder", size="Small", color=colour)] if text else []


def _code(source: Element) -> list[Element]:
    lines = _words(source.get("codeSnippet")).split("\n")
    shown = "\n\n".join(str(escape(line.rstrip())) for line in lines[:MAX_LINES] if line.strip())
    if len(lines) > MAX_LINES:
        shown += "\n\n…"
    block = _say(shown, fontType="Monospace", size="Small")
    return [{"type": "Container", "style": "emphasis", "items": [block]}] if shown.strip() else []


def _rating(source: Element) -> list[Element]:
    value, top, count = (_words(source.get(key)) for key in ("value", "max", "count"))
    if not value:
        return []
    return [_say(f"★ {value} of {top or 5}" + (f" ({count})" if count else ""))]


def _progress(source: Element) -> list[Element]:
    label, value, top = (_words(source.get(key)) for key in ("label", "value", "max"))
    shown = f"{value} of {top}" if value and top else f"{value} %" if value else ""
    words = " · ".join(part for part in (str(escape(label)), shown) if part)
    return [_say(words)] if words else []


def _carousel(source: Element) -> list[Element]:
    pages = source.get("pages")
    found = [page for page in (pages if isinstance(pages, list) else []) if isinstance(page, dict)]
    return [
        {"type": "Container", "separator": index > 0, "items": page.get("items")}
        for index, page in enumerate(found[:MAX_POINTS])
        if isinstance(page.get("items"), list)
    ]


def _big_button(source: Element) -> list[Element]:
    title, words = _words(source.get("title")), _words(source.get("description"))
    made = [_say(str(escape(words)))] if words else []
    action = source.get("selectAction")
    if isinstance(action, dict):
        made.append({"type": "ActionSet", "actions": [{**action, "title": title or "Open"}]})
    elif title:
        made.insert(0, _say(str(escape(title)), weight="Bolder"))
    return made


def _chart(source: Element) -> list[Element]:
    """A chart's numbers as a table: the first points of every series."""
    made: list[Element] = []
    title = _words(source.get("title"))
    if title:
        made.append(_say(str(escape(title)), weight="Bolder"))
    rows = []
    data = source.get("data") or source.get("segments")
    for each in data if isinstance(data, list) else []:
        if not isinstance(each, dict):
            continue
        legend = _words(each.get("legend")) or _words(each.get("x"))
        values = each.get("values") or each.get("data")
        if isinstance(values, list):
            points = [
                f"{_words(point.get('x'))}: {_words(point.get('y'))}"
                for point in values[:MAX_POINTS]
                if isinstance(point, dict)
            ]
            rows.append({"title": plain(legend), "value": str(escape(", ".join(points)))})
        else:
            value = _words(each.get("value")) or _words(each.get("y")) or _words(each.get("size"))
            rows.append({"title": plain(legend), "value": str(escape(value))})
    if not rows and _words(source.get("value")):
        rows.append({"title": "Value", "value": _words(source.get("value"))})
    return [*made, {"type": "FactSet", "facts": rows[:MAX_POINTS]}] if rows else made


_MAKERS: dict[str, Callable[[Element], list[Element]]] = {
    "badge": _badge,
    "codeblock": _code,
    "rating": _rating,
    "progressbar": _progress,
    "progressring": _progress,
    "carousel": _carousel,
    "compoundbutton": _big_button,
    "icon": lambda source: [],
}
