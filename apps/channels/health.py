"""What is going to stop a webhook URL before it stops. Pure.

Teams switches a workflow off after 90 days without a call and after 14 days of nothing but failures; its owner hears
of it, the people who wait for cards do not.
"""

from __future__ import annotations

import datetime as dt
from typing import Protocol

IDLE_LIMIT, IDLE_WARNING = 90, 60  # days without a call
FAIL_LIMIT, FAIL_WARNING = 14, 7  # days of nothing but failures


class Used(Protocol):
    """What is known of the use of a webhook URL."""

    kind: str
    created_at: dt.datetime
    last_accepted_at: dt.datetime | None
    failing_since: dt.datetime | None


def warning(row: Used, now: dt.datetime) -> str:
    """What to do before the workflow is switched off, in words; "" while there is time."""
    if row.kind != "workflow":
        return ""
    if row.failing_since is not None:
        days = (now - row.failing_since).days
        if days >= FAIL_LIMIT:
            return (
                f"Nothing was accepted for {days} days, so Teams may have switched the workflow off. "
                "Open it in Teams, switch it on and send a test card."
            )
        if days >= FAIL_WARNING:
            return (
                f"Nothing was accepted for {days} days. Teams switches a workflow off after {FAIL_LIMIT} days "
                "of failures: look at its runs in Teams, or paste the URL of a new one."
            )
        return ""
    days = (now - (row.last_accepted_at or row.created_at)).days
    if days >= IDLE_LIMIT:
        return (
            f"Nothing was posted for {days} days, so Teams may have switched the workflow off. Send a test card; "
            "if it does not appear, switch the workflow on in Teams."
        )
    if days >= IDLE_WARNING:
        return (
            f"Nothing was posted for {days} days. Teams switches a workflow off after {IDLE_LIMIT}: send a test "
            "card, or turn on keep-alive."
        )
    return ""
