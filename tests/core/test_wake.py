"""Wake-ups are quick, may be lost, and never get in the way."""

from __future__ import annotations

import threading
import time

from apps.core import wake


def test_every_listener_of_the_topic_wakes_and_others_sleep_on() -> None:
    with wake.Listener("one") as first, wake.Listener("one") as second, wake.Listener("two") as other:
        threading.Timer(0.05, lambda: wake.notify("one")).start()
        started = time.monotonic()
        assert first.wait(5)
        assert time.monotonic() - started < 2
        assert second.wait(1)
        assert not other.wait(0.01)


def test_many_wake_ups_count_as_one() -> None:
    with wake.Listener("many") as listener:
        for _ in range(1_000):
            wake.notify("many")
        assert listener.wait(1)
        assert not listener.wait(0.01)


def test_a_listener_that_was_killed_is_swept_away() -> None:
    listener = wake.Listener("dead")
    listener._socket.close()  # as a kill -9 leaves it: the file stays
    assert wake.notify("dead") == 0
    assert not listener._path.exists()
