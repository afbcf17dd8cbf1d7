"""Webhooks without end into a running product, a pretend Teams with bad days behind it, and the reckoning."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from bench.driver import maker, world
from bench.http import Faults, Sink, number_of
from tests.e2e.stack import Stack, descendants

PERIOD = 0.8  # seconds between two events of one connector; its channel takes two a second


@dataclass
class Traffic:
    """Several connectors, each with a channel of its own and a sender of its own that counts upwards."""

    stack: Stack
    sink: Sink
    connectors: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def prepare(self, count: int) -> None:
        """Make the connectors and channels."""
        self.connectors = world(self.stack, "spread", f"http://127.0.0.1:{self.sink.port}", count)[
            "connectors"
        ]

    def send(self, index: int = 0, timeout: float = 10) -> int:
        """The next event of a connector; the status of the answer, 0 for none."""
        connector = self.connectors[index]
        path = f"/c{index}"
        self._numbers[path] += 1
        number = self._numbers[path]
        raw, headers = maker(connector["secret"])(number)
        try:
            answer = requests.post(
                f"{self.stack.url}/hooks/{connector['id']}", data=raw, headers=headers, timeout=timeout
            )
            status = answer.status_code
        except requests.RequestException:
            status = 0
        if status == 202:
            self.acknowledged[path].append(number)
        self.answers[status] += 1
        return status

    def start(self) -> None:
        """Begin to send, one thread for each connector."""
        for index in range(len(self.connectors)):
            thread = threading.Thread(target=self._run, args=(index,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, index: int) -> None:
        while not self._stop.wait(PERIOD):
            self.send(index)

    def stop(self) -> None:
        """Send no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join(15)

    def arrived(self) -> dict[str, list[int]]:
        """The cards of each channel in the order in which they were taken."""
        found: dict[str, list[int]] = defaultdict(list)
        for _, path, body in list(self.sink.arrivals):
            found[path].append(number_of(body))
        return found

    def missing(self) -> dict[str, set[int]]:
        """What was acknowledged and did not arrive."""
        arrived = self.arrived()
        short = {path: set(numbers) - set(arrived[path]) for path, numbers in self.acknowledged.items()}
        return {path: numbers for path, numbers in short.items() if numbers}

    def wait_until_all_arrived(self, seconds: float) -> None:
        """Until nothing that was acknowledged is missing."""
        end = time.monotonic() + seconds
        while self.missing():
            assert time.monotonic() < end, f"{self.missing()}\n{self.stack.log.read_text()[-4000:]}"
            time.sleep(0.1)

    def duplicates(self) -> int:
        """Cards that were taken more than once."""
        return sum(len(numbers) - len(set(numbers)) for numbers in self.arrived().values())

    def overtaken(self) -> list[tuple[str, int]]:
        """Cards that came after a later one of their channel, without having failed before."""
        faults = self.sink.faults or Faults(0, 0, 0)
        found = []
        for path, numbers in self.arrived().items():
            seen: set[int] = set()
            last = 0
            for number in numbers:
                fell = number in seen or faults.of(path, number) in ("unavailable", "reset")
                seen.add(number)
                if fell:
                    continue
                if number < last:
                    found.append((path, number))
                last = max(last, number)
        return found


def processes(stack: Stack, name: str) -> list[int]:
    """Those below `up` with a word in their command, the first that was started first."""
    found = []
    for pid in descendants(stack.process.pid):
        with contextlib.suppress(OSError):
            if name in Path(f"/proc/{pid}/cmdline").read_text():
                found.append(pid)
    return found
