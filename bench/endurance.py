"""What lasts: processes and servers killed at random while events come in, and a long run with flat memory."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any

from bench.driver import maker, world
from bench.http import Faults, Sink, number_of, post_one
from bench.place import Place, memory
from tests.e2e.stack import Stack, wait_ready
from tests.e2e.traffic import Traffic, processes

Figures = dict[str, float]
WHOLE = 6  # processes of a cluster
KILLS, KILL_EVENTS, KILL_CHANNELS = 20, 5_000, 40


async def kill(place: Place) -> Figures:
    """Twenty kills during 5,000 events, 5 % 503, 3 % resets, 2 % slow answers; servers die too, where there are some."""
    return await asyncio.to_thread(_kill, place)


def _kill(place: Place) -> Figures:
    sink = Sink(delay=0.05, keep_bodies=True, faults=Faults())
    with sink.in_background(), place.product() as stack:
        traffic = Traffic(stack, sink)
        traffic.prepare(KILL_CHANNELS)
        quiet = _Silence(sink)
        quiet.start()
        traffic.start()
        on_their_way, kills = 0, 0
        chance = random.Random(11)
        while sum(map(len, traffic.acknowledged.values())) < KILL_EVENTS:
            time.sleep(chance.uniform(2.5, 5.0))
            if kills >= KILLS:
                continue
            if kills == KILLS // 2 and place.redis and place.postgres:
                on_their_way += sink.on_their_way()
                place.redis.kill()
                place.postgres.restart()
                place.redis.start()
            on_their_way += sink.on_their_way()
            _kill_one(stack, chance, web=kills % 7 == 3)
            kills += 1
        traffic.stop()
        wait_ready(stack)
        with suppress(AssertionError):  # what is missing then is the figure
            traffic.wait_until_all_arrived(120)
        quiet.stop()
    return {
        "acknowledged": sum(map(len, traffic.acknowledged.values())),
        "not acknowledged": sum(count for status, count in traffic.answers.items() if status != 202),
        "kills": kills,
        "lost": sum(map(len, traffic.missing().values())),
        "duplicates": traffic.duplicates(),
        "in flight at the kills": on_their_way,
        "out of order": len(traffic.overtaken()),
        "longest silence s": round(quiet.longest, 1),
    }


def _kill_one(stack: Stack, chance: random.Random, *, web: bool) -> None:
    """One process of the web server or of the cluster, once the cluster is whole again."""
    end = time.monotonic() + 60
    while len(processes(stack, "qcluster")) < WHOLE and time.monotonic() < end:
        time.sleep(0.1)
    victims = processes(stack, "connectors_site.serve" if web else "qcluster")
    with suppress(ProcessLookupError):
        os.kill(chance.choice(victims), signal.SIGKILL)


class _Silence(threading.Thread):
    """Measures the longest time in which no card arrived."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(daemon=True)
        self._sink, self._ended, self.longest = sink, threading.Event(), 0.0

    def run(self) -> None:
        seen, since = 0, 0.0
        while not self._ended.wait(0.05):
            now, count = time.monotonic(), len(self._sink.arrivals)
            if count != seen:
                seen, since = count, now
            elif since:
                self.longest = max(self.longest, now - since)

    def stop(self) -> None:
        self._ended.set()


class _Tally(Sink):
    """A sink that only counts, so that it needs no more memory after hours."""

    def __init__(self, delay: float) -> None:
        super().__init__(delay=delay, keep_bodies=True)
        self.arrivals = _Counting()


class _Counting(list[tuple[float, str, bytes]]):
    """Takes arrivals as a list does, and keeps how often each number came."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[int] = Counter()

    def append(self, arrival: tuple[float, str, bytes]) -> None:
        self.seen[number_of(arrival[2])] += 1


async def soak(place: Place) -> Figures:
    """A steady stream for BENCH_MINUTES (30) at BENCH_RATE (100) events a second: is memory flat, is anything lost?"""
    minutes, rate = float(os.environ.get("BENCH_MINUTES", "30")), float(os.environ.get("BENCH_RATE", "100"))
    channels = max(100, int(rate * 3))  # so that each webhook URL stays below its 1,800 an hour
    sink = _Tally(delay=0.2)
    arrivals: Any = sink.arrivals
    async with await sink.start():
        with place.product(SEND_CONCURRENCY="256") as stack:
            setup = world(stack, "spread", f"http://127.0.0.1:{sink.port}", channels)["connectors"]
            used: list[float] = []
            answers: Counter[int] = Counter()
            total = round(minutes * 60 * rate)
            slots = asyncio.Semaphore(64)
            stream = _Stream(stack, setup, answers)
            begun = time.monotonic()
            posts: set[asyncio.Task[None]] = set()
            for number in range(1, total + 1):
                await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
                await slots.acquire()
                post = asyncio.create_task(stream.post(number))
                posts.add(post)
                post.add_done_callback(posts.discard)
                post.add_done_callback(lambda _: slots.release())
                if time.monotonic() - begun > 15 * (len(used) + 1):
                    used.append(await asyncio.to_thread(memory, stack.process.pid))
            if posts:
                await asyncio.wait(posts)
            took = time.monotonic() - begun
            end = time.monotonic() + 120
            while len(arrivals.seen) < answers[202] and time.monotonic() < end:
                await asyncio.sleep(0.2)
            used.append(memory(stack.process.pid))
    third = max(1, len(used) // 3)
    return {
        "minutes": round(took / 60, 1),
        "events/s": round(total / took, 1),
        "acknowledged": answers[202],
        "not acknowledged": total - answers[202],
        "lost": answers[202] - len(arrivals.seen),
        "duplicates": sum(arrivals.seen.values()) - len(arrivals.seen),
        "memory of the first third MB": round(sum(used[:third]) / third),
        "memory of the last third MB": round(sum(used[-third:]) / third),
        "most memory MB": round(max(used)),
    }


class _Stream:
    """Posts over connections that it keeps, opening one when all are busy."""

    def __init__(self, stack: Stack, setup: Any, answers: Counter[int]) -> None:
        self._port = int(stack.url.rsplit(":", 1)[1])
        self._paths = [f"/hooks/{each['id']}" for each in setup]
        self._makers = [maker(each["secret"]) for each in setup]
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._answers = answers

    async def post(self, number: int) -> None:
        """One event; its answer is counted, 0 when there was none."""
        place = number % len(self._paths)
        raw, headers = self._makers[place](number)
        try:
            link = await self._link()
            status = await post_one(*link, self._paths[place], raw, headers)
            self._free.append(link)
        except (OSError, asyncio.IncompleteReadError):
            status = 0
        self._answers[status] += 1

    async def _link(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._free:
            reader, writer = self._free.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()  # the server closes what has been idle for half a minute
        return await asyncio.open_connection("127.0.0.1", self._port)
