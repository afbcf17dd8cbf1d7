"""Times as programs and people write them."""

from __future__ import annotations

import datetime as dt

from django.utils.dateparse import parse_datetime


def moment(text: str) -> dt.datetime | None:
    """The time in UTC, which is meant where no offset stands; None when it is not one.

    Always in UTC, because no database holds what an offset pushes over the first or the last year.
    """
    try:
        # A plus sign that was not escaped in a query string arrives as a space.
        found = parse_datetime(text.strip().replace(" ", "+") if "T" in text else text.strip())
        return found and (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
