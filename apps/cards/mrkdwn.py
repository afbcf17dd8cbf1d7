"""Slack's mrkdwn -> the subset that Teams cards show.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import html
import re

from apps.cards.notification import Markdown
from apps.cards.text import clean, escape, link, truncate

_FENCE = re.compile(r"```(.{1,4000}?)```", re.DOTALL)
_TOKEN = re.compile(
    r"<(?P<angle>[^<>\n]{1,2000})>"
    r"|(?<![\w*])\*(?P<bold>[^*\s](?:[^*\n]{0,500}[^*\s])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>[^_\s](?:[^_\n]{0,500}[^_\s])?)_(?![\w_])"
    r"|(?<![\w~])~(?P<strike>[^~\n]{1,500})~(?![\w~])"
    r"|`{1,3}(?P<code>[^`]{1,2000})`{1,3}"
)
_MARKED = re.compile(r"^([*_~`]{1,3})(.+?)\1$")


def convert(text: object, *, max_chars: int = 4000) -> Markdown:
    """The text in the subset of Teams. Raises nothing."""
    source = clean(text)[: max(max_chars * 4, 2000)]
    lines: list[str] = []
    at = 0
    for found in _FENCE.finditer(source):  # a block of code, whose lines and marks are literal
        lines += [*_lines(source[at : found.start()]), *(_words(line) for line in found[1].split("\n"))]
        at = found.end()
    lines += _lines(source[at:])
    return Markdown(truncate(Markdown("\n\n".join(line for line in lines if line.strip())), max_chars))


def _lines(text: str) -> list[str]:
    return [re.sub(r"^\s*[•◦▪]\s*", "- ", _line(line)) for line in text.split("\n")]


def _line(text: str, depth: int = 0) -> str:
    out, at = [], 0
    for found in _TOKEN.finditer(text):
        out.append(_words(text[at : found.start()]))
        at = found.end()
        kind, value = found.lastgroup, found[found.lastgroup or 0]
        if kind == "angle":
            out.append(_angle(value))
        elif kind in ("bold", "italic") and depth < 3:
            mark = "**" if kind == "bold" else "_"
            out.append(f"{mark}{_line(value, depth + 1)}{mark}")
        else:
            out.append(_words(value))
    out.append(_words(text[at:]))
    return "".join(out)


def _words(text: str) -> str:
    return str(escape(html.unescape(text)))


def _angle(value: str) -> str:
    target, _, name = value.partition("|")
    if target.startswith(("@", "#")):  # <@U123|name>, <#C123|name>
        return _words(target[0] + (name or target[1:]))
    if target.startswith("!"):  # <!here>, <!subteam^S1|@team>, <!date^...^...|fallback>
        return _words(name or "@" + target[1:].split("^")[0])
    url = html.unescape(target)
    # Slack shows `<url|*title*>` as a bold link; a link of ours is told apart anyway.
    words = _MARKED.sub(r"\2", name.strip())
    return str(link(html.unescape(words) or url, url))
