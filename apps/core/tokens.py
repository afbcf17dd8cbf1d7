"""Random ids, API tokens and signed, expiring values."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.core import signing

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 22  # 62**22 > 2**128
_IDS = 62**ID_LENGTH
TOKEN_PREFIX = "tc_"  # noqa: S105 - tells people and secret scanners what the string is


def new_id() -> str:
    """A random public id: 22 letters and digits, about 131 bits, safe in URLs and file names."""
    rest = secrets.randbelow(_IDS)  # one draw instead of 22
    found = []
    for _ in range(ID_LENGTH):
        rest, digit = divmod(rest, 62)
        found.append(ALPHABET[digit])
    return "".join(found)


def new_api_token() -> str:
    """A new API token in clear. Show it once and keep only `hash_token` of it."""
    return TOKEN_PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(43))


def hash_token(token: str) -> str:
    """What is stored of a token: its SHA-256 in hex. Tokens are random, so no salt or stretching is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def sign(value: Any, *, purpose: str) -> str:
    """A URL-safe token that holds `value` (JSON-able). A token made for one purpose is worthless for another."""
    return signing.dumps(value, salt=f"tokens.{purpose}", compress=True)


def unsign(token: str, *, purpose: str, max_age: int | None) -> Any | None:
    """The value that `sign` put into `token`, or None when forged, for another purpose, or older than `max_age` seconds."""
    try:
        return signing.loads(token, salt=f"tokens.{purpose}", max_age=max_age)
    except signing.BadSignature:
        return None
    except (ValueError, TypeError):  # well signed by an old release, but no longer readable
        return None
