"""GitHub-flavoured Markdown -> the subset that Teams cards show.

Parsed by markdown-it-py; the tokens are written anew, so nothing of the user's syntax gets through.
Headings become bold lines, tables "Header: value" lines, code its literal text, images links.
"""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import urljoin

from markdown_it import MarkdownIt
from markdown_it.token import Token

from apps.cards.notification import Markdown
from apps.cards.text import clean, escape, link, safe_url, truncate

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TASK = re.compile(r"^\[([ xX])\]\s+")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>")
_IMG = re.compile(r"""<img\b[^<>]{0,400}?\bsrc\s*=\s*["']([^"'<>]+)["']""", re.IGNORECASE)
_EMOJI = re.compile(r":([a-z0-9_+-]{2,30}):")
EMOJI = {
    "tada": "🎉", "rocket": "🚀", "bug": "🐛", "sparkles": "✨", "fire": "🔥", "warning": "⚠️", "eyes": "👀",
    "heart": "❤️", "+1": "👍", "thumbsup": "👍", "-1": "👎", "thumbsdown": "👎", "smile": "😄", "white_check_mark": "✅",
    "heavy_check_mark": "✔️", "x": "❌", "memo": "📝", "lock": "🔒", "construction": "🚧", "arrow_up": "⬆️",
    "arrow_down": "⬇️", "zap": "⚡", "bulb": "💡", "boom": "💥", "rotating_light": "🚨", "wave": "👋", "pray": "🙏",
    "hammer": "🔨", "wrench": "🔧", "art": "🎨", "recycle": "♻️", "package": "📦", "bookmark": "🔖", "ship": "🚢",
    "star": "⭐", "100": "💯", "thinking": "🤔", "question": "❓", "exclamation": "❗", "heavy_plus_sign": "➕",
}  # fmt: skip


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True, "linkify": False, "maxNesting": 20}).enable(
        ["table", "strikethrough"]
    )


def convert(text: object, *, base_url: str = "", max_chars: int = 4000) -> Markdown:
    """The text in the subset of Teams.

    base_url: what relative links are resolved against; without it they become plain text.
    max_chars: length of the answer in characters; the input is cut at four times that before parsing.
    """
    source = clean(text)[: max(max_chars * 4, 2000)]
    if not source.strip():
        return Markdown("")
    source = _COMMENT.sub("", source)
    writer = _Writer(base_url)
    blocks = writer.blocks(_parser().parse(source))
    return Markdown(truncate(Markdown("\n\n".join(block for block in blocks if block.strip())), max_chars))


