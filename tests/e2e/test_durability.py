"""Nothing that was acknowledged is lost, whatever dies: real processes, killed, frozen and starved."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from bench.http import Faults, Sink
from tests.conftest import missing
from tests.e2e.stack import ROOT, Stack, descendants, running, wait_for_cluster, wait_ready
from tests.e2e.traffic import Traffic, processes
from tests.servers import Postgres, Redis

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("durability")]
KILLS = 20
WHOLE = 6  # processes of a cluster
WEB_KILLS = (5, 12)  # the turns in which a process of the web server is killed
CHANNELS = 12
FROZEN_AFTER = 6
SETTINGS = {
    "DESTINATION_ALLOW": "127.0.0.0/8",
    "SANDBOX": "0",
    "FROZEN_AFTER": str(FROZEN_AFTER),
    "SECRET_KEY": "the same on every machine " * 3,
}


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink(delay=0.05, keep_bodies=True, faults=Faults())
    with found.in_background():
        yield found


@pytest.fixture
def embedded(tmp_path: Path, sink: Sink) -> Iterator[Traffic]:
    """SQLite and the database as the broker."""
    with running(tmp_path, **SETTINGS) as stack:
        traffic = Traffic(stack, sink)
        traffic.prepare(CHANNELS)
        yield traffic
        traffic.stop()


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    try:
        server = Postgres()
    except FileNotFoundError:
        missing("PostgreSQL")
        return
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def redis() -> Iterator[Redis]:
    try:
        server = Redis()
    except FileNotFoundError:
        missing("redis-server")
        return
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def servers(tmp_path: Path, sink: Sink, postgres: Postgres, redis: Redis) -> Iterator[Traffic]:
    """PostgreSQL and Redis, which the test may kill."""
    with running(tmp_path, **SETTINGS, DATABASE_URL=postgres.url, BROKER_URL=redis.url) as stack:
        traffic = Traffic(stack, sink)
        traffic.prepare(CHANNELS)
        yield traffic
        traffic.stop()


def kill_at_random(traffic: Traffic) -> int:
    """Kill processes below `up` while events come in; how many cards were on their way at those moments."""
    chance = random.Random(7)
    on_their_way = 0
    for turn in range(KILLS):
        time.sleep(chance.uniform(0.5, 1.5))
        # Mostly the cluster: without the web server nothing comes in that could be lost. And not while it starts,
        # because then nothing would ever go out either.
        until(lambda: len(processes(traffic.stack, "qcluster")) >= WHOLE, 30)
        victims = processes(traffic.stack, "connectors_site.serve" if turn in WEB_KILLS else "qcluster")
        on_their_way += traffic.sink.on_their_way()
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(victims), signal.SIGKILL)
    return on_their_way


def reckon(traffic: Traffic, on_their_way: int) -> None:
    traffic.stop()
    traffic.wait_until_all_arrived(60)
    sent = sum(map(len, traffic.acknowledged.values()))
    assert sent > 100
    assert traffic.duplicates() <= on_their_way
    assert traffic.overtaken() == []


def test_twenty_random_kills_lose_nothing_on_sqlite(embedded: Traffic) -> None:
    embedded.start()
    reckon(embedded, kill_at_random(embedded))
    with contextlib.closing(sqlite3.connect(database(embedded.stack))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_kills_and_servers_that_die_lose_nothing(servers: Traffic, postgres: Postgres, redis: Redis) -> None:
    servers.start()
    on_their_way = kill_at_random(servers)
    wait_ready(servers.stack)
    # Redis is gone, and with it all that it held. Events come in and go out without it.
    redis.kill()
    time.sleep(3)
    assert servers.send() == 202
    begun, before = time.monotonic(), len(servers.sink.arrivals)
    while len(servers.sink.arrivals) < before + CHANNELS:
        assert time.monotonic() - begun < 15, servers.stack.log.read_text()[-3000:]
        time.sleep(0.1)
    redis.start()
    # PostgreSQL breaks every connection.
    on_their_way += servers.sink.on_their_way()
    postgres.restart()
    time.sleep(3)
    wait_ready(servers.stack)
    reckon(servers, on_their_way)


def test_another_machine_takes_over_from_a_frozen_one(servers: Traffic, tmp_path: Path) -> None:
    stack = servers.stack
    assert servers.send() == 202
    servers.wait_until_all_arrived(15)
    other = tmp_path / "other"
    other.mkdir()
    with (other / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"],
            cwd=ROOT, env=stack.environment | {"DATA_DIR": str(other)}, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        until(lambda: heartbeats(stack) == 2, 20)
        frozen = processes(stack, "qcluster")
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        assert servers.send() == 202
        servers.wait_until_all_arrived(FROZEN_AFTER * 4)
        for pid in frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        assert servers.send() == 202
        servers.wait_until_all_arrived(15)
        assert servers.duplicates() == 0
    finally:
        process.terminate()
        process.wait(20)


def test_what_dies_or_stands_still_in_a_cluster_is_replaced(embedded: Traffic) -> None:
    stack = embedded.stack
    embedded.sink.faults = None
    on_their_way = 0
    for number, (who, what) in enumerate(
        [
            # Killing all idle ones surely hits the one that waits with the lock of the queue in its hands.
            ("idle", signal.SIGKILL),
            ("sentinel", signal.SIGKILL),
            ("sender", signal.SIGSTOP),
            ("sentinel", signal.SIGSTOP),
            ("idle", signal.SIGSTOP),
        ]
    ):
        cluster = wait_for_cluster(stack)
        victims = cluster.idle if who == "idle" else [getattr(cluster, who)]
        on_their_way += embedded.sink.on_their_way()
        for pid in victims:
            os.kill(pid, what)
        assert embedded.send(number % CHANNELS) == 202
        embedded.wait_until_all_arrived(FROZEN_AFTER * 2 + 8)
        replaced = wait_for_cluster(stack, other_than=cluster, seconds=FROZEN_AFTER * 2 + 8)
        assert not set(victims) & {replaced.sentinel, *replaced.others}
    assert embedded.duplicates() <= on_their_way
    assert requests.get(f"{stack.url}/readyz", timeout=5).status_code == 200


def test_a_full_disk_is_said_to_the_source_and_leaves_nothing_broken(embedded: Traffic) -> None:
    stack = embedded.stack
    assert embedded.send() == 202
    embedded.wait_until_all_arrived(15)
    cluster = wait_for_cluster(stack)
    # No write beyond the first bytes of a file works any more, as with a disk that is full.
    everyone = [stack.process.pid, *descendants(stack.process.pid)]
    for pid in everyone:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
    assert [embedded.send() for _ in range(3)] == [503, 503, 503]
    time.sleep(FROZEN_AFTER)
    for pid in everyone:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    until(lambda: embedded.send() == 202, 15)
    embedded.wait_until_all_arrived(20)
    wait_ready(stack)
    assert embedded.duplicates() == 0
    assert wait_for_cluster(stack).parent == cluster.parent
    with contextlib.closing(sqlite3.connect(database(stack))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def database(stack: Stack) -> Path:
    return Path(stack.environment["DATA_DIR"]) / "db.sqlite3"


def heartbeats(stack: Stack) -> int:
    """How many clusters were seen lately, as the metrics say."""
    shown = requests.get(f"{stack.url}/metrics", timeout=5).text
    return int(shown.partition("\nconnectors_clusters ")[2].split()[0])


def until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)
