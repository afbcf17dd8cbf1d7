"""Deletes much without being in the way: a little at a time, with rests between."""

from __future__ import annotations

import time
from collections.abc import Callable


def in_batches(step: Callable[[], int], seconds: float) -> int:
    """Repeat `step`, which deletes some rows and says how many, until it finds none or `seconds` are over.

    It rests as long as each step took, so that others get at the database. Returns how many rows were deleted.
    """
    end, total = time.monotonic() + seconds, 0
    while True:
        begun = time.monotonic()
        deleted = step()
        took = time.monotonic() - begun
        total += deleted
        if not deleted or begun + 2 * took >= end:
            return total
        time.sleep(took)
