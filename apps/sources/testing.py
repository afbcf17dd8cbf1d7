"""The conformance suite that every source passes, ours and other people's.

    # conftest.py
    pytest_plugins = ["apps.sources.testing"]

    # test_my_source.py
    from apps.sources.testing import SourceConformance
    from my_package import SOURCE

    class TestMySource(SourceConformance):
        source = SOURCE

`pytest --update-golden` writes the cards anew, to be reviewed as a diff.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree as Xml

import pytest

from apps.cards import adaptive, limits
from apps.cards.notification import Card, Notification
from apps.core.errors import PayloadError, VerificationError
from apps.sources.http import Headers, Http
from apps.sources.samples import CONTENT_TYPES, Sample, folder, samples
from apps.sources.source import Context, Source, Understood
from apps.sources.understand import understand_all

NOW = dt.datetime(2026, 3, 14, 9, 26, 53, tzinfo=dt.UTC)
SECRET = "dGhpcyBpcyBhIHNlY3JldCBmb3IgdGVzdHMgb25seSE="  # base64, because some schemes want it
HOOK_URL = "https://connectors.example.com/hooks/sample"
FUZZ_VALUES: tuple[object, ...] = (None, 7, [])
FUZZ_KEYS = 400  # in one sample; the long tail of a vendor's object repeats the same kinds of fields


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden cards of sources anew")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    source = getattr(metafunc.cls, "source", None)
    if isinstance(source, Source) and "sample" in metafunc.fixturenames:
        found = list(samples(source))
        metafunc.parametrize("sample", found, ids=[item.name for item in found])
    if isinstance(source, Source) and "scheme" in metafunc.fixturenames:
        metafunc.parametrize("scheme", source.schemes, ids=[item.key for item in source.schemes])


def request_for(source: Source, sample: Sample) -> Http:
    """The unsigned request that the source would send for a sample."""
    http = source.sample_http(sample.event, sample.body)
    headers = {"content-type": CONTENT_TYPES[sample.kind], **http.headers}
    if sample.kind != "json":
        headers["content-type"] = CONTENT_TYPES[sample.kind]
    return replace(http, headers=Headers(headers), url=http.url or HOOK_URL, received_at=NOW)


def outcomes(source: Source, http: Http) -> list[Understood]:
    """What the real path makes of a request. Raises PayloadError for an unreadable one."""
    return list(understand_all(source, http, Context(options={}, now=NOW, headers=http.headers)))


def cards(source: Source, http: Http) -> list[Card]:
    """The rendered cards of a request."""
    found = []
    for item in outcomes(source, http):
        if isinstance(item.notification, Notification):
            found.append(adaptive.render(item.notification))
        elif isinstance(item.notification, Card):
            found.append(item.notification)
    return found


def mutations(value: Any, limit: int = FUZZ_KEYS) -> Iterator[tuple[str, Any]]:
    """Copies of a JSON value with one key removed, or set to null, 7 or []; with the path changed."""
    places: list[tuple[list[str | int], str]] = []
    stack: list[tuple[Any, list[str | int]]] = [(value, [])]
    while stack and len(places) < limit:
        item, path = stack.pop(0)
        if isinstance(item, dict):
            for key, inner in item.items():
                places.append((path, key))
                stack.append((inner, [*path, key]))
        elif isinstance(item, list):
            stack += [(inner, [*path, index]) for index, inner in enumerate(item[:2])]
    for path, key in places[:limit]:
        for change in ("drop", *FUZZ_VALUES):
            yield f"{'.'.join(map(str, [*path, key]))}={change}", _changed(value, path, key, change)


def _changed(value: Any, path: list[str | int], key: str, change: object) -> Any:
    """A copy of `value` along `path` only; everything else is shared."""
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if path:
        copy[path[0]] = _changed(value[path[0]], path[1:], key, change)
    elif change == "drop":
        del copy[key]
    else:
        copy[key] = change
    return copy


class SourceConformance:
    """Subclass it with `source = SOURCE`; the tests below then run over the source and its samples."""

    source: ClassVar[Source]

    def test_its_identity_is_complete(self) -> None:
        source = self.source
        assert source.slug.replace("_", "").isalnum()
        assert source.slug == source.slug.lower()
        assert source.name and source.category and source.summary
        assert source.docs_url.startswith("https://")
        assert source.schemes, "a source offers at least one scheme, UrlOnly if the product has none"
        keys = [scheme.key for scheme in source.schemes]
        assert all(keys) and len(set(keys)) == len(keys)
        assert all(scheme.label for scheme in source.schemes)
        option_keys = [option.key for option in source.options]
        assert len(set(option_keys)) == len(option_keys)
        assert all(option.label for option in source.options)

    def test_it_has_a_logo_and_set_up_text(self) -> None:
        place = folder(self.source)
        logo = (place / "logo.svg").read_text("utf-8")
        Xml.fromstring(logo)
        assert "<script" not in logo
        text = (place / "setup.md").read_text("utf-8")
        assert "{{url}}" in text, "the set-up text shows where the URL goes"

    def test_every_event_has_a_label_a_group_and_a_sample(self) -> None:
        shown = {sample.event for sample in samples(self.source)}
        names = [spec.name for spec in self.source.events]
        assert names, "a source has events"
        assert all(spec.label and spec.group for spec in self.source.events)
        assert not [name for name in names if name not in shown], "events without a sample"
        assert self.source.events.defaults(), "at least one event is ticked by default"

    def test_a_sample_makes_the_event_it_is_named_after(self, sample: Sample) -> None:
        found = outcomes(self.source, request_for(self.source, sample))
        assert found, "the sample has no event in it"
        assert sample.event in {item.event.name for item in found}
        for item in found:
            assert item.outcome in ("ok", "ignored"), f"{item.event.name}: {item.reason}"
            assert item.event.name in self.source.events or item.outcome == "ignored"

    def test_its_cards_are_valid_and_within_the_limits(self, sample: Sample) -> None:
        for card in cards(self.source, request_for(self.source, sample)):
            assert limits.check(card.content) == []
            assert card.summary.strip()

    def test_its_cards_equal_the_golden_ones(self, sample: Sample, request: pytest.FixtureRequest) -> None:
        made = [card.content for card in cards(self.source, request_for(self.source, sample))]
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        file = folder(self.source) / "golden" / f"{sample.name}.json"
        if request.config.getoption("--update-golden"):
            path = Path(str(file))
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        assert file.is_file(), "no golden card yet: run pytest --update-golden and review the diff"
        assert json.loads(file.read_text("utf-8")) == made

    def test_a_signed_sample_verifies_and_a_flipped_byte_does_not(self, scheme: Any) -> None:
        sample = next(iter(samples(self.source)))
        signed = scheme.sign(request_for(self.source, sample), SECRET, NOW)
        secrets = ["an older one", SECRET]
        if not scheme.needs_secret:
            assert scheme.verify(signed, [], NOW) == -1
            return
        assert scheme.verify(signed, secrets, NOW) == 1
        with pytest.raises(VerificationError):
            scheme.verify(signed, ["another"], NOW)
        with pytest.raises(VerificationError):
            scheme.verify(request_for(self.source, sample), secrets, NOW)
        if scheme.strength == "strong":
            flipped = bytes([signed.body[0] ^ 1]) + signed.body[1:]
            with pytest.raises(VerificationError):
                scheme.verify(replace(signed, body=flipped), secrets, NOW)

    def test_no_missing_or_odd_field_breaks_it(self, sample: Sample) -> None:
        http = request_for(self.source, sample)
        if sample.kind != "json":
            for cut in range(0, len(sample.body), max(1, len(sample.body) // 50)):
                _stands(self.source, replace(http, body=sample.body[:cut]))
            return
        for place, body in mutations(json.loads(sample.body)):
            _stands(self.source, replace(http, body=json.dumps(body).encode()), place)

    def test_it_reads_no_more_than_it_should_from_absurd_bodies(self) -> None:
        first = next(iter(samples(self.source)))
        http = request_for(self.source, first)
        for body in (
            b"",
            b"null",
            b"[]",
            b"7",
            b'"x"',
            b"{}",
            b"[" * 100_000,
            b"\xff\xfe",
            b"{",
            b"<x/>",
            b"a=b",
        ):
            _stands(self.source, replace(http, body=body), repr(body[:10]))


def _stands(source: Source, http: Http, place: str = "") -> None:
    """The request ends in one of the three outcomes, and no mistake in the source's code shows."""
    try:
        for item in outcomes(source, http):
            assert item.code != "source_failed", f"{place}: {item.reason}"
            if isinstance(item.notification, Notification):
                adaptive.render(item.notification)
    except PayloadError as error:
        assert error.code != "source_failed", f"{place}: {error.public_message}"
