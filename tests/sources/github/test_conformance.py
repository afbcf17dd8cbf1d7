"""GitHub passes the suite that every source passes."""

from __future__ import annotations

from apps.sources.catalog.github import SOURCE
from apps.sources.testing import SourceConformance


class TestGitHub(SourceConformance):
    source = SOURCE
