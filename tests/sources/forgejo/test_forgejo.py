"""Forgejo passes the suite."""

from __future__ import annotations

from apps.sources.catalog.forgejo import SOURCE
from apps.sources.testing import SourceConformance


class TestForgejo(SourceConformance):
    source = SOURCE
