"""A source without code: read, told, and never more than the design's three outcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.cards.notification import Card, Notification
from apps.core.errors import PayloadError
from apps.sources import declarative
from apps.sources.declarative.document import DocumentError
from apps.sources.declarative.source import DeclarativeSource
from apps.sources.http import Headers, Http
from apps.sources.source import Context, Understood
from apps.sources.understand import understand_all

STARTERS = sorted((Path(declarative.__file__).parent / "starters").glob("*.json"))


def starter(name: str, **changes: Any) -> dict[str, Any]:
    path = next(each for each in STARTERS if each.stem == name)
    return {**json.loads(path.read_text()), **changes}


def source(data: dict[str, Any], **more: Any) -> DeclarativeSource:
    return DeclarativeSource("custom-test", declarative.load(data), **more)


def told(code: DeclarativeSource, body: object, **headers: str) -> list[Understood]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = Headers({"content-type": "application/json", **headers})
    return list(understand_all(code, Http(headers=found, body=raw), Context(headers=found)))


def simple(**event: Any) -> dict[str, Any]:
    return {
        "name": "Test", "reading": {"name": "type", "id": "id"},
        "events": [{"name": "a", "title": "{{ title }}", **event}],
    }  # fmt: skip


@pytest.mark.parametrize("path", STARTERS, ids=lambda path: path.stem)
def test_every_starting_point_tells_its_samples(path: Path) -> None:
    code = source(json.loads(path.read_text()))
    for sample in code.own_samples():
        http = code.sample_http(sample.event, sample.body)
        for item in understand_all(code, http, Context(headers=http.headers)):
            assert item.outcome == "ok", item.reason
            assert isinstance(item.notification, Notification)


def test_batches_ids_and_families() -> None:
    data = {
        "name": "T", "reading": {"batch": "events", "name": "kind", "id": "n"},
        "events": [{"name": "order.*", "title": "Order {{ n }}"}, {"name": "order.gone", "title": "x", "ignore": "Noise."}],
    }  # fmt: skip
    body = {
        "events": [
            {"kind": "order.paid", "n": 1},
            {"kind": "order.gone", "n": 2},
            {"kind": "user.new", "n": 3},
        ]
    }
    found = told(source(data), body)
    assert [(item.outcome, item.event.id) for item in found] == [
        ("ok", "1"),
        ("ignored", "2"),
        ("unsupported", "3"),
    ]


def test_a_name_in_a_header_wins() -> None:
    data = {
        "name": "T",
        "reading": {"name_header": "X-Event", "id_header": "X-Id"},
        "events": [{"name": "a", "title": "A"}],
    }
    [item] = told(source(data), {"type": "b"}, **{"X-Event": "a", "X-Id": "7"})
    assert (item.event.name, item.event.id, item.outcome) == ("a", "7", "ok")


def test_a_filter_that_does_not_hold_ignores_with_the_reason() -> None:
    code = source(simple(filter="level == 'high'"))
    [item] = told(code, {"type": "a", "title": "x", "level": "low"})
    assert item.outcome == "ignored"
    assert "level == 'high'" in item.reason
    assert told(code, {"type": "a", "title": "x", "level": "high"})[0].outcome == "ok"


def test_a_template_that_fails_shows_the_raw_fields_and_tells_the_admin() -> None:
    troubles: list[str] = []
    code = source(simple(text="one\n{{ customer.name }}"), trouble=troubles.append)
    [item] = told(code, {"type": "a", "title": "Hello", "amount": 12})
    card = item.notification
    assert isinstance(card, Card)
    assert "Hello" in json.dumps(card.content)
    assert "12" in json.dumps(card.content)
    assert "“text”, line 2: The payload has no “customer.name”" in card.warnings[0]
    assert troubles == [card.warnings[0].removesuffix(" The raw fields are shown.")]


@pytest.mark.parametrize("mode", ["structured", "binary", "batch"])
def test_cloudevents_in_all_modes(mode: str) -> None:
    code = source(starter("cloudevents"))
    event = {
        "specversion": "1.0",
        "type": "t.done",
        "source": "/s",
        "id": "1",
        "subject": "Hello",
        "data": {"message": "m"},
    }
    if mode == "structured":
        found = told(code, event, **{"content-type": "application/cloudevents+json"})
    elif mode == "batch":
        found = told(code, [event], **{"content-type": "application/cloudevents-batch+json"})
    else:
        headers = {f"ce-{key}": str(event[key]) for key in ("specversion", "type", "source", "id", "subject")}
        found = told(code, event["data"], **headers)
    [item] = found
    assert (item.event.name, item.event.id, item.outcome) == ("t.done", "/s/1", "ok")
    assert isinstance(item.notification, Notification)
    assert item.notification.title == "Hello"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"evnts": []}, "evnts: There is no such field"),
        ({"version": 2}, "version"),
        ({"name": ""}, "name"),
        ({"reading": {"name": "a["}}, "reading.name: This is no JMESPath"),
        ({"events": [{"name": "a"}]}, "events.0.title: A card needs a title"),
        (
            {"events": [{"name": "a", "title": "x\n{{ b | nope }}"}]},
            "events.0.title, line 2: There is no filter",
        ),
        (
            {"events": [{"name": "a", "title": "x"}, {"name": "a", "title": "y"}]},
            "events.1.name: “a” stands here twice",
        ),
        (
            {"events": [{"name": "a", "title": "x", "facts": [{"title": "F", "value": "{{"}]}]},
            "events.0.facts.0.value, line 1",
        ),
        ({"attributes": {"9": "a"}}, "attributes.9"),
        ({"verification": {"scheme": "magic"}}, "verification.scheme"),
    ],
)
def test_mistakes_in_a_document_name_their_place(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DocumentError) as caught:
        declarative.load({**simple(), **change})
    assert words in caught.value.public_message


@pytest.mark.parametrize("data", [None, [], "x", 7, {}, {"name": None}])
def test_what_is_no_document_is_refused(data: object) -> None:
    with pytest.raises(DocumentError):
        declarative.load(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["type", "event", "order", "data", "id", "title", "items", "status", "customer", "url", "x"]),
        inner, max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip
SOURCES = [source(json.loads(path.read_text())) for path in STARTERS]


@settings(max_examples=250, deadline=None)
@given(JSON, st.sampled_from(SOURCES))
def test_any_json_has_one_of_the_designs_outcomes(body: object, code: DeclarativeSource) -> None:
    try:
        found = told(code, body)
    except PayloadError:
        return
    for item in found:
        assert item.outcome in ("ok", "ignored", "unsupported", "malformed")
        assert item.code != "source_failed", item.reason
        assert code.attributes(item.event, Context()) is not None


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80), st.sampled_from(SOURCES))
def test_any_bytes_have_one_of_the_designs_outcomes(body: bytes, code: DeclarativeSource) -> None:
    try:
        for item in told(code, body):
            assert item.code != "source_failed", item.reason
    except PayloadError:
        pass
