"""MessageCard, the card of the retired connectors -> Adaptive Card 1.4.

https://learn.microsoft.com/outlook/actionable-messages/message-card-reference
Tools were always careless with it, and the old service forgave them: keys in any case, no `@type`, a
`null` instead of a list, numbers as values, HTML between Markdown. All of that still makes a card.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from apps.cards import blocks, mixed
from apps.cards.blocks import Element
from apps.cards.notification import Card, Markdown, Severity

MAX_SECTIONS, MAX_IMAGES, MAX_BUTTONS, MAX_TEXT = 30, 12, 24, 8_000
SYSTEMS = ("default", "windows", "web", "macos", "ios", "android")


@dataclass(frozen=True, slots=True)
class RemoteAction:
    """A button of the sender that acts on a server: HttpPOST, or an ActionCard's form.

    path: where it stands in the card, by which it is found again ("potentialAction.1").
    inputs: the form's fields as the sender described them; target, body, headers: the request.
    actions: the requests that an ActionCard's form may send.
    """

    kind: str
    title: str
    path: str
    target: str = ""
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    inputs: tuple[dict[str, Any], ...] = ()
    actions: tuple[RemoteAction, ...] = ()


Offer = Callable[[RemoteAction], str | None]
"""Makes the address of the page that carries a remote action out, or None where there is none."""


def fields(value: object) -> dict[str, Any]:
    """An object's fields by lower-case name without "@"; {} for anything else."""
    if not isinstance(value, dict):
        return {}
    found: dict[str, Any] = {}
    for key, item in value.items():
        if item is not None:
            found.setdefault(str(key).lower().lstrip("@"), item)
    return found


def objects(value: object, limit: int) -> Iterator[dict[str, Any]]:
    """The objects of a list; one object alone counts as a list of one, PHP's {"0": ...} as a list."""
    if isinstance(value, dict) and value and all(str(key).isdigit() for key in value):
        value = list(value.values())
    items = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    for item in items[:limit]:
        if isinstance(item, dict):
            yield fields(item)


def card_of(data: object, *, offer: Offer | None = None) -> Card | None:
    """The card, or None when there is nothing in it that can be shown. Raises nothing.

    offer: gives the address behind HttpPOST and ActionCard buttons; without it they are dropped with a warning.
    """
    return _Writer(fields(data), offer).card()


