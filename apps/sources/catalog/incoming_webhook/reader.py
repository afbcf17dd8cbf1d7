"""Which dialect a body speaks, and the messages in it.

The shapes: MessageCard (https://learn.microsoft.com/outlook/actionable-messages/message-card-reference), the message
envelope with Adaptive Cards (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using),
Slack (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks), Discord, plain text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any, Literal
from urllib.parse import parse_qs

from apps.sources.sdk import Http, PayloadError, parse_json

from .lenient import repair

Dialect = Literal["connector", "envelope", "slack", "discord", "generic"]
MAX_CARDS = 20
SLACK_KEYS = frozenset(
    {"username", "icon_emoji", "icon_url", "channel", "mrkdwn", "link_names", "unfurl_links", "unfurl_media"}
    | {"thread_ts", "response_type", "parse", "replace_original", "reply_broadcast"}
)
CARD_KEYS = frozenset({"sections", "themecolor", "potentialaction", "heroimage"})
PLAIN_CARD = frozenset({"type", "context", "summary", "title", "text", "markdown"})
DISCORD_KEYS = frozenset({"avatar_url", "tts", "allowed_mentions", "embeds", "components"})
_SLACK_MARKS = re.compile(r"<(?:https?://[^<>|\s]+\|[^<>\n]+|[@#!][\w^|@-]+)>")
_TEXT_FIELDS = ("text", "message", "content", "body", "msg")


@dataclass(frozen=True, slots=True)
class Read:
    """What a body is: its dialect, its messages as (event name, JSON), or what is wrong in the dialect's own words."""

    dialect: Dialect
    parts: tuple[tuple[str, dict[str, Any]], ...] = ()
    problem: str = ""


def read(http: Http) -> Read:
    """Never raises: a body that cannot be read has a `problem`."""
    text = _decoded(http)
    slack = "slack" in http.headers.get("user-agent", "").lower()
    if not text.strip("\ufeff \t\r\n\x00"):
        return _bad(slack)
    if http.content_type == "application/x-www-form-urlencoded" and not text.lstrip().startswith(("{", "[")):
        return _form(text, slack=slack)
    if http.content_type == "multipart/form-data":
        return _multipart(http, slack=slack)
    if text.lstrip().startswith(("{", "[", '"')) or "json" in http.content_type:
        try:
            return _value(_json(text), slack=slack)
        except PayloadError:
            if "json" in http.content_type or text.lstrip().startswith(("{", "[")):
                return _bad(slack)
    return _literal(text)


def _bad(slack: bool) -> Read:
    if slack:
        return Read("slack", problem="invalid_payload")
    return Read("connector", problem="Bad payload received by generic incoming webhook.")


def _literal(text: str) -> Read:
    return Read("connector", (("text", {"text": text, "markdown": False}),))


def _decoded(http: Http) -> str:
    """The body as text. Windows PowerShell sends one of the old code pages without saying so."""
    body = http.body
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _json(text: str) -> Any:
    """The JSON value; what the old service's forgiving parser took is mended first."""
    try:
        value = parse_json(text)
    except PayloadError as error:
        if error.code != "not_json":
            raise
        value = parse_json(repair(text))
    if isinstance(value, str) and value.lstrip().startswith("{"):  # encoded twice
        return parse_json(value)
    return value


def _form(text: str, *, slack: bool) -> Read:
    try:
        values = parse_qs(text, keep_blank_values=True, max_num_fields=200, errors="replace")
    except ValueError:
        return _bad(slack)
    if "=" not in text or not values:
        return _literal(text)
    return _fields({key: found[0] for key, found in values.items()}, slack=slack)


def _multipart(http: Http, *, slack: bool) -> Read:
    """`curl -F payload=…`: the texts of the form; files in it are passed over."""
    head = f"Content-Type: {http.headers['content-type']}\r\n\r\n".encode("utf-8", "replace")
    values: dict[str, Any] = {}
    parts = message_from_bytes(head + http.body).get_payload()
    for part in (parts if isinstance(parts, list) else [])[:50]:
        name = part.get_param("name", header="content-disposition") if isinstance(part, Message) else None
        content = (
            part.get_payload(decode=True) if isinstance(part, Message) and not part.get_filename() else None
        )
        if isinstance(name, str) and isinstance(content, bytes):
            values[name] = content.decode("utf-8", "replace")
    return _fields(values, slack=slack) if values else _bad(slack)


def _fields(values: dict[str, Any], *, slack: bool) -> Read:
    if "payload" not in values:
        return _value(values, slack=slack)
    try:
        return _value(_json(values["payload"]), slack=True)
    except PayloadError:
        return Read("slack", problem="invalid_payload")


def _value(value: Any, *, slack: bool) -> Read:
    if isinstance(value, str) and value.strip():
        return _literal(value)
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        reads = [_object(item, slack=slack) for item in value[:MAX_CARDS]]
        parts = tuple(part for each in reads for part in each.parts)[:MAX_CARDS]
        return Read(reads[0].dialect, parts) if parts else reads[0]
    if not isinstance(value, dict):
        return _bad(slack)
    return _object(value, slack=slack)


