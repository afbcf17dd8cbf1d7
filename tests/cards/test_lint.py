"""Remarks on a card: what will not work, and what reads badly on a phone."""

from __future__ import annotations

from typing import Any

from apps.cards import adaptive
from apps.cards.lint import lint
from apps.cards.notification import Link, Notification


def card(*body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "AdaptiveCard", "version": "1.4", "fallbackText": "Hello", "body": list(body), **more}


def levels(content: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.level, each.message) for each in lint(content)]


def test_a_plain_card_has_no_remarks() -> None:
    assert lint(adaptive.render(Notification("Hello", subject=Link("x", "https://x.example"))).content) == []


def test_a_button_that_does_nothing_is_a_problem_with_its_place() -> None:
    found = lint(card(actions=[{"type": "Action.Submit", "title": "Go"}]))
    assert [(each.level, each.path) for each in found] == [("problem", "$.actions[0]")]


def test_what_phones_cut_is_advice() -> None:
    facts = [{"title": str(number), "value": "x"} for number in range(14)]
    content = card(
        {"type": "FactSet", "facts": facts},
        {"type": "ColumnSet", "columns": [{"type": "Column", "items": []}] * 4},
        {"type": "TextBlock", "text": "word " * 20},
        {"type": "Image", "url": "https://x.example/a.png"},
        actions=[
            {"type": "Action.OpenUrl", "title": "A very long title of a button", "url": "https://x.example"}
        ]
        * 5,
    )
    found = levels(content)
    assert all(level == "advice" for level, _ in found)
    words = " ".join(message for _, message in found)
    for each in ("14 facts", "4 columns", "without wrap", "altText", "5 buttons"):
        assert each in words


def test_size_is_said_before_it_is_too_late() -> None:
    assert ("advice", "Nearly too big: with a little more text, parts of it are cut.") in levels(
        card({"type": "TextBlock", "text": "x" * 19_000, "wrap": True})
    )
    assert any(
        level == "problem"
        for level, _ in levels(card({"type": "TextBlock", "text": "x" * 30_000, "wrap": True}))
    )


def test_a_missing_toast_is_said() -> None:
    assert "activity feed" in levels({"type": "AdaptiveCard", "version": "1.4", "body": []})[0][1]


def test_what_is_no_card_is_a_problem_and_not_an_error() -> None:
    assert lint({"type": "Nothing", "fallbackText": "x"})[0].level == "problem"
