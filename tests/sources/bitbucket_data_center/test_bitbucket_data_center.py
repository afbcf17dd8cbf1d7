from __future__ import annotations

from apps.sources.catalog.bitbucket_data_center import SOURCE
from apps.sources.testing import SourceConformance


class TestBitbucketDataCenter(SourceConformance):
    source = SOURCE
