"""Gogs passes the suite."""

from __future__ import annotations

from apps.sources.catalog.gogs import SOURCE
from apps.sources.testing import SourceConformance


class TestGogs(SourceConformance):
    source = SOURCE
