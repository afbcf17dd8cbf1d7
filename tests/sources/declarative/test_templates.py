"""Templates of people we do not know: escaped, bounded, and clear about what is wrong."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.sources.declarative import templates

VALUES: dict[str, Any] = {
    "order": {"number": 7, "items": [{"title": "Lamp"}, {"title": "*Bulb*"}], "customer": None, "paid": True},
    "name": "[evil](https://evil.example.com) <at>all</at> **x**",
    "at": 1_773_480_413,
    "payload": {"a": 1},
    "big": "a b " * 1_250_000,
    "many": list(range(4_900)),
    "js": "javascript:alert(1)",
    "web": "https://ok.example.com/a_(b)",
}


def render(text: str, markdown: bool = False) -> str:
    return str(templates.render(text, VALUES, markdown=markdown))


@pytest.mark.parametrize(
    "text, made",
    [
        ("Order {{ order.number }}", "Order 7"),
        ("{{ order['items'] | length }}", "2"),
        ("{{ order.items | join(', ', 'title') }}", "Lamp, *Bulb*"),
        ("{{ order.customer }}", ""),
        ("{{ order.paid }}", "yes"),
        ("{{ order.customer | default('nobody') }}", "nobody"),
        ("{{ nowhere.at.all | default('nobody') }}", "nobody"),
        ("{% if nowhere.at.all %}x{% else %}y{% endif %}", "y"),
        ("{{ at | date('%Y-%m-%d') }}", "2026-03-14"),
        ("{{ 1234567.891 | number(2) }}", "1,234,567.89"),
        (
            "{% for each in order['items'] %}{{ loop.index }} {{ each.title }};{% endfor %}",
            "1 Lamp;2 *Bulb*;",
        ),
        ("{{ 'abcdef' | truncate(4) }}", "abc…"),
        ("{{ order }}"[:0] + "{{ payload | json }}", '{"a": 1}'),
        ("{{ name.split(']')[0] | replace('[', '') }}", "evil"),
        ("{{ 2 * order.number + 1 }}", "15"),
    ],
)
def test_what_a_template_makes(text: str, made: str) -> None:
    assert render(text) == made


def test_what_comes_out_of_a_payload_is_escaped_and_the_templates_own_text_is_not() -> None:
    made = render(
        "**Hello** {{ name }} {{ name | plain }} {{ 'Open' | link('https://ok.example.com') }}", markdown=True
    )
    assert made.startswith("**Hello** ")
    assert "[evil](https" not in made
    assert "<at>" not in made
    assert "[Open](https://ok.example.com)" in made


def test_a_link_leads_to_a_web_page_or_is_none() -> None:
    assert render("[x]({{ js }})", markdown=True) == "x"
    assert (
        "javascript"
        not in render("[a]({{ js }}) [b](https://ok.example.com/{{ js }})", markdown=True).split("[b]")[0]
    )
    assert "https://ok" in render("[x]({{ web }})", markdown=True)


@pytest.mark.parametrize(
    "text, words, line",
    [
        ("{{ order.nummer }}", "no “nummer”", 1),
        ("a\n{{ order.number }}\n{{ customer.name }}", "no “customer.name”", 3),
        ("{{ nowhere.at.all }}", "no “nowhere.at.all”", 1),
        ("{{ 1 / 0 }}", "divided by zero", 1),
        ("{{ 'a' + 1 }}", "works on numbers", 1),
    ],
)
def test_what_fails_names_the_field_and_the_line(text: str, words: str, line: int) -> None:
    with pytest.raises(templates.TemplateProblem) as caught:
        render(text)
    assert words in caught.value.message
    assert caught.value.line == line


@pytest.mark.parametrize(
    "text, words",
    [
        ("{{ order. }}", "expected"),
        ("{% for x in y %}", "Unexpected end"),
        ("a\n{{ x | nope }}", "no filter “nope”"),
        ("{% include 'x' %}", "“include” is not possible"),
        ("{% macro m() %}{% endmacro %}", "“macro” is not possible"),
        ("{% set x %}a{% endset %}", "not possible"),
        ("{{ 2 ** 9 }}", "not possible"),
        ("{{ x | _steps }}", "no filter"),
    ],
)
def test_what_cannot_be_used_is_told_before_it_is_saved(text: str, words: str) -> None:
    with pytest.raises(templates.TemplateProblem) as caught:
        templates.compiled(text, False)
    assert words in caught.value.message
    assert caught.value.line >= 1


ATTACKS = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ order.__class__ }}",
    "{{ ().__class__.__bases__ }}",
    "{{ order.update({'a': 1}) }}",
    "{{ 'x' * 1000000000 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 'x'.ljust(1000000000) }}",
    "{{ 'x'.center(1000000000) }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ 'x' | center(1000000000) }}",
    "{{ [1] * 1000000000 }}",
    "{{ range(1000000000) | length }}",
    "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in range(1000) %}{% for b in range(1000) %}xxxxxxxxxx{% endfor %}{% endfor %}",
    "{% set a = 'xxxxxxxxxx' %}" + "".join("{% set a = a ~ a %}" for _ in range(40)) + "{{ a }}",
    "{% set a = 999999999999 %}" + "".join("{% set a = a * a %}" for _ in range(40)) + "{{ a }}",
    "{{ 'x' | replace('x', 'y' * 10) | replace('', 'zzzz') }}",
    "{{ lipsum() }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ namespace(a=1) }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ order.items() }}",
    "{{ payload.get('a').__class__ }}",
    "{{ name.encode() }}",
    "{{ ('x' | join('y' * 9)) }}",
    "{{ 1 | date('%9999999d') }}",
    "{% set a = [0] %}" + "{% set a = [a, a] %}" * 26 + "{{ a }}",
    "{% set a = [0] %}{% set b = [0] %}" + "{% set a = [a, a] %}{% set b = [b, b] %}" * 26 + "{{ a == b }}",
    "{% for x in range(1000) %}{{ big | upper | length }}{% endfor %}",
    "{% for x in range(1000) %}{{ big.upper().split() | length }}{% endfor %}",
    "{% for x in many %}{% set y = big | replace('a', 'b') %}{% endfor %}",
    "{" * 2_000,
    "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    "{{ " + "-" * 2000 + "1 }}",
]


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_an_attack_comes_to_nothing_quickly(text: str) -> None:
    started = time.monotonic()
    try:
        made = render(text)
    except templates.TemplateProblem:
        made = ""
    assert len(made) <= templates.MAX_OUTPUT + 1
    assert "class" not in made
    assert "globals" not in made
    assert time.monotonic() - started < 2


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="{}%| .'()abcxorder[]0123\n+-*~", max_size=60))
def test_any_text_is_a_template_or_a_problem(text: str) -> None:
    for markdown in (False, True):
        with contextlib.suppress(templates.TemplateProblem):
            render(text, markdown)
