"""Messages in other services' formats -> cards: Adaptive Cards, Bot Framework cards, Discord's embeds.

https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference
https://discord.com/developers/docs/resources/webhook
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from apps.cards import blocks, limits, messagecard, mixed
from apps.cards.blocks import Element
from apps.cards.messagecard import fields, objects
from apps.cards.notification import Card, Markdown, Severity
from apps.cards.text import Markdown as Text
from apps.cards.text import plain, truncate

COLOURS = {
    "good": Severity.GOOD,
    "attention": Severity.ATTENTION,
    "warning": Severity.WARNING,
    "accent": Severity.INFO,
}
MAX_EMBEDS = 10
_DISCORD_TIME = re.compile(r"<t:(\d{1,12})(?::[tTdDfFR])?>")
_DISCORD_EMOJI = re.compile(r"<a?:(\w{2,40}):\d{5,25}>")
_DISCORD_MENTION = re.compile(r"<([@#])[!&]?\d{5,25}>")


def adaptive_card(content: object, *, summary: str = "", allow_mentions: bool = True) -> Card | None:
    """Somebody's Adaptive Card with what Teams can't show replaced; None when nothing is left of it.

    Raises PayloadError when it is no card at all.
    """
    made, warnings = limits.sanitize(content, allow_mentions=allow_mentions)
    if not made.get("body") and not made.get("actions"):
        return None
    line = plain(summary) or plain(Text(made.get("fallbackText") or "")) or limits.headline(made)
    return Card(made, truncate(line, 200) or "Card", _severity(made), tuple(warnings))


def _severity(content: Element) -> Severity:
    """What the card's own colours say: its first coloured box, else its first coloured text."""
    found = Severity.NEUTRAL
    for _, item, depth in limits.elements(content):
        if item.get("type") in ("Container", "ColumnSet", "Column") and depth <= 3:
            style = COLOURS.get(str(item.get("style", "")).lower())
            if style:
                return style
        if found is Severity.NEUTRAL and item.get("type") == "TextBlock":
            found = COLOURS.get(str(item.get("color", "")).lower(), found)
    return found


def attachment(
    data: object, *, allow_mentions: bool = True, offer: messagecard.Offer | None = None
) -> Card | None:
    """One attachment of a message envelope: whatever card it holds. None when it holds none.

    offer: see `messagecard.card_of`.
    Raises PayloadError when it claims to be an Adaptive Card and is not.
    """
    found = fields(data)
    content = found.get("content")
    kind = str(found.get("contenttype", "")).lower()
    if kind.startswith("image/"):
        return _wrap([blocks.picture(found.get("contenturl"), str(found.get("name") or ""), size="Stretch")])
    if kind.startswith("text/"):
        return messagecard.card_of({"text": found.get("content")})
    if not isinstance(content, dict):
        return None
    inner = fields(content)
    if str(inner.get("type", "")).lower() == "messagecard" or "o365connector" in kind or "sections" in inner:
        return messagecard.card_of(content, offer=offer)
    if str(content.get("type", "")).lower() == "adaptivecard" or "adaptive" in kind or "body" in content:
        return adaptive_card(
            {**content, "type": "AdaptiveCard"},
            summary=mixed.line(inner.get("summary")),
            allow_mentions=allow_mentions,
        )
    return bot_card(content)


def bot_card(data: object) -> Card | None:
    """A hero, thumbnail, list, receipt or sign-in card as far as it can be shown; None when nothing can."""
    found = fields(data)
    body: list[Element] = []
    title = mixed.line(found.get("title"))
    if title:
        body.append(blocks.heading(title))
    subtitle = mixed.line(found.get("subtitle"))
    if subtitle:
        body.append(blocks.subtle(subtitle))
    text = mixed.convert(found.get("text"))
    if text:
        body.append(blocks.say(text))
    images = [
        blocks.picture(each.get("url"), mixed.line(each.get("alt")))
        for each in [*objects(found.get("images"), 6), *objects(found.get("image"), 1)]
    ]
    body += blocks.pictures([image for image in images if image])
    pairs = [
        (mixed.line(each.get("key")), mixed.line(each.get("value")))
        for each in objects(found.get("facts"), 50)
    ]
    body += blocks.facts([(name or "\u00a0", value) for name, value in pairs])
    for item in objects(found.get("items"), 20):
        name = blocks.titled(mixed.line(item.get("title")), fields(item.get("tap")).get("value"))
        words = [
            part for part in (name, mixed.line(item.get("subtitle")), mixed.line(item.get("price"))) if part
        ]
        body += [blocks.say(" · ".join(words))] if words else []
    warnings: list[str] = []
    actions = []
    for button in objects(found.get("buttons"), 12):
        made = blocks.button(mixed.line(button.get("title")), button.get("value"))
        if made and str(button.get("type", "openUrl")).lower() in (
            "openurl",
            "signin",
            "downloadfile",
            "playvideo",
        ):
            actions.append(made)
        else:
            label = plain(mixed.line(button.get("title")))[:60]
            warnings.append(f"The button “{label}” was left out: it works only on cards of a bot.")
    if not body and not actions:
        return None
    return blocks.finish(body, actions=actions, summary=title or subtitle or text, warnings=warnings)


