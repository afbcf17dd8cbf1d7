"""A channel's settings out of a body: when it is quiet, how much it takes, what keeps it alive."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.dateparse import parse_time

from apps.api.values import flag, number, text
from apps.channels import rules
from apps.channels.etiquette import DAYS, FOREVER
from apps.channels.models import Channel
from apps.core.errors import ConfigurationError
from apps.core.moments import moment

LIMITS = {"per_second": 1_000, "per_half_minute": 30_000, "per_minute": 30_000, "per_hour": 1_000_000}
QUIET_KEYS = ("start", "end", "days", "whole_days", "then", "until")  # "until" is answered and may come back


def change(row: Channel, body: dict[str, Any]) -> None:
    """Set what the body names on a channel that is not saved yet. Raises ConfigurationError."""
    if "time_zone" in body:
        row.time_zone = text(body, "time_zone", 64)
    for name in ("stale_after", "budget_per_hour"):
        if name in body:
            setattr(row, name, number(body, name, rules.MOST_CARDS))
    if "keep_alive_days" in body:
        row.keep_alive_days = number(body, "keep_alive_days", rules.MOST_DAYS)
    if "keep_alive" in body:
        row.keep_alive = flag(body, "keep_alive")
    if "urgent_severity" in body:
        row.urgent_severity = text(body, "urgent_severity", 20)
    if "quiet_hours" in body:
        _quiet(row, body["quiet_hours"])
    if "muted_until" in body:
        row.muted_until = mute_end(body)
    for name, words in rules.problems(row).items():
        shown = name.replace("quiet_", "quiet_hours.") if name.startswith("quiet_") else name
        raise ConfigurationError("invalid", f"“{shown}”: {words}")


def _quiet(row: Channel, value: object) -> None:
    if value is None:
        row.quiet_start = row.quiet_end = None
        row.quiet_whole_days = []
        return
    if not isinstance(value, dict) or not set(value) <= set(QUIET_KEYS):
        raise ConfigurationError(
            "invalid",
            "“quiet_hours” is null or an object with start, end, days, whole_days and then, such as "
            '{"start": "22:00", "end": "07:00"}.',
        )
    row.quiet_start, row.quiet_end = _time(value, "start"), _time(value, "end")
    row.quiet_days = _days(value, "days", list(DAYS))
    row.quiet_whole_days = _days(value, "whole_days", [])
    if "then" in value:
        row.quiet_then = text(value, "then", 20)


def _time(value: dict[str, Any], key: str) -> dt.time | None:
    given = value.get(key)
    if given in (None, ""):
        return None
    try:
        found = parse_time(given) if isinstance(given, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise ConfigurationError("invalid", f"“quiet_hours.{key}” is a time of day such as 22:00.")
    return found.replace(second=0, microsecond=0)


def _days(value: dict[str, Any], key: str, default: list[str]) -> list[str]:
    found = value.get(key, default)
    if not isinstance(found, list) or not all(isinstance(day, str) and day in DAYS for day in found):
        raise ConfigurationError("invalid", f"“quiet_hours.{key}” is a list of {', '.join(DAYS)}.")
    return [day for day in DAYS if day in found]


def mute_end(body: dict[str, Any]) -> dt.datetime | None:
    """When the mute of a body ends; None when there is none. Raises ConfigurationError."""
    value = body.get("muted_until")
    if value is None:
        return None
    if value == "forever":
        return FOREVER
    found = moment(value) if isinstance(value, str) else None
    if found is None:
        raise ConfigurationError(
            "invalid", "“muted_until” is a time such as 2026-03-14T09:00:00Z, “forever”, or null."
        )
    return min(found, FOREVER)


def limits(body: dict[str, Any]) -> dict[str, int]:
    """The limits of a webhook URL that a body names. Raises ConfigurationError."""
    return {name: number(body, name, most) for name, most in LIMITS.items() if name in body}
