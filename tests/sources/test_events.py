"""The catalogue is the table of handlers."""

from __future__ import annotations

import pytest

from apps.cards.notification import Notification
from apps.core.errors import UnsupportedEvent
from apps.sources.events import Events, RawEvent, selects
from apps.sources.source import Context


def catalogue() -> Events:
    events = Events()

    @events.many(
        {"issue.opened": "Opened", "issue.closed": "Closed"}, group="Issues", default=["issue.opened"]
    )
    def issue(event: RawEvent, ctx: Context) -> Notification:
        return Notification(title="Known")

    @events.fallback("issue")
    def other(event: RawEvent, ctx: Context) -> Notification:
        return Notification(title="Unnamed")

    events.ignore("star", reason="Nobody reads them.")
    return events


def test_defaults_are_what_is_ticked() -> None:
    assert catalogue().defaults() == ("issue.opened",)


def test_a_child_that_nobody_named_goes_to_the_parents_fallback() -> None:
    events = catalogue()
    assert events.handler("issue.frozen")(RawEvent("issue.frozen"), Context()) == Notification(
        title="Unnamed"
    )


def test_an_unknown_event_is_unsupported_and_says_its_name() -> None:
    with pytest.raises(UnsupportedEvent, match=r"ship\.sunk"):
        catalogue().handler("ship.sunk")


def test_an_ignored_parent_covers_its_children() -> None:
    assert catalogue().ignore_reason("star.created") == "Nobody reads them."
    assert catalogue().ignore_reason("issue.opened") is None


@pytest.mark.parametrize("name", ["issue.opened", "star"])
def test_a_name_cannot_be_declared_twice(name: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        catalogue().on(name, group="Issues", label="Again")(lambda event, ctx: None)


def test_a_known_event_cannot_be_ignored_too() -> None:
    with pytest.raises(ValueError, match="twice"):
        catalogue().ignore("issue.opened", reason="noise")


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "a.b", True),
        ("a", "a", True),
        ("a", "a.b.c", True),
        ("a", "ab", False),
        ("a.b", "a", False),
        ("*.created", "issue.created", True),
        ("*.created", "issue.closed", False),
    ],
)
def test_a_pattern_is_a_name_a_parent_or_a_shell_pattern(pattern: str, name: str, expected: bool) -> None:
    assert selects(pattern, name) is expected
