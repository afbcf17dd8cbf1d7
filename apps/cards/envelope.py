"""The message around a card, as a Workflows URL wants it."""

from __future__ import annotations

import json
from typing import Any

CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"
# Exactly one attachment: each one becomes a post of its own.
_BEFORE = f'{{"type":"message","attachments":[{{"contentType":"{CONTENT_TYPE}","contentUrl":null,"content":'
_AFTER = "}]}"


def envelope(content: dict[str, Any]) -> bytes:
    """The message with the card, compact UTF-8 JSON."""
    return around(json.dumps(content, ensure_ascii=False, separators=(",", ":")))


def around(card: str) -> bytes:
    """The message with a card that is JSON text already: it is sent as it was stored, and nobody reads it again."""
    return f"{_BEFORE}{card}{_AFTER}".encode("utf-8", "replace")
