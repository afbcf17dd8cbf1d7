"""Conditions: what they decide, how they are written, and what is said about a wrong one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.cards.notification import Severity
from apps.connectors import fields, matching
from apps.connectors.matching import Rules, as_lines, clean_filters, decide, from_lines
from apps.core.errors import ConfigurationError
from apps.sources.catalog.github import SOURCE
from apps.sources.events import Attribute

NOW = dt.datetime(2026, 3, 14, 9, tzinfo=dt.UTC)
PAYLOAD = {
    "issue": {"title": "The door, again", "labels": [{"name": "bug"}, {"name": "tides"}], "comments": 0},
    "sender": {"login": "ada"},
}
ATTRIBUTES: dict[str, Attribute] = {
    "branch": "",
    "author": "renovate[bot]",
    "labels": ("bug", "tides"),
    "bot": True,
    "size": 7,
}


def verdict(filters: list[dict[str, Any]], event: str = "issues.opened", **rules: Any) -> matching.Verdict:
    wanted = Rules(events=("*",), filters=tuple(clean_filters(filters)), **rules)
    return decide(wanted, event, (), ATTRIBUTES, Severity.WARNING, PAYLOAD, NOW, every=True)


@pytest.mark.parametrize(
    "line, passes",
    [
        ("severity at_least warning", True),
        ("severity at_least attention", False),
        ("branch is main", False),
        ("branch? is main", True),
        ("branch is_not main", True),
        ("bot is_not true", False),
        ("author not_matches *[bot], dependabot*", False),
        ("author matches [a-r]enovate*", True),
        ("author not_contains [bot]", False),
        ("labels matches tide*", True),
        ("labels not_matches tide*", False),
        ("size at_least 7", True),
        ("size at_most 6", False),
        ("event matches issues", True),
        ("event not_matches *.closed, issues.opened", False),
        ("$.issue.title contains door", True),
        ('$.issue.title is "the door, again"', True),
        ("$.issue.labels[].name is tides", True),
        ("$.issue.labels[?name=='this is it'] exists", False),
        ("$.issue.comments holds", True),  # JMESPath counts 0 as true
        ("$.issue.comments == `0` holds", True),
        ("$.length(issue.labels) > `2` holds", False),
        ("$.nowhere absent", True),
    ],
)
def test_a_condition_decides(line: str, passes: bool) -> None:
    assert verdict(from_lines(line)).matched is passes


def test_every_rule_gets_a_verdict_with_the_value_that_it_saw() -> None:
    found = verdict(from_lines("bot is_not true\nlabels is bug\nbranch? is main"))
    assert [step.passed for step in found.steps] == [True, True, False, True, True]
    assert found.words == "This event would be dropped because of “filter 1”: bot is not true: it is true."
    assert "it is bug, tides" in found.steps[3].detail
    assert "has none, which is fine" in found.steps[4].detail
    assert verdict([]).words.startswith("This event would be sent")


def test_the_path_of_an_event_ends_at_the_rule_that_drops_it() -> None:
    rules = Rules(events=("push",), filters=({"field": "bot", "op": "is", "value": "true"},))
    found = decide(rules, "issues.opened", (), ATTRIBUTES, Severity.INFO, PAYLOAD, NOW)
    assert [step.rule for step in found.steps] == ["enabled", "events"]


@pytest.mark.parametrize(
    "rule, words",
    [
        ({"op": "is", "value": "x"}, "Filter 1 needs a “field”"),
        ({"feild": "x"}, "needs a “field”"),
        ({"field": "x", "values": ["y"]}, "there is no “values”"),
        ({"field": "x", "op": "like", "value": "y"}, "Filter 1 (x): “op” is one of"),
        ({"field": "x", "op": "is"}, "Filter 1 (x) needs a “value”"),
        ({"field": "x", "value": {"a": 1}}, "is a text, a number"),
        ({"field": "x", "value": "y" * 501}, "at most 500 characters"),
        ({"field": "x", "value": "two\nlines"}, "on one line"),
        ({"field": "severity", "op": "at_least", "value": "high"}, "severity is one of neutral"),
        ({"field": "size", "op": "at_least", "value": "big"}, "compares numbers"),
        ({"field": "$.a[", "op": "exists"}, "the path cannot be read: “$.a[”. Write it like"),
        ({"field": "branch", "op": "holds"}, "begins with “$.”"),
        ({"field": "branch", "value": "main", "missing": "maybe"}, "“missing” is drop or pass"),
        ("branch is main", "needs a “field”"),
    ],
)
def test_a_wrong_filter_is_named_with_what_to_do(rule: object, words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        clean_filters([rule])
    assert words in error.value.public_message


def test_a_wrong_line_is_named_by_its_number() -> None:
    for text, words in [
        ("branch is main\n\nnonsense", "Line 3 is no condition"),
        ("severity at_least high", "Line 1: severity is one of"),
        ("$.a[ is x", "Line 1: the path cannot be read"),
    ]:
        with pytest.raises(ConfigurationError) as error:
            from_lines(text)
        assert words in error.value.public_message


def test_conditions_survive_being_shown_and_saved_again() -> None:
    filters = clean_filters(
        [
            {"field": "branch", "op": "matches", "value": ["main", "release/*"], "missing": "pass"},
            {"field": "$.issue.title", "op": "is", "value": 'one, "two"'},
            {"field": "$.issues[?state=='this is it'].id", "op": "exists"},
            {"field": "$.open", "op": "holds"},
            {"field": "severity", "op": "at_least", "value": "warning"},
        ]
    )
    assert from_lines(as_lines(filters)) == filters


def test_a_slip_in_a_field_is_pointed_out_but_not_forbidden() -> None:
    known = fields.known(SOURCE)
    assert {"branch", "labels", "author", "bot", "repository"} <= known
    found = fields.hints(
        clean_filters([{"field": "labelz", "value": "bug"}, {"field": "event", "value": "x"}]), known
    )
    assert found == ["Filter 1: no event of this source has the field “labelz”. Did you mean “labels”?"]
    assert fields.hints([{"field": "anything"}], frozenset()) == []


def test_paths_are_suggested_with_their_values_and_without_secrets() -> None:
    payload = {**PAYLOAD, "api_token": "hush", "odd key": 1}
    found = {
        each["field"]: each["value"] for each in fields.suggestions("issues.opened", {"bot": True}, payload)
    }
    assert found["event"] == "issues.opened"
    assert found["bot"] == "true"
    assert found["$.issue.labels[].name"] == "bug"
    assert found["$.api_token"] == "•••"
    assert matching.lookup('$."odd key"', payload) == 1
    for path in found:
        if path.startswith("$"):
            assert matching.lookup(path, payload) is not None
