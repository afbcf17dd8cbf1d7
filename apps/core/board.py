"""A page of memory that a cluster's processes share: who was last seen doing what.

It is made before the processes fork. Writing it takes no lock and cannot fail, so a process that is killed or
stopped at any moment leaves nothing behind that others would wait for. Times are of the machine's steady clock,
which all processes share and nobody can set back.
"""

from __future__ import annotations

import mmap
import time
from enum import IntEnum


class Cell(IntEnum):
    """What is noted. A cell holds a moment unless said otherwise; 0 is never."""

    SENTINEL = 0  # the process that guards the others went round
    PUSHER = 1  # the broker was asked for tasks
    TRIED = 2  # a worker took up the standing task (even if another cluster already does it)
    WORK = 3  # the standing task did a turn
    WORKER = 4  # the number of the process that does the standing task, 0 for none
    STOP = 5  # 1: the standing task is asked to finish
    OFFERED = 6  # the broker offered the standing task
    REQUEST = 7  # the key of the inbound request that is being processed, 0 for none
    SUSPECT = 8  # the key of the request during which the last worker died suddenly, 0 for none
    BEGUN = 9  # the processes were started


class Board:
    """The cells. One board for each cluster; `here` is this process's."""

    def __init__(self) -> None:
        self._cells = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")

    def __getitem__(self, cell: Cell) -> float:
        return self._cells[cell]

    def __setitem__(self, cell: Cell, value: float) -> None:
        self._cells[cell] = value

    def note(self, cell: Cell) -> None:
        """It happens now."""
        self._cells[cell] = time.monotonic()

    def silence(self, cell: Cell) -> float:
        """Seconds since it happened, or since the start when it has not happened yet."""
        return time.monotonic() - max(self._cells[cell], self._cells[Cell.BEGUN])

    def was_seen(self, cell: Cell, within: float) -> bool:
        """Whether it happened in the last `within` seconds."""
        return self._cells[cell] > 0 and time.monotonic() - self._cells[cell] < within

    def clear(self) -> None:
        """Nothing has happened yet."""
        for cell in Cell:
            self._cells[cell] = 0.0
        self.note(Cell.BEGUN)


here = Board()
