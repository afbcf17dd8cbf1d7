"""What becomes of Slack's messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards import limits, slack
from apps.cards.notification import Card


def card(**message: Any) -> Card:
    made = slack.card_of(message)
    assert made is not None
    assert limits.check(made.content) == []
    return made


def elements(made: Card, kind: str) -> list[dict[str, Any]]:
    return [item for _, item, _ in limits.elements(made.content) if item.get("type") == kind]


def texts(made: Card) -> list[str]:
    return [item["text"] for item in elements(made, "TextBlock")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* _it_ ~no~ `code`", "**bold** _it_ no code"),
        ("<https://a.example|there> &amp; <https://b.example>", "[there](https://a.example) & [https://b.example](https://b.example)"),
        ("<!here> <@U1|ada> <#C1|ops>", "@here @ada #ops"),
        ("one\ntwo", "one\n\ntwo"),
        (":rocket: :unknown-sign:", "🚀 :unknown-sign:"),
        ("**markdown** [x](https://a.example)", "**markdown** [x](https://a.example)"),
        ("*<https://a.example|there>* is _*new*_", "**[there](https://a.example)** is _**new**_"),
        ("snake_case and _ alone", "snake_case and \\_ alone"),
        ("<https://a.example|*Error* in _app_> <https://a.example|*Error*>", "[\\*Error\\* in \\_app\\_](https://a.example) [Error](https://a.example)"),
        ("log:```a *b*\n\n  c_d```end", "log:\n\na \\*b\\*\n\n  c_d\n\nend"),
    ],
)  # fmt: skip
def test_slacks_marks_and_ordinary_markdown_are_told_apart(text: str, shown: str) -> None:
    assert texts(card(text=text)) == [shown]


def test_an_attachment_keeps_all_its_parts_in_its_colour() -> None:
    made = card(
        username="bot",
        attachments=[
            {
                "color": "danger", "pretext": "before", "author_name": "Ada", "author_link": "https://a.example/ada",
                "title": "Title", "title_link": "https://a.example/1", "text": "*Words*",
                "fields": [{"title": "F", "value": "V", "short": True}], "image_url": "https://a.example/i.png",
                "thumb_url": "https://a.example/t.png", "footer": "foot", "ts": "1773480413.0",
            }
        ],
    )  # fmt: skip
    assert made.severity.value == "attention"
    assert made.summary == "Title"
    shown = texts(made)
    assert shown[0] == "bot"
    for words in ("before", "[Ada](https://a.example/ada)", "[Title](https://a.example/1)", "**Words**"):
        assert words in shown
    assert shown[-1] == "foot · 14 Mar 2026, 09:26 UTC"
    assert [item["url"].rpartition("/")[2] for item in elements(made, "Image")] == ["t.png", "i.png"]
    assert elements(made, "Action.OpenUrl")[0]["url"] == "https://a.example/1"


def test_the_fallback_stands_in_for_an_empty_attachment() -> None:
    assert texts(card(attachments=[{"fallback": "Only this"}])) == ["Only this"]


def test_buttons_with_an_address_stay_and_the_others_are_told_about() -> None:
    actions = [
        {"type": "button", "text": "Go", "url": "https://a.example"},
        {"type": "button", "text": "Do", "value": "1"},
    ]
    made = card(attachments=[{"text": "x", "actions": actions}])
    assert [item["title"] for item in elements(made, "Action.OpenUrl")] == ["Go"]
    assert made.warnings == ("The button “Do” was left out: it works only in Slack.",)


def test_nobody_is_mentioned_by_a_message() -> None:
    assert "<at>" not in json.dumps(card(text="<at>all</at>", attachments=[{"title": "<at>x</at>"}]).content)


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


PICTURE = {"type": "image", "image_url": "https://a.example/i.png", "alt_text": "pic"}
GO = {"type": "button", "text": plain("Go"), "url": "https://a.example/go"}
MENU = {"type": "overflow", "options": [{"text": plain("O"), "url": "https://a.example/o"}]}
FILM = {"title_url": "https://a.example/v", "thumbnail_url": "https://a.example/t.png"}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "header", "text": plain("Head *1*")}, "Head \\\\*1\\\\*"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": "*b*"}}, "**b**"),
        ({"type": "section", "fields": [plain("left"), plain("right")]}, "right"),
        ({"type": "section", "text": plain("x"), "accessory": PICTURE}, "i.png"),
        ({"type": "section", "text": plain("x"), "accessory": GO}, "a.example/go"),
        ({"type": "context", "elements": [plain("c1"), {"type": "mrkdwn", "text": "*c2*"}]}, "c1 · **c2**"),
        ({**PICTURE, "title": plain("T")}, "i.png"),
        ({"type": "video", "title": plain("Film"), **FILM}, "[Film](https://a.example/v)"),
        ({"type": "actions", "elements": [MENU]}, "a.example/o"),
        ({"type": "markdown", "text": "# Title\n**b** [x](https://a.example)"}, "**Title**"),
        ({"type": "unheard_of", "text": plain("still here")}, "still here"),
        ({"type": "table", "rows": [[plain("K"), plain("V")], [plain("a"), plain("1")]]}, "a · 1"),
    ],
)  # fmt: skip
def test_every_block_is_shown(block: dict[str, Any], words: str) -> None:
    assert words in json.dumps(card(blocks=[block]).content, ensure_ascii=False)


def rich(*elements: dict[str, Any]) -> Card:
    return card(blocks=[{"type": "rich_text", "elements": list(elements)}])


def test_rich_text_is_written_out() -> None:
    section = [
        {"type": "text", "text": "Hi "}, {"type": "text", "text": "bold ", "style": {"bold": True}},
        {"type": "link", "url": "https://a.example", "text": "link"}, {"type": "emoji", "name": "tada", "unicode": "1f389"},
        {"type": "emoji", "name": "own"}, {"type": "user", "user_id": "U1"}, {"type": "channel", "channel_id": "C1"},
        {"type": "broadcast", "range": "here"}, {"type": "date", "fallback": "today"}, {"type": "text", "text": "*x*"},
    ]  # fmt: skip
    made = rich({"type": "rich_text_section", "elements": section})
    assert texts(made) == ["Hi **bold** [link](https://a.example)🎉:own:@U1#C1@heretoday\\*x\\*"]
    item = {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]}
    assert texts(rich({"type": "rich_text_list", "style": "ordered", "elements": [item, item]})) == [
        "1. one\n2. one"
    ]
    literal = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a_1\n  *b*"}]}
    assert elements(rich(literal), "TextBlock")[0]["fontType"] == "Monospace"
    assert (
        elements(rich({"type": "rich_text_quote", "elements": section[:1]}), "Container")[0]["style"]
        == "emphasis"
    )


def test_a_divider_is_a_line_above_what_follows() -> None:
    first, second = ({"type": "header", "text": plain(word)} for word in "ab")
    made = card(blocks=[first, {"type": "divider"}, second, {"type": "divider"}])
    assert [item.get("separator", False) for item in elements(made, "TextBlock")] == [False, True]


def test_the_text_beside_blocks_is_the_summary_only() -> None:
    made = card(text="For the toast", blocks=[{"type": "header", "text": plain("Shown")}])
    assert (made.summary, texts(made)) == ("For the toast", ["Shown"])


def test_menus_and_inputs_are_told_about() -> None:
    select = {
        "type": "static_select",
        "placeholder": plain("Pick"),
        "options": [{"text": plain("a"), "value": "1"}],
    }
    head = {"type": "header", "text": plain("x")}
    made = card(blocks=[head, {"type": "actions", "elements": [select]}, {"type": "input"}])
    assert len(made.warnings) == 2


@pytest.mark.parametrize(
    "data", [None, [], {}, {"text": ""}, {"text": {}}, {"blocks": [{}]}, {"attachments": [None, 7, {}]}]
)
def test_nothing_to_show_is_no_card(data: object) -> None:
    assert slack.card_of(data) is None
