"""Values out of a body, each checked; a bad one is explained."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from apps.core import moments
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


def query(given: Mapping[str, str], name: str, known: Sequence[str] = ()) -> str:
    """A filter out of a query string; "" when it is left out. Raises ConfigurationError.

    known: the only values that it may have; none for any text.
    """
    value = given.get(name) or ""
    if "\x00" in value:
        raise ConfigurationError(f"bad_{name}", f"The filter “{name}” holds the character NUL.")
    if value and known and value not in known:
        raise ConfigurationError(f"bad_{name}", f"The filter “{name}” is one of {', '.join(known)}.")
    return value


def moment(given: Mapping[str, str], name: str) -> dt.datetime | None:
    """A filter that is a time; None when it is left out. Without an offset it is meant in UTC. Raises ConfigurationError."""
    value = given.get(name)
    if not value:
        return None
    found = moments.moment(value)
    if found is None:
        raise ConfigurationError(f"bad_{name}", f"“{name}” is a time such as 2026-03-14T09:00:00Z.")
    return found


def needs(body: dict[str, Any], *keys: str) -> None:
    """See that a PUT names what it has to; what else is left out stays as it is. Raises ConfigurationError."""
    for key in keys:
        if key not in body:
            raise ConfigurationError("invalid", f"“{key}” is needed. PATCH changes single fields.")


def same(body: dict[str, Any], key: str, value: str) -> None:
    """See that a field which cannot be changed is not. Raises ConfigurationError."""
    if key in body and body[key] != value:
        raise ConfigurationError(
            "fixed", f"“{key}” cannot be changed. Make a new one, and delete this one when it is not needed."
        )
