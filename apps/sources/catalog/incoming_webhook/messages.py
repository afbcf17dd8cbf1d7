"""One handler per kind of message; the cards themselves are made by `apps.cards`, through the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from apps.sources.sdk import (
    Attribute,
    Card,
    Context,
    Events,
    Ignore,
    Notification,
    Payload,
    RawEvent,
    card_from_adaptive,
    card_from_attachment,
    card_from_discord,
    card_from_messagecard,
    card_from_slack,
    escape,
    plain,
    tell_fields,
)

events = Events()
GROUP = "Messages"
MAX_TITLE = 200


def _signed(card: Card | None, ctx: Context) -> Card | Ignore:
    """The card with the sender's name on top, when the connector has one."""
    if card is None:
        return Ignore("The message holds nothing that a card could show.")
    sender = plain(ctx.text("sender"))[:80]
    body = card.content.get("body")
    if not sender or not isinstance(body, list):
        return card
    line = {"type": "TextBlock", "text": str(escape(sender)), "isSubtle": True, "size": "Small", "wrap": True}
    signed = card_from_adaptive({**card.content, "body": [line, *body]}, summary=f"{sender}: {card.summary}")
    if signed is None:
        return card
    return replace(signed, severity=card.severity, warnings=(*card.warnings, *signed.warnings))


@events.on("messagecard", group=GROUP, label="Card of the old connectors (MessageCard)")
def message_card(event: RawEvent, ctx: Context) -> Card | Ignore:
    if event.payload.has("$.contentType") or event.payload.has("$.content"):
        return _signed(card_from_attachment(event.payload.raw, offer=ctx.offer), ctx)
    return _signed(card_from_messagecard(event.payload.raw, offer=ctx.offer), ctx)


@events.on("adaptive_card", group=GROUP, label="Adaptive Card")
def adaptive_card(event: RawEvent, ctx: Context) -> Card | Ignore:
    mentions = ctx.flag("mentions", True)
    if event.payload.opt("$.type").lower() == "adaptivecard":
        return _signed(card_from_adaptive(event.payload.raw, allow_mentions=mentions), ctx)
    return _signed(card_from_attachment(event.payload.raw, allow_mentions=mentions), ctx)


@events.on("bot_card", group=GROUP, label="Hero, thumbnail or list card, or a picture")
def bot_card(event: RawEvent, ctx: Context) -> Card | Ignore:
    return _signed(card_from_attachment(event.payload.raw), ctx)


@events.on("slack", group=GROUP, label="Message in Slack's format")
def slack(event: RawEvent, ctx: Context) -> Card | Ignore:
    return _signed(card_from_slack(event.payload.raw), ctx)


@events.on("discord", group=GROUP, label="Message in Discord's format")
def discord(event: RawEvent, ctx: Context) -> Card | Ignore:
    return _signed(card_from_discord(event.payload.raw), ctx)


@events.on("text", group=GROUP, label="Text")
def text(event: RawEvent, ctx: Context) -> Card | Ignore:
    return _signed(card_from_messagecard(event.payload.raw), ctx)


@events.on("generic", group=GROUP, label="Other JSON")
def other(event: RawEvent, ctx: Context) -> Notification:
    return tell_fields(event.payload, sender=ctx.text("sender"))


def attributes(event: RawEvent) -> Mapping[str, Attribute]:
    """What filters may ask about: the format and what nearly every message has."""
    payload = _lower(event.payload)
    inner = _lower(Payload(payload.sub("$.content").raw))
    title = payload.first("$.title", "$.summary", "$.fallback", "$.embeds[0].title", "$.attachments[0].title")
    return {
        "format": event.name,
        "title": (title or inner.first("$.title", "$.summary", "$.fallbacktext") or payload.opt("$.text"))[
            :MAX_TITLE
        ],
        "text": payload.first("$.text", "$.content", "$.message")[:1000],
        "sender": payload.opt("$.username"),
        "channel": payload.opt("$.channel"),
        "color": payload.first("$.themecolor", "$.attachments[0].color", "$.embeds[0].color"),
    }


def _lower(payload: Payload) -> Payload:
    if not isinstance(payload.raw, dict):
        return Payload({})
    return Payload({str(key).lower().lstrip("@"): value for key, value in payload.raw.items()})
