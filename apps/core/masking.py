"""What looks like a credential in somebody else's data, masked before a person sees it or a copy is kept."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

MASK = "•••"
NAMES = (
    "secret", "token", "password", "passwd", "signature", "authorization", "clientstate", "sessionid", "apikey",
    "privatekey", "credential", "cookie", "accesskey",
)  # fmt: skip
# Names that hold one of these words and are harmless: GitHub's “secret_scanning” events, counts and kinds.
HARMLESS = ("secretscanning", "tokentype", "secrettype", "tokenexpir", "passwordexpir", "secretname")
# Shapes of well-known credentials, wherever they stand in a text.
SHAPES = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
    r"|(?<=[?&]sig=)[^&\s\"'<>]+|(?<=[?&]access_token=)[^&\s\"'<>]+|(?<=://)[^/\s:@\"'<>]{1,100}:[^/\s@\"'<>]{1,200}(?=@)",
)
# A field of JSON that is broken or cut somewhere else; its value may be cut too.
_FIELD = re.compile(
    r'("(?P<name>[^"\\]{1,100})"\s{0,10}:\s{0,10}")(?P<value>(?:[^"\\]|\\.)+)(?P<end>"|\\?\Z)', re.DOTALL
)
_TAG = re.compile(r"(<(?P<tag>[\w:.-]+)(?:\s[^<>]*)?>)(?P<value>[^<>]+)(</(?P=tag)>)")


def is_secret(name: str) -> bool:
    """Whether a field of that name holds a credential."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return any(word in plain for word in NAMES) and not any(word in plain for word in HARMLESS)


def mask_text(text: str) -> str:
    """The text with well-known credentials masked."""
    return SHAPES.sub(MASK, text)


def mask(value: Any) -> Any:
    """The JSON value with every field masked whose name or shape says that it is a credential."""
    if isinstance(value, dict):
        return {
            key: MASK if isinstance(inner, str) and inner and is_secret(str(key)) else mask(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [mask(item) for item in value]
    return mask_text(value) if isinstance(value, str) else value


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with credentials masked."""
    return {name: MASK if is_secret(name) else mask_text(value) for name, value in headers.items()}


def mask_query(query: str) -> str:
    """A query string or a form body with credentials masked; a field that holds JSON is masked inside."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, MASK if is_secret(name) else mask_body(value)) for name, value in pairs])


def mask_body(text: str, content_type: str = "", *, indent: int | None = None) -> str:
    """A request's body with credentials masked: JSON, form, XML or plain text. It can still be read after that.

    indent: format JSON for people.
    """
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
        if isinstance(found, (dict, list)):
            return json.dumps(mask(found), indent=indent, ensure_ascii=False)
    if content_type == "application/x-www-form-urlencoded":
        return mask_query(text)
    if text.lstrip().startswith("<"):
        text = _TAG.sub(_masked_tag, text)
    elif text.lstrip()[:1] in ("{", "["):
        text = _FIELD.sub(_masked_field, text)
    return mask_text(text)


def _masked_field(found: re.Match[str]) -> str:
    return f"{found[1]}{MASK if is_secret(found['name']) else found['value']}{found['end']}"


def _masked_tag(found: re.Match[str]) -> str:
    return f"{found[1]}{MASK if is_secret(found['tag']) else found['value']}{found[4]}"
