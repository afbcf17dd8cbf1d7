"""Jira wiki markup -> the subset that Teams cards show.

https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all
"""

from __future__ import annotations

import re

from apps.cards.notification import Markdown
from apps.cards.text import clean, escape, link, truncate

_MACRO = re.compile(
    r"\{(?:code|noformat|quote|panel|color|anchor|expand|info|tip|note|warning)(?::[^{}\n]{0,200})?\}"
)
# What wiki markup cannot say, Cloud puts in as a document: {adf:display=block}{"type":"expand",…}{adf}
_DOCUMENT = re.compile(r"\{adf(?::[^{}\n]{0,200})?\}(.*?)(?:\{adf\}|\Z)", re.DOTALL)
_SAID = re.compile(r'"text"\s*:\s*"((?:[^"\\]|\\.){1,2000})"')
_BREAK = re.compile(r"\\\\(?=\s|$)")  # two backslashes end a line
_HEADING = re.compile(r"^h[1-6]\.\s+")
_QUOTE = re.compile(r"^bq\.\s+")
_BULLET = re.compile(r"^([*#-]{1,6})\s+")
_TOKEN = re.compile(
    r"\[~(?P<user>[^\]\n]{1,100})\]"
    r"|\[(?P<link>[^\[\]\n]{1,1000})\]"
    r"|!(?P<image>[^!\s|]{1,300})(?:\|[^!\n]{0,100})?!"
    r"|(?<!\w)!(?P<file>[^!\s|][^!\n|]{0,200}\.\w{2,5})(?:\|[^!\n]{0,100})?!"  # a file's name may have spaces
    r"|\{\*\}(?P<strong>[^{}\n]{1,300})\{\*\}"  # bold inside a word
    r"|\\(?P<literal>[!-/:-@\[\]^-`{-~])"
    r"|(?<![\w*])\*(?P<bold>[^*\s](?:[^*\n]{0,300}[^*\s])?)\*(?![\w*])"
    r"|\{\{(?P<mono>[^{}\n]{1,300})\}\}"
    r"|(?<![\w_])_(?P<em>[^_\s](?:[^_\n]{0,300}[^_\s])?)_(?![\w_])"
)


def convert(text: object, *, max_chars: int = 4000) -> Markdown:
    """The text in the subset of Teams. Raises nothing."""
    source = clean(text)[: max(max_chars * 4, 2000)]
    source = _DOCUMENT.sub(lambda found: " ".join(_SAID.findall(found[1])), source)
    source = _BREAK.sub("\n", _MACRO.sub("", source))
    done: list[str] = []
    header: list[str] = []
    number = 0
    for raw in source.split("\n"):
        line = raw.strip()
        if not line or line == "----":
            header, number = [], 0
            continue
        bullet = _BULLET.match(line)
        if line.startswith("||"):
            header = [cell.strip() for cell in line.strip("|").split("||")]
        elif line.startswith("|"):
            done.append(_row(header, [cell.strip() for cell in line.strip("|").split("|")]))
        elif bullet:
            ordered = bullet[1].endswith("#")
            number = number + 1 if ordered else 0
            lead = f"{number}. " if ordered else "- "
            done.append(lead + inline(line[bullet.end() :]))
        elif _HEADING.match(line):
            done.append(f"**{inline(_HEADING.sub('', line)).replace('**', '')}**")
        else:
            done.append(inline(_QUOTE.sub("", line)))
    out = ""
    for index, block in enumerate(done):
        tight = index and _item(block) and _item(done[index - 1])
        out += ("\n" if tight else "\n\n" if out else "") + block
    return Markdown(truncate(Markdown(out), max_chars))


def _item(block: str) -> bool:
    return block.startswith("- ") or block.partition(". ")[0].isdigit()


def _row(header: list[str], cells: list[str]) -> str:
    parts = []
    for index, cell in enumerate(cells):
        name = header[index] if index < len(header) else ""
        if cell:
            parts.append(f"{escape(name)}: {inline(cell)}" if name else inline(cell))
    return " · ".join(parts)


def inline(text: str) -> str:
    """One line: links, mentions, pictures and bold."""
    out, at = [], 0
    for found in _TOKEN.finditer(text):
        out.append(str(escape(text[at : found.start()])))
        at = found.end()
        kind, value = found.lastgroup, found[found.lastgroup or 0]
        if kind == "user":
            out.append(str(escape("@" + value.removeprefix("accountid:"))))
        elif kind == "link":
            name, _, url = value.removeprefix("^").removesuffix("|smart-link").partition("|")
            url = (url or name).split("|")[0]
            out.append(str(link(name, url)))
        elif kind == "image":
            out.append(str(link("image" if value.startswith("http") else value, value)))
        elif kind == "file":
            out.append(str(escape(value)))
        elif kind in ("bold", "strong"):
            out.append(f"**{escape(value)}**")
        else:
            out.append(str(escape(value)))
    out.append(str(escape(text[at:])))
    return "".join(out)