class _Writer:
    def __init__(self, card: dict[str, Any], offer: Offer | None) -> None:
        self.source = card
        self.offer = offer
        self.warnings: list[str] = []
        self.severity = blocks.severity_of(card.get("themecolor") or card.get("color"))

    def card(self) -> Card | None:
        source = self.source
        title = mixed.line(source.get("title"))
        text = self._long(source.get("text"), _written(source))
        sections = list(objects(source.get("sections"), MAX_SECTIONS + 1))
        first = _first_words(sections)
        body = self._head(title, text, sections)
        hero = self._hero(source.get("heroimage"))
        body += [hero] if hero else []
        for index, section in enumerate(sections[:MAX_SECTIONS]):
            items = self._section(section, f"sections.{index}")
            if items:
                lined = bool(body) and (section.get("startgroup") is True or index > 0 or bool(text))
                look: dict[str, object] = {"separator": True, "spacing": "Medium"} if lined else {}
                body.append(blocks.box(items, **look))
        if len(sections) > MAX_SECTIONS:
            self.warnings.append(f"Only the first {MAX_SECTIONS} sections are shown.")
        actions = self._actions(source.get("potentialaction"), "potentialAction")
        summary = mixed.line(source.get("summary"))
        if not body and summary:
            body.append(blocks.say(summary))
        if not body and not actions:
            return None
        for key in ("expectedactors", "originator", "correlationid", "hideoriginalbody"):
            if source.get(key):
                self.warnings.append(f"“{key}” has no meaning in Teams any more and was left out.")
        return blocks.finish(
            body,
            actions=actions,
            summary=title or summary or first or text,
            severity=self.severity,
            warnings=self.warnings,
        )

    def _head(self, title: Markdown, text: Markdown, sections: list[dict[str, Any]]) -> list[Element]:
        """Title and text; the colour of the old card's edge becomes the background of its head."""
        style = {"style": blocks.STYLES[self.severity], "bleed": True}
        if title:
            head = [blocks.box([blocks.heading(title)], **style)]
            return head + ([blocks.say(text, spacing="Medium")] if text else [])
        coloured = self.severity is not Severity.NEUTRAL
        if text:
            return [blocks.box([blocks.say(text)], **style)] if coloured else [blocks.say(text)]
        first = sections[0] if sections else {}
        activity = self._activity(first) if first.get("activitytitle") or first.get("title") else []
        if not activity:
            return []
        for key in ("title", "activitytitle", "activitysubtitle", "activitytext", "activityimage"):
            first.pop(key, None)
        return [blocks.box(activity, **style)]

    def _long(self, value: object, written: bool) -> Markdown:
        if isinstance(value, str) and len(value) > MAX_TEXT:
            self.warnings.append(f"A text of {len(value):,} characters was cut.")
        return mixed.convert(value, markdown=written, max_chars=MAX_TEXT)

    def _section(self, section: dict[str, Any], path: str) -> list[Element]:
        written = _written(section)
        items = self._activity(section)
        hero = self._hero(section.get("heroimage"))
        items += [hero] if hero else []
        text = self._long(section.get("text"), written)
        if text:
            items.append(blocks.say(text))
        pairs: list[tuple[str, str]] = []
        for fact in objects(section.get("facts"), 60):
            name = mixed.line(fact.get("name", fact.get("title", fact.get("key"))), markdown=written)
            pairs.append(
                (name or "\u00a0", mixed.convert(fact.get("value"), markdown=written, max_chars=800))
            )
        if isinstance(section.get("facts"), dict) and not any(value for _, value in pairs):
            pairs = [
                (mixed.line(key), mixed.convert(value, max_chars=800))
                for key, value in section["facts"].items()
            ]
        items += blocks.facts(pairs)
        images = []
        for each in _images(section.get("images"), MAX_IMAGES):
            found = blocks.picture(
                each.get("image") or each.get("url"), mixed.line(each.get("title") or each.get("alt"))
            )
            images += [found] if found else []
        items += blocks.pictures(images)
        return items + blocks.row_of(self._actions(section.get("potentialaction"), f"{path}.potentialAction"))

    def _activity(self, section: dict[str, Any]) -> list[Element]:
        """A section's title, and who did what beside a small picture."""
        written = _written(section)
        rows: list[Element] = []
        title = mixed.line(section.get("title"), markdown=written)
        if title:
            rows.append(blocks.say(title, weight="Bolder"))
        words: list[Element] = []
        who = mixed.line(section.get("activitytitle"), markdown=written)
        if who:
            words.append(blocks.say(who, weight="Bolder"))
        when = mixed.convert(section.get("activitysubtitle"), markdown=written, max_chars=1000)
        if when:
            words.append(blocks.subtle(when, spacing="None"))
        text = self._long(section.get("activitytext"), written)
        if text:
            words.append(blocks.say(text, spacing="Small" if words else "Default"))
        style = {} if section.get("activityimagetype") == "article" else {"style": "Person"}
        image = blocks.picture(section.get("activityimage"), who or "picture", size="Small", **style)
        if image and words:
            return [*rows, blocks.columns(("auto", [image]), ("stretch", words))]
        return rows + words + ([image] if image else [])

    def _hero(self, value: object) -> Element | None:
        image = fields(value) if isinstance(value, dict) else {"image": value}
        return blocks.picture(
            image.get("image"), mixed.line(image.get("title")), size="Stretch", spacing="Medium"
        )

    def _actions(self, value: object, path: str) -> list[Element]:
        made: list[Element] = []
        for index, action in enumerate(objects(value, MAX_BUTTONS)):
            made += self._action(action, f"{path}.{index}")
        return made

    def _action(self, action: dict[str, Any], path: str) -> list[Element]:
        """A button. What acts on a server is handed to `offer`; see there."""
        kind = str(action.get("type", "")).rpartition("/")[2].lower()
        title = mixed.line(action.get("name") or action.get("title")) or "Open"
        if kind in ("httppost", "invokeaddincommand", "httpget"):
            return self._remote(remote(action, kind, title, path))
        if kind == "actioncard" or (not _address(action) and action.get("actions")):
            inputs = tuple(objects(action.get("inputs"), 20))
            inner: list[Element] = []
            posts: list[RemoteAction] = []
            for index, each in enumerate(objects(action.get("actions"), 4)):
                what = str(each.get("type", "")).lower()
                if what == "openuri" and not inputs:
                    inner += self._action(each, f"{path}.actions.{index}")
                elif what == "httppost":
                    name = mixed.line(each.get("name") or each.get("title")) or title
                    posts.append(remote(each, what, name, f"{path}.actions.{index}"))
            return inner or self._remote(
                replace(remote(action, "actioncard", title, path), inputs=inputs, actions=tuple(posts))
            )
        made = blocks.button(title, _address(action))
        if made is None:
            self.warnings.append(f"The button “{title}” has no web address and was left out.")
        return [made] if made else []

    def _remote(self, wanted: RemoteAction) -> list[Element]:
        """The one place where a button that acts becomes a link to a page of ours, or a warning."""
        made = blocks.button(wanted.title, self.offer(wanted)) if self.offer else None
        if made is None:
            self.warnings.append(
                f"The button “{wanted.title}” was left out: it acts on a server, "
                "and a card in Teams can only open pages."
            )
        return [made] if made else []


