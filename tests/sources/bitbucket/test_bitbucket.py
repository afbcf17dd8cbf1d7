from __future__ import annotations

from apps.sources.catalog.bitbucket import SOURCE
from apps.sources.testing import SourceConformance


class TestBitbucket(SourceConformance):
    source = SOURCE
