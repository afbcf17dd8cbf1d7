"""When to try again: pure, of values and chance."""

from __future__ import annotations

from apps.core.errors import TransportError

# Seconds before each further try. People wait for these cards, so the first steps are short: 9 tries in 27.6 h.
WAITS = (5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 28_800.0, 61_200.0)
JITTER = 0.2
AFTER_429 = 60.0


def next_wait(made: int, error: TransportError, chance: float) -> float | None:
    """Seconds until the next try, or None when there is none.

    made: tries made so far, this one included. chance: a number from 0 to 1, for the jitter.
    """
    if error.permanent or not 1 <= made <= len(WAITS):
        return None
    step = WAITS[made - 1]
    if error.answer_status == 429 and error.retry_after is None:
        step = max(step, AFTER_429)
    wait = step * (1 - JITTER + 2 * JITTER * chance)
    if error.retry_after is not None:
        # What the other side asks for is honoured, but not beyond twice our own step plus a minute.
        wait = max(wait, min(error.retry_after, 2 * step + AFTER_429))
    return wait
