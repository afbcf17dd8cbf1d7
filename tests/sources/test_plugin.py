"""A source in somebody else's package works as ours do, and a broken one stops nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from apps.sources import registry
from apps.sources.checks import check_sources
from apps.sources.testing import SourceConformance

EXAMPLE = Path(__file__).parents[1] / "plugins" / "example_source" / "src"
sys.path.append(str(EXAMPLE))

from lighthouse_source import SOURCE  # noqa: E402


class TestLighthouse(SourceConformance):
    source = SOURCE


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if two packages were installed: the example, and one that cannot be imported."""
    entries = [
        EntryPoint("lighthouse", "lighthouse_source:SOURCE", registry.GROUP),
        EntryPoint("broken", "no_such_package:SOURCE", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)
    registry.registry.cache_clear()
    yield
    registry.registry.cache_clear()


@pytest.mark.django_db
@pytest.mark.usefixtures("installed")
def test_an_installed_source_is_found_beside_the_built_in_ones() -> None:
    assert registry.get("lighthouse") is SOURCE
    assert len(registry.choices()) > 1


@pytest.mark.usefixtures("installed")
def test_a_broken_one_is_reported_and_stops_nothing() -> None:
    messages = check_sources(None)
    assert [message.id for message in messages] == ["sources.W001"]
    assert "no_such_package" in messages[0].msg
