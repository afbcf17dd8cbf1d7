"""Gitea passes the suite."""

from __future__ import annotations

from apps.sources.catalog.gitea import SOURCE
from apps.sources.testing import SourceConformance


class TestGitea(SourceConformance):
    source = SOURCE
