"""Slack's blocks -> elements of Adaptive Cards. https://docs.slack.dev/reference/block-kit/blocks"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from apps.cards import blocks, mixed
from apps.cards.blocks import Element
from apps.cards.messagecard import fields, objects
from apps.cards.notification import Markdown
from apps.cards.text import clean, escape, from_slack, link, plain, truncate

MAX_BLOCKS, MAX_ELEMENTS, MAX_INLINE = 50, 25, 300
_SLACK = re.compile(r"<(?:https?://|mailto:|[@#!])[^<>\n]+>")
_MARKDOWN = re.compile(r"\*\*[^*\n]{1,500}\*\*|\]\(https?://|(?m:^#{1,6} )|(?m:^\|[^\n]{1,500}\|[ ]*$)")
_EMOJI = re.compile(r":([a-z0-9_+'-]{2,40}):")
SIGNS = {
    "white_check_mark": "✅", "heavy_check_mark": "✔️", "x": "❌", "warning": "⚠️", "rotating_light": "🚨", "fire": "🔥",
    "tada": "🎉", "rocket": "🚀", "red_circle": "🔴", "large_green_circle": "🟢", "large_yellow_circle": "🟡",
    "large_orange_circle": "🟠", "large_blue_circle": "🔵", "eyes": "👀", "bell": "🔔", "bug": "🐛", "boom": "💥",
    "lock": "🔒", "mag": "🔍", "memo": "📝", "calendar": "📅", "link": "🔗", "thumbsup": "👍", "+1": "👍", "-1": "👎",
    "smile": "😄", "wave": "👋", "information_source": "ℹ️", "exclamation": "❗", "question": "❓", "sparkles": "✨",
    "chart_with_upwards_trend": "📈", "chart_with_downwards_trend": "📉", "no_entry": "⛔", "construction": "🚧",
    "package": "📦", "gear": "⚙️", "clock1": "🕐", "hourglass": "⌛", "robot_face": "🤖", "heart": "❤️", "star": "⭐",
    "large_red_square": "🟥", "large_green_square": "🟩", "skull": "💀", "zap": "⚡", "hammer": "🔨", "wrench": "🔧",
    "green_book": "📗", "book": "📖", "no_bell": "🔕", "mute": "🔕", "bar_chart": "📊", "computer": "💻", "ship": "🚢",
    "page_with_curl": "📃", "hourglass_flowing_sand": "⏳", "point_right": "👉", "arrow_right": "➡️", "alert": "🚨",
    "heavy_exclamation_mark": "❗", "no_entry_sign": "🚫", "stopwatch": "⏱️", "clipboard": "📋", "key": "🔑", "+": "➕",
}  # fmt: skip


@dataclass(slots=True)
class Written:
    """Elements, buttons and warnings of some blocks; `first` is their headline."""

    body: list[Element] = field(default_factory=list)
    actions: list[Element] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    first: Markdown = field(default_factory=lambda: Markdown(""))


def text_of(value: object, limit: int = 4000) -> Markdown:
    """A text, given bare or as a text object: Slack's mrkdwn, plain text, or what reads like Markdown."""
    if isinstance(value, dict):
        found = fields(value)
        if found.get("type") == "plain_text":
            words = _emoji(clean(mixed.text_of(found.get("text"))))
            lines = [part for part in escape(words).split("\n") if part.strip()]
            return Markdown(truncate(Markdown("\n\n".join(lines)), limit))
        value = found.get("text")
    words = _emoji(mixed.text_of(value))
    if _MARKDOWN.search(words) and not _SLACK.search(words):
        return mixed.convert(words, max_chars=limit)
    return from_slack(words, max_chars=limit)


def line(value: object, limit: int = 300) -> Markdown:
    """The same on one line without bold marks."""
    return mixed.line(text_of(value, limit))


def _emoji(text: str) -> str:
    return _EMOJI.sub(lambda found: SIGNS.get(found[1], found[0]), text)


