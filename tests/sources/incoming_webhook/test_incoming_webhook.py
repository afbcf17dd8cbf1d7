"""What the forever-URL takes, and what it answers."""

from __future__ import annotations

from apps.sources.catalog.incoming_webhook import SOURCE
from apps.sources.testing import SourceConformance


class TestIncomingWebhook(SourceConformance):
    source = SOURCE