class _Writer:
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def blocks(self, tokens: list[Token]) -> list[str]:
        """The paragraphs of the answer, each a string without an empty line inside."""
        found: list[str] = []
        lists: list[int | None] = []  # the next number of each open ordered list, None for bullets
        items: list[str] = []
        header: list[str] = []
        row: list[str] = []
        in_head = in_cell = heading = False
        marker_due = False
        for token in tokens:
            kind = token.type
            if kind in ("bullet_list_open", "ordered_list_open"):
                start = token.attrGet("start") if kind == "ordered_list_open" else None
                lists.append(
                    (int(start) if start is not None else 1) if kind == "ordered_list_open" else None
                )
            elif kind in ("bullet_list_close", "ordered_list_close"):
                lists.pop()
                if not lists:
                    found.append("\n".join(items))
                    items = []
            elif kind == "list_item_open":
                marker_due = True
            elif kind == "heading_open":
                heading = True
            elif kind == "heading_close":
                heading = False
            elif kind == "thead_open":
                in_head, header = True, []
            elif kind == "thead_close":
                in_head = False
            elif kind in ("td_open", "th_open", "td_close", "th_close"):
                in_cell = kind.endswith("open")
            elif kind == "tr_open":
                row = []
            elif kind == "tr_close" and not in_head:
                found.append(self._row(header, row))
            elif kind == "inline":
                content = self.inline(token.children or [])
                if in_cell:
                    (header if in_head else row).append(content)
                elif lists:
                    self._item(content, lists, items, marker_due)
                    marker_due = False
                elif content.strip():
                    found.append(f"**{content.replace('**', '')}**" if heading else content)
            elif kind in ("fence", "code_block"):
                literal = self._literal(token.content)
                if lists and items:
                    items[-1] += " " + literal.replace("\n\n", " ")
                elif literal:
                    found.append(literal)
            elif kind == "html_block":
                stripped = self._html(token.content)
                if stripped:
                    (items if lists else found).append(stripped)
        if items:
            found.append("\n".join(items))
        return found

    @staticmethod
    def _row(header: list[str], row: list[str]) -> str:
        parts = []
        for index, cell in enumerate(row):
            name = header[index] if index < len(header) else ""
            if cell.strip():
                parts.append(f"{name}: {cell}" if name.strip() else cell)
        return " · ".join(parts)

    @staticmethod
    def _item(content: str, lists: list[int | None], items: list[str], marker_due: bool) -> None:
        if not marker_due:
            if items and content.strip():
                items[-1] += " " + content
            return
        number = lists[-1]
        done = _TASK.match(content.replace("\\", "", 2))
        if done:
            box = "☑" if done[1] in "xX" else "☐"
            content = f"{box} {content.split(']', 1)[1].lstrip()}"
        # Nested lists are shown on one level: Teams indents only after an empty line, unreliably.
        lead = "- " if len(lists) == 1 else "- – "
        if number is not None:
            lists[-1] = number + 1
            lead = f"{number}. "
        items.append(lead + content.replace("\n", " "))

    @staticmethod
    def _literal(text: str) -> str:
        lines = [line.rstrip() for line in text.rstrip("\n").split("\n")]
        return "\n\n".join(str(escape(line)) for line in lines[:40] if line)

    def _html(self, text: str) -> str:
        images = [str(link("image", self._url(url))) for url in _IMG.findall(text)[:3]]
        return " ".join([str(escape(" ".join(_TAG.sub(" ", text).split()))), *images]).strip()

    def _url(self, url: object) -> str:
        target = url if isinstance(url, str) else ""
        if self.base_url and target and not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", target):
            try:
                target = urljoin(self.base_url.rstrip("/") + "/", target)
            except ValueError:
                return ""
        return safe_url(target)

    def inline(self, tokens: list[Token]) -> str:
        """One paragraph's text."""
        out: list[str] = []
        targets: list[str] = []
        italics: list[int] = []  # where the open ones stand
        for index, token in enumerate(tokens):
            kind = token.type
            if kind == "text":
                out.append(
                    str(escape(_EMOJI.sub(lambda found: EMOJI.get(found[1], found[0]), token.content)))
                )
            elif kind == "code_inline":
                out.append(str(escape(token.content)))
            elif kind in ("softbreak", "hardbreak"):
                out.append("\n\n" if kind == "hardbreak" else " ")
            elif kind in ("strong_open", "strong_close"):
                out.append("**")
            elif kind == "em_open":
                italics.append(len(out))
                out.append("_")
            elif kind == "em_close":
                out.append("_")
                start = italics.pop() if italics else 0
                after = tokens[index + 1].content[:1] if index + 1 < len(tokens) else ""
                before = out[start - 1][-1:] if start else ""
                if before.isalnum() or after.isalnum():
                    out[start] = out[-1] = "*"  # an underscore inside a word is no mark
            elif kind == "link_open":
                targets.append(self._url(token.attrGet("href")))
                out.append("[" if targets[-1] else "")
            elif kind == "link_close":
                target = targets.pop() if targets else ""
                out.append(f"]({target})" if target else "")
            elif kind == "image":
                name = "".join(child.content for child in token.children or []) or "image"
                # An image inside a link (a badge) keeps the link; links cannot nest.
                out.append(
                    str(escape(name)) if any(targets) else str(link(name, self._url(token.attrGet("src"))))
                )
            elif kind == "html_inline":
                images = _IMG.findall(token.content)
                out += [str(link("image", self._url(url))) for url in images[:1]]
        return "".join(out).strip()