def remote(action: dict[str, Any], kind: str, title: str, path: str) -> RemoteAction:
    """The request that a button of the sender makes."""
    headers = tuple(
        (str(each.get("name", "")), str(each.get("value", ""))) for each in objects(action.get("headers"), 20)
    )
    kind_of_body = action.get("bodycontenttype")
    if isinstance(kind_of_body, str) and not any(name.lower() == "content-type" for name, _ in headers):
        headers = (*headers, ("Content-Type", kind_of_body))
    body = action.get("body")
    text = json.dumps(body, ensure_ascii=False) if isinstance(body, (dict, list)) else mixed.text_of(body)
    return RemoteAction(kind, title, path, _address(action), text, headers)


def _written(part: dict[str, Any]) -> bool:
    """Whether its texts are Markdown, which they are unless they say otherwise."""
    return part.get("markdown") not in (False, "false", "False")


def _images(value: object, limit: int) -> Iterator[dict[str, Any]]:
    """Pictures given as {"image", "title"}, or sloppily as a list of addresses."""
    for each in (value if isinstance(value, list) else [value])[:limit]:
        yield fields(each) if isinstance(each, dict) else {"image": each}


def _address(action: dict[str, Any]) -> str:
    """What a button opens: the target for every system, else the best one, else the old `target`."""
    found: dict[str, str] = {}
    for each in objects(action.get("targets"), 20):
        url = each.get("uri") or each.get("url")
        if isinstance(url, str):
            found.setdefault(str(each.get("os", "default")).lower(), url)
    for system in SYSTEMS:
        if system in found:
            return found[system]
    for key in ("target", "uri", "url"):
        value = action.get(key)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, str):
            return first
    return next(iter(found.values()), "")


def _first_words(sections: list[dict[str, Any]]) -> str:
    for section in sections:
        for key in ("activitytitle", "title", "activitysubtitle", "activitytext", "text"):
            words = mixed.line(section.get(key))
            if words:
                return words
    return ""
