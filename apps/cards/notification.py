"""What a source says about one event, free of any chat product's card format.

A source builds a `Notification`; `apps.cards.adaptive` decides how it looks. Everything here is an
immutable value, so it can be passed between threads and compared in tests.

Plain `str` fields are data and are escaped when rendered. Only `Markdown` (see `apps.cards.text`)
passes through, which is why `text`, `Fact.value` and `Item.text` accept both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Markdown(str):
    """Text that is already in the Markdown subset that Teams cards show. Make it with `md(...)`."""

    __slots__ = ()


class Severity(StrEnum):
    """How a happening feels to the people who read the channel; it decides the card's colour."""

    NEUTRAL = "neutral"
    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    ATTENTION = "attention"

    @property
    def rank(self) -> int:
        """0 (neutral) to 3 (attention); good news ranks with information."""
        return _RANK[self]


_RANK = {Severity.NEUTRAL: 0, Severity.INFO: 1, Severity.GOOD: 1, Severity.WARNING: 2, Severity.ATTENTION: 3}


@dataclass(frozen=True, slots=True)
class Link:
    """A text that opens a page. A URL that is not http(s) is shown as plain text when rendered."""

    title: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `url` opens the profile; `image_url` is shown only when it is public https."""

    name: str
    url: str = ""
    image_url: str = ""
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled value. Empty values are left out when rendered. `url` makes the value a link."""

    title: str
    value: str | Markdown
    url: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a list: a commit, a job, a changed field. `lead` is short and comes first (a SHA)."""

    text: str | Markdown
    lead: str = ""
    url: str = ""
    trail: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list of lines with what is hidden said in words ("and 12 more"). `total` counts all of them."""

    title: str
    items: tuple[Item, ...]
    total: int | None = None
    more_url: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture at a public https address, with the words for people who cannot see it."""

    url: str
    alt: str


@dataclass(frozen=True, slots=True)
class Code:
    """Literal text: a log line, a diff, a stack trace. `language` is a Teams CodeBlock language or ''."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class ActionRef:
    """A button that acts in the source. `action` names an `ActionSpec`; `params` are its arguments."""

    action: str
    title: str
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Notification:
    """One happening, ready to be drawn.

    title: what happened to what, one line ("Pull request opened: Add dark mode").
    summary: the toast and the notification feed's line; made of title, actor and container when empty.
    status: a short state word shown as a coloured pill ("Merged", "Failed").
    subject: the object itself; its URL is the card's main button and the title's link.
    container: where it lives (repository, project, board).
    text: the body (a description, a comment); cut to fit.
    thread_key: the same for happenings that belong to one object ("github:octo/hello#12").
    link_title: what the main button says ("Open pull request").
    """

    title: str
    summary: str = ""
    status: str = ""
    severity: Severity = Severity.NEUTRAL
    text: str | Markdown = ""
    actor: Actor | None = None
    subject: Link | None = None
    container: Link | None = None
    facts: tuple[Fact, ...] = ()
    lists: tuple[Items, ...] = ()
    links: tuple[Link, ...] = ()
    image: Image | None = None
    code: Code | None = None
    occurred_at: datetime | None = None
    thread_key: str = ""
    link_title: str = ""
    actions: tuple[ActionRef, ...] = ()
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A rendered Adaptive Card: `content` is the card object itself, without any envelope.

    summary: the plain line for toasts, lists and searches.
    warnings: what was changed or dropped so that Teams can show it, in words for an admin.
    """

    content: dict[str, object] = field(hash=False)
    summary: str = ""
    severity: Severity = Severity.NEUTRAL
    warnings: tuple[str, ...] = ()
