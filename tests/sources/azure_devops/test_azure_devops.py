"""Azure DevOps: the conformance suite, and what is particular to its payloads."""

from __future__ import annotations

from apps.sources.catalog.azure_devops import SOURCE
from apps.sources.testing import SourceConformance


class TestAzureDevOps(SourceConformance):
    source = SOURCE
