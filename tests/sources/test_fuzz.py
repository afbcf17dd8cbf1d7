"""Whatever comes in, every source ends in one of the three outcomes: told or ignored, unsupported, malformed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.cards import adaptive
from apps.cards.notification import Notification
from apps.core.errors import PayloadError
from apps.sources import registry
from apps.sources.http import Headers, Http
from apps.sources.samples import samples
from apps.sources.source import Context, Source
from apps.sources.testing import NOW, request_for
from apps.sources.understand import understand_all

SOURCES = list(registry.all_sources())
TEXTS = ["", "0", "2026-03-14T09:26:53Z", "https://x.example.com/a", "<b>&amp;", "@all"]
NUMBERS = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(max_size=12) | st.sampled_from(TEXTS)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=SLOW)


def stands(source: Source, http: Http) -> None:
    """The request has one of the outcomes, and its cards can be drawn."""
    code = ""
    try:
        for item in understand_all(source, http, Context(now=NOW, headers=http.headers)):
            assert item.code != "source_failed", item.reason
            assert item.outcome in ("ok", "ignored", "unsupported", "malformed")
            if isinstance(item.notification, Notification):
                assert adaptive.render(item.notification).summary
    except PayloadError as error:
        code = error.code
    assert code != "source_failed"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.slug)
@SETTINGS
@given(data=st.data())
def test_samples_with_anything_in_place_of_some_values(source: Source, data: st.DataObject) -> None:
    shipped = [each for each in samples(source) if each.kind == "json"]
    if not shipped:
        return
    sample = data.draw(st.sampled_from(shipped))
    body: Any = json.loads(sample.body)
    for _ in range(data.draw(st.integers(1, 4))):
        _replace(body, data)
    http = request_for(source, sample)
    stands(source, Http(headers=http.headers, body=json.dumps(body).encode(), query=http.query, url=http.url))


def _replace(value: Any, data: st.DataObject) -> None:
    """Put something else into one place of a JSON value."""
    while True:
        keys = (
            list(value)
            if isinstance(value, dict)
            else list(range(len(value)))
            if isinstance(value, list)
            else []
        )
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if isinstance(value[key], (dict, list)) and value[key] and data.draw(st.integers(0, 3)):
            value = value[key]
            continue
        value[key] = data.draw(JSON)
        return


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.slug)
@SETTINGS
@given(
    body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()),
    kind=st.sampled_from(
        ["application/json", "text/plain", "application/x-www-form-urlencoded", "text/xml", ""]
    ),
    query=st.text(max_size=20),
)
def test_any_bytes_under_any_content_type(source: Source, body: bytes, kind: str, query: str) -> None:
    http = source.sample_http(next(iter(samples(source))).event, body)
    stands(source, Http(headers=Headers({**http.headers, "content-type": kind}), body=body, query=query))
