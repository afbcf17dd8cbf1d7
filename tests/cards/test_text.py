"""User text is shown as it is, breaks nothing and mentions nobody."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from apps.cards.text import Markdown, escape, from_gfm, link, md, plain, safe_url, truncate

RENDERER = MarkdownIt("commonmark", {"html": False})


def shown(markdown: str) -> str:
    """What a reader sees: the text content of the rendered HTML."""
    return re.sub(r"<[^>]+>", "", RENDERER.render(markdown)).strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 * 3 * 4", "2 \\* 3 \\* 4"),
        ("snake_case stays", "snake_case stays"),
        ("_private", "\\_private"),
        ("v1.2.3 (beta) feature/foo", "v1.2.3 (beta) feature/foo"),
        ("# not a heading", "\\# not a heading"),
        ("1. not a list", "1\\. not a list"),
        ("[a](https://evil.example)", "\\[a\\](https://evil.example)"),
        ("<at>everyone</at>", "‹at›everyone‹/at›"),
        ("\u202egnp.exe\u200b", "gnp.exe"),
    ],
)
def test_only_what_would_format_is_escaped(text: str, expected: str) -> None:
    assert escape(text) == expected


def test_templates_of_adaptive_cards_stay_text() -> None:
    assert "{{" not in escape("{{DATE(2026-01-01)}}")
    assert "${" not in escape("${name}")


def test_md_escapes_values_and_passes_markdown() -> None:
    assert md("**{a}** {b}", a="x*y", b=Markdown("_z_")) == "**x\\*y** _z_"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//x.example",
        "https://",
        "https://a@b.example",
        "ftp://x.example",
        "",
        None,
        7,
    ],
)
def test_a_link_that_could_lie_is_only_text(url: object) -> None:
    assert safe_url(url) == ""
    assert link("text", url) == "text"


def test_a_url_cannot_end_its_own_link() -> None:
    assert link("x", "https://a.example/(b) c") == "[x](https://a.example/%28b%29%20c)"


def test_truncate_leaves_no_half_link() -> None:
    text = Markdown("see [the page](https://a.example/long) now")
    assert truncate(text, 20) == "see…"


def test_plain_takes_the_marks_away() -> None:
    assert plain(md("**{a}** {b}", a="x*y", b=link("page", "https://a.example"))) == "x*y page"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("un*frigging*believable", "un*frigging*believable"),
        ("*it* and _it_", "_it_ and _it_"),
        ("2*3*4 *a*b", "2*3*4 *a*b"),
        ("***both***", "_**both**_"),
    ],
)
def test_italics_inside_a_word_are_marked_so_that_teams_sees_them(text: str, expected: str) -> None:
    made = from_gfm(text)
    assert made == expected
    assert "_" not in shown(made)
    assert "*" not in plain(made)


def test_github_markdown_becomes_the_subset() -> None:
    text = (
        "# Title\n<!-- hint -->\nHello **you**, see [docs](docs/a.md) ![shot](https://a.example/s.png) :tada:\n\n"
        "- [x] done\n- [ ] open\n\n| A | B |\n|---|---|\n| 1 | 2 |\n\n```py\nx = a*b\n```\n"
    )
    assert from_gfm(text, base_url="https://git.example/o/r").split("\n\n") == [
        "**Title**",
        "Hello **you**, see [docs](https://git.example/o/r/docs/a.md) [shot](https://a.example/s.png) 🎉",
        "- ☑ done\n- ☐ open",
        "A: 1 · B: 2",
        "x = a\\*b",
    ]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_survives_escaping(text: str) -> None:
    escaped = escape(text)
    assert "<at>" not in escaped.lower()
    assert "<a " not in RENDERER.render(escaped)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab*_[]()!<>#`~|-+1.:\n \\\"'&/@", max_size=120), st.integers(1, 60))
def test_any_markdown_is_converted_and_cut(text: str, limit: int) -> None:
    made = from_gfm(text, max_chars=limit)
    assert len(made) <= limit
    assert not re.search(r"<\s*at\b", made, re.IGNORECASE)


def test_hostile_markdown_takes_no_longer_than_its_length() -> None:
    for text in ("[" * 20_000, "*a " * 10_000, "`" * 20_000, "<!--" * 10_000, "> " * 10_000, "|a" * 10_000):
        assert len(from_gfm(text)) <= 4000


def test_shown_text_equals_the_users_text() -> None:
    assert shown(escape("a * b_c [d] `e` ~f~")) == "a * b_c [d] `e` ~f~"