def _wrap(items: list[Element | None], summary: str = "") -> Card | None:
    body = [item for item in items if item]
    return blocks.finish(body, summary=summary or "Picture") if body else None


def discord_message(data: object) -> Card | None:
    """A Discord message with its embeds; None when it has neither text nor embed."""
    found = fields(data)
    body: list[Element] = []
    actions: list[Element] = []
    sender = mixed.line(found.get("username"), max_chars=80)
    if sender:
        body.append(blocks.subtle(sender))
    text = _discord(found.get("content"))
    if text:
        body.append(blocks.say(text))
    severity, first = Severity.NEUTRAL, Markdown("")
    embeds = list(objects(found.get("embeds"), MAX_EMBEDS))
    for embed in embeds:
        items, title = _embed(embed, actions)
        colour = blocks.severity_of(embed.get("color"))
        severity = max(severity, colour, key=lambda each: each.rank)
        first = first or title
        if items:
            style: dict[str, object] = (
                {"style": blocks.STYLES[colour]} if colour is not Severity.NEUTRAL else {}
            )
            body.append(blocks.box(items, separator=True, spacing="Medium", **style))
    parts = [part for each in objects(found.get("components"), 40) for part in _component(each, actions, 0)]
    body += parts
    if not text and not parts and not any(part.get("type") == "Container" for part in body):
        return None
    first = first or text or Markdown(next((str(part["text"]) for part in parts if part.get("text")), ""))
    return blocks.finish(body, actions=actions, summary=first or sender, severity=severity)


def _component(source: dict[str, Any], actions: list[Element], depth: int) -> list[Element]:
    """What of Discord's components can be shown: texts, pictures, and buttons that open a page.

    https://docs.discord.com/developers/components/reference
    """
    kind = source.get("type")
    if kind == 2 and source.get("url"):
        button = blocks.button(str(mixed.line(source.get("label"))), source.get("url"))
        actions += [button] if button else []
        return []
    if kind == 10:
        text = _discord(source.get("content"))
        return [blocks.say(text)] if text else []
    if kind in (11, 12):
        media = objects(source.get("items"), 10) if kind == 12 else iter([source])
        found = [
            blocks.picture(fields(each.get("media")).get("url"), str(each.get("description") or ""))
            for each in media
        ]
        return blocks.pictures([each for each in found if each])
    if depth > 4:
        return []
    inner = [*objects(source.get("components"), 40), *objects(source.get("accessory"), 1)]
    return [part for each in inner for part in _component(each, actions, depth + 1)]


def _discord(value: object, max_chars: int = 4000) -> Markdown:
    """A text with Discord's own marks: ids of people and roles mean nothing outside, times and emoji are written out.

    https://docs.discord.com/developers/reference#message-formatting
    """
    text = mixed.text_of(value)
    text = _DISCORD_TIME.sub(lambda found: _moment(int(found[1])) or found[0], text)
    text = _DISCORD_EMOJI.sub(r":\1:", text)
    text = re.sub(r"</([\w -]{1,100}):\d{5,25}>", r"/\1", text)
    text = _DISCORD_MENTION.sub(lambda found: "#channel" if found[1] == "#" else "@someone", text)
    text = re.sub(r"\|\|([^|\n]{1,1000})\|\|", r"\1", text)
    return mixed.convert(text, max_chars=max_chars)


def _moment(seconds: int) -> str:
    if not 0 < seconds < 10**11:
        return ""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%d %b %Y, %H:%M UTC")


def _written_at(value: object) -> str:
    """An embed's time; Discord takes ISO 8601 only."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", value):
        return ""
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        return ""
    found = found if found.tzinfo else found.replace(tzinfo=dt.UTC)
    return found.astimezone(dt.UTC).strftime("%d %b %Y, %H:%M UTC") if 1 < found.year < 9999 else ""


def _embed(embed: dict[str, Any], actions: list[Element]) -> tuple[list[Element], Markdown]:
    items: list[Element] = []
    author = fields(embed.get("author"))
    name = mixed.line(author.get("name"))
    if name:
        items.append(blocks.subtle(blocks.titled(name, author.get("url"))))
    title = mixed.line(embed.get("title"))
    if title:
        items.append(blocks.heading(blocks.titled(title, embed.get("url"))))
        link = blocks.button("Open", embed.get("url"))
        actions += [link] if link and not actions else []
    text = _discord(embed.get("description"))
    if text:
        items.append(blocks.say(text))
    pairs = [
        (mixed.line(each.get("name")) or "\u00a0", _discord(each.get("value"), 800))
        for each in objects(embed.get("fields"), 25)
    ]
    items += blocks.facts(list(pairs))
    for key in ("image", "thumbnail"):
        image = blocks.picture(fields(embed.get(key)).get("url"), title or "picture")
        items += blocks.pictures([image]) if image else []
    footer = mixed.line(fields(embed.get("footer")).get("text"))
    last = " · ".join(part for part in (footer, _written_at(embed.get("timestamp"))) if part)
    if last:
        items.append(blocks.subtle(last))
    return items, title or name or Markdown(truncate(text, 200))
