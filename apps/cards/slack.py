"""A message in Slack's format (text, attachments, blocks) -> Adaptive Card 1.4.

https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
Mattermost and Rocket.Chat send the same with ordinary Markdown in it, which its marks give away.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.cards import blocks, slack_blocks
from apps.cards.blocks import Element
from apps.cards.messagecard import fields, objects
from apps.cards.notification import Card, Markdown, Severity
from apps.cards.slack_blocks import line, text_of
from apps.cards.text import plain, safe_url

MAX_ATTACHMENTS, MAX_FIELDS, MAX_TEXT = 20, 40, 8_000
DEAD_BUTTON = "it works only in Slack"


def card_of(data: object) -> Card | None:
    """The card, or None when there is nothing in the message that can be shown. Raises nothing."""
    return _Writer(fields(data)).card()


class _Writer:
    def __init__(self, message: dict[str, Any]) -> None:
        self.message = message
        self.warnings: list[str] = []
        self.actions: list[Element] = []
        self.severity = Severity.NEUTRAL
        self.first = Markdown("")

    def card(self) -> Card | None:
        message = self.message
        made = slack_blocks.write(message.get("blocks"))
        self._take(made)
        text = text_of(message.get("text"), MAX_TEXT)
        if len(str(message.get("text"))) > MAX_TEXT:
            self.warnings.append("The text was cut.")
        # Beside blocks, Slack uses the text for notifications only.
        body = made.body or ([blocks.say(text)] if text else [])
        for attachment in objects(message.get("attachments"), MAX_ATTACHMENTS):
            body += self._attachment(attachment)
        if not body and text:
            body = [blocks.say(text)]
        if not body and not self.actions:
            return None
        sender = plain(line(message.get("username"), 80))
        if sender:
            body.insert(0, blocks.subtle(str(line(message.get("username"), 80))))
        summary = line(message.get("text")) or made.first or self.first or Markdown(sender)
        return blocks.finish(
            body, actions=self.actions, summary=summary, severity=self.severity, warnings=self.warnings
        )

    def _take(self, made: slack_blocks.Written) -> None:
        self.warnings += made.warnings
        self.actions += made.actions

    def _attachment(self, source: dict[str, Any]) -> list[Element]:
        colour = blocks.severity_of(source.get("color"))
        self.severity = max(self.severity, colour, key=lambda each: each.rank)
        made = slack_blocks.write(source.get("blocks"))
        self._take(made)
        items = made.body or self._parts(source)
        fallback = text_of(source.get("fallback"))
        if not items and fallback:
            items = [blocks.say(fallback)]
        titles = (line(source.get(key), 200) for key in ("title", "fallback", "pretext", "text"))
        self.first = self.first or made.first or next((title for title in titles if title), Markdown(""))
        self.actions += self._buttons(source)
        before = text_of(source.get("pretext"))
        found = [blocks.say(before)] if before else []
        if items:
            style: dict[str, object] = {"spacing": "Medium"}
            if colour is not Severity.NEUTRAL:
                style["style"] = blocks.STYLES[colour]
            found.append(blocks.box(items, **style))
        return found

    def _parts(self, source: dict[str, Any]) -> list[Element]:
        """The old kind of attachment: author, title, text, fields, pictures, footer."""
        items: list[Element] = []
        author = line(source.get("author_name"))
        if author:
            items.append(blocks.subtle(blocks.titled(author, source.get("author_link"))))
        title = line(source.get("title"))
        if title:
            items.append(blocks.say(blocks.titled(title, source.get("title_link")), weight="Bolder"))
        text = text_of(source.get("text"))
        if text:
            items.append(blocks.say(text))
        thumb = _https(source.get("thumb_url"))
        if thumb and items:
            picture = blocks.picture(thumb, plain(title) or "picture", size="Small")
            items = [blocks.columns(("stretch", items), ("auto", [picture] if picture else []))]
        items += blocks.facts(
            [
                (line(each.get("title"), 100) or "\u00a0", text_of(each.get("value"), 800))
                for each in objects(source.get("fields"), MAX_FIELDS)
            ]
        )
        image = blocks.picture(source.get("image_url"), plain(title) or plain(line(source.get("fallback"))))
        items += blocks.pictures([image]) if image else []
        last = " · ".join(part for part in (line(source.get("footer")), _moment(source.get("ts"))) if part)
        if last:
            items.append(blocks.subtle(last))
        return items

    def _buttons(self, source: dict[str, Any]) -> list[Element]:
        made: list[Element] = []
        for each in objects(source.get("actions"), 12):
            name = line(each.get("text") or each.get("name"), 60)
            button = blocks.button(name, each.get("url"))
            if button:
                made.append(button)
            elif name:
                self.warnings.append(f"The button “{plain(name)}” was left out: {DEAD_BUTTON}.")
        if not made and safe_url(source.get("title_link")) and not self.actions:
            link = blocks.button("Open", source.get("title_link"))
            made += [link] if link else []
        return made


def _https(url: object) -> str:
    found = safe_url(url)
    return found if found.startswith("https://") else ""


def _moment(value: object) -> str:
    """Slack's ts: seconds since 1970, as a number or as text."""
    try:
        seconds = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else 0
        if not 0 < seconds < 1e11:
            return ""
        return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%d %b %Y, %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return ""
