"""How quick: in, through, out, and all of it at once. Each beside the bare baseline in the same run."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from bench.driver import ALLOW, maker, world
from bench.http import Load, Sink, number_of, post_many, post_one
from bench.place import Place, memory
from tests.e2e.stack import ROOT, Stack
from tests.servers import free_port

Figures = dict[str, float]
Make = Callable[[int], tuple[bytes, dict[str, str]]]


def precomputed(make: Make, count: int) -> Make:
    """The same requests made ahead, so that signing them is not measured."""
    made = [make(number) for number in range(count)]
    return made.__getitem__


@contextlib.asynccontextmanager
async def _bare(stack: Stack, setup: Any, sink: Sink | None = None, channels: int = 1) -> AsyncIterator[int]:
    """The bare application on the server that the product uses; its port."""
    port = free_port()
    environment = stack.environment | ALLOW
    environment |= {"BENCH_SECRET": setup["secret"], "BENCH_CONNECTOR": str(setup["key"])}
    if sink:
        environment |= {
            "BENCH_FORWARD": f"http://127.0.0.1:{sink.port}",
            "BENCH_CHANNELS": str(channels),
        }
    server = subprocess.Popen(
        [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--port", str(port), "--workers",
         "1" if "DATABASE_URL" not in environment else "2", "--blocking-threads", "4", "--no-ws", "--log-level",
         "warning", "bench.bare:application"],
        cwd=ROOT, env=environment, start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.1)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):  # at once: there is nothing to be finished
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(10)


async def ingest(place: Place) -> Figures:
    """Signed webhooks as fast as they are answered; no cluster runs.

    Ours and the bare application take turns, because a shared machine is not equally quick all the time.
    """
    rounds, count, connections = 6, 2_000, 32
    with place.product("--no-worker") as stack:
        setup = world(stack, "connector", "http://127.0.0.1:9")
        requests = precomputed(maker(setup["secret"]), count * rounds)
        path, ours, bare = f"/hooks/{setup['id']}", [], []
        async with _bare(stack, setup) as other:
            await post_many(_port(stack), path, requests, 500, connections)
            await post_many(other, "/", requests, 500, connections)
            for turn in range(rounds):
                some = functools.partial(_from, requests, turn * count)
                ours.append(await post_many(_port(stack), path, some, count, connections))
                bare.append(await post_many(other, "/", some, count, connections))
    all_ours = Load(sum(each.took for each in ours), [at for each in ours for at in each.times], {})
    ratios = [mine.rate / other.rate for mine, other in zip(ours, bare, strict=True)]
    return {
        "requests/s": round(statistics.median(each.rate for each in ours)),
        "p50 ms": _ms(all_ours, 0.5),
        "p99 ms": _ms(all_ours, 0.99),
        "bare requests/s": round(statistics.median(each.rate for each in bare)),
        "ratio to bare": round(statistics.median(ratios), 2),
        "not 202": sum(count - each.statuses.get(202, 0) for each in ours),
    }


def _from(requests: Make, first: int, number: int) -> tuple[bytes, dict[str, str]]:
    return requests(first + number)


async def latency(place: Place) -> Figures:
    """From the post to the arrival in the channel, at a pace that leaves the machine at ease."""
    count, rate, channels = 600, 20.0, 40
    sink, bare_sink = Sink(keep_bodies=True), Sink(keep_bodies=True)
    async with await sink.start(), await bare_sink.start():
        with place.product() as stack:
            setup = world(stack, "spread", f"http://127.0.0.1:{sink.port}", channels)["connectors"]
            paths = [f"/hooks/{each['id']}" for each in setup]
            makers = [maker(each["secret"]) for each in setup]
            sent = await _steady(_port(stack), paths, makers, count, rate)
        ours = _passage(sent, sink)
        with place.product("--no-worker") as stack:
            first = setup[0]
            async with _bare(stack, first, bare_sink, channels) as port:
                sent = await _steady(port, ["/"], [maker(first["secret"])], count, rate)
        bare = _passage(sent, bare_sink)
    return {
        "events/s": rate,
        "p50 ms": _ms(ours, 0.5),
        "p99 ms": _ms(ours, 0.99),
        "lost": count - len(ours.times),
        "bare p50 ms": _ms(bare, 0.5),
        "bare p99 ms": _ms(bare, 0.99),
        "ratio of p50 to bare": round(ours.percentile(0.5) / bare.percentile(0.5), 1),
    }


async def _steady(
    port: int, paths: list[str], makers: list[Make], count: int, rate: float
) -> dict[int, float]:
    """Post at a constant pace, the first two seconds to warm up; when each was sent."""
    sent: dict[int, float] = {}
    warm = int(2 * rate)
    links = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
    begun = time.perf_counter()
    for number in range(-warm, count):
        await asyncio.sleep(max(0.0, begun + (number + warm) / rate - time.perf_counter()))
        raw, headers = makers[number % len(makers)](number + 1)
        if number >= 0:
            sent[number + 1] = time.time()
        await post_one(*links[number % 8], paths[number % len(paths)], raw, headers)
    await asyncio.sleep(2)
    for _, writer in links:
        writer.close()
    return sent


def _passage(sent: dict[int, float], sink: Sink) -> Load:
    arrived: dict[int, float] = {}
    for at, _, raw in sink.arrivals:
        arrived.setdefault(number_of(raw), at)
    return Load(1, [arrived[number] - at for number, at in sent.items() if number in arrived], {})


async def out(place: Place) -> Figures:
    """A backlog for a thousand webhook URLs whose Teams takes 200 ms for an answer."""
    urls, each, senders = 1_000, 12, 256
    sink = Sink(delay=0.2)
    figures = await _drained(place, urls, each, senders, sink)
    bare = Sink(delay=0.2)
    async with await bare.start():
        arguments = [f"http://127.0.0.1:{bare.port}", str(urls), str(each), str(senders)]
        done = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.poster", *arguments, cwd=ROOT, stdout=subprocess.DEVNULL
        )
        await done.wait()
    rate = _middle_rate(bare)
    return figures | {
        "bare deliveries/s": round(rate),
        "ratio to bare": round(figures["deliveries/s"] / rate, 2),
    }


async def paced(place: Place) -> Figures:
    """A backlog for two hundred webhook URLs that take four cards a second each, so 800/s are possible."""
    figures = await _drained(place, 200, 60, 256, Sink(delay=0.2, limit=4))
    return figures | {"ratio to the possible": round(figures["deliveries/s"] / 800, 2)}


async def _drained(place: Place, urls: int, each: int, senders: int, sink: Sink) -> Figures:
    async with await sink.start():
        with place.product("--no-worker", SEND_CONCURRENCY=str(senders)) as stack:
            total = world(stack, "backlog", f"http://127.0.0.1:{sink.port}", urls, each)["deliveries"]
            with _cluster(stack) as pid:
                end = time.monotonic() + 240
                while len(sink.arrivals) < total and time.monotonic() < end:
                    await asyncio.sleep(0.1)
                used = memory(pid) + memory(stack.process.pid)
    return {
        "deliveries/s": round(_middle_rate(sink)),
        "answers of 429": sink.refused,
        "not sent": total - len(sink.arrivals),
        "memory MB": round(used),
    }


@contextlib.contextmanager
def _cluster(stack: Stack) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"], cwd=ROOT, env=stack.environment | ALLOW
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def _middle_rate(sink: Sink) -> float:
    """Arrivals a second in the middle of the run: the start-up and the last stragglers say nothing about the rate."""
    times = sorted(at for at, _, _ in sink.arrivals)
    low, high = times[len(times) // 20], times[len(times) * 19 // 20]
    return len(times) * 0.9 / (high - low)


async def sustained(place: Place) -> Figures:
    """More than can be done at once, through everything: until the last card of a flood has arrived."""
    channels, count = 600, int(os.environ.get("BENCH_EVENTS", "12000"))
    sink, bare_sink = Sink(delay=0.2), Sink(delay=0.2)
    async with await sink.start(), await bare_sink.start():
        with place.product(SEND_CONCURRENCY="256") as stack:
            setup = world(stack, "spread", f"http://127.0.0.1:{sink.port}", channels)["connectors"]
            paths = [f"/hooks/{each['id']}" for each in setup]
            ready = precomputed(lambda number: maker(setup[number % channels]["secret"])(number), count)
            at_rest = memory(stack.process.pid)
            begun = time.time()
            taken = await post_many(_port(stack), paths, ready, count, 16)
            await _arrived(sink, count)
            used = memory(stack.process.pid)
        ours = count / (sink.arrivals[-1][0] - begun)
        with place.product("--no-worker") as stack:
            ready = precomputed(maker(setup[0]["secret"]), count)
            async with _bare(stack, setup[0], bare_sink, channels) as port:
                begun = time.time()
                await post_many(port, "/", ready, count, 16)
                await _arrived(bare_sink, count)
        bare = count / (bare_sink.arrivals[-1][0] - begun)
    return {
        "events/s through": round(ours),
        "accepted/s meanwhile": round(taken.rate),
        "accepted p99 ms": _ms(taken, 0.99),
        "lost": count - len(sink.arrivals),
        "bare events/s": round(bare),
        "ratio to bare": round(ours / bare, 2),
        "memory at rest MB": round(at_rest),
        "memory after MB": round(used),
    }


async def _arrived(sink: Sink, count: int) -> None:
    end = time.monotonic() + 180
    while len(sink.arrivals) < count and time.monotonic() < end:
        await asyncio.sleep(0.05)


def _port(stack: Stack) -> int:
    return int(stack.url.rsplit(":", 1)[1])


def _ms(load: Load, share: float) -> float:
    return round(load.percentile(share) * 1000, 1)
