"""A burst goes at once, and no window is ever overfull."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apps.channels.pacing import Limits, Pacer
from apps.channels.transport import judge, read_retry_after


def test_four_go_at_once_and_the_fifth_a_second_later() -> None:
    pacer, limits = Pacer(), Limits()
    for _ in range(4):
        assert pacer.free_at(1, limits, 100.0) <= 100.0
        pacer.take(1, limits, 100.0)
    assert 101.0 < pacer.free_at(1, limits, 100.0) < 101.1
    assert pacer.free_at(2, limits, 100.0) <= 100.0  # another URL is not held up


@given(st.lists(st.floats(0, 0.4), min_size=5, max_size=120))
def test_no_window_is_overfull_whatever_the_demand(gaps: list[float]) -> None:
    pacer, limits, now = Pacer(), Limits(per_second=4, per_minute=20, per_hour=60), 0.0
    sent: list[float] = []
    for gap in gaps:
        now = max(now + gap, pacer.free_at(7, limits, now + gap))
        pacer.take(7, limits, now)
        sent.append(now)
    for index, moment in enumerate(sent):
        for count, window in ((4, 1.0), (20, 60.0), (60, 3600.0)):
            if index >= count:
                assert moment - sent[index - count] >= window - 1e-6


def test_a_429_holds_everything_back() -> None:
    pacer = Pacer()
    pacer.take(1, Limits(), 10.0)
    pacer.block(1, 70.0)
    assert pacer.free_at(1, Limits(), 20.0) == 70.0


def test_only_what_can_help_is_tried_again() -> None:
    assert [status for status in (301, 400, 401, 404, 408, 410, 413, 425, 429, 500, 503) if not judge(status).permanent] == [
        408, 425, 429, 500, 503,
    ]  # fmt: skip


@given(st.text(max_size=30))
def test_any_retry_after_is_read_or_left(value: str) -> None:
    found = read_retry_after(value)
    assert found is None or 0 <= found <= 86_400


def test_half_a_minute_takes_sixty_and_a_minute_a_hundred() -> None:
    pacer, limits, now = Pacer(), Limits(), 0.0
    sent: list[float] = []
    for _ in range(130):
        now = max(now, pacer.free_at(1, limits, now))
        pacer.take(1, limits, now)
        sent.append(now)
    assert sent[59] < 20
    assert sent[60] >= 30
    assert sent[100] >= 60
    assert limits.sustained == 0.5


def test_what_an_earlier_sender_posted_still_counts() -> None:
    pacer, limits = Pacer(), Limits(per_hour=10)
    pacer.remember(1, limits, [100.0 + each for each in range(10)])
    assert pacer.free_at(1, limits, 200.0) == 3700.0
    pacer.remember(1, limits, [150.0])  # known already
    assert pacer.free_at(1, limits, 200.0) == 3700.0
