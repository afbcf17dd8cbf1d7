"""Reading JSON strictly: standard, of a bounded size and depth, and nothing that a database cannot hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from apps.core.errors import ConfigurationError, TooLarge

MAX_BODY = 2 * 1024 * 1024  # bytes
MAX_PREVIEW = 60 * 1024 * 1024  # a webhook of 25 MiB with its escapes
MAX_DEPTH = 60


class StrictJSON(BaseParser):
    """The parser of all calls but the preview."""

    media_type = "application/json"
    cap = MAX_BODY
    stored = True  # whether the texts may reach the database, which takes neither NUL nor half characters

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value. Raises TooLarge or ConfigurationError."""
        try:
            raw: bytes = stream.read(self.cap + 1)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                "body_unreadable", "The body broke off. Send the request again."
            ) from error
        if len(raw) > self.cap:
            raise TooLarge(
                "too_large", f"The body is over {self.cap // (1024 * 1024)} MiB. Send less at once."
            )
        if not raw.strip():
            return {}
        try:
            value = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
            if self.stored:
                _check(value)
        except RecursionError as error:
            raise _deep() from error
        except ValueError as error:
            raise ConfigurationError(
                "parse_error", "The body is not JSON in UTF-8. Check it with a JSON validator."
            ) from error
        return value


class PreviewJSON(StrictJSON):
    """For previews: as big as the biggest webhook, and any text, because nothing is stored."""

    cap = MAX_PREVIEW
    stored = False


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _deep() -> ConfigurationError:
    return ConfigurationError("too_deep", f"The JSON is nested deeper than {MAX_DEPTH} levels.")


def _check(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise _deep()
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(key, depth + 1)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)
    elif isinstance(value, str):
        if "\x00" in value:
            raise ConfigurationError("bad_text", "A text holds the character NUL, which cannot be stored.")
        value.encode()  # half a surrogate pair raises UnicodeEncodeError, a ValueError
    elif isinstance(value, int) and abs(value) >= 1 << 63:
        raise ConfigurationError("bad_number", "A number is too big.")
