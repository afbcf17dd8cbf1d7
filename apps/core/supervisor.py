"""Runs the web server and the cluster as children: restarts what dies, stops all of it cleanly."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

PR_SET_PDEATHSIG = 1
CALM = 30.0  # seconds of life after which the next restart is immediate again
LONGEST_WAIT = 15.0
STOP_TIME = 8.0


def die_with_parent(what: int = signal.SIGKILL) -> None:
    """Ask Linux to end this process when its parent dies, however that happens; nothing elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, what, 0, 0, 0)


def die_politely() -> None:
    """Ask to be stopped as by an operator when the parent ends; for `preexec_fn`."""
    die_with_parent(signal.SIGTERM)


@dataclass(slots=True)
class Child:
    """One part of the product."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    again_at: float = field(default=0.0)

    def start(self) -> None:
        self.started = time.monotonic()
        # A session of its own: Ctrl-C reaches the supervisor alone, which then stops the parts in order.
        self.process = subprocess.Popen(
            self.command,
            start_new_session=True,
            preexec_fn=die_politely,  # noqa: PLW1509 - no threads here
        )


class Supervisor:
    """Keeps children alive until it is told to stop."""

    def __init__(self, children: list[Child], say: Callable[[str], None]) -> None:
        self.children = children
        self._say = say
        self.stopping = False

    def say(self, words: str) -> None:
        """Write to the log, which may stand on the disk that is full just now."""
        with contextlib.suppress(OSError):
            self._say(words)

    def pid(self, name: str) -> int:
        """The process number of a child that runs, else 0."""
        return next((each.process.pid for each in self.children if each.name == name and each.process), 0)

    def run(self, watch: Callable[[], list[str]]) -> None:
        """Start everything and stay until SIGTERM or SIGINT.

        watch: called every few seconds; names the children that live but do not work and need a restart.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for child in self.children:
            child.start()
        look = time.monotonic() + 5
        while not self.stopping:
            self._mend()
            if time.monotonic() > look:
                look = time.monotonic() + 5
                for name in watch():
                    self._restart(name)
            time.sleep(0.2)
        self._end()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _mend(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                child.failures = 0 if now - child.started > CALM else child.failures + 1
                wait = min(LONGEST_WAIT, 0.25 * 2**child.failures) if child.failures else 0.0
                self.say(f"{child.name} ended with {child.process.returncode}; starting it again")
                # What it forked may have outlived it and would hold the port or the queue beside its successor.
                _kill_group(child.process, signal.SIGKILL)
                child.process, child.again_at = None, now + wait
            if child.process is None and now >= child.again_at:
                child.start()

    def _restart(self, name: str) -> None:
        for child in self.children:
            if child.name == name and child.process is not None:
                self.say(f"{name} lives but does no work; replacing it")
                _kill_group(child.process, signal.SIGKILL)

    def _end(self) -> None:
        for child in self.children:
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + STOP_TIME
        for child in self.children:
            if child.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.1, deadline - time.monotonic()))
                _kill_group(child.process, signal.SIGKILL)


def _kill_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal the child and whatever it forked (its session is its group)."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