def _object(data: dict[str, Any], *, slack: bool) -> Read:
    keys = {str(key).lower().lstrip("@"): item for key, item in data.items() if item is not None}
    kind = str(keys.get("type", "")).lower()
    if _is_envelope(keys, kind):
        return _envelope(keys)
    if kind == "adaptivecard" or (
        isinstance(keys.get("body"), list) and "adaptive" in str(keys.get("$schema"))
    ):
        return Read("envelope", (("adaptive_card", {**data, "type": "AdaptiveCard"}),))
    for key in ("card", "content", "body", "adaptivecard", "payload"):
        inner = _unfolded(keys.get(key))
        if isinstance(inner, dict) and str(inner.get("type", inner.get("@type", ""))).lower() in (
            "adaptivecard",
            "messagecard",
            "message",
        ):
            return _object(inner, slack=slack)
    if kind in ("messagecard", "actioncard") or (_is_card(keys) and not slack):
        return _message_card(data, keys)
    if DISCORD_KEYS & keys.keys() or ("content" in keys and "text" not in keys and "username" in keys):
        return _discord(data, keys)
    if slack or _is_slack(keys):
        return _slack(data, keys)
    if "text" in keys and not isinstance(keys["text"], (dict, list)):
        return _text(data, keys)
    if "title" in keys and len(keys) == 1:
        return _message_card(data, keys)
    return _generic(data)


def _is_card(keys: Mapping[str, Any]) -> bool:
    if _blocks(keys):
        return False
    return bool(CARD_KEYS & keys.keys()) or ("summary" in keys and keys.keys() <= PLAIN_CARD)


def _is_envelope(keys: Mapping[str, Any], kind: str) -> bool:
    items = _attachments(keys)
    for item in items:
        if isinstance(item, dict):
            names = {str(key).lower() for key in item}
            inner = {str(key).lower(): each for key, each in item.items()}.get("content")
            if "contenttype" in names or isinstance(_unfolded(inner), dict):
                return True
    return kind == "message" and not isinstance(keys.get("blocks"), list) and not items


def _attachments(keys: Mapping[str, Any]) -> list[Any]:
    """The attachments; one that stands alone counts as a list of one."""
    found = keys.get("attachments")
    return [found] if isinstance(found, dict) else found if isinstance(found, list) else []


def _envelope(keys: Mapping[str, Any]) -> Read:
    parts: list[tuple[str, dict[str, Any]]] = []
    if isinstance(keys.get("text"), str) and keys["text"].strip():
        parts.append(("text", {"text": keys["text"]}))
    for item in _attachments(keys)[:MAX_CARDS]:
        if isinstance(item, dict):
            attachment = {str(key): _unfolded(each) for key, each in item.items()}
            parts.append((_attachment_name(attachment), attachment))
    if not parts:
        return Read("envelope", problem="The message has no attachments and no text.")
    return Read("envelope", tuple(parts))


def _attachment_name(attachment: Mapping[str, Any]) -> str:
    keys = {key.lower(): item for key, item in attachment.items()}
    kind, content = str(keys.get("contenttype", "")).lower(), keys.get("content")
    inner = (
        {str(key).lower().lstrip("@"): item for key, item in content.items()}
        if isinstance(content, dict)
        else {}
    )
    name = str(inner.get("type", "")).lower()
    if name == "messagecard" or "o365connector" in kind or "sections" in inner:
        return "messagecard"
    if name == "adaptivecard" or "adaptive" in kind or "body" in inner:
        return "adaptive_card"
    return "bot_card"


def _unfolded(value: Any) -> Any:
    """A JSON object that was put in as text."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return parse_json(value)
        except PayloadError:
            return value
    return value


def _message_card(data: dict[str, Any], keys: Mapping[str, Any]) -> Read:
    shown = ("text", "title", "summary", "sections", "heroimage")
    if not any(keys.get(key) for key in shown):
        return Read("connector", problem="Summary or Text is required.")
    return Read("connector", (("messagecard", data),))


def _blocks(keys: Mapping[str, Any]) -> bool:
    return any(isinstance(keys.get(key), list) and keys[key] for key in ("blocks", "attachments"))


def _is_slack(keys: Mapping[str, Any]) -> bool:
    if _blocks(keys) or (SLACK_KEYS & keys.keys() and ("text" in keys or keys.keys() <= SLACK_KEYS)):
        return True
    return isinstance(keys.get("text"), str) and bool(_SLACK_MARKS.search(keys["text"]))


def _slack(data: dict[str, Any], keys: Mapping[str, Any]) -> Read:
    if not any(keys.get(key) for key in ("text", "blocks", "attachments")):
        return Read("slack", problem="no_text")
    return Read("slack", (("slack", data),))


def _discord(data: dict[str, Any], keys: Mapping[str, Any]) -> Read:
    if not any(keys.get(key) for key in ("content", "embeds", "components")):
        return Read("discord", problem="Cannot send an empty message")
    return Read("discord", (("discord", data),))


def _text(data: dict[str, Any], keys: Mapping[str, Any]) -> Read:
    if not str(keys["text"]).strip():
        return Read("connector", problem="Summary or Text is required.")
    others = {key for key, value in keys.items() if value not in ("", [], {}) and key != "text"}
    if "title" in others:
        return _message_card(data, keys)
    return Read("connector", (("text", data),)) if not others else _generic(data)


def _generic(data: dict[str, Any]) -> Read:
    if not any(value not in (None, "", [], {}) for value in data.values()):
        return Read("connector", problem="Summary or Text is required.")
    only = [key for key, value in data.items() if value not in (None, "", [], {})]
    if len(only) == 1 and only[0].lower() in _TEXT_FIELDS and isinstance(data[only[0]], (str, int, float)):
        return Read("connector", (("text", {"text": data[only[0]]}),))
    return Read("generic", (("generic", data),))
