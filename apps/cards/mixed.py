"""The text of old connector cards, Markdown and HTML in one, as the subset that Teams cards show.

Tools mix both freely (`**Build** failed<br>see <a href="…">log</a>`), so the HTML tags are written as
Markdown first; the result goes through the Markdown converter, which lets nothing of the sender's
syntax through. https://learn.microsoft.com/outlook/actionable-messages/message-card-reference
"""

from __future__ import annotations

import html
import re

from apps.cards.notification import Markdown
from apps.cards.text import clean, escape, from_gfm, from_html, safe_url, truncate

_TAG_NAMES = (
    "a|abbr|address|article|at|b|big|blockquote|body|br|center|code|dd|del|div|dl|dt|em|font|footer|h[1-6]|"
    "head|header|hr|html|i|img|ins|kbd|label|li|mark|ol|p|pre|s|samp|section|small|span|strike|strong|sub|"
    "sup|table|tbody|td|tfoot|th|thead|title|tr|tt|u|ul|var"
)
_TAG = re.compile(rf"</?(?:{_TAG_NAMES})(?:\s[^<>]{{0,2000}})?/?>", re.IGNORECASE)
_SILENT = re.compile(r"(?is)<(script|style)\b[^>]{0,500}>.{0,2000}?</\1\s*>|<!--.{0,1000}?-->")
_BREAK = re.compile(r"(?i)<br\s*/?>[ \t]*\n?")
_BLOCK = re.compile(
    r"(?i)</?(?:p|div|tr|table|ul|ol|dl|dt|dd|blockquote|pre|section|article|hr|header|footer|center)"
    r"(?:\s[^<>]{0,500})?/?>"
)
_ITEM = re.compile(r"(?i)\s*<li(?:\s[^<>]{0,500})?>\s*")
_HEADING = re.compile(r"(?is)<h[1-6](?:\s[^<>]{0,500})?>\s*(.{0,1000}?)\s*</h[1-6]\s*>")
_CELL = re.compile(r"(?i)</t[dh]\s*>\s*<t[dh](?:\s[^<>]{0,500})?>")
_SPAN = re.compile(
    r"(?is)<(?P<tag>b|strong|i|em|del|s|strike)(?:\s[^<>]{0,500})?>"
    r"(?P<lead>\s*)(?P<text>[^<>]{1,2000}?)(?P<trail>\s*)</(?P=tag)\s*>"
)
_MARKS = {"b": "**", "strong": "**", "i": "*", "em": "*"}
_HREF = (
    r"""\s[^<>]{0,500}?\b%s\s*=\s*(?:"([^"<>]{0,4000})"|'([^'<>]{0,4000})'|([^\s"'<>]{1,4000}))[^<>]{0,500}"""
)
_ANCHOR = re.compile(rf"(?is)<a{_HREF % 'href'}>(.{{0,1000}}?)</a\s*>")
_PICTURE = re.compile(rf"(?is)<img{_HREF % 'src'}/?>")
_ALT = re.compile(r"""(?i)\balt\s*=\s*["']([^"'<>]{1,200})["']""")
# Jenkins' own examples write links as for Slack, to whatever the message is sent.
_SLACK_LINK = re.compile(r"<(https?://[^\s<>|]{1,4000})\|([^<>|\n]{1,500})>")
_BARE_URL = re.compile(r"""(?<![\w("'<\[=/`\]:>])https?://[^\s<>"'`)\]|]+[^\s<>"'`)\]|.,;:!?*_]""")
_EMPHASIS = re.compile(r"(\]\([^()\s]*\))|(?<!\\)\*\*?|(?<![\\\w])_|(?<!\\)_(?!\w)")
# People end a list by simply going on; Markdown would take the next line into the last item.
_AFTER_ITEM = re.compile(r"(?m)^([ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+[^\n]*)\n(?=[^\s\d*+•-])")
_RULE = re.compile(
    r"(?m)\n([ \t]{0,3}(?:-{3,}|={3,})[ \t]*)$"
)  # a line drawn under a text is no heading of it
_STRAY = re.compile(r"<(?!https?://[^\s<>]{1,4000}>)")


