"""Prunes old deliveries in small batches."""

from __future__ import annotations

import datetime as dt

from apps.core.pruning import in_batches
from apps.deliveries.models import Attempt, Delivery

BATCH = 1000


def prune(before: dt.datetime, seconds: float) -> int:
    """Delete settled deliveries made before a moment, for at most `seconds`; returns how many."""
    return in_batches(lambda: step(before), seconds)


def step(before: dt.datetime) -> int:
    """Delete at most a batch of them; returns how many."""
    # The first rows are the oldest. Looking for old ones further on would read the whole table each hour.
    first = (
        Delivery.objects.exclude(status=Delivery.Status.PENDING)
        .order_by("id")
        .values_list("pk", "created_at")[:BATCH]
    )
    old = [key for key, at in first if at < before]
    if old:
        Attempt.objects.filter(delivery__in=old).delete()
        Delivery.objects.filter(pk__in=old).delete()
    return len(old)
