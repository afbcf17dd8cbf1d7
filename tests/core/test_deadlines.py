"""Whoever waits too long for an answer is freed; whatever was given back in time is left alone."""

from __future__ import annotations

import socket
import time

from apps.core.deadlines import TICK, Deadlines


def test_a_connection_is_cut_when_its_answer_takes_too_long() -> None:
    deadlines = Deadlines()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        begun = time.monotonic()
        deadlines.begin(ours, 0.1)
        assert ours.recv(10) == b""  # else it would wait for ever
        assert 0.1 <= time.monotonic() - begun < 5
        assert deadlines.was_cut()
        deadlines.end()
        assert not deadlines.was_cut()


def test_a_connection_that_was_given_back_serves_on() -> None:
    deadlines = Deadlines()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadlines.begin(ours, 0.05)
        deadlines.end()
        time.sleep(0.05 + 3 * TICK)
        theirs.sendall(b"still here")
        assert ours.recv(10) == b"still here"
        assert not deadlines.was_cut()


def test_a_closed_connection_does_not_stop_the_watch() -> None:
    deadlines = Deadlines()
    gone, other = socket.socketpair()
    gone.close()
    other.close()
    deadlines.begin(gone, 0.0)
    time.sleep(3 * TICK)
    assert deadlines.was_cut()
    deadlines.end()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadlines.begin(ours, 0.0)
        assert ours.recv(10) == b""
        deadlines.end()