def write(value: object) -> Written:
    """All blocks of a list. Raises nothing."""
    made = Written()
    found = list(objects(value, MAX_BLOCKS + 1))
    for block in found[:MAX_BLOCKS]:
        _block(block, made)
    if len(found) > MAX_BLOCKS:
        made.warnings.append(f"Only the first {MAX_BLOCKS} blocks are shown.")
    return made


def _block(block: dict[str, Any], made: Written) -> None:
    kind = str(block.get("type", "")).lower()
    if kind == "divider":
        if made.body:
            made.body.append(
                {"type": "TextBlock", "text": " ", "separator": True, "spacing": "Small", "height": "auto"}
            )
        return
    items = _simple(kind, block, made)
    if made.body and _is_line(made.body[-1]) and items:
        made.body.pop()
        items[0] = {**items[0], "separator": True, "spacing": "Medium"}
    made.body += items


def _is_line(item: Element) -> bool:
    return bool(item.get("separator")) and item.get("text") == " "


def _simple(kind: str, block: dict[str, Any], made: Written) -> list[Element]:
    if kind == "header":
        title = line(block.get("text"))
        made.first = made.first or title
        return [blocks.heading(title)] if title else []
    if kind in ("section", "markdown"):
        return _section(block, made)
    if kind == "context":
        return _context(block)
    if kind in ("image", "video"):
        return _image(block)
    if kind == "actions":
        found = [
            each for item in objects(block.get("elements"), MAX_ELEMENTS) for each in _button(item, made)
        ]
        made.actions += found
        return []
    if kind == "rich_text":
        return [each for item in objects(block.get("elements"), 100) for each in _rich(item)]
    if kind == "table":
        return _table(block)
    if kind == "input":
        made.warnings.append("An input was left out: it works only in Slack.")
        return []
    if block.get("text"):
        return _section(block, made)
    made.warnings.append(f"A block of type “{plain(kind)[:40]}” was left out.")
    return []


def _section(block: dict[str, Any], made: Written) -> list[Element]:
    text = text_of(block.get("text"))
    items = [blocks.say(text)] if text else []
    made.first = made.first or line(block.get("text"), 200)
    cells = [text_of(each, 800) for each in objects(block.get("fields"), 20)]
    for left, right in zip(cells[::2], [*cells[1::2], Markdown("")], strict=False):
        pair = [("stretch", [blocks.say(part)] if part else []) for part in (left, right)]
        items.append(blocks.columns(*pair))
    items = [item for item in items if item.get("columns") != []]
    beside = fields(block.get("accessory"))
    if beside.get("type") == "image":
        image = blocks.picture(
            beside.get("image_url"), plain(str(beside.get("alt_text") or "")), size="Small"
        )
        if image and items and str(beside.get("image_url")).startswith("https://"):
            return [blocks.columns(("stretch", items), ("auto", [image]))]
        return items + ([image] if image else [])
    if beside:
        made.actions += _button(beside, made)
    return items


def _context(block: dict[str, Any]) -> list[Element]:
    words, images = [], []
    for each in objects(block.get("elements"), MAX_ELEMENTS):
        if each.get("type") == "image":
            image = blocks.picture(
                each.get("image_url"), plain(str(each.get("alt_text") or "")), width="20px"
            )
            if image and str(each.get("image_url")).startswith("https://"):
                images.append(image)
        else:
            words.append(text_of(each, 1000))
    shown = " · ".join(part for part in words if part)
    if not shown:
        return images
    if images:
        return [blocks.columns(("auto", images[:1]), ("stretch", [blocks.subtle(shown)]))]
    return [blocks.subtle(shown)]


def _image(block: dict[str, Any]) -> list[Element]:
    title = line(block.get("title"))
    address = (
        block.get("image_url") or block.get("thumbnail_url") or fields(block.get("slack_file")).get("url")
    )
    image = blocks.picture(address, plain(str(block.get("alt_text") or "")) or plain(title))
    items = [blocks.say(blocks.titled(title, block.get("title_url")), weight="Bolder")] if title else []
    return items + (blocks.pictures([image]) if image else [])


