"""Values out of a body, each checked; a bad one is explained."""

from __future__ import annotations

from typing import Any

from apps.core.errors import ConfigurationError


def text(body: dict[str, Any], key: str, most: int = 200) -> str:
    """A text that must be given. Raises ConfigurationError."""
    value = body.get(key)
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        raise ConfigurationError("invalid", f"“{key}” must be a text of 1 to {most} characters.")
    return value.strip()


def flag(body: dict[str, Any], key: str) -> bool:
    """A yes or no. Raises ConfigurationError."""
    value = body[key]
    if not isinstance(value, bool):
        raise ConfigurationError("invalid", f"“{key}” must be true or false.")
    return value


def number(body: dict[str, Any], key: str, most: int) -> int:
    """A whole number from 0. Raises ConfigurationError."""
    value = body[key]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ConfigurationError("invalid", f"“{key}” must be a number from 0 to {most:,}.")
    return value
