"""Typed, forgiving access to a vendor's JSON: the only place where `Any` lives.

A path is `$`, `$.a.b`, `$.items[0].name` or without the `$.`. `text`, `number`, `child` say what a
handler cannot do without and raise `PayloadError` naming the path; `opt`, `opt_int`, `flag`, `sub`,
`each`, `texts` give an empty value when a field is absent, null or of another type, because vendors'
payloads differ by version and edition. No method raises anything but `PayloadError`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from apps.core.errors import PayloadError

MAX_DEPTH = 100
_STEP = re.compile(r"([^.\[\]]+)|\[(-?\d+)\]")
_MISSING = object()
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[str | int, ...]:
    text = path.removeprefix("$")
    return tuple(int(index) if index else name for name, index in _STEP.findall(text))


class Payload:
    """A JSON value and where it stands. `payload.raw` is the value itself, for mapping code that needs it."""

    __slots__ = ("at", "raw")

    def __init__(self, raw: Any, at: str = "$") -> None:
        self.raw = raw
        self.at = at

    def __repr__(self) -> str:
        return f"Payload({self.at}: {type(self.raw).__name__})"

    def __bool__(self) -> bool:
        """False when there is nothing in it: null, {}, [] or ""."""
        return self.raw not in (None, {}, [], "")

    def _path(self, path: str) -> str:
        tail = path.removeprefix("$")
        return self.at + (tail if not tail or tail[0] in ".[" else f".{tail}")

    def _find(self, path: str) -> Any:
        value = self.raw
        for step in _steps(path):
            if isinstance(step, int):
                if not isinstance(value, list) or not -len(value) <= step < len(value):
                    return _MISSING
                value = value[step]
            else:
                if not isinstance(value, dict) or step not in value:
                    return _MISSING
                value = value[step]
        return value

    def has(self, path: str) -> bool:
        """Whether the field is there and not null."""
        value = self._find(path)
        return value is not _MISSING and value is not None

    def text(self, path: str) -> str:
        """A text that must be there; numbers are turned into text.

        Raises PayloadError when it is absent, null, empty or of another type.
        """
        value = self.opt(path)
        if value == "":
            raise PayloadError(
                "missing_field",
                f"The payload has no usable text at {self._path(path)}. "
                "Check that the source sends its standard format.",
                path=self._path(path),
            )
        return value

    def opt(self, path: str, default: str = "") -> str:
        """A text, or `default`. Numbers are turned into text; other types count as absent."""
        value = self._find(path)
        if isinstance(value, str):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        return default

    def first(self, *paths: str, default: str = "") -> str:
        """The first non-empty text among several places (older and newer API versions)."""
        for path in paths:
            value = self.opt(path)
            if value:
                return value
        return default

    def opt_int(self, path: str) -> int | None:
        """A whole number (also from text such as "12"), or None."""
        value = self._find(path)
        if isinstance(value, bool):
            return None
        if isinstance(value, int):
            return value
        if isinstance(value, float) and value == value and abs(value) < 1e15:
            return int(value)
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value.strip()):
            return int(value)
        return None

    def opt_float(self, path: str) -> float | None:
        """A number, or None."""
        value = self._find(path)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value) if abs(value) < 1e300 else None
        return None

    def flag(self, path: str, default: bool = False) -> bool:
        """True or false; anything that is not a JSON boolean counts as `default`."""
        value = self._find(path)
        return value if isinstance(value, bool) else default

    def sub(self, path: str) -> Payload:
        """The object there, or an empty one."""
        value = self._find(path)
        return Payload(value if isinstance(value, dict) else {}, self._path(path))

    def child(self, path: str) -> Payload:
        """The object that must be there. Raises PayloadError."""
        value = self._find(path)
        if not isinstance(value, dict):
            raise PayloadError(
                "missing_field",
                f"The payload has no object at {self._path(path)}. Check the source's format.",
                path=self._path(path),
            )
        return Payload(value, self._path(path))

    def each(self, path: str = "$", limit: int = 10_000) -> Iterator[Payload]:
        """The objects of the list there; anything that is not an object is passed over."""
        value = self._find(path)
        if isinstance(value, list):
            for index, item in enumerate(value[:limit]):
                if isinstance(item, dict):
                    yield Payload(item, f"{self._path(path)}[{index}]")

    def texts(self, path: str, limit: int = 10_000) -> list[str]:
        """The texts and numbers of the list there."""
        value = self._find(path)
        if not isinstance(value, list):
            return []
        kept = value[:limit]
        return [
            str(item) for item in kept if isinstance(item, (str, int, float)) and not isinstance(item, bool)
        ]

    def count(self, path: str) -> int:
        """How many entries the list or object there has; 0 when there is none."""
        value = self._find(path)
        return len(value) if isinstance(value, (list, dict)) else 0

    def keys(self, path: str = "$") -> list[str]:
        """The field names of the object there."""
        value = self._find(path)
        return list(value) if isinstance(value, dict) else []

    def time(self, path: str) -> dt.datetime | None:
        """A moment: ISO 8601 text, or seconds or milliseconds since 1970. Naive times are read as UTC."""
        return parse_time(self._find(path))


def parse_time(value: object) -> dt.datetime | None:
    """An aware datetime from ISO 8601 text or an epoch in s or ms; None when it is neither."""
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, (int, float)):
            seconds = value / 1000 if abs(value) > 1e11 else value
            return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds > 0 else None
        if not isinstance(value, str) or not 8 <= len(value) <= 40:
            return None
        text = value.strip().replace(" UTC", "+00:00")
        text = re.sub(r"\.(\d{6})\d+", r".\1", text)  # .NET sends seven digits
        moment = dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    if moment.year < 1900:  # .NET's, Go's and Jira's "never"
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return moment if moment != _EPOCH else None  # what a number 0 becomes when a server writes it out


def parse_json(body: bytes | str) -> Any:
    """The JSON value of a body.

    Raises PayloadError when it is not UTF-8 JSON, nested deeper than 100 levels, or uses NaN.
    """
    try:
        text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
    except UnicodeDecodeError as error:
        raise PayloadError(
            "not_utf8", "The body is not UTF-8 text. Set the source to send JSON in UTF-8."
        ) from error
    if not text.strip():
        raise PayloadError("empty_body", "The body is empty. Check the source's webhook format.")
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise PayloadError(
            "not_json", "The body is not JSON. Set the source's content type to application/json."
        ) from error
    if _depth_over(value, MAX_DEPTH):
        raise _too_deep()
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _too_deep() -> PayloadError:
    return PayloadError("too_deep", f"The JSON is nested deeper than {MAX_DEPTH} levels, so it was not read.")


def _depth_over(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True
