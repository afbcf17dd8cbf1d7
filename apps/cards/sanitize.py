"""Somebody else's Adaptive Card -> one that a webhook may post: every change is said in words.

Nothing here knows where a card comes from. What Teams cannot show or nobody could answer is replaced by
its fallback, by text, or dropped; see https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference
"""

from __future__ import annotations

from typing import Any

from apps.cards import limits, mentions, replacements
from apps.cards.text import link, plain, safe_url
from apps.cards.tidy import items_of, sane, text_of, tidy
from apps.core.errors import PayloadError

Element = dict[str, Any]
MAX_BUTTONS = 18
LONG = 40
SINGLE = ("selectAction", "inlineAction")
NESTING = frozenset({*limits.CHILDREN, *SINGLE, "actions", "card"})  # each kind knows which of them it has
DEAD_PROPERTIES = {
    "refresh": "The card's refresh was left out: nothing answers it.",
    "authentication": "The card's sign-in was left out: nothing answers it.",
    "$data": "Unfilled template data was left out.",
    "$when": "An unfilled template condition was left out.",
}
_KNOWN = {name.lower(): name for name in (*limits.ELEMENTS, *limits.ACTIONS)}
_LOOSE = {"Column": "Container", "TableCell": "Container", "TextRun": "TextBlock"}
_BOXES = ("Container", "Column", "ColumnSet")
_LIST_OF = {"Table": ("rows",), "TableRow": ("cells",), "ColumnSet": ("columns",), "ImageSet": ("images",)}
_IMPLIED = {"columns": "Column", "rows": "TableRow", "cells": "TableCell", "images": "Image"}


def clean_card(content: object, *, allow_mentions: bool = True) -> tuple[Element, list[str]]:
    """A copy of the card that Teams can show, and what was changed.

    allow_mentions: False turns every mention into plain text. Raises PayloadError when it is no card at all.
    """
    if not isinstance(content, dict) or str(content.get("type", "AdaptiveCard")).lower() != "adaptivecard":
        raise PayloadError("not_a_card", 'The card must be an object with "type": "AdaptiveCard".', path="$")
    washer = _Washer(mentions.allowed(content) if allow_mentions else [])
    return washer.card(content), list(dict.fromkeys(washer.warnings))


