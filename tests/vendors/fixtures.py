from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.vendors.stub import StubServer


@pytest.fixture
def stub(settings: Any) -> Iterator[StubServer]:
    """A vendor's API on this machine, which the product may connect to."""
    settings.DESTINATION_ALLOW = ["127.0.0.1/32"]
    with StubServer() as server:
        yield server
