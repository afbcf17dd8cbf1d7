"""What becomes of cards of the retired connectors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards import limits, messagecard, mixed
from apps.cards.messagecard import RemoteAction
from apps.cards.notification import Card, Severity


def card(**fields: Any) -> Card:
    made = messagecard.card_of({"@type": "MessageCard", **fields})
    assert made is not None
    assert limits.check(made.content) == []
    return made


def elements(made: Card, kind: str) -> list[dict[str, Any]]:
    return [item for _, item, _ in limits.elements(made.content) if item.get("type") == kind]


def texts(made: Card) -> list[str]:
    return [item["text"] for item in elements(made, "TextBlock")]


@pytest.mark.parametrize(
    ("colour", "severity"),
    [
        ("FF0000", "attention"), ("#E81123", "attention"), ("D70000", "attention"), ("8C1A1A", "attention"),
        ("FFA500", "warning"), ("#ff0", "warning"), ("EDB200", "warning"),
        ("2DC72D", "good"), ("00FF00", "good"), ("#36a64f", "good"),
        ("0076D7", "info"), ("000080", "info"), ("6264A7", "info"),
        ("808080", "neutral"), ("000000", "neutral"), ("FFFFFF", "neutral"), ("nonsense", "neutral"), (None, "neutral"),
        ("red", "attention"), ("good", "good"), ("warning", "warning"), ([], "neutral"),
    ],
)  # fmt: skip
def test_the_colour_of_the_edge_becomes_the_severity(colour: object, severity: str) -> None:
    assert card(title="x", themeColor=colour).severity is Severity(severity)


def test_a_card_with_everything_keeps_it_all() -> None:
    made = card(
        title="Title",
        text="Text",
        summary="Summary",
        heroImage={"image": "https://a.example/hero.png"},
        sections=[
            {
                "startGroup": True, "title": "Section", "text": "Words",
                "activityTitle": "Ada", "activitySubtitle": "now", "activityText": "did it",
                "activityImage": "https://a.example/ada.png",
                "facts": [{"name": "Fact", "value": "Value"}],
                "images": [{"image": "https://a.example/1.png"}, {"image": "https://a.example/2.png", "title": "Two"}],
                "potentialAction": [{"@type": "OpenUri", "name": "In", "targets": [{"os": "default", "uri": "https://in.example"}]}],
            }
        ],
        potentialAction=[{"@type": "OpenUri", "name": "Out", "targets": [{"os": "default", "uri": "https://out.example"}]}],
    )  # fmt: skip
    assert {"Title", "Text", "Section", "Words", "Ada", "now", "did it"} <= set(texts(made))
    assert [item["url"].rpartition("/")[2] for item in elements(made, "Image")] == [
        "hero.png", "ada.png", "1.png", "2.png",
    ]  # fmt: skip
    assert elements(made, "FactSet")[0]["facts"] == [{"title": "Fact", "value": "Value"}]
    assert [item["url"] for item in elements(made, "Action.OpenUrl")] == [
        "https://in.example",
        "https://out.example",
    ]
    assert made.summary == "Title"
    assert made.warnings == ()


def target(system: str, name: str) -> dict[str, str]:
    return {"os": system, "uri": f"https://{name}.example"}


def test_the_target_for_every_system_wins_and_the_old_kind_of_button_works() -> None:
    made = card(
        title="x",
        potentialAction=[
            {"@type": "OpenUri", "name": "A", "targets": [target("iOS", "i"), target("default", "d")]},
            {"@type": "OpenUri", "name": "B", "targets": [target("windows", "w")]},
            {"@context": "http://schema.org", "@type": "ViewAction", "name": "C", "target": ["https://v.example"]},
            {"@type": "ViewAction", "name": "D", "target": "https://s.example"},
        ],
    )  # fmt: skip
    assert [item["url"] for item in elements(made, "Action.OpenUrl")] == [
        "https://d.example", "https://w.example", "https://v.example", "https://s.example",
    ]  # fmt: skip


POST = {"@type": "HttpPOST", "name": "Approve", "target": "https://api.example", "body": "{}"}
REMOTE = [
    {**POST, "headers": [{"name": "X", "value": "1"}]},
    {
        "@type": "ActionCard",
        "name": "Comment",
        "inputs": [{"@type": "TextInput", "id": "c"}],
        "actions": [POST],
    },
]


def test_buttons_that_act_on_a_server_are_left_out_with_a_warning() -> None:
    made = card(title="x", potentialAction=REMOTE)
    assert elements(made, "Action.OpenUrl") == []
    assert [warning.split("”")[0] for warning in made.warnings] == [
        "The button “Approve",
        "The button “Comment",
    ]


def test_or_they_become_links_to_pages_that_are_offered() -> None:
    seen: list[RemoteAction] = []

    def offer(action: RemoteAction) -> str:
        seen.append(action)
        return f"https://here.example/act/{len(seen)}"

    made = messagecard.card_of({"title": "x", "potentialAction": REMOTE}, offer=offer)
    assert made is not None
    assert made.warnings == ()
    assert [item["title"] for item in elements(made, "Action.OpenUrl")] == ["Approve", "Comment"]
    approve, comment = seen
    assert (approve.kind, approve.target, approve.body, approve.headers) == (
        "httppost", "https://api.example", "{}", (("X", "1"),),
    )  # fmt: skip
    assert (comment.kind, comment.path, comment.inputs[0]["id"]) == ("actioncard", "potentialAction.1", "c")


def test_an_action_card_that_only_opens_pages_stays_a_link() -> None:
    inner = {
        "@type": "OpenUri",
        "name": "Docs",
        "targets": [{"os": "default", "uri": "https://docs.example"}],
    }
    made = card(title="x", potentialAction=[{"@type": "ActionCard", "name": "More", "actions": [inner]}])
    assert elements(made, "Action.OpenUrl")[0]["url"] == "https://docs.example"


@pytest.mark.parametrize(
    "fields",
    [
        {"Title": "Hello"},
        {"TEXT": "Hello"},
        {"summary": "Hello"},
        {"@Type": "messagecard", "sections": {"activityTitle": "Hello"}},
        {"sections": {"0": {"activityTitle": "Hello"}}},
        {"sections": [None, 7, "x", {"Text": "Hello"}]},
        {"sections": [{"facts": [{"name": "n", "value": "Hello"}, None, {"name": "empty", "value": None}]}]},
        {"sections": [{"facts": {"n": "Hello"}}]},
        {"sections": [{"text": "Hello", "images": ["https://a.example/1.png"], "potentialAction": None}]},
        {"text": ["Hello", "there"]},
    ],
)
def test_careless_cards_are_told_all_the_same(fields: dict[str, Any]) -> None:
    assert "Hello" in json.dumps(card(**fields).content)


@pytest.mark.parametrize(
    "data", [None, 7, [], "x", {}, {"themeColor": "f00"}, {"sections": [{}]}, {"text": "  "}]
)
def test_nothing_to_show_is_no_card(data: object) -> None:
    assert messagecard.card_of(data) is None


def test_values_that_are_no_text_are_written_out() -> None:
    made = card(sections=[{"facts": [{"name": "n", "value": 3}, {"name": "b", "value": False}]}])
    assert elements(made, "FactSet")[0]["facts"] == [
        {"title": "n", "value": "3"},
        {"title": "b", "value": "no"},
    ]


def test_markdown_off_shows_the_marks_and_html_is_read_even_then() -> None:
    made = card(
        sections=[{"markdown": False, "text": "a *b* _c_"}, {"markdown": "false", "text": "<b>x</b> *y*"}]
    )
    assert texts(made)[:1] == ["a \\*b\\* \\_c\\_"]
    assert "\\*y\\*" in texts(made)[1]


def test_nobody_is_mentioned_by_a_senders_text() -> None:
    assert "<at>" not in json.dumps(card(title="<at>All</at>", text="hi <at id='1'>Ada</at>").content)


def test_pictures_without_https_become_links_or_go() -> None:
    made = card(
        title="x", sections=[{"activityTitle": "Ada", "activityImage": "http://a.example/ada.png"}],
        heroImage={"image": "http://a.example/hero.png", "title": "Hero"},
    )  # fmt: skip
    assert elements(made, "Image") == []
    assert "[Hero](http://a.example/hero.png)" in texts(made)
    assert len(made.warnings) == 2


def test_many_sections_and_facts_fit_and_say_so() -> None:
    facts = [{"name": f"n{number}", "value": "v" * 300} for number in range(60)]
    made = card(title="x", sections=[{"title": f"s{number}", "facts": facts} for number in range(40)])
    assert limits.size(made.content) <= limits.BUDGET
    assert any("too big" in warning or "cut" in warning for warning in made.warnings)
    assert "And" in json.dumps(made.content)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**a** and *b*", "**a** and _b_"),
        ("a<br>b", "a\n\nb"),
        ("a\nb\n\nc", "a\n\nb\n\nc"),
        ("<b>a</b> <i>b</i>", "**a** _b_"),
        ("<a href='https://x.example/a_b'>see <b>this</b></a>", "[see **this**](https://x.example/a_b)"),
        ("see https://x.example/a_b.", "see [https://x.example/a_b](https://x.example/a_b)."),
        ("[x](https://x.example)", "[x](https://x.example)"),
        ("[x](javascript:alert(1))", "\\[x\\](javascript:alert(1))"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("Labels:\n - a\n - b\nEnd", "Labels:\n\n- a\n- b\n\nEnd"),
        ("<h1>Big</h1>small", "**Big**\n\nsmall"),
        ("List<String> & 1 < 2", "List<String> & 1 < 2"),
        ("a_b_c &amp; 2 \\* 3", "a_b_c & 2 \\* 3"),
        ("<script>alert(1)</script>ok", "ok"),
        ("<img src='https://x.example/a.png' alt='pic'>", "[pic](https://x.example/a.png)"),
        ("# Title\ntext", "**Title**\n\ntext"),
        ("<td>a</td><td>b</td>", "a · b"),
        ("above\n-----\nbelow", "above\n\nbelow"),
    ],
)
def test_markdown_and_html_in_one_text_are_both_understood(text: str, shown: str) -> None:
    assert mixed.convert(text) == shown


def test_a_pictures_words_hold_no_marks() -> None:
    made = card(
        summary="s",
        sections=[
            {
                "activityTitle": "Push to **[main](https://a.example)**",
                "activityImage": "https://a.example/i.png",
            }
        ],
    )
    (image,) = elements(made, "Image")
    assert image["altText"] == "Push to main"