def _button(source: dict[str, Any], made: Written) -> list[Element]:
    """A link button; buttons and menus that call Slack are told about."""
    title = line(source.get("text") or source.get("placeholder"), 60)
    button = blocks.button(title, source.get("url"))
    if button:
        return [button]
    options = [
        blocks.button(line(each.get("text"), 60), each.get("url"))
        for each in objects(source.get("options"), 10)
    ]
    links = [each for each in options if each]
    if not links:
        made.warnings.append(
            f"The button “{plain(title) or 'without a name'}” was left out: it works only in Slack."
        )
    return links


def _table(block: dict[str, Any]) -> list[Element]:
    """Slack's table as lines: the cells of the first row name the others."""
    rows = block.get("rows")
    found = [
        [_cell(cell) for cell in row[:10] if isinstance(cell, dict)]
        for row in (rows if isinstance(rows, list) else [])[:30]
        if isinstance(row, list)
    ]
    if not found:
        return []
    shown = [" · ".join(f"**{cell}**" for cell in found[0] if cell)]
    shown += [" · ".join(cell for cell in row if cell) for row in found[1:]]
    return [blocks.say("\n\n".join(text for text in shown if text))]


def _cell(cell: dict[str, Any]) -> str:
    found = fields(cell)
    if found.get("type") == "rich_text":
        parts = [_inline(part.get("elements")) for part in objects(found.get("elements"), 20)]
        return " ".join(" ".join(parts).split())
    return str(line(found, 200))


def _rich(part: dict[str, Any]) -> list[Element]:
    """A piece of a rich text: paragraph, list, quote or literal text."""
    kind = part.get("type")
    if kind == "rich_text_list":
        ordered = part.get("style") == "ordered"
        number = part.get("offset") if isinstance(part.get("offset"), int) else 0
        lines = []
        for index, each in enumerate(objects(part.get("elements"), 50), 1 + int(number or 0)):
            words = " ".join(_inline(each.get("elements")).split())
            lines.append(f"{index}. {words}" if ordered else f"- {words}")
        return [blocks.say("\r".join(lines), spacing="Small")] if lines else []
    if kind == "rich_text_preformatted":
        literal = "".join(
            mixed.text_of(each.get("text")) or mixed.text_of(each.get("url"))
            for each in objects(part.get("elements"), 50)
        )
        rows = [row.rstrip() for row in str(escape(literal)).split("\n")[:60]]
        shown = truncate(Markdown("\n\n".join(row for row in rows if row.strip())), 3000)
        block = blocks.say(shown, fontType="Monospace", size="Small")
        return [blocks.box([block], style="emphasis")] if shown else []
    words = _inline(part.get("elements"))
    shown = "\n\n".join(row.strip() for row in words.split("\n") if row.strip())
    if not shown:
        return []
    if kind == "rich_text_quote":
        return [blocks.box([blocks.say(shown)], style="emphasis")]
    return [blocks.say(shown)]


def _inline(value: object) -> str:
    out = []
    for each in objects(value, MAX_INLINE):
        kind, text = each.get("type"), mixed.text_of(each.get("text"))
        if kind == "link":
            words = str(link(text or mixed.text_of(each.get("url")), each.get("url")))
        elif kind == "emoji":
            name = mixed.text_of(each.get("name"))
            words = SIGNS.get(name) or _character(each.get("unicode")) or f":{escape(name)}:"
        elif kind in ("user", "channel", "usergroup", "broadcast", "team"):
            name = next(
                (
                    mixed.text_of(each.get(key))
                    for key in ("name", "user_id", "channel_id", "usergroup_id", "range", "team_id")
                    if each.get(key)
                ),
                "",
            )
            words = str(escape(("#" if kind == "channel" else "@") + name))
        elif kind == "date":
            words = str(escape(mixed.text_of(each.get("fallback"))))
        else:
            words = str(escape(text))
        style = fields(each.get("style"))
        if words.strip() and style.get("bold") is True and "\n" not in words and "**" not in words:
            lead, trail = words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]
            words = f"{lead}**{words.strip()}**{trail}"
        out.append(words)
    return "".join(out)


def _character(code: object) -> str:
    try:
        return "".join(chr(int(part, 16)) for part in str(code or "").split("-")) if code else ""
    except (ValueError, OverflowError):
        return ""
