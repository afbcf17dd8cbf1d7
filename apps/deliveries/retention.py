"""Prunes old deliveries in small batches."""

from __future__ import annotations

import datetime as dt

from apps.deliveries.models import Attempt, Delivery

BATCH = 200


def prune(before: dt.datetime, batches: int = 50) -> int:
    """Delete settled deliveries made before a moment; returns how many. At most `batches` times 200 rows."""
    total = 0
    for _ in range(batches):
        old = list(
            Delivery.objects.filter(created_at__lt=before)
            .exclude(status=Delivery.Status.PENDING)
            .order_by("id")
            .values_list("pk", flat=True)[:BATCH]
        )
        if not old:
            break
        Attempt.objects.filter(delivery__in=old).delete()
        Delivery.objects.filter(pk__in=old).delete()
        total += len(old)
    return total
