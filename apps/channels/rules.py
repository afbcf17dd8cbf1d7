"""What a channel's settings must be: the same for the admin's form and for the API."""

from __future__ import annotations

import zoneinfo

from apps.channels.etiquette import DAYS
from apps.channels.models import Channel

MOST_MINUTES = 60 * 24 * 30
MOST_CARDS = 100_000
MOST_DAYS = 85  # Teams counts to 90, and a card may need a day or two to get through
ALL_DAYS = len(DAYS)


def problems(row: Channel) -> dict[str, str]:
    """What is wrong with the settings of a channel that is not saved yet: field -> what to do. Empty when fine."""
    found: dict[str, str] = {}
    if row.time_zone not in zoneinfo.available_timezones():
        found["time_zone"] = "There is no such time zone. Use a name such as Europe/Berlin."
    if not 0 <= row.stale_after <= MOST_MINUTES:
        found["stale_after"] = f"Give 0 to {MOST_MINUTES:,} minutes; 0 means never."
    if not 0 <= row.budget_per_hour <= MOST_CARDS:
        found["budget_per_hour"] = f"Give 0 to {MOST_CARDS:,} cards; 0 means no limit."
    if not 1 <= row.keep_alive_days <= MOST_DAYS:
        found["keep_alive_days"] = (
            f"Give 1 to {MOST_DAYS} days: Teams switches a workflow off after 90 days without a card."
        )
    if row.urgent_severity not in Channel.Urgent.values:
        found["urgent_severity"] = f"Choose one of {', '.join(Channel.Urgent.values)}."
    if row.quiet_then not in Channel.Then.values:
        found["quiet_then"] = f"Choose one of {', '.join(Channel.Then.values)}."
    return found | _quiet(row)


def _quiet(row: Channel) -> dict[str, str]:
    for name in ("quiet_days", "quiet_whole_days"):
        days = getattr(row, name)
        if not isinstance(days, list) or any(day not in DAYS for day in days):
            return {name: f"Days are a list of {', '.join(DAYS)}."}
    if len(set(row.quiet_whole_days)) == ALL_DAYS:
        return {"quiet_whole_days": "Leave one day awake. To silence the channel, mute or pause it."}
    if (row.quiet_start is None) != (row.quiet_end is None):
        missing = "quiet_start" if row.quiet_start is None else "quiet_end"
        return {missing: "Give both times, or none."}
    if row.quiet_start is not None and row.quiet_start == row.quiet_end:
        return {"quiet_end": "The end is the start. For a whole day, choose it under “all day on”."}
    if row.quiet_start is not None and not row.quiet_days:
        return {"quiet_days": "Choose the days on which the quiet hours begin."}
    return {}
