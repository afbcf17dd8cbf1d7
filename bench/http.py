"""A load generator and a sink, both small enough to stay out of the way of what is measured."""

from __future__ import annotations

import asyncio
import re
import threading
import time
import zlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

NUMBER = re.compile(rb"Issue opened: #(\d+)")


def number_of(body: bytes) -> int:
    """Which issue a card tells of; 0 when it tells of none."""
    found = NUMBER.search(body)
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class Faults:
    """How many of a hundred cards meet which trouble at their first try. The same ones in every run."""

    unavailable: int = 5
    reset: int = 3
    slow: int = 2
    slow_seconds: float = 2.0

    def of(self, path: str, number: int) -> str:
        """ "unavailable", "reset", "slow" or "" for this card."""
        chance = zlib.crc32(f"{path} {number}".encode()) % 100
        for share, word in ((self.unavailable, "unavailable"), (self.reset, "reset"), (self.slow, "slow")):
            if chance < share:
                return word
            chance -= share
        return ""


@dataclass
class Sink:
    """A pretend Teams: answers 202 after `delay` seconds, counts, and knows each URL's limit.

    limit: requests a second for each path, answered 429 beyond; 0 for none. faults: what goes wrong at first tries.
    arrivals: the cards that were taken, with the moment at which they came.
    """

    delay: float = 0.0
    limit: int = 0
    arrivals: list[tuple[float, str, bytes]] = field(default_factory=list)
    refused: int = 0
    keep_bodies: bool = False
    faults: Faults | None = None
    _tried: set[tuple[str, int]] = field(default_factory=set)
    _open: int = 0
    _answered: deque[float] = field(default_factory=lambda: deque(maxlen=1000))
    _recent: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    port: int = 0

    async def start(self) -> asyncio.Server:
        """Listen on a free port of this machine."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=2048)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                length = _length(head)
                body = await reader.readexactly(length)
                now = time.time()
                trouble = self._trouble(path, body)
                if trouble == "reset":
                    writer.transport.abort()
                    return
                if trouble == "unavailable":
                    writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
                    continue
                if self._over(path, now):
                    self.refused += 1
                    writer.write(
                        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
                    )
                    continue
                self.arrivals.append((now, path, body if self.keep_bodies else b""))
                slow = self.faults.slow_seconds if self.faults and trouble == "slow" else 0.0
                self._open += 1
                await asyncio.sleep(self.delay + slow)
                self._open -= 1
                self._answered.append(time.time())
                writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    def _trouble(self, path: str, body: bytes) -> str:
        if self.faults is None:
            return ""
        number = number_of(body)
        if (path, number) in self._tried:
            return ""
        self._tried.add((path, number))
        return self.faults.of(path, number)

    def on_their_way(self, seconds: float = 0.3) -> int:
        """Cards whose result the sender may not have noted yet: not answered, or answered in the last moment."""
        since = time.time() - seconds
        return self._open + sum(moment > since for moment in list(self._answered))

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Serve from a thread, for callers that are not asynchronous."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        asyncio.run_coroutine_threadsafe(self.start(), loop).result(5)
        try:
            yield
        finally:
            loop.call_soon_threadsafe(_cancel_all, loop)
            loop.call_soon_threadsafe(loop.call_later, 0.05, loop.stop)
            thread.join(5)

    def _over(self, path: str, now: float) -> bool:
        if not self.limit:
            return False
        recent = self._recent[path]
        while recent and now - recent[0] >= 1:
            recent.popleft()
        if len(recent) >= self.limit:
            return True
        recent.append(now)
        return False


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


@dataclass
class Load:
    """What a run of posts came to. Times in seconds."""

    took: float
    times: list[float]
    statuses: dict[int, int]

    @property
    def rate(self) -> float:
        return len(self.times) / self.took

    def percentile(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


async def post_many(
    port: int,
    path: str | list[str],
    make: Callable[[int], tuple[bytes, dict[str, str]]],
    count: int,
    connections: int,
) -> Load:
    """Post `count` requests over keep-alive connections, as fast as they are answered; to several paths in turn."""
    paths = [path] if isinstance(path, str) else path
    numbers = iter(range(count))
    times: list[float] = []
    statuses: defaultdict[int, int] = defaultdict(int)

    async def worker() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            started = time.perf_counter()
            status = await post_one(reader, writer, paths[number % len(paths)], *make(number))
            times.append(time.perf_counter() - started)
            statuses[status] += 1
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(connections)))
    return Load(time.perf_counter() - started, times, dict(statuses))


async def post_one(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    path: str,
    body: bytes,
    headers: dict[str, str],
) -> int:
    """One request on an open connection; the status."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = _length(answer)
    if length:
        await reader.readexactly(length)
    return int(answer.split(b" ", 2)[1])
