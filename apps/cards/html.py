"""HTML (Azure DevOps and SharePoint descriptions) -> the subset that Teams cards show."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

from apps.cards.notification import Markdown
from apps.cards.text import clean, escape, link, truncate

BLOCKS = frozenset(
    {
        "p",
        "div",
        "section",
        "article",
        "table",
        "tr",
        "blockquote",
        "pre",
        "ul",
        "ol",
        "dl",
        "dt",
        "dd",
        "hr",
        "figure",
    }
)
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
SILENT = frozenset({"script", "style", "head", "title", "noscript", "template", "svg"})


def convert(text: object, *, base_url: str = "", max_chars: int = 4000) -> Markdown:
    """The text in the subset of Teams. Text without tags passes through, escaped. Raises nothing."""
    source = clean(text)[: max(max_chars * 8, 4000)]
    if not source.strip():
        return Markdown("")
    writer = _Writer(base_url)
    try:
        writer.feed(source)
        writer.close()
    except (AssertionError, ValueError):  # html.parser on broken declarations: keep what was read
        writer.paragraph()
    return Markdown(truncate(Markdown(writer.text()), max_chars))


class _Writer(HTMLParser):
    def __init__(self, base_url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.base_url = base_url
        self.done: list[str] = []
        self.line: list[str] = []
        self.lists: list[int | None] = []
        self.silent = 0
        self.heading = False
        self.item = ""
        self.anchor: list[str] | None = None
        self.target = ""

    def text(self) -> str:
        """All paragraphs; list lines stand directly under each other."""
        self.paragraph()
        out = ""
        for index, block in enumerate(self.done):
            tight = index and _is_item(block) and _is_item(self.done[index - 1])
            out += ("\n" if tight else "\n\n" if out else "") + block
        return out

    def paragraph(self) -> None:
        """End the line that is being written."""
        self._close_link()
        words = " ".join("".join(self.line).split())
        self.line = []
        if words:
            if self.heading:
                words = f"**{words.replace('**', '')}**"
            self.done.append(self.item + words)
            self.item = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in SILENT:
            self.silent += 1
        elif tag == "br" or tag in BLOCKS or tag in HEADINGS:
            self.paragraph()
            self.heading = self.heading or tag in HEADINGS
            if tag in ("ul", "ol"):
                self.lists.append(1 if tag == "ol" else None)
        elif tag == "li":
            self.paragraph()
            number = self.lists[-1] if self.lists else None
            self.item = "- " if number is None else f"{number}. "
            if number is not None:
                self.lists[-1] = number + 1
        elif tag in ("td", "th") and self.line:
            self.line.append(" · ")
        elif tag == "a":
            self._close_link()
            self.anchor, self.target = [], self._url(values.get("href", ""))
        elif tag == "img":
            self._write(str(link(values.get("alt") or "image", self._url(values.get("src", "")))))

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag in BLOCKS or tag in HEADINGS or tag == "li":
            self.paragraph()
            self.heading = self.heading and tag not in HEADINGS
            if tag in ("ul", "ol") and self.lists:
                self.lists.pop()
        elif tag == "a":
            self._close_link()

    def handle_data(self, data: str) -> None:
        if not self.silent:
            if self.anchor is not None:
                self.anchor.append(data)
            else:
                self._write(re.sub(r"\s+", " ", str(escape(data))) if data.strip() else " ")

    def _write(self, words: str) -> None:
        self.line.append(words)

    def _close_link(self) -> None:
        if self.anchor is not None:
            words = " ".join("".join(self.anchor).split())
            self.anchor = None
            if words:
                self._write(str(link(words, self.target)))

    def _url(self, url: str) -> str:
        if self.base_url and url and not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", url):
            try:
                return urljoin(self.base_url.rstrip("/") + "/", url)
            except ValueError:
                return ""
        return url


def _is_item(block: str) -> bool:
    return block.startswith("- ") or bool(re.match(r"\d{1,4}\. ", block))
