"""Prunes old requests, and with each its events, in small batches."""

from __future__ import annotations

import datetime as dt

from apps.core.pruning import in_batches
from apps.inbound.models import InboundRequest

BATCH = 500


def prune(before: dt.datetime, seconds: float) -> int:
    """Delete processed requests that came in before a moment, for at most `seconds`; returns how many."""
    return in_batches(lambda: step(before), seconds)


def step(before: dt.datetime) -> int:
    """Delete at most a batch of them; returns how many."""
    # The first rows are the oldest, but for those that were fetched late. Looking for old ones further on would
    # read the whole table each hour, and find none.
    first = (
        InboundRequest.objects.exclude(status=InboundRequest.Status.RECEIVED)
        .order_by("id")
        .values_list("pk", "received_at")[:BATCH]
    )
    old = [key for key, at in first if at < before]
    if old:
        InboundRequest.objects.filter(pk__in=old).delete()
    return len(old)
