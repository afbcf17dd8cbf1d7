"""Text for cards: what is escaped, what passes, and what Teams shows.

Teams' TextBlock and FactSet know bold, italic, lists and links, nothing else
(https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format).
Everything a user typed is data: it can neither break a card nor mention anyone.
"""

from __future__ import annotations

import re
import unicodedata
from string import Formatter
from urllib.parse import quote, urlsplit

from apps.cards.notification import Markdown

MAX_INPUT = 60_000  # characters read of any one text; far more than a card can show
_INLINE = re.compile(r"([\\`*\[\]~])")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_LINE_START = re.compile(r"(?m)^(\s{0,3})([#+>-]|\d{1,9}[.)])(?=\s|$)")
_AT = re.compile(r"<\s*(/?)\s*at\b[^<>]{0,200}>?", re.IGNORECASE)
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_MARKUP = re.compile(r"(?<!\\)\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*\)")


def clean(text: object) -> str:
    """The text without control, bidirectional and zero-width characters; lone surrogates replaced."""
    value = text if isinstance(text, str) else "" if text is None else str(text)
    value = value[:MAX_INPUT].replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    value = _INVISIBLE.sub("", value)
    return value.encode("utf-16", "replace" if _has_surrogate(value) else "strict").decode("utf-16")


def _has_surrogate(value: str) -> bool:
    return any(unicodedata.category(char) == "Cs" for char in value) if not value.isascii() else False


def escape(text: object) -> Markdown:
    """Plain text as Markdown that shows exactly that text. `Markdown` passes unchanged."""
    if isinstance(text, Markdown):
        return text
    value = neutral_mentions(clean(text))
    value = _INLINE.sub(r"\\\1", value)
    value = _UNDERSCORE.sub(r"\\_", value)
    value = _LINE_START.sub(_escape_marker, value)
    # Adaptive Cards expand {{DATE(...)}} and templates expand ${...}: neither may come from a user.
    value = value.replace("{{", "{\u200a{").replace("${", "$\u200a{")
    return Markdown(value)


def _escape_marker(found: re.Match[str]) -> str:
    space, marker = found[1], found[2]
    return f"{space}\\{marker}" if len(marker) == 1 else f"{space}{marker[:-1]}\\{marker[-1]}"


def md(template: str, **values: object) -> Markdown:
    """Fill a trusted Markdown template; plain values are escaped, `Markdown` values pass.

    >>> md("**{name}** pushed", name="a*b")
    '**a\\\\*b** pushed'
    """
    escaped = {key: escape(value) for key, value in values.items()}
    return Markdown(Formatter().vformat(template, (), escaped))


def join(parts: list[str | Markdown] | tuple[str | Markdown, ...], separator: str = ", ") -> Markdown:
    """Several texts as one; empty ones are left out."""
    return Markdown(separator.join(escape(part) for part in parts if part))


def safe_url(url: object) -> str:
    """The URL when it is http(s) with a host and harmless in a Markdown link, else ""."""
    if not isinstance(url, str):
        return ""
    value = url.strip()
    if not value or len(value) > 4000 or _INVISIBLE.search(value) or "\\" in value:
        return ""
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not host or "@" in parts.netloc:
        return ""
    return (
        quote(value.encode("utf-8", "replace"), safe="%/:?#[]@!$&'*+,;=~-._")
        .replace("[", "%5B")
        .replace("]", "%5D")
    )


def link(text: object, url: object) -> Markdown:
    """A link, or just the escaped text when the URL is not safe."""
    shown, target = escape(text), safe_url(url)
    if not target:
        return shown
    return Markdown(f"[{str(shown).strip() or target}]({target})")


def bold(text: object) -> Markdown:
    """Bold text; nothing when there is nothing to show."""
    shown = str(escape(text)).strip()
    return Markdown(f"**{shown}**") if shown else Markdown("")


def plain(text: object) -> str:
    """One line of plain text for toasts, titles and logs: Markdown's marks are taken away again."""
    value = clean(text)
    if isinstance(text, Markdown):
        value = _MARKUP.sub(r"\1", value)
        value = re.sub(r"(?<!\\)\*\*?|(?<!\\)~~", "", value)
        value = re.sub(r"\\([\\`*_\[\]<>~|#+>.)(-])", r"\1", value)
        value = value.replace("{\u200a{", "{{").replace("$\u200a{", "${")
    return " ".join(value.split())


def truncate(text: str, limit: int, more: str = "…") -> str:
    """At most `limit` characters, cut at a word, never inside a surrogate, link or escape.

    Markdown stays Markdown: a link or bold span that would be cut in two is left out whole.
    """
    if len(text) <= limit:
        return text
    cut = max(0, limit - len(more))
    space = max(text.rfind(" ", 0, cut), text.rfind("\n", 0, cut))
    if space >= cut * 0.6:
        cut = space
    while cut > 0 and (
        unicodedata.combining(text[cut]) or text[cut] in "\u200d\ufe0f" or text[cut - 1] == "\u200d"
    ):
        cut -= 1
    kept = text[:cut].rstrip()
    if not isinstance(text, Markdown):
        return kept + more
    for found in _MARKUP.finditer(text):
        if found.start() < cut < found.end():
            kept = text[: found.start()].rstrip()
            break
    if (len(kept) - len(kept.rstrip("\\"))) % 2:
        kept = kept[:-1]
    if len(re.findall(r"(?<!\\)\*\*", kept)) % 2:
        kept = kept[: kept.rfind("**")].rstrip()
    return Markdown(kept + more)


def neutral_mentions(text: str) -> str:
    """Text in which `<at>` tags are no mentions any more."""
    return _AT.sub(lambda found: f"‹{found[1]}at›", text)


def from_gfm(text: object, *, base_url: str = "", max_chars: int = 4000) -> Markdown:
    """GitHub-flavoured Markdown as the subset that cards show. See `apps.cards.gfm`."""
    from apps.cards.gfm import convert

    return convert(text, base_url=base_url, max_chars=max_chars)


def from_html(text: object, *, base_url: str = "", max_chars: int = 4000) -> Markdown:
    """HTML as the subset that cards show. See `apps.cards.html`."""
    from apps.cards.html import convert

    return convert(text, base_url=base_url, max_chars=max_chars)


def from_jira(text: object, *, max_chars: int = 4000) -> Markdown:
    """Jira wiki markup as the subset that cards show. See `apps.cards.jira`."""
    from apps.cards.jira import convert

    return convert(text, max_chars=max_chars)


def from_adf(document: object, *, max_chars: int = 4000) -> Markdown:
    """An Atlassian Document Format tree as the subset that cards show. See `apps.cards.adf`."""
    from apps.cards.adf import convert

    return convert(document, max_chars=max_chars)


def from_slack(text: object, *, max_chars: int = 4000) -> Markdown:
    """Slack's mrkdwn as the subset that cards show. See `apps.cards.mrkdwn`."""
    from apps.cards.mrkdwn import convert

    return convert(text, max_chars=max_chars)


__all__ = [
    "Markdown",
    "bold",
    "clean",
    "escape",
    "from_adf",
    "from_gfm",
    "from_html",
    "from_jira",
    "from_slack",
    "join",
    "link",
    "md",
    "neutral_mentions",
    "plain",
    "safe_url",
    "truncate",
]
