"""Every card is strict, within Teams' limits, and says the essentials first."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from apps.cards import adaptive, envelope, limits
from apps.cards.notification import (
    ActionRef,
    Actor,
    Code,
    Fact,
    Image,
    Item,
    Items,
    Link,
    Notification,
    Severity,
)

RICH = Notification(
    title="Pull request opened: Add *dark* mode",
    status="Open",
    severity=Severity.GOOD,
    subject=Link("#12", "https://git.example/octo/hello/pull/12"),
    container=Link("octo/hello", "https://git.example/octo/hello"),
    actor=Actor("ada", "https://git.example/ada", "https://git.example/ada.png"),
    text="One line\nand <at>everyone</at>",
    facts=(Fact("Branch", "main"), Fact("Empty", "")),
    lists=(Items("Commits", (Item("Fix it", lead="abc1234", url="https://git.example/c/abc"),), total=14),),
    image=Image("https://git.example/shot.png", "A screenshot"),
    code=Code("x = 1\ny = 2"),
    links=(Link("Files", "https://git.example/octo/hello/pull/12/files"), Link("Bad", "javascript:x")),
    occurred_at=dt.datetime(2026, 3, 14, 9, 26, tzinfo=dt.UTC),
    link_title="Open pull request",
)


def text_of(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)


def test_a_rich_card_passes_the_lint_and_holds_the_essentials() -> None:
    card = adaptive.render(RICH)
    assert limits.check(card.content) == []
    shown = text_of(card.content)
    for words in (
        "octo/hello",
        "14 Mar 2026, 09:26 UTC",
        "and 13 more",
        "Branch",
        "Open pull request",
        "ada",
    ):
        assert words in shown
    assert "javascript" not in shown
    assert "Empty" not in shown
    assert "<at>" not in shown
    assert card.summary == "octo/hello: Pull request opened: Add *dark* mode"


def test_a_title_alone_makes_a_card() -> None:
    card = adaptive.render(Notification(title="Hello"))
    assert limits.check(card.content) == []
    assert "actions" not in card.content


def test_the_colour_is_the_severity() -> None:
    for severity, (style, _) in adaptive.COLOURS.items():
        body = adaptive.render(Notification(title="x", severity=severity)).content["body"]
        assert isinstance(body, list)
        assert body[0]["style"] == style


@pytest.mark.parametrize("text", ['\\"😀', "漢字", "</script>", "\ud800", "\x00", "[a](", "**"])
def test_a_huge_notification_fits_and_keeps_title_and_link(text: str) -> None:
    big = Notification(
        title="Kept",
        subject=Link("x", "https://git.example/1"),
        status="Failed",
        text=text * 20_000,
        facts=tuple(Fact(text * 30 + "f", text * 500) for _ in range(40)),
        code=Code(text * 20_000),
        lists=(Items("l", tuple(Item(text * 500) for _ in range(60))),),
    )
    card = adaptive.render(big)
    assert limits.check(card.content) == []
    assert "[Kept](https://git.example/1)" in text_of(card.content)
    assert "Failed" in text_of(card.content)


def test_action_buttons_are_links_made_by_the_caller() -> None:
    note = Notification(title="x", actions=(ActionRef("close", "Close"), ActionRef("merge", "Merge")))
    card = adaptive.render(
        note, action_url=lambda ref: "https://us.example/act/1" if ref.action == "close" else None
    )
    assert card.content["actions"] == [
        {"type": "Action.OpenUrl", "title": "Close", "url": "https://us.example/act/1"}
    ]


def test_the_envelope_holds_one_attachment() -> None:
    message = json.loads(envelope.envelope({"type": "AdaptiveCard"}))
    assert message["type"] == "message"
    assert [item["content"] for item in message["attachments"]] == [{"type": "AdaptiveCard"}]
    assert message["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert message["attachments"][0]["contentUrl"] is None


def test_a_stored_card_is_sent_as_it_was_stored() -> None:
    stored = '{"type":"AdaptiveCard","body":[{"type":"TextBlock","text":"é ✓ \\"quoted\\""}]}'
    sent = envelope.around(stored)
    assert sent == envelope.envelope(json.loads(stored))
    assert stored.encode() in sent


@pytest.mark.parametrize(
    ("element", "words"),
    [
        ({"type": "Input.Text", "id": "a"}, "nobody"),
        ({"type": "Image", "url": "data:image/png;base64,x"}, "https"),
        ({"type": "Badge", "text": "x"}, "fallback"),
        ({"type": "TextBlock", "text": "x" * 80}, "wrap"),
    ],
)
def test_the_lint_names_what_would_not_work(element: dict[str, object], words: str) -> None:
    (problem,) = limits.check({"type": "AdaptiveCard", "version": "1.4", "body": [element]})
    assert words in problem
    assert problem.startswith("$.body[0]")
