"""Cuts connections whose answer takes too long as a whole: a socket's own time-out begins anew with every byte.

A thread says when it begins to wait for an answer and when it has it. One thread looks at all of them a few times a
second, while there are any; that costs a post nothing that can be measured, where counting down at each read cost a
third of it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

TICK = 0.2  # seconds between two looks


class Deadlines:
    """What is waited for, by the thread that waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waits: dict[int, tuple[float, Any]] = {}
        self._cut: set[int] = set()
        self._some = threading.Event()
        self._watch: threading.Thread | None = None

    def begin(self, sock: Any, seconds: float) -> None:
        """This thread waits for an answer on `sock`, at most so long."""
        with self._lock:
            self._waits[threading.get_ident()] = (time.monotonic() + seconds, sock)
            self._some.set()
            if self._watch is None:
                self._watch = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._watch.start()

    def was_cut(self) -> bool:
        """Whether this thread's connection was cut since `begin`."""
        return threading.get_ident() in self._cut

    def end(self) -> None:
        """This thread waits no more: what it waited on may serve another."""
        mine = threading.get_ident()
        with self._lock:
            self._waits.pop(mine, None)
            self._cut.discard(mine)

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(TICK)
            now = time.monotonic()
            with self._lock:  # so that nothing is cut that was given back meanwhile
                for thread, (until, sock) in list(self._waits.items()):
                    if now >= until:
                        del self._waits[thread]
                        self._cut.add(thread)
                        _shut(sock)
                if not self._waits:
                    self._some.clear()


def _shut(sock: Any) -> None:
    # By the plain socket's method: that of TLS would take its state away under the thread that reads.
    with contextlib.suppress(OSError, TypeError):
        socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)
