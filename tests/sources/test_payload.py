"""Payload gives typed access and raises nothing but PayloadError."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import PayloadError
from apps.sources.payload import Payload, parse_json, parse_time

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def test_it_reads_nested_fields_and_list_entries() -> None:
    payload = Payload({"a": {"b": [{"c": 7}]}})
    assert payload.text("$.a.b[0].c") == "7"
    assert payload.sub("$.a").opt("b[0].c") == "7"


def test_it_names_the_path_of_a_missing_field() -> None:
    with pytest.raises(PayloadError) as caught:
        Payload({"issue": {}}).sub("$.issue").text("$.title")
    assert caught.value.path == "$.issue.title"
    assert "$.issue.title" in caught.value.public_message


@pytest.mark.parametrize("value", [None, [], {}, True, ""])
def test_text_refuses_what_is_no_text(value: object) -> None:
    with pytest.raises(PayloadError):
        Payload({"a": value}).text("$.a")


def test_each_passes_over_what_is_no_object() -> None:
    assert [item.at for item in Payload({"a": [1, {"b": 2}, None]}).each("$.a")] == ["$.a[1]"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-14T09:26:53Z", dt.datetime(2026, 3, 14, 9, 26, 53, tzinfo=dt.UTC)),
        ("2026-03-14T09:26:53.1234567Z", dt.datetime(2026, 3, 14, 9, 26, 53, 123456, tzinfo=dt.UTC)),
        ("2026-03-14 09:26:53 UTC", dt.datetime(2026, 3, 14, 9, 26, 53, tzinfo=dt.UTC)),
        (1773480413, dt.datetime(2026, 3, 14, 9, 26, 53, tzinfo=dt.UTC)),
        (1773480413000, dt.datetime(2026, 3, 14, 9, 26, 53, tzinfo=dt.UTC)),
        ("0001-01-01T00:00:00", None),
        ("soon", None),
        (1e300, None),
        (True, None),
    ],
)
def test_it_reads_vendors_times(value: object, expected: dt.datetime | None) -> None:
    assert parse_time(value) == expected


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_body"),
        (b"{", "not_json"),
        (b"\xff", "not_utf8"),
        (b"[" * 200 + b"]" * 200, "too_deep"),
        (b"[" * 200_000, "too_deep"),
        (b'{"a": NaN}', "not_json"),
    ],
)
def test_unreadable_bodies_have_a_stable_code(body: bytes, code: str) -> None:
    with pytest.raises(PayloadError) as caught:
        parse_json(body)
    assert caught.value.code == code


@given(value=JSON, path=st.text(alphabet="$.ab[]0-1", max_size=12))
def test_no_value_and_no_path_raises_anything_else(value: object, path: str) -> None:
    payload = Payload(value)
    for read in (
        payload.opt,
        payload.opt_int,
        payload.opt_float,
        payload.flag,
        payload.sub,
        payload.texts,
        payload.time,
    ):
        read(path)
    list(payload.each(path))
    for strict in (payload.text, payload.child):
        try:
            strict(path)
        except PayloadError:
            continue


@given(JSON)
def test_json_goes_in_as_it_came(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value
