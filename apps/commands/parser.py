"""From a Teams activity to words: pure, of the JSON alone.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-outgoing-webhook
"""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import dataclass

from apps.core.errors import PayloadError
from apps.sources.payload import Payload

STALE = dt.timedelta(minutes=10)
MAX_TEXT = 2_000
# The text has <at>…</at>; its HTML copy among the attachments has a span.
_MENTION = re.compile(
    r"<at\b[^>]*>.*?</at>|<span\b[^>]*schema\.skype\.com/Mention[^>]*>.*?</span>", re.IGNORECASE | re.DOTALL
)
_PICTURE = re.compile(r"<(?:img|emoji)\b[^>]*?\balt=\"([^\"<>]*)\"[^>]*>(?:[^<]*</emoji>)?", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|pre|blockquote|h\d|tr)>", re.IGNORECASE)
_INLINE = re.compile(
    r"</?(?:at|a|b|i|u|s|em|strong|span|code|font|del|mark|sub|sup)\b[^<>]{0,2000}>", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")
# What is not seen: zero-width spaces, soft hyphens, marks of direction; joiners only where they join nothing, because
# emoji and some scripts are written with them.
_UNSEEN = re.compile(
    "[\u200b\u2060\ufeff\u00ad\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]"
    "|(?<!\\S)[\u200c\u200d]+|[\u200c\u200d]+(?!\\S)"
)
# Telephones make curly quotes of straight ones; other languages have their own.
_WORD = re.compile(r"[“”\"„«]([^“”\"„«»]*)[“”\"»](?=\s|$)|(\S+)")


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or what stood in quotes, and where in the text it stands."""

    text: str
    start: int
    end: int
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody asked.

    words: the command and its arguments, quotes taken off. sender_id: Teams' id of the person, which is another one for
    each outgoing webhook; entra_id: the one that is the same everywhere, when Teams tells it. conversation: the channel
    in which it was asked.
    """

    id: str
    text: str
    words: tuple[Word, ...]
    sender_id: str
    sender_name: str
    at: dt.datetime | None
    entra_id: str = ""
    conversation: str = ""


def read(activity: object, now: dt.datetime) -> Message:
    """The message of an activity. Raises PayloadError for one that is none, or older than ten minutes."""
    payload = Payload(activity)
    if not isinstance(activity, dict) or payload.opt("$.type", "message").lower() != "message":
        raise PayloadError("not_a_message", "Only messages are answered.")
    number = payload.opt("$.id")
    if not number:
        raise PayloadError("no_id", "The message has no id, so it cannot be told from a repeated one.")
    at = payload.time("$.timestamp") or payload.time("$.localTimestamp")
    if at is not None and abs(now - at) > STALE:
        raise PayloadError("stale", "The message is too old. Send it again.")
    text = clean(payload.opt("$.text"), payload) or _copy(payload)
    place = payload.first("$.conversation.id", "$.channelData.channel.id", "$.channelData.teamsChannelId")
    return Message(
        number[:200],
        text,
        words(text),
        payload.opt("$.from.id")[:200],
        payload.opt("$.from.name")[:200],
        at,
        payload.opt("$.from.aadObjectId")[:200],
        place.partition(";messageid=")[0][:200],
    )


def _copy(payload: Payload) -> str:
    """The text out of the HTML copy that clients attach; some send nothing else."""
    for each in payload.each("$.attachments", 5):
        if each.opt("$.contentType").startswith("text/html"):
            return clean(each.opt("$.content"), payload)
    return ""


def clean(text: str, payload: Payload | None = None) -> str:
    """The text as a person meant it: without our mention, markup, entities, odd spaces and what is not seen.

    Line breaks stay, because a comment may have some.
    """
    value = _UNSEEN.sub("", html.unescape(_marked(text)).replace("\u00a0", " "))
    lines = (" ".join(line.split()) for line in value.splitlines())
    value = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not _MENTION.search(text) and payload is not None:
        value = _without_name(value, payload)
    return value[:MAX_TEXT]


def _marked(text: str) -> str:
    """Without tags, and without the mentions that it starts with: one name may be split into several."""
    value = text[: MAX_TEXT * 8]
    while (found := _MENTION.search(value)) and not _seen(value[: found.start()]):
        # The name of the command may differ from the mentioned one, so whatever stands first goes.
        value = value[found.end() :]
    value = _BREAK.sub("\n", _PICTURE.sub(r"\1", value))
    return _TAG.sub(" ", _INLINE.sub("", value))


def _seen(markup: str) -> bool:
    return bool(_UNSEEN.sub("", html.unescape(_TAG.sub("", markup))).strip())


def _without_name(value: str, payload: Payload) -> str:
    """Without our name in clear: a client that sends plain text writes it before the command."""
    for entity in payload.each("$.entities", 20):
        if entity.opt("$.type") != "mention":
            continue
        for name in (
            clean(entity.opt("$.text")),
            entity.opt("$.mentioned.name"),
            _inner(entity.opt("$.text")),
        ):
            start = value.removeprefix("@")
            if name and start.lower().startswith(name.lower()):
                return start[len(name) :].lstrip(" :,\n")
    return value


def _inner(markup: str) -> str:
    return html.unescape(_TAG.sub("", markup)).strip()


def words(text: str) -> tuple[Word, ...]:
    """Words, with what stands in double quotes of any kind as one."""
    return tuple(
        Word(each[2] if each[2] is not None else each[1], each.start(), each.end(), each[2] is None)
        for each in _WORD.finditer(text)
    )


def tail(text: str, found: tuple[Word, ...], place: int) -> str:
    """The text from a word on, as it was typed; without its quotes when they are around all of it."""
    rest = found[place:]
    if not rest:
        return ""
    return rest[0].text if len(rest) == 1 else text[rest[0].start :].strip()


def span(text: str) -> dt.timedelta | None:
    """`30m`, `2h`, `3d` as a length of time; None for anything else."""
    found = re.fullmatch(r"(\d{1,4})\s*(m|min|h|d)", text.strip().lower())
    if not found:
        return None
    unit = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}[found[2]]
    return dt.timedelta(**{unit: int(found[1])})
