"""What becomes of other people's Adaptive Cards."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.cards import limits
from apps.core.errors import PayloadError


def wash(*body: Any, **card: Any) -> tuple[dict[str, Any], list[str]]:
    made, warnings = limits.sanitize({"type": "AdaptiveCard", "version": "1.4", "body": list(body), **card})
    assert limits.check(made) == []
    return made, warnings


def only(*body: Any) -> dict[str, Any]:
    made, _ = wash(*body)
    (element,) = made["body"]
    assert isinstance(element, dict)
    return element


TEXT = {"type": "TextBlock", "text": "Hi"}
TOGGLE = {"type": "Action.ToggleVisibility", "title": "More", "targetElements": ["x"]}
CELL = {"type": "TableCell", "items": [TEXT]}
OPEN = {"type": "Action.OpenUrl", "title": "Go", "url": "https://a.example/"}


def test_a_good_card_passes_unchanged_and_the_original_is_left_alone() -> None:
    card = {
        "type": "AdaptiveCard", "version": "1.3", "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "body": [
            {"type": "Container", "style": "good", "items": [TEXT]},
            {"type": "ColumnSet", "columns": [{"type": "Column", "width": "auto", "items": [TEXT]}]},
            {"type": "FactSet", "facts": [{"title": "a", "value": "b"}]},
            {"type": "ImageSet", "images": [{"type": "Image", "url": "https://a.example/i.png"}]},
            {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "x", "strikethrough": True}]},
            {"type": "ActionSet", "actions": [TOGGLE]},
            {"type": "Table", "columns": [{"width": 1}], "rows": [{"type": "TableRow", "cells": [CELL]}]},
        ],
        "actions": [OPEN, {"type": "Action.ShowCard", "title": "More", "card": {"type": "AdaptiveCard", "body": [TEXT]}}],
        "msteams": {"width": "Full"},
    }  # fmt: skip
    before = copy.deepcopy(card)
    made, warnings = limits.sanitize(card)
    assert (made, warnings) == (before, [])
    assert card == before


@pytest.mark.parametrize("content", [None, [], "x", 7, {"type": "MessageCard"}])
def test_what_is_no_card_is_refused(content: object) -> None:
    with pytest.raises(PayloadError):
        limits.sanitize(content)


@pytest.mark.parametrize(
    ("version", "sent"), [("1.2", "1.2"), ("1.5", "1.4"), ("1.6", "1.4"), (None, "1.4"), (1.5, "1.4")]
)
def test_the_version_is_lowered(version: object, sent: str) -> None:
    assert wash(TEXT, version=version)[0]["version"] == sent


@pytest.mark.parametrize(
    ("element", "words"),
    [
        ({"type": "Badge", "text": "Critical", "style": "Attention"}, '"color": "Attention"'),
        ({"type": "CodeBlock", "codeSnippet": "a = 1\nb", "language": "Python"}, "Monospace"),
        ({"type": "Rating", "value": 4, "count": 12}, "4 of 5 (12)"),
        ({"type": "ProgressBar", "value": 60}, "60 %"),
        ({"type": "Chart.Donut", "title": "Load", "data": [{"legend": "cpu", "value": 3}]}, '"cpu"'),
        ({"type": "Chart.Line", "data": [{"legend": "cpu", "values": [{"x": "1", "y": 2}]}]}, "1: 2"),
        ({"type": "Carousel", "pages": [{"type": "CarouselPage", "items": [TEXT]}]}, "Hi"),
        ({"type": "CompoundButton", "title": "Big", "selectAction": OPEN}, "https://a.example/"),
        ({"type": "Unheard", "items": [TEXT]}, "Hi"),
        ({"type": "Unheard", "fallback": TEXT}, "Hi"),
        ({"type": "Accordion", "fallback": {"type": "Badge", "text": "deep"}}, "deep"),
    ],
)
def test_unknown_elements_are_replaced(element: dict[str, Any], words: str) -> None:
    made, warnings = wash(element)
    assert words in json.dumps(made["body"], ensure_ascii=False)
    assert any("replaced" in warning for warning in warnings)


@pytest.mark.parametrize(
    "element",
    [
        {"type": "Input.Text", "id": "x"},
        {"type": "Icon", "name": "Star"},
        {"type": "Component", "name": "graph"},
        {"type": "Badge", "text": "x", "fallback": "drop"},
        {"type": "Image", "url": "data:image/png;base64,AAAA"},
        {"type": "Media", "sources": [{"url": "http://a.example/v.mp4"}]},
        {"type": "ActionSet", "actions": [{"type": "Action.Submit", "title": "x"}]},
        {"type": "Container", "items": [{"type": "Input.Date", "id": "d"}]},
    ],
)
def test_what_cannot_be_replaced_is_left_out_with_a_warning(element: dict[str, Any]) -> None:
    made, warnings = wash(TEXT, element)
    assert made["body"] == [TEXT]
    assert warnings


def test_buttons_that_need_a_bot_give_way_to_their_fallback_or_go() -> None:
    made, warnings = wash(
        TEXT,
        actions=[
            {"type": "Action.Submit", "title": "Lost"},
            {"type": "Action.Execute", "title": "Kept", "fallback": OPEN},
            {"type": "Action.Http", "title": "Gone"},
            {"type": "Action.OpenUrl", "title": "Script", "url": "javascript:alert(1)"},
            {
                "type": "Action.ShowCard",
                "title": "Form",
                "card": {"body": [{"type": "Input.Text", "id": "a"}]},
            },
        ],
    )
    assert made["actions"] == [OPEN]
    for title in ("Lost", "Gone", "Script", "Form"):
        assert any(f"“{title}”" in warning for warning in warnings)


def test_more_than_six_buttons_go_into_the_card() -> None:
    actions = [{**OPEN, "title": str(number), "url": f"https://a.example/{number}"} for number in range(20)]
    made, warnings = wash(TEXT, actions=actions)
    rows = [item["actions"] for item in made["body"] if item["type"] == "ActionSet"]
    assert [len(made["actions"]), *map(len, rows)] == [6, 6, 6]
    assert any("2 buttons" in warning for warning in warnings)


def test_pictures_over_http_become_links() -> None:
    made, warnings = wash({"type": "Image", "url": "http://a.example/i.png", "altText": "Graph"})
    assert made["body"][0]["text"] == "[Graph](http://a.example/i.png)"
    assert "Graph" in warnings[0]


def person(ident: str, text: str = "<at>Ada</at>") -> dict[str, Any]:
    return {"type": "mention", "text": text, "mentioned": {"id": ident, "name": "Ada"}}


@pytest.mark.parametrize(
    "ident", ["ada@a.example", "49c4641c-ab91-4248-aebb-6a7de286397b", "29:1abc", "8:orgid:49c4641c-ab91"]
)
def test_a_complete_mention_stays(ident: str) -> None:
    made, warnings = wash(
        {"type": "TextBlock", "text": "Hi <at>Ada</at>"}, msteams={"entities": [person(ident)]}
    )
    assert made["msteams"]["entities"] == [person(ident)]
    assert warnings == []


@pytest.mark.parametrize(
    "entities",
    [
        [],
        None,
        7,
        [person("everyone")],
        [{"type": "mention", "text": "<at>Ada</at>"}],
        [person("a@b", "Ada")],
    ],
)
def test_any_other_mention_becomes_text(entities: object) -> None:
    made, warnings = wash(
        {"type": "TextBlock", "text": "Hi <at>Ada</at> <at>"}, msteams={"entities": entities}
    )
    assert made["body"][0]["text"] == "Hi @Ada ‹at›"
    assert "entities" not in made.get("msteams", {})
    assert len(warnings) == 1


def test_mentions_can_be_switched_off_and_unused_ones_go() -> None:
    people = {"entities": [person("a@b.example")]}
    card = {
        "type": "AdaptiveCard",
        "body": [{"type": "TextBlock", "text": "<at>Ada</at>"}],
        "msTeams": people,
    }
    assert "<at>" not in json.dumps(limits.sanitize(card, allow_mentions=False)[0])
    assert "<at>" in json.dumps(limits.sanitize(card)[0])
    assert "msteams" not in wash(TEXT, msteams=people)[0]


def test_dates_are_written_out() -> None:
    text = "{{DATE(2026-03-14T09:26:53Z, SHORT)}} {{TIME(2026-03-14T09:26:53Z)}} {{DATE(never)}}"
    assert (
        only({"type": "TextBlock", "text": text, "wrap": True})["text"]
        == "14 Mar 2026 09:26 UTC {{DATE(never)}}"
    )


def test_careless_cards_are_mended() -> None:
    assert only("Just text")["text"] == "Just text"
    assert only({"type": "textblock", "text": 7})["text"] == "7"
    assert only({"text": "no type"})["type"] == "TextBlock"
    assert only({"type": "Column", "items": [TEXT]})["type"] == "Container"
    assert only({"type": "ColumnSet", "columns": [TEXT]})["columns"] == [{"type": "Column", "items": [TEXT]}]
    assert only({**TEXT, "weight": "bold", "size": "huge", "wrap": "true", "isSubtle": "yes"}) == {
        **TEXT, "weight": "Bolder", "wrap": True,
    }  # fmt: skip
    assert only({"type": "FactSet", "facts": [{"title": "n", "value": 3}, None, {"title": "", "value": None}]})["facts"] == [
        {"title": "n", "value": "3"}
    ]  # fmt: skip
    assert wash(body=TEXT)[0]["body"] == [TEXT]


def test_long_texts_are_cut_before_anything_is_dropped() -> None:
    made, warnings = wash(
        {"type": "TextBlock", "text": "word " * 9000}, {"type": "TextBlock", "text": "the end"}
    )
    assert made["body"][-1]["text"] == "the end"
    assert warnings == ["Long texts were cut to fit Teams' size limit."]


@pytest.mark.parametrize(
    "body",
    [
        [{"type": "TextBlock", "text": f"line {number}"} for number in range(3000)],
        [{"type": "Container", "items": [{"type": "TextBlock", "text": f"line {number}"} for number in range(3000)]}],
        [{"type": "FactSet", "facts": [{"title": f"t{number}", "value": "v"} for number in range(3000)]}],
        [{"type": "TextBlock", "text": "line", "unknown": "x" * 50_000}],
        [{"type": "ImageSet", "images": [{"type": "Image", "url": f"https://a.example/{n}"} for n in range(3000)]}],
    ],
)  # fmt: skip
def test_a_card_that_is_too_big_loses_its_end_and_says_so(body: list[Any]) -> None:
    made, warnings = wash(*body, fallbackText="Summary")
    assert limits.size(made) <= limits.BUDGET
    assert made["body"][-1]["text"] == "… cut to fit"
    assert len(made["body"]) > 1
    assert any("too big" in warning for warning in warnings)


def test_a_card_that_is_nested_too_deep_is_cut_off() -> None:
    deep: dict[str, Any] = TEXT
    for _ in range(60):
        deep = {"type": "Container", "items": [deep]}
    made, warnings = wash(TEXT, deep)
    assert made["body"] == [TEXT]
    assert "What was nested too deep was left out." in warnings


NAMES = st.sampled_from(
    [
        *sorted(limits.ELEMENTS),
        *sorted(limits.ACTIONS),
        "Action.Submit",
        "Input.Text",
        "Badge",
        "AdaptiveCard",
        "X",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["https://a.example/x", "http://a.example", "drop", "<at>A</at>", "1.5", "a" * 3000])
)
LISTS = st.sampled_from(
    [
        "body",
        "items",
        "columns",
        "rows",
        "cells",
        "images",
        "inlines",
        "facts",
        "actions",
        "entities",
        "sources",
        "pages",
        "data",
    ]
)
SINGLES = st.sampled_from(["fallback", "selectAction", "inlineAction", "card", "msteams", "backgroundImage"])
PLAIN = st.sampled_from(
    ["text", "url", "title", "value", "version", "style", "wrap", "altText", "id", "poster", "requires"]
)


def element(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda kind, lists, singles, plain: {**plain, **lists, **singles, "type": kind},
        NAMES | SCALARS,
        st.dictionaries(LISTS, st.lists(inner, max_size=4) | SCALARS, max_size=3),
        st.dictionaries(SINGLES, inner, max_size=2),
        st.dictionaries(PLAIN, SCALARS, max_size=4),
    )


TREES = st.recursive(SCALARS, element, max_leaves=30)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TREES, max_size=4) | TREES, st.lists(TREES, max_size=8) | TREES, TREES)
def test_any_tree_becomes_a_card_without_a_fault(body: Any, actions: Any, teams: Any) -> None:
    made, warnings = wash(body=body, actions=actions, msteams=teams)
    assert limits.size(made) <= limits.BUDGET
    json.dumps(made, allow_nan=False, ensure_ascii=False).encode()
    again, changes = limits.sanitize(made)
    assert (again, changes) == (made, []), "what was cleaned once is clean"
    assert all(warning.endswith(".") for warning in warnings)
