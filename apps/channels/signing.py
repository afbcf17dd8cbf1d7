"""Webhook URLs of the general kind: any HTTPS service, signed as Standard Webhooks says.

https://www.standardwebhooks.com: the id, the time and the body are signed; two secrets while one is being changed.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from standardwebhooks.webhooks import Webhook

PREFIX = "whsec_"
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Signed:
    """What is sent: the bytes and the headers that sign them."""

    body: bytes
    headers: dict[str, str]


def new_secret() -> str:
    """A fresh secret, as the receiver's library wants it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def sign(message_id: str, body: bytes, keys: Sequence[str], now: dt.datetime) -> Signed:
    """The message with a signature of each key, newest first.

    message_id: the same for every try of one message, so that the receiver can tell a repeated one.
    """
    signatures = [Webhook(key).sign(message_id, now, body.decode()) for key in keys]
    return Signed(
        body,
        {
            "Content-Type": "application/json; charset=utf-8",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        },
    )


def message(event_id: str, summary: str, card: dict[str, Any], now: dt.datetime) -> bytes:
    """The body of an endpoint's message."""
    value = {
        "type": "card",
        "timestamp": now.isoformat(),
        "data": {"event": event_id or None, "summary": summary, "card": card},
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
