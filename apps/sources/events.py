"""The catalogue of a source's events, which is also the table of its handlers.

A name is dotted, from general to special: `pull_request.closed`. A subscription's pattern may be a
name, a parent (`pull_request` selects its children), or a shell pattern (`*.created`, `*`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeVar

from apps.cards.notification import Card, Notification
from apps.core.errors import UnsupportedEvent
from apps.sources.payload import Payload

if TYPE_CHECKING:
    from apps.sources.source import Context

Attribute = str | bool | int | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One happening as `Source.parse` found it, not yet understood.

    name: the catalogue name ("issues.opened").
    id: what makes it unique at the source, for de-duplication; "" when the source gives none.
    payload: the part of the body that describes it.
    """

    name: str
    id: str = ""
    payload: Payload = field(default_factory=lambda: Payload({}))


@dataclass(frozen=True, slots=True)
class Ignore:
    """A handler's answer "nothing to tell", with the reason that the trace shows."""

    reason: str


Outcome = Notification | Card | Ignore | None
Handler = Callable[[RawEvent, "Context"], Outcome]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One entry of the catalogue."""

    name: str
    group: str
    label: str
    default: bool = True


class Events:
    """Catalogue and handlers in one, so that they cannot drift.

    >>> events = Events()
    >>> @events.on("issues.opened", group="Issues", label="Issue opened")
    ... def opened(event, ctx): ...
    """

    def __init__(self) -> None:
        self._specs: dict[str, EventSpec] = {}
        self._handlers: dict[str, Handler] = {}
        self._fallbacks: dict[str, Handler] = {}
        self._ignored: dict[str, str] = {}

    def on(self, name: str, *, group: str, label: str, default: bool = True) -> Callable[[H], H]:
        """Register the decorated function for `name`. May be stacked for several names.

        Raises ValueError when the name is taken: two handlers for one event are a mistake.
        """

        def register(handler: H) -> H:
            if name in self._specs or name in self._ignored:
                raise ValueError(f"{name} is declared twice")
            self._specs[name] = EventSpec(name, group, label, default)
            self._handlers[name] = handler
            return handler

        return register

    def many(
        self, names: Mapping[str, str], *, group: str, default: bool | Iterable[str] = True
    ) -> Callable[[H], H]:
        """Register the decorated function for several names, given as {name: label}.

        default: True, False, or the names that are ticked by default.
        """

        def register(handler: H) -> H:
            ticked = default if isinstance(default, bool) else frozenset(default)
            for name, label in names.items():
                on = ticked if isinstance(ticked, bool) else name in ticked
                self.on(name, group=group, label=label, default=on)(handler)
            return handler

        return register

    def fallback(self, parent: str) -> Callable[[H], H]:
        """Register the decorated function for children of `parent` that nobody has named yet."""

        def register(handler: H) -> H:
            self._fallbacks[parent] = handler
            return handler

        return register

    def ignore(self, *names: str, reason: str) -> None:
        """Name known noise: genuine events that deliberately make no card."""
        for name in names:
            if name in self._specs:
                raise ValueError(f"{name} is declared twice")
            self._ignored[name] = reason

    def include(self, other: Events) -> None:
        """Take over all entries of another catalogue (a source split over several modules)."""
        for name, spec in other._specs.items():
            self.on(name, group=spec.group, label=spec.label, default=spec.default)(other._handlers[name])
        self._fallbacks.update(other._fallbacks)
        for name, reason in other._ignored.items():
            self.ignore(name, reason=reason)

    def __iter__(self) -> Iterator[EventSpec]:
        return iter(self._specs.values())

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, name: object) -> bool:
        return name in self._specs

    @property
    def ignored(self) -> Mapping[str, str]:
        """Names that are deliberately ignored, with the reason."""
        return self._ignored

    def defaults(self) -> tuple[str, ...]:
        """The names that a new subscription has ticked."""
        return tuple(spec.name for spec in self._specs.values() if spec.default)

    def ignore_reason(self, name: str) -> str | None:
        """Why an event of this name (or of a parent of it) is ignored, or None."""
        for candidate in _lineage(name):
            if candidate in self._handlers:
                return None
            if candidate in self._ignored:
                return self._ignored[candidate]
        return None

    def handler(self, name: str) -> Handler:
        """The function for `name`: its own, else the nearest parent's fallback.

        Raises UnsupportedEvent when there is none.
        """
        if name in self._handlers:
            return self._handlers[name]
        for parent in _lineage(name):
            if parent in self._fallbacks:
                return self._fallbacks[parent]
        raise UnsupportedEvent(name)


def _lineage(name: str) -> list[str]:
    """`a.b.c` -> [`a.b.c`, `a.b`, `a`]."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def selects(pattern: str, name: str) -> bool:
    """Whether a subscription's pattern selects the event name."""
    if pattern in ("*", name) or name.startswith(f"{pattern}."):
        return True
    return any(mark in pattern for mark in "*?[") and fnmatchcase(name, pattern)
