"""Counting how often something happens, per process and minute: enough against floods, and cheap."""

from __future__ import annotations

import time

from django.core.cache import cache

WINDOW = 60  # seconds


def over(key: str, limit: int) -> float | None:
    """Count one of `key`; the seconds to wait when `limit` is passed in the current minute, else None."""
    now = time.time()
    window = int(now // WINDOW)
    name = f"{key}:{window}"
    if cache.add(name, 1, WINDOW * 2):
        return None
    try:
        count = cache.incr(name)
    except ValueError:  # thrown out of the cache meanwhile
        return None
    return (window + 1) * WINDOW - now if count > limit else None


def is_over(key: str, limit: int) -> float | None:
    """As `over`, without counting."""
    now = time.time()
    window = int(now // WINDOW)
    count = cache.get(f"{key}:{window}", 0)
    return (window + 1) * WINDOW - now if count >= limit else None
