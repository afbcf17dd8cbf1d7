"""Quiet hours by the channel's own clocks, whatever the clocks do."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.channels import etiquette
from apps.channels.etiquette import DAYS, FOREVER, Quiet, is_urgent, quiet_of, severities_below, told

BERLIN = "Europe/Berlin"
WEEK = list(DAYS[:5])


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def quiet(start: str = "22:00", end: str = "07:00", days: list[str] | None = None,
          whole_days: list[str] | None = None, zone: str = BERLIN) -> Quiet:  # fmt: skip
    found = quiet_of(
        start=dt.time.fromisoformat(start) if start else None,
        end=dt.time.fromisoformat(end) if end else None,
        days=list(DAYS) if days is None else days,
        whole_days=whole_days or [],
        zone=zone,
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    "now, end",
    [
        ("2026-03-10T20:59", None),  # 21:59 in Berlin
        ("2026-03-10T21:00", "2026-03-11T06:00"),
        ("2026-03-11T02:00", "2026-03-11T06:00"),
        ("2026-03-11T05:59", "2026-03-11T06:00"),
        ("2026-03-11T06:00", None),
        ("2026-07-11T05:30", None),  # in summer 07:30
        ("2026-07-11T04:30", "2026-07-11T05:00"),
    ],
)
def test_a_night_begins_and_ends_by_the_channels_clocks(now: str, end: str | None) -> None:
    assert quiet().until(utc(now)) == (utc(end) if end else None)


def test_hours_within_a_day_do_not_reach_into_the_next() -> None:
    lunch = quiet("12:00", "13:30", zone="UTC")
    assert lunch.until(utc("2026-03-10T12:30")) == utc("2026-03-10T13:30")
    assert lunch.until(utc("2026-03-10T13:30")) is None


def test_the_days_are_those_on_which_the_quiet_begins() -> None:
    nights = quiet(days=WEEK, zone="UTC")
    assert nights.until(utc("2026-03-14T03:00")) == utc("2026-03-14T07:00")  # Friday's night
    assert nights.until(utc("2026-03-14T23:00")) is None  # Saturday
    assert nights.until(utc("2026-03-16T03:00")) is None  # Sunday's night


def test_a_weekend_and_the_nights_around_it_are_one_stretch() -> None:
    both = quiet(days=[*WEEK, "sun"], whole_days=["sat", "sun"])
    friday_evening = utc("2026-03-13T21:30")
    assert both.until(friday_evening) == utc("2026-03-16T06:00")
    assert told(utc("2026-03-16T06:00"), BERLIN, friday_evening) == "Mon 07:00 (Europe/Berlin)"


def test_a_night_in_which_the_clocks_change_ends_at_seven_all_the_same() -> None:
    spring, autumn = utc("2026-03-29T00:30"), utc("2026-10-25T00:30")
    assert quiet().until(spring) == utc("2026-03-29T05:00")  # 8 hours
    assert quiet().until(autumn) == utc("2026-10-25T06:00")  # 10 hours


def test_an_end_that_comes_twice_or_never_is_taken_once() -> None:
    night = quiet("22:00", "02:30")
    assert night.until(utc("2026-10-24T22:00")) == utc("2026-10-25T01:30")  # the second 02:30
    assert night.until(utc("2026-03-28T23:00")) == utc("2026-03-29T01:30")  # 02:30 is skipped: 03:30
    assert night.until(utc("2026-03-29T01:45")) is None


@given(
    st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC)),
    st.times(), st.times(), st.sets(st.sampled_from(DAYS)), st.sets(st.sampled_from(DAYS), max_size=6),
    st.sampled_from([BERLIN, "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]),
)  # fmt: skip
def test_quiet_always_ends_and_is_then_over(
    now: dt.datetime, start: dt.time, end: dt.time, days: set[str], whole: set[str], zone: str
) -> None:
    rules = quiet_of(start=start, end=end, days=sorted(days), whole_days=sorted(whole), zone=zone)
    found = rules.until(now) if rules and start != end else None
    if rules and found:
        assert now < found < now + dt.timedelta(days=9)
        assert rules.until(found) is None
        assert rules.until(found - dt.timedelta(seconds=1)) == found


def test_no_times_and_no_days_are_no_quiet_hours() -> None:
    assert quiet_of(start=None, end=None, days=list(DAYS), whole_days=[], zone=BERLIN) is None
    assert quiet_of(start=dt.time(1), end=dt.time(2), days=[], whole_days=[], zone=BERLIN) is None


def test_a_zone_that_is_gone_counts_as_utc() -> None:
    assert quiet(zone="Mars/Olympus").until(utc("2026-03-10T23:00")) == utc("2026-03-11T07:00")


def test_urgent_is_what_is_as_bad_or_worse() -> None:
    assert is_urgent("attention", "attention")
    assert not is_urgent("attention", "warning")
    assert is_urgent("warning", "attention")
    assert not is_urgent("none", "attention")
    assert not is_urgent("attention", "")
    assert "attention" not in severities_below("attention")
    assert "" in severities_below("attention")
    assert "attention" in severities_below("none")


def test_moments_are_told_by_the_channels_clocks() -> None:
    now = utc("2026-03-10T12:00")
    assert told(utc("2026-03-17T06:00"), BERLIN, now) == "Tue 17 Mar 2026 07:00 (Europe/Berlin)"
    assert told(FOREVER, BERLIN, now) == "further notice"
    assert etiquette.tomorrow_morning(BERLIN, utc("2026-03-10T23:30")) == utc("2026-03-12T08:00")
