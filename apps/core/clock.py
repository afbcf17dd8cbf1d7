"""Notices when somebody sets the clock: waits are kept as moments of the wall clock, which then mean something else."""

from __future__ import annotations

import time

SMALLEST = 5.0  # seconds; less is the slow correction of a time service


class Steps:
    """Compares the wall clock with the steady one."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def take(self) -> float:
        """Seconds by which the wall clock was set since the last call: above 0 forward, below 0 back."""
        offset = time.time() - time.monotonic()
        step = offset - self._offset
        if abs(step) < SMALLEST:
            return 0.0
        self._offset = offset
        return step
