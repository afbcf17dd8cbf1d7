"""Runs the scenarios and prints a table; `--json FILE` also writes the figures.

python -m bench [ingest latency out paced]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import lists
from bench.driver import ALLOW, maker, world
from bench.http import Load, Sink, post_many, post_one
from tests.e2e.stack import ROOT, Stack, running
from tests.servers import free_port


def precomputed(make: Callable[[int], tuple[bytes, dict[str, str]]], count: int) -> Any:
    """The same requests made ahead, so that signing them is not measured."""
    made = [make(number) for number in range(count)]
    return made.__getitem__


async def _ingest(folder: Path, extra: dict[str, str]) -> dict[str, float]:
    count, connections = 6_000, 32
    with running(folder, "--no-worker", ready="/healthz", **ALLOW, **extra) as stack:
        setup = world(stack, "connector", "http://127.0.0.1:9")
        requests = precomputed(maker(setup["secret"]), count)
        port = int(stack.url.rsplit(":", 1)[1])
        await post_many(port, f"/hooks/{setup['id']}", requests, 500, connections)
        ours = await post_many(port, f"/hooks/{setup['id']}", requests, count, connections)
        bare = await _bare(stack, setup, requests, count, connections)
    return {
        "requests/s": round(ours.rate),
        "p50 ms": round(ours.percentile(0.5) * 1000, 1),
        "p99 ms": round(ours.percentile(0.99) * 1000, 1),
        "bare requests/s": round(bare.rate),
        "ratio to bare": round(ours.rate / bare.rate, 2),
        "not 202": sum(value for key, value in ours.statuses.items() if key != 202),
    }


async def _bare(stack: Stack, setup: Any, requests: Any, count: int, connections: int) -> Load:
    port = free_port()
    environment = stack.environment | ALLOW
    environment |= {"BENCH_SECRET": setup["secret"], "BENCH_CONNECTOR": str(setup["key"])}
    server = subprocess.Popen(
        [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--port", str(port), "--workers",
         "1" if "DATABASE_URL" not in environment else "2", "--blocking-threads", "4", "--no-ws", "--log-level",
         "warning", "bench.bare:application"],
        cwd=ROOT, env=environment,
    )  # fmt: skip
    try:
        for _ in range(100):
            try:
                await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.1)
        await post_many(port, "/", requests, 500, connections)
        return await post_many(port, "/", requests, count, connections)
    finally:
        server.terminate()
        server.wait(10)


async def _latency(folder: Path, extra: dict[str, str]) -> dict[str, float]:
    count, rate = 600, 20.0
    sink = Sink(keep_bodies=True)
    async with await sink.start():
        with running(folder, **ALLOW, **extra) as stack:
            setup = world(stack, "spread", f"http://127.0.0.1:{sink.port}", 40)["connectors"]
            port = int(stack.url.rsplit(":", 1)[1])
            sent: dict[int, float] = {}
            links = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
            begun = time.perf_counter()
            for number in range(-40, count):
                await asyncio.sleep(max(0.0, begun + (number + 40) / rate - time.perf_counter()))
                one = setup[number % 40]
                raw, headers = maker(one["secret"])(number)
                sent[number] = time.time()
                await post_one(*links[number % 8], f"/hooks/{one['id']}", raw, headers)
            await asyncio.sleep(2)
    arrived: dict[int, float] = {}
    for at, _, raw in sink.arrivals:
        text = raw.decode("utf-8", "replace")
        number = int(text.partition("Issue opened: #")[2].split(" ")[0])
        arrived.setdefault(number, at)
    times = [arrived[number] - sent[number] for number in range(count) if number in arrived]
    load = Load(1, times, {})
    return {
        "events/s": rate,
        "p50 ms": round(load.percentile(0.5) * 1000, 1),
        "p99 ms": round(load.percentile(0.99) * 1000, 1),
        "lost": count - len(times),
    }


async def _drained(folder: Path, extra: dict[str, str], urls: int, each: int, sink: Sink) -> dict[str, float]:
    async with await sink.start():
        with running(folder, "--no-worker", ready="/healthz", **ALLOW, **extra) as stack:
            total = world(stack, "backlog", f"http://127.0.0.1:{sink.port}", urls, each)["deliveries"]
            cluster = subprocess.Popen(
                [sys.executable, "manage.py", "qcluster"], cwd=ROOT, env=stack.environment | ALLOW | extra
            )
            try:
                end = time.monotonic() + 240
                while len(sink.arrivals) < total and time.monotonic() < end:
                    await asyncio.sleep(0.1)
                memory = _memory(cluster.pid) + _memory(stack.process.pid)
            finally:
                cluster.terminate()
                await asyncio.to_thread(cluster.wait, 30)
    times = sorted(at for at, _, _ in sink.arrivals)
    # The middle of the run: the start-up and the last stragglers say nothing about the rate.
    low, high = times[len(times) // 20], times[len(times) * 19 // 20]
    return {
        "deliveries/s": round(len(times) * 0.9 / (high - low)),
        "answers of 429": sink.refused,
        "not sent": total - len(times),
        "memory MB": round(memory),
    }


def _memory(pid: int) -> float:
    """Proportional memory of a process and its children, in MB."""
    found = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    own = 0.0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                own = int(line.split()[1]) / 1024
    except OSError:
        own = 0.0
    return own + sum(_memory(int(child)) for child in found)


async def _out(folder: Path, extra: dict[str, str]) -> dict[str, float]:
    return await _drained(folder, extra | {"SEND_CONCURRENCY": "256"}, 1_000, 12, Sink(delay=0.2))


async def _paced(folder: Path, extra: dict[str, str]) -> dict[str, float]:
    return await _drained(folder, extra | {"SEND_CONCURRENCY": "256"}, 200, 60, Sink(delay=0.2, limit=4))


SCENARIOS: dict[str, tuple[str, Any]] = {
    "ingest": ("POST /hooks, 11 KB signed, 32 connections", _ingest),
    "latency": ("post to arrival, 20 events/s", _latency),
    "out": ("1,000 URLs, a Teams that answers after 200 ms", _out),
    "paced": ("200 URLs limited to 4/s each (800/s possible)", _paced),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "scenarios", nargs="*", help=f"some of {', '.join(SCENARIOS)}, all when left out; or lists"
    )
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--database", default="", help="a PostgreSQL URL (empty database); else SQLite")
    parser.add_argument("--broker", default="", help="a Redis URL; else the database")
    options = parser.parse_args()
    if options.scenarios == ["lists"]:  # fills databases of its own
        lists.main(options.database)
        return
    extra = {
        key: value
        for key, value in (("DATABASE_URL", options.database), ("BROKER_URL", options.broker))
        if value
    }
    figures: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}",
        "set-up": "PostgreSQL + Redis" if extra else "embedded: SQLite (FULL), database broker",
    }
    print(f"{figures['machine']}; {figures['set-up']}\n")
    for name in options.scenarios or SCENARIOS:
        words, scenario = SCENARIOS[name]
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            figures[name] = asyncio.run(scenario(Path(folder), extra))
        shown = "  ".join(f"{key}: {value:,}" for key, value in figures[name].items())
        print(f"{name:8} {words}\n         {shown}\n", flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