class _Washer:
    def __init__(self, people: list[Element]) -> None:
        self.warnings: list[str] = []
        self.people = people
        self.mentioned: set[str] = set()

    def card(self, source: Element) -> Element:
        """The whole card: frame, body, buttons, mentions."""
        made = self._frame(source)
        body = self._children(source.get("body"), 1)
        actions = self._actions(source.get("actions"), 1)
        more = actions[limits.MAX_ACTIONS :]
        if more:
            self.warnings.append(
                f"Teams shows {limits.MAX_ACTIONS} buttons in a row; the others were put into the card."
            )
            rows = range(0, min(len(more), MAX_BUTTONS - limits.MAX_ACTIONS), limits.MAX_ACTIONS)
            body += [{"type": "ActionSet", "actions": more[at : at + limits.MAX_ACTIONS]} for at in rows]
            if len(actions) > MAX_BUTTONS:
                self.warnings.append(f"{len(actions) - MAX_BUTTONS} buttons were too many and were left out.")
        made["body"] = body
        if actions:
            made["actions"] = actions[: limits.MAX_ACTIONS]
        self._teams(mentions.teams_of(source), made)
        return made

    def _frame(self, source: Element) -> Element:
        version = str(source.get("version") or limits.VERSION)
        if version not in limits.VERSIONS:
            # What newer versions brought is replaced element by element, so 1.5 and 1.6 need no words.
            if version not in ("1.5", "1.6"):
                self.warnings.append(f"The card has an unknown version; it is sent as {limits.VERSION}.")
            version = limits.VERSION
        made: Element = {"type": "AdaptiveCard", "version": version}
        for key, value in source.items():
            if key in DEAD_PROPERTIES:
                self.warnings.append(DEAD_PROPERTIES[key])
            elif key == "selectAction":
                self._single(key, value, made, 1)
            elif key == "backgroundImage":
                self._background(value, made)
            elif key not in NESTING and key.lower() not in (
                "type",
                "version",
                "msteams",
                "fallback",
                "requires",
            ):
                made[text_of(key)] = tidy(value)
        return made

    def _teams(self, found: Element, made: Element) -> None:
        """Teams' own properties: the width, and the people who are really mentioned."""
        kept: Element = {}
        if isinstance(found.get("width"), str):
            kept["width"] = "Full" if found["width"].lower() == "full" else text_of(found["width"])
        entities = [person for person in self.people if person["text"] in self.mentioned]
        if entities:
            kept["entities"] = entities
        if kept:
            made["msteams"] = kept

    def _children(self, value: object, depth: int, implied: str = "") -> list[Element]:
        """The elements of a list, each cleaned; a single element or text counts as a list of one."""
        items = value if isinstance(value, list) else [] if value in (None, "") else [value]
        made: list[Element] = []
        for item in items:
            if isinstance(item, str) and item.strip() and not implied:
                made += self._element({"type": "TextBlock", "text": item, "wrap": True}, depth)
            elif isinstance(item, dict):
                made += self._element(item, depth, implied)
        return made

    def _element(self, source: Element, depth: int, implied: str = "") -> list[Element]:
        written = source.get("type")
        kind = _KNOWN.get(str(written).lower(), str(written)) if written else implied
        if depth > limits.MAX_DEPTH - 2:
            self.warnings.append("What was nested too deep was left out.")
            return []
        if not kind:
            kind = "TextBlock" if isinstance(source.get("text"), str) else "nameless element"
        if kind not in limits.ELEMENTS:
            return self._replaced(kind, source, depth)
        if implied and kind != implied:
            # The flow service reads strictly: in a row of columns everything is a column.
            if implied not in ("Column", "TableCell"):
                self.warnings.append(f"{kind} stood where only {implied} may stand and was left out.")
                return []
            source, kind = {"items": [source]}, implied
        elif not implied:
            kind = _LOOSE.get(kind, kind)
        made = self._properties({**source, "type": kind}, depth)
        if kind in ("TextBlock", "TextRun"):
            return self._words(made)
        if kind == "Image":
            return self._image(made)
        if kind == "FactSet":
            return self._facts(made)
        if kind == "RichTextBlock":
            return self._rich(made, source, depth)
        if kind == "ActionSet":
            actions = self._actions(source.get("actions"), depth + 1)
            step = limits.MAX_ACTIONS
            rows = range(0, min(len(actions), MAX_BUTTONS), step)
            return [{**made, "actions": actions[at : at + step]} for at in rows]
        if kind == "Media":
            return self._media(made)
        return self._box(kind, made, source, depth)

    def _box(self, kind: str, made: Element, source: Element, depth: int) -> list[Element]:
        for key in _LIST_OF.get(kind, ("items",)):
            made[key] = self._children(source.get(key), depth + 1, _IMPLIED.get(key, ""))
            if not made[key] and (kind in ("ImageSet", "Table") or (source.get(key) and kind in _BOXES)):
                return []
        if kind == "Table" and isinstance(source.get("columns"), list):
            made["columns"] = [
                {key: value for key, value in tidy(column).items() if key not in ("type", "items")}
                for column in source["columns"][:20]
                if isinstance(column, dict)
            ]
        return [made]

    def _replaced(self, kind: str, source: Element, depth: int) -> list[Element]:
        """An element that Teams' webhook path does not know: its fallback, what can be said in text, or nothing."""
        name = plain(kind)[:40]
        fallback = source.get("fallback")
        if isinstance(fallback, dict) and not str(fallback.get("type", "")).startswith("Action."):
            self.warnings.append(f"{name} was replaced by its fallback.")
            return self._element(fallback, depth + 1)
        found = [] if fallback == "drop" else replacements.instead_of(kind, source)
        made = [each for item in found for each in self._element(item, depth + 1)]
        if made:
            self.warnings.append(f"{name} cannot be shown on a card from a webhook and was replaced.")
        elif kind.startswith("Input."):
            self.warnings.append(f"{name} was left out: nobody would receive what is typed into it.")
        else:
            self.warnings.append(f"{name} cannot be shown on a card from a webhook and was left out.")
        return made

    def _properties(self, source: Element, depth: int) -> Element:
        """Everything but the children, which each kind handles itself."""
        made: Element = {}
        for key, value in source.items():
            if key in DEAD_PROPERTIES:
                self.warnings.append(DEAD_PROPERTIES[key])
            elif key in SINGLE:
                self._single(key, value, made, depth)
            elif key == "backgroundImage":
                self._background(value, made)
            elif key == "fallback":
                if value == "drop":
                    made[key] = value
                elif isinstance(value, dict):
                    found = self._element(value, depth + 1)
                    made |= {"fallback": found[0]} if found else {}
            elif key not in NESTING:
                found = sane(key, value)
                if found is not None:
                    made[text_of(key)] = found
        return made

    def _single(self, key: str, value: object, made: Element, depth: int) -> None:
        if isinstance(value, dict):
            found = self._action(value, depth + 1)
            if found and found["type"] != "Action.ShowCard":
                made[key] = found

    def _background(self, value: object, made: Element) -> None:
        url = value.get("url") if isinstance(value, dict) else value
        if isinstance(url, str) and safe_url(url).startswith("https://"):
            made["backgroundImage"] = tidy(value)
        elif url:
            self.warnings.append("A background picture was left out: it has no https address.")

    def _words(self, made: Element) -> list[Element]:
        text = replacements.dates(text_of(made.get("text")))
        text, used, foreign = mentions.neutral(text, self.people)
        self.mentioned |= used
        if foreign:
            self.warnings.append("A mention was turned into text: the card names nobody for it.")
        if not text.strip():
            return []
        made["text"] = text
        big = str(made.get("size", "")).lower() in ("large", "extralarge")
        if made["type"] == "TextBlock" and len(text) > (LONG // 2 if big else LONG):
            made["wrap"] = True
        return [made]

    def _image(self, made: Element) -> list[Element]:
        url = text_of(made.get("url")).strip()
        safe = safe_url(url)
        if safe.startswith("https://"):
            made["url"] = safe
            return [made]
        name = plain(made.get("altText") or "picture")
        if not safe or made.get("style") == "Person":
            self.warnings.append(
                f"A picture ({name[:60]}) was left out: Teams shows only those with an https address."
            )
            return []
        self.warnings.append(
            f"A picture ({name[:60]}) became a link: Teams shows only those with an https address."
        )
        return [{"type": "TextBlock", "text": str(link(name, safe)), "wrap": True}]

    def _facts(self, made: Element) -> list[Element]:
        rows = []
        for fact in items_of(made.get("facts")):
            if isinstance(fact, dict):
                row = {}
                for key in ("title", "value"):
                    found = self._words({"type": "Fact", "text": fact.get(key)})
                    row[key] = found[0]["text"] if found else ""
                rows += [row] if row["title"] or row["value"] else []
        made["facts"] = rows
        return [made] if rows else []

    def _rich(self, made: Element, source: Element, depth: int) -> list[Element]:
        inlines: list[Any] = []
        for item in items_of(source.get("inlines")):
            if isinstance(item, str) and item:
                inlines += self._element({"type": "TextRun", "text": item}, depth + 1, "TextRun")
            elif isinstance(item, dict) and str(item.get("type", "TextRun")).lower() == "textrun":
                inlines += self._element(item, depth + 1, "TextRun")
            elif isinstance(item, dict):
                self.warnings.append(f"{plain(item.get('type'))[:40]} inside a text was left out.")
        made["inlines"] = inlines
        return [made] if inlines else []

    def _media(self, made: Element) -> list[Element]:
        sources = made.get("sources")
        kept = [
            each
            for each in items_of(sources)
            if isinstance(each, dict) and safe_url(each.get("url")).startswith("https://")
        ]
        if not safe_url(made.get("poster")).startswith("https://"):
            made.pop("poster", None)
        made["sources"] = kept
        if not kept:
            self.warnings.append("Media without an https address was left out.")
        return [made] if kept else []

    def _actions(self, value: object, depth: int) -> list[Element]:
        items = value if isinstance(value, list) else [value]
        found = (self._action(item, depth) for item in items if isinstance(item, dict))
        return [{**each, "title": each.get("title") or "Open"} for each in found if each]

    def _action(self, source: Element, depth: int) -> Element | None:
        kind = _KNOWN.get(str(source.get("type", "")).lower(), str(source.get("type") or "A button"))
        title = plain(source.get("title") or "")[:60]
        name = f"The button “{title}”" if title else "A button or link"
        fallback = source.get("fallback")
        if kind == "Action.OpenUrlDialog" and safe_url(source.get("url")):
            kind = "Action.OpenUrl"
        if depth > limits.MAX_DEPTH - 2 or kind not in limits.ACTIONS:
            if isinstance(fallback, dict) and depth <= limits.MAX_DEPTH - 2:
                return self._action(fallback, depth + 1)
            self.warnings.append(
                f"{name} ({plain(kind)[:40]}) was left out: it works only on cards of a bot."
            )
            return None
        made = {
            text_of(key): tidy(value)
            for key, value in source.items()
            if key not in NESTING and key not in ("fallback", "type", "iconUrl", *DEAD_PROPERTIES)
        }
        made = {"type": kind, **made}
        if safe_url(source.get("iconUrl")).startswith("https://"):
            made["iconUrl"] = safe_url(source["iconUrl"])
        if kind == "Action.OpenUrl":
            made["url"] = safe_url(text_of(source.get("url")))
            if not made["url"]:
                self.warnings.append(f"{name} was left out: it has no web address.")
                return None
            if title or "title" in source:
                made["title"] = title or "Open"
        if kind == "Action.ShowCard":
            card_in = source.get("card")
            inner: Element = card_in if isinstance(card_in, dict) else {}
            card = self._frame({key: value for key, value in inner.items() if key != "version"})
            card.pop("version", None)
            card["body"] = self._children(inner.get("body"), depth + 2)
            actions = self._actions(inner.get("actions"), depth + 2)[: limits.MAX_ACTIONS]
            card |= {"actions": actions} if actions else {}
            if not card["body"] and not actions:
                self.warnings.append(f"{name} was left out: what it opens cannot be shown.")
                return None
            made["card"] = card
        return made
