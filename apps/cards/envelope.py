"""The message around a card, as a Workflows URL wants it."""

from __future__ import annotations

import json
from typing import Any

CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"


def envelope(content: dict[str, Any]) -> bytes:
    """The message with exactly one attachment (each one becomes a post of its own), compact UTF-8 JSON."""
    message = {
        "type": "message",
        "attachments": [{"contentType": CONTENT_TYPE, "contentUrl": None, "content": content}],
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
