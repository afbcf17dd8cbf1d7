"""One HTTP request from a source, as a value: no framework object leaves the web layer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl


class Headers(Mapping[str, str]):
    """Header look-up in any case; iteration gives lower-case names."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = {str(name).lower(): str(value) for name, value in (values or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({sorted(self._values)})"  # names only: values may be secrets


@dataclass(frozen=True, slots=True)
class Http:
    """A request as it came in.

    body: the raw bytes, never re-serialised, because signatures are over them.
    url: the inbound URL exactly as it was given to the source (Trello signs it).
    query: the query string without "?".
    """

    method: str = "POST"
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    query: str = ""
    url: str = ""
    received_at: dt.datetime | None = None

    def param(self, name: str) -> str | None:
        """The first query parameter of that name (case-insensitive), or None."""
        for key, value in parse_qsl(self.query, keep_blank_values=True, max_num_fields=200):
            if key.lower() == name.lower():
                return value
        return None

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters, or ""."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Reply:
    """What the web layer answers."""

    status: int = 202
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
