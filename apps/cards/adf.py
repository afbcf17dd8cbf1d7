"""Atlassian Document Format -> the subset that Teams cards show.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.cards.notification import Markdown
from apps.cards.text import escape, link, truncate

MAX_NODES = 5_000
MAX_DEPTH = 60


def convert(document: object, *, max_chars: int = 4000) -> Markdown:
    """The document's text. Unknown nodes fall back to the text inside them; any JSON is accepted."""
    if isinstance(document, str):
        return Markdown(truncate(escape(document), max_chars))
    blocks = [block for block in _Writer().blocks(document, 0) if block.strip()]
    out = ""
    for index, block in enumerate(blocks):
        tight = index and _item(block) and _item(blocks[index - 1])
        out += ("\n" if tight else "\n\n" if out else "") + block
    return Markdown(truncate(Markdown(out), max_chars))


def _item(block: str) -> bool:
    return block.startswith("- ") or block.partition(". ")[0].isdigit()


def _kind(node: dict[str, Any]) -> str:
    kind = node.get("type")
    return kind if isinstance(kind, str) else ""  # anything may stand there, also what cannot be looked up


class _Writer:
    def __init__(self) -> None:
        self.left = MAX_NODES

    def _nodes(self, node: dict[str, Any]) -> list[dict[str, Any]]:
        inner = node.get("content")
        return [each for each in inner if isinstance(each, dict)] if isinstance(inner, list) else []

    def blocks(self, node: object, depth: int) -> list[str]:
        """The paragraphs of a block node."""
        self.left -= 1
        if not isinstance(node, dict) or self.left < 0 or depth > MAX_DEPTH:
            return []
        kind = _kind(node)
        inner = self._nodes(node)
        if kind == "heading":
            words = self.line(inner, depth).replace("**", "")
            return [f"**{words}**"] if words else []
        if kind in ("bulletList", "orderedList", "taskList", "decisionList"):
            return self._list(str(kind), inner, depth)
        if kind == "tableRow":
            cells = [" ".join(self.blocks(cell, depth + 1)) for cell in inner]
            return [" · ".join(cell for cell in cells if cell)]
        if kind == "codeBlock":
            text = "".join(str(each.get("text", "")) for each in inner)
            return ["\n\n".join(str(escape(line)) for line in text.split("\n")[:40] if line.strip())]
        if kind == "rule":
            return []
        if inner and any(_kind(each) in _INLINE for each in inner):
            return [self.line(inner, depth)]
        if kind in _INLINE:
            return [self.line([node], depth)]
        return [block for each in inner for block in self.blocks(each, depth + 1)]

    def _list(self, kind: str, inner: list[dict[str, Any]], depth: int) -> list[str]:
        found = []
        for number, each in enumerate(inner, 1):
            words = " ".join(self.blocks(each, depth + 1))
            if _kind(each) == "taskItem":
                done = _attrs(each).get("state") == "DONE"
                words = f"{'☑' if done else '☐'} {words}"
            if words.strip():
                found.append(
                    f"{number}. {words}" if kind == "orderedList" else f"- {words.removeprefix('- ')}"
                )
        return found

    def line(self, nodes: list[dict[str, Any]], depth: int) -> str:
        """The text of inline nodes."""
        out = []
        for node in nodes:
            self.left -= 1
            if self.left < 0:
                break
            kind, attrs = _kind(node), _attrs(node)
            if kind == "text":
                out.append(self._text(node))
            elif kind == "hardBreak":
                out.append(" ")
            elif kind in ("mention", "emoji", "status", "placeholder"):
                out.append(str(escape(attrs.get("text") or attrs.get("shortName") or "")))
            elif kind == "inlineCard":
                out.append(str(link(attrs.get("url") or "link", attrs.get("url"))))
            elif kind == "date":
                out.append(_date(attrs.get("timestamp")))
            else:
                out.append(" ".join(self.blocks(node, depth + 1)))
        return " ".join("".join(out).split())

    def _text(self, node: dict[str, Any]) -> str:
        words = str(escape(str(node.get("text") or "")))
        marks = node.get("marks")
        for mark in marks if isinstance(marks, list) else ():
            if isinstance(mark, dict) and _kind(mark) == "link":
                return str(link(Markdown(words), _attrs(mark).get("href")))
            if isinstance(mark, dict) and _kind(mark) == "strong" and words.strip() and "**" not in words:
                words = words.replace(words.strip(), f"**{words.strip()}**", 1)
        return words


_INLINE = frozenset(
    {"text", "hardBreak", "mention", "emoji", "inlineCard", "status", "date", "placeholder", "mediaInline"}
)


def _attrs(node: dict[str, Any]) -> dict[str, Any]:
    found = node.get("attrs")
    return found if isinstance(found, dict) else {}


def _date(value: object) -> str:
    try:
        return dt.datetime.fromtimestamp(int(str(value)) / 1000, dt.UTC).strftime("%d %b %Y")
    except (ValueError, OverflowError, OSError):
        return ""
