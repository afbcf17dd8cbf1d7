"""When a channel wants to be left alone: quiet hours, mutes and what counts as urgent. Pure.

Quiet hours are told in the channel's own time zone, as people say them: "22:00 to 07:00 on weekdays, and all of
Saturday and Sunday". Stretches that touch each other count as one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.cards.notification import Severity

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FOREVER = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)  # a mute that nobody has to renew
LOOK_AHEAD = 9  # days; the longest stretch of quiet is shorter, because one day of the week is always awake
MORNING = dt.time(9, 0)


@dataclass(frozen=True, slots=True)
class Quiet:
    """A channel's quiet hours. They begin on `days` at `start`; `whole_days` are quiet from midnight to midnight."""

    start: dt.time | None
    end: dt.time | None
    days: frozenset[int]
    whole_days: frozenset[int]
    zone: str

    def until(self, now: dt.datetime) -> dt.datetime | None:
        """When the quiet that holds at `now` ends, in UTC; None when it is not quiet."""
        stretches = list(self._stretches(now))
        end: dt.datetime | None = None
        at = now
        while True:
            ends = [last for first, last in stretches if first <= at < last]
            if not ends:
                return end
            at = end = max(ends)

    def _stretches(self, now: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        zone = zone_of(self.zone)
        today = now.astimezone(zone).date()
        for offset in range(-1, LOOK_AHEAD):
            day = today + dt.timedelta(days=offset)
            tomorrow = day + dt.timedelta(days=1)
            if day.weekday() in self.whole_days:
                yield _first(day, dt.time(), zone), _last(tomorrow, dt.time(), zone)
            if self.start is not None and self.end is not None and day.weekday() in self.days:
                over_midnight = self.end <= self.start
                yield (
                    _first(day, self.start, zone),
                    _last(tomorrow if over_midnight else day, self.end, zone),
                )


def quiet_of(
    *,
    start: dt.time | None,
    end: dt.time | None,
    days: Sequence[str],
    whole_days: Sequence[str],
    zone: str,
) -> Quiet | None:
    """The quiet hours of stored values, or None when there are none."""
    if (start is None or end is None or not days) and not whole_days:
        return None
    return Quiet(start, end, _numbers(days), _numbers(whole_days), zone)


def _numbers(days: Sequence[str]) -> frozenset[int]:
    return frozenset(DAYS.index(day) for day in days if day in DAYS)


@lru_cache(maxsize=64)
def zone_of(name: str) -> dt.tzinfo:
    """The time zone of that name; UTC when this machine does not know it any more."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return dt.UTC


def _first(day: dt.date, time: dt.time, zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.combine(day, time, zone).astimezone(dt.UTC)


def _last(day: dt.date, time: dt.time, zone: dt.tzinfo) -> dt.datetime:
    # An hour that comes twice ends with its second turn; one that the clocks skip ends after the gap.
    local = dt.datetime.combine(day, time, zone)
    return max(local.astimezone(dt.UTC), local.replace(fold=1).astimezone(dt.UTC))


def is_urgent(urgent_from: str, severity: str) -> bool:
    """Whether a card comes at once whatever the etiquette says. urgent_from: a severity, or "" for none."""
    if not urgent_from:
        return False
    try:
        return Severity(severity).rank >= Severity(urgent_from).rank
    except ValueError:
        return False


def severities_below(urgent_from: str) -> list[str]:
    """The severities, as stored on deliveries, that are not urgent; "" stands for an unknown one."""
    return ["", *(each.value for each in Severity if not is_urgent(urgent_from, each.value))]


def told(moment: dt.datetime, zone: str, now: dt.datetime) -> str:
    """A moment in the channel's own time, in words: "Tue 07:00 (Europe/Berlin)"."""
    if moment >= FOREVER:
        return "further notice"
    local = moment.astimezone(zone_of(zone))
    far = moment - now > dt.timedelta(days=6)
    return f"{local:%a %d %b %Y %H:%M} ({zone})" if far else f"{local:%a %H:%M} ({zone})"


def tomorrow_morning(zone: str, now: dt.datetime) -> dt.datetime:
    """Nine o'clock of the next day, by the channel's clocks."""
    there = zone_of(zone)
    day = now.astimezone(there).date() + dt.timedelta(days=1)
    return _first(day, MORNING, there)
