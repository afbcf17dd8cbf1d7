"""Logging that never writes a secret: what looks like one is replaced before a line leaves the process."""

from __future__ import annotations

import logging
import re

HIDDEN = "[hidden]"

# A query string may hold `sig=`, `token=` and the like; the path of a webhook URL is a secret as well.
_URL = re.compile(
    r"\b(https?://)([^\s/?#'\"<>@]*@)?([^\s/?#'\"<>]+)(/[^\s?#'\"<>]*)?(\?[^\s'\"<>]*)?(#[^\s'\"<>]*)?"
)
_QUERY = re.compile(r"(?<=[\w/\-])\?[^\s'\"<>]*=[^\s'\"<>]*")
_PAIR = re.compile(
    r"(?i)\b(sig|signature|token|access_token|secret|password|passwd|api_?key|client_?state)(['\"]?\s*[=:]\s*['\"]?)"
    r"[^\s&'\",;}]+"
)
_HEADER = re.compile(r"(?i)\b((?:proxy-)?authorization)(['\"]?\s*[=:]\s*['\"]?)(?:\w+\s+)?[^\s'\",;}]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic|hmac)\s+[A-Za-z0-9._~+/=\-]{8,}")
_OWN_TOKEN = re.compile(r"\btc_[0-9A-Za-z]{20,}")
_OWN_PATH = re.compile(r"/(hooks|act|teams)/[^\s/?'\"]{12,}")
LONG_PATH = 40


def _url(match: re.Match[str]) -> str:
    scheme, _, host, path, query, _fragment = match.groups()
    path = path or ""
    if len(path) > LONG_PATH:
        path = f"/{HIDDEN}"
    return f"{scheme}{host}{path}" + (f"?{HIDDEN}" if query else "")


def redact(text: str) -> str:
    """`text` without query strings, long URL paths, credentials and tokens."""
    text = _URL.sub(_url, text)
    text = _QUERY.sub(f"?{HIDDEN}", text)
    text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    text = _PAIR.sub(rf"\1\2{HIDDEN}", text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    text = _OWN_TOKEN.sub(HIDDEN, text)
    return _OWN_PATH.sub(rf"/\1/{HIDDEN}", text)


class Redact(logging.Filter):
    """Redacts the message with its arguments filled in."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # a wrong format string must not lose the line
            message = f"{record.msg} {record.args}"
        record.msg, record.args = redact(message), None
        return True


class Line(logging.Formatter):
    """One line, with tracebacks redacted as well (an exception's text may quote a URL)."""

    def formatException(self, ei: object) -> str:  # noqa: N802 - the base class names it
        return redact(super().formatException(ei))  # type: ignore[arg-type]
