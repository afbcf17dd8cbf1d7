"""JSON in and out: strict when reading, unbreakable when writing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import IO, Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from apps.api.problems import InputError
from apps.core.errors import TooLarge

MAX_BODY = 2 * 1024 * 1024  # bytes
MAX_DEPTH = 60


class StrictJSON(BaseParser):
    """Standard JSON of a bounded size and depth; no NaN, no NUL, no half characters."""

    media_type = "application/json"
    cap = MAX_BODY
    stored = True  # whether the texts may reach the database, which takes neither NUL nor half characters

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value. Raises TooLarge or InputError."""
        try:
            raw: bytes = stream.read(self.cap + 1)
        except (OSError, ValueError) as error:
            raise InputError("body_unreadable", "The body broke off. Send the request again.") from error
        if len(raw) > self.cap:
            raise TooLarge(
                "too_large", f"The body is over {self.cap // (1024 * 1024)} MiB. Send less at once."
            )
        try:
            value = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
            _check(value, self.stored)
        except RecursionError as error:
            raise _deep() from error
        except ValueError as error:
            raise InputError(
                "malformed_json", "The body is not JSON in UTF-8. Check it with a JSON validator."
            ) from error
        return value


class PreviewJSON(StrictJSON):
    """For previews: as big as the biggest webhook with its escapes, and any text, because nothing is stored."""

    cap = 60 * 1024 * 1024
    stored = False


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _deep() -> InputError:
    return InputError("too_deep", f"The JSON is nested deeper than {MAX_DEPTH} levels.")


def _check(value: Any, texts: bool, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise _deep()
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(key, texts, depth + 1)
            _check(inner, texts, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, texts, depth + 1)
    elif texts and isinstance(value, str):
        if "\x00" in value:
            raise InputError("bad_text", "A text holds the character NUL, which cannot be stored.")
        value.encode()  # half a surrogate pair raises UnicodeEncodeError, a ValueError
    elif isinstance(value, int) and abs(value) >= 1 << 63:
        raise InputError("bad_number", "A number is too big.")


class SafeJSON(BaseRenderer):
    """Compact UTF-8 JSON of anything a source may have put into a card."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """The bytes; half characters become “?”."""
        if data is None:
            return b""
        text = json.dumps(data, cls=JSONEncoder, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def plain(value: Any) -> Any:
    """The value with what JSON does not know (infinity, NaN) as null; for data that vendors' bodies brought in."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(inner) for inner in value]
    return value


class AlwaysJSON(BaseContentNegotiation):
    """There is one format, so a client's Accept header cannot be wrong."""

    def select_parser(self, request: Request, parsers: Sequence[Any]) -> Any:
        """The JSON parser for JSON, or for a body without a type; None (415) for anything else."""
        given = (request.content_type or "").split(";")[0].strip().lower()
        if given in ("", "application/json") or (
            given.startswith("application/") and given.endswith("+json")
        ):
            return parsers[0]
        return None

    def select_renderer(
        self, request: Request, renderers: Sequence[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """The first renderer."""
        return renderers[0], renderers[0].media_type