def convert(text: object, *, markdown: bool = True, max_chars: int = 4000) -> Markdown:
    """The text in the subset of Teams. Raises nothing.

    markdown: False when the sender says that the text has no Markdown; HTML is read all the same.
    """
    if isinstance(text, Markdown):
        return text
    source = clean(text_of(text))[: max(max_chars * 4, 2000)]
    if not source.strip():
        return Markdown("")
    if not markdown:
        if _TAG.search(source):
            return from_html(source, max_chars=max_chars)
        lines = [line for line in escape(source).split("\n") if line.strip()]
        return Markdown(truncate(Markdown("\n\n".join(lines)), max_chars))
    return from_gfm(_as_markdown(source), max_chars=max_chars)


def line(text: object, *, markdown: bool = True, max_chars: int = 300) -> Markdown:
    """The same on one line, neither bold nor italic: for titles and names."""
    words = " ".join(convert(text, markdown=markdown, max_chars=max_chars).split())
    words = _EMPHASIS.sub(lambda found: found[1] or "", words)
    return Markdown(re.sub(r"^(?:[-•]|\d+\.) ", "", words).strip())


def text_of(value: object) -> str:
    """Numbers and yes/no as a person writes them; what is neither text nor number is nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return "\n\n".join(text_of(item) for item in value[:50] if isinstance(item, (str, int, float)))
    return value if isinstance(value, str) else ""


def _as_markdown(source: str) -> str:
    """The HTML tags as Markdown, other angle brackets as literal text, and every new line kept."""
    if "<" in source:
        source = _SLACK_LINK.sub(_slack_link, source)
        source = _SILENT.sub("", source)
        source = _BREAK.sub("\n\n", source)
        for _ in range(3):  # spans in spans
            source, count = _SPAN.subn(_span, source)
            if not count:
                break
        source = _PICTURE.sub(_picture, source)
        source = _ANCHOR.sub(_anchor, source)
        source = _HEADING.sub(lambda found: f"\n\n### {_one_line(found[1])}\n\n", source)
        source = _CELL.sub(" · ", source)
        source = _ITEM.sub("\n- ", source)
        source = _BLOCK.sub("\n\n", source)
        source = _TAG.sub("", source)
        source = _STRAY.sub(lambda found: "\\<", source)
    source = _RULE.sub(r"\n\n\1", source)
    source = _AFTER_ITEM.sub(r"\1\n\n", source)
    source = _BARE_URL.sub(lambda found: f"<{found[0]}>", source)
    return re.sub(r"[ \t]*\n", "  \n", source)


def _slack_link(found: re.Match[str]) -> str:
    url = safe_url(html.unescape(found[1]))
    words = found[2].strip().replace("[", "(").replace("]", ")")
    return f"[{words or url}](<{url}>)" if url else words


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _span(found: re.Match[str]) -> str:
    mark = _MARKS.get(found["tag"].lower(), "")
    words = found["text"].strip()
    if not words or "\n\n" in words or mark in words:
        return found["lead"] + found["text"] + found["trail"]
    return f"{found['lead']}{mark}{words}{mark}{found['trail']}"


def _target(found: re.Match[str]) -> str:
    return safe_url(html.unescape(found[1] or found[2] or found[3] or ""))


def _anchor(found: re.Match[str]) -> str:
    words = _one_line(_TAG.sub("", found[4])).replace("[", "(").replace("]", ")")
    url = _target(found)
    return f"[{words or url}](<{url}>)" if url else words


def _picture(found: re.Match[str]) -> str:
    alt = _ALT.search(found[0])
    url = _target(found)
    words = (alt[1] if alt else "image").replace("[", "(").replace("]", ")")
    return f"[{words}](<{url}>)" if url else words
