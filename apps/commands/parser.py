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
_MENTION = re.compile(r"<at\b[^>]*>.*?</at>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})
_WORD = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody asked. words: the command and its arguments, quotes taken off."""

    id: str
    text: str
    words: tuple[str, ...]
    sender_id: str
    sender_name: str
    at: dt.datetime | None


def read(activity: object, now: dt.datetime) -> Message:
    """The message of an activity. Raises PayloadError for one that is none, or older than ten minutes."""
    payload = Payload(activity)
    if not isinstance(activity, dict) or payload.opt("$.type", "message").lower() != "message":
        raise PayloadError("not_a_message", "Only messages are answered.")
    number = payload.opt("$.id")
    if not number:
        raise PayloadError("no_id", "The message has no id, so it cannot be told from a repeated one.")
    at = payload.time("$.timestamp")
    if at is not None and abs(now - at) > STALE:
        raise PayloadError("stale", "The message is too old. Send it again.")
    text = clean(payload.opt("$.text"), payload)
    return Message(
        number[:200],
        text,
        words(text),
        payload.opt("$.from.id")[:200],
        payload.opt("$.from.name")[:200],
        at,
    )


def clean(text: str, payload: Payload | None = None) -> str:
    """The text as a person meant it: without our mention, markup, entities and odd spaces."""
    value = text[: MAX_TEXT * 4]
    if payload is not None:
        for entity in payload.each("$.entities", 20):
            mention = entity.opt("$.text")
            if entity.opt("$.type") == "mention" and mention and value.lstrip().startswith(mention):
                value = value.lstrip()[len(mention) :]
                break
    # The name of the command may differ from the mentioned one, so whatever stands first goes.
    found = _MENTION.search(value)
    if found and not _TAG.sub("", value[: found.start()]).strip():
        value = value[found.end() :]
    value = html.unescape(_TAG.sub(" ", value)).replace("\u00a0", " ").replace("\u200b", "")
    return " ".join(value.translate(_QUOTES).split())[:MAX_TEXT]


def words(text: str) -> tuple[str, ...]:
    """Words, with what stands in double quotes as one."""
    return tuple(quoted or plain for quoted, plain in _WORD.findall(text))


def span(text: str) -> dt.timedelta | None:
    """`30m`, `2h`, `3d` as a length of time; None for anything else."""
    found = re.fullmatch(r"(\d{1,4})\s*(m|min|h|d)", text.strip().lower())
    if not found:
        return None
    unit = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}[found[2]]
    return dt.timedelta(**{unit: int(found[1])})
