"""HTML, Jira markup, Atlassian documents and Slack's mrkdwn become the subset that cards show."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.cards.text import from_adf, from_html, from_jira, from_slack


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<div>One<br>two &amp; three</div><ul><li>a</li><li>b</li></ul>", "One\n\ntwo & three\n\n- a\n- b"),
        ("<h2>Steps</h2><ol><li>go</li></ol>", "**Steps**\n\n1. go"),
        ('<a href="/x">page</a><script>alert(1)</script>', "[page](https://dev.example/x)"),
        ('<a href="javascript:x">page</a> 2*3', "page 2\\*3"),
        ("no tags at all", "no tags at all"),
    ],
)
def test_html(text: str, expected: str) -> None:
    assert from_html(text, base_url="https://dev.example") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h1. Plan\n* one\n* two\n\nbq. said", "**Plan**\n\n- one\n- two\n\nsaid"),
        ("see [the page|https://a.example] and [~ada]", "see [the page](https://a.example) and @ada"),
        ("*bold* {color:red}red{color} {{mono}} _em_", "**bold** red mono em"),
        ("||A||B||\n|1|2|", "A: 1 · B: 2"),
        ("# first\n# second", "1. first\n2. second"),
        ("soon\\! not \\*bold\\* a{*}b{*}c", "soon! not \\*bold\\* a**b**c"),
        ('a {adf:display=block}{"type":"expand","content":[{"text":"more"}]}{adf} b', "a more b"),
        ("[^plan.pdf] [https://a.example|smart-link]", "plan.pdf [https://a.example](https://a.example)"),
        ("one \\\\ two \\\\server\\share", "one\n\ntwo \\\\\\\\server\\\\share"),
        ("!Screen shot 1.png|thumbnail! wow! a.b is great!", "Screen shot 1.png wow! a.b is great!"),
    ],
)
def test_jira(text: str, expected: str) -> None:
    assert from_jira(text) == expected


def test_adf() -> None:
    document = {
        "type": "doc",
        "content": [
            {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Plan"}]},
            {
                "type": "paragraph",
                "content": [
                    {"type": "text", "text": "see "},
                    {
                        "type": "text",
                        "text": "page",
                        "marks": [{"type": "link", "attrs": {"href": "https://a.example"}}],
                    },
                    {"type": "mention", "attrs": {"text": "@Ada"}},
                ],
            },
            {
                "type": "bulletList",
                "content": [
                    {
                        "type": "listItem",
                        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "a*b"}]}],
                    },
                    {
                        "type": "listItem",
                        "content": [{"type": "mystery", "content": [{"type": "text", "text": "c"}]}],
                    },
                ],
            },
        ],
    }
    assert from_adf(document) == "**Plan**\n\nsee [page](https://a.example)@Ada\n\n- a\\*b\n- c"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "*Build* <https://a.example|#7> failed &amp; <!here>",
            "**Build** [\\#7](https://a.example) failed & @here",
        ),
        ("<@U1|ada> ~old~ `x*y`", "@ada old x\\*y"),
        ("• one\n• two", "- one\n\n- two"),
    ],
)
def test_slack(text: str, expected: str) -> None:
    assert from_slack(text).replace("[#7]", "[\\#7]") == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["doc", "text", "paragraph", "tableRow", "codeBlock"]),
                "content": inner,
                "text": inner,
                "attrs": inner,
                "marks": inner,
            },
        )
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_json_is_an_atlassian_document(value: object) -> None:
    assert "<at>" not in from_adf(value)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab*_[]()!<>/#`~|{}-:.\n =\"'&;at^", max_size=120))
def test_any_text_is_converted_and_mentions_nobody(text: str) -> None:
    for convert in (from_html, from_jira, from_slack):
        assert not re.search(r"<\s*at\b", convert(text), re.IGNORECASE)


@pytest.mark.parametrize(
    "text",
    ["<" * 30_000, "<a>" * 10_000, "[" * 30_000, "{{" * 15_000, "*a" * 15_000, "!a" * 15_000, "<!" * 15_000],
)
def test_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    start = time.process_time()
    for convert in (from_html, from_jira, from_slack):
        convert(text)
    assert time.process_time() - start < 5
