"""The real product as separate processes, on both kinds of database and broker, and under the axe."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from psycopg import sql

from apps.sources.catalog.github import SOURCE
from apps.sources.samples import sample
from tests.e2e.stack import ROOT, START, Stack, descendants, running, wait_ready
from tests.servers import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
ARRIVAL = 30.0  # seconds


class Client:
    """The REST API of a running product."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.session = requests.Session()
        token = stack.manage("create_token", "tests", "--role", "admin")
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: str) -> Any:
        answer = self.session.get(f"{self.stack.url}/api/v1/{path}", params=query, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: object) -> Any:
        answer = self.session.post(f"{self.stack.url}/api/v1/{path}", json=body, timeout=10)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def connect(self) -> dict[str, Any]:
        """A GitHub connector that leads into a channel of the sandbox."""
        page = requests.Session()
        found = page.get(f"{self.stack.url}/sandbox/", timeout=10)
        token = page.cookies.get("csrftoken") or found.text.partition('csrfmiddlewaretoken" value="')[2][:64]
        page.post(
            f"{self.stack.url}/sandbox/channels/",
            {"name": "Room", "csrfmiddlewaretoken": token}, headers={"Referer": self.stack.url}, timeout=10,
        )  # fmt: skip
        shown = page.get(f"{self.stack.url}/sandbox/", timeout=10).text
        url = shown.partition('id="webhook-url">')[2].partition("<")[0].replace("&amp;", "&")
        channel = self.post("channels/", team="Platform", name="Room")
        self.post("webhook-urls/", channel=channel["id"], url=url)
        connector: dict[str, Any] = self.post("connectors/", name="GitHub", source="github")
        self.post("subscriptions/", connector=connector["id"], channel=channel["id"], events=["*"])
        return connector


def send(connector: dict[str, Any], number: int) -> int:
    shipped = sample(SOURCE, "issues.opened")
    assert shipped
    body = json.loads(shipped.body)
    body["issue"] |= {"number": number, "title": f"Issue number {number}"}
    raw = json.dumps(body).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": f"delivery-{number}",
        "X-Hub-Signature-256": "sha256="
        + hmac.new(connector["secret"].encode(), raw, hashlib.sha256).hexdigest(),
    }
    try:
        return requests.post(connector["url"], data=raw, headers=headers, timeout=10).status_code
    except requests.RequestException:
        return 0


def accepted(client: Client, count: int) -> list[dict[str, Any]]:
    """The deliveries, once `count` of them were accepted."""
    end = time.monotonic() + ARRIVAL
    found: list[dict[str, Any]] = []
    while time.monotonic() < end:
        found = client.get("deliveries/", status="accepted", limit="200")["results"]
        if len(found) >= count:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{len(found)} of {count} arrived\n{client.stack.log.read_text()[-3000:]}")


def fresh_database(server: str) -> str:
    """The URL of an empty database on the server."""
    name = f"stack_{os.urandom(4).hex()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{server.rpartition('/')[0]}/{name}"


@pytest.fixture(params=["embedded", "servers"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    extra: dict[str, str] = {}
    if request.param == "servers":
        extra = {
            "DATABASE_URL": fresh_database(request.getfixturevalue("pg_url")),
            "BROKER_URL": request.getfixturevalue("redis_url"),
        }
    with running(tmp_path, **extra) as stack:
        yield stack


def test_webhooks_become_cards_once_each_and_it_stops_cleanly(stack: Stack) -> None:
    client = Client(stack)
    connector = client.connect()
    assert [send(connector, number) for number in range(1, 9)] == [202] * 8
    assert send(connector, 3) == 202  # GitHub sends one again
    found = accepted(client, 8)
    assert len(found) == 8
    titles = {each["card"]["fallbackText"] for each in found}
    assert len(titles) == 8
    outcomes = [each["outcome"] for each in client.get("events/", limit="200")["results"]]
    assert sorted(outcomes) == ["duplicate"] + ["matched"] * 8
    assert requests.get(f"{stack.url}/readyz", timeout=5).status_code == 200
    assert stack.stop() == 0
    assert connector["secret"] not in stack.log.read_text()


def test_a_body_in_chunks_is_read_whole(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        connector = Client(stack).connect()
        shipped = sample(SOURCE, "issues.opened")
        assert shipped
        raw = shipped.body
        digest = hmac.new(connector["secret"].encode(), raw, hashlib.sha256).hexdigest()
        headers = {"X-GitHub-Event": "issues", "X-Hub-Signature-256": f"sha256={digest}"}

        def chunks() -> Iterator[bytes]:
            yield raw[:100]
            yield raw[100:]

        # An iterator has no length, so it is sent in chunks.
        assert requests.post(connector["url"], data=chunks(), headers=headers, timeout=10).status_code == 202
        endless = requests.post(connector["url"], data=iter([b"x" * 2**20] * 26), headers=headers, timeout=30)
        assert endless.status_code == 413


def test_nothing_acknowledged_is_lost_when_everything_is_killed(stack: Stack) -> None:
    client = Client(stack)
    connector = client.connect()
    taken = [number for number in range(1, 16) if send(connector, number) == 202]
    children = subprocess.run(
        ["pgrep", "-s", str(stack.process.pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    everyone = {stack.process.pid, *map(int, children), *descendants(stack.process.pid)}
    for pid in everyone:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    stack.process.wait(10)
    with stack.log.open("ab") as out:
        stack.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", stack.environment["PORT"]],
            cwd=ROOT, env=stack.environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    wait_ready(stack)
    accepted(client, len(taken))
    titles = [each["card"]["fallbackText"] for each in accepted(client, len(taken))]
    assert {int(title.rsplit(" ", 1)[1]) for title in titles} == set(taken)


def test_a_killed_cluster_is_replaced(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        client = Client(stack)
        connector = client.connect()
        clusters = subprocess.run(
            ["pgrep", "-f", "manage.py qcluster"], capture_output=True, text=True, check=False
        ).stdout.split()
        mine = set(descendants(stack.process.pid)) & set(map(int, clusters))
        assert mine
        for pid in mine:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        assert send(connector, 1) == 202
        accepted(client, 1)


def test_it_starts_in_production_with_its_own_files(tmp_path: Path) -> None:
    with running(tmp_path, DEBUG="0", SECRET_KEY="k" * 50, FIELD_KEYS="one") as stack:
        page = requests.get(f"{stack.url}/admin/login/", timeout=10)
        assert page.status_code == 200
        styles = re.findall(r'href="(/static/[^"]+)"', page.text)
        assert styles
        for path in styles:
            assert requests.get(stack.url + path, timeout=10).status_code == 200, path
        assert requests.get(f"{stack.url}/nowhere", timeout=10).status_code == 404


def test_the_start_is_refused_without_a_key_in_production(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "DEBUG")}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT, env={**environment, "DATA_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=START,
        check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "SECRET_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("seconds", [0.5, 1.5, 3.0, 5.0])
def test_stopped_while_it_starts_it_leaves_nothing_behind(tmp_path: Path, seconds: float) -> None:
    environment = os.environ | {"DEBUG": "1", "DATA_DIR": str(tmp_path), "SANDBOX": "1"}
    environment.pop("DATABASE_URL", None)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--demo", "--port", str(free_port())],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(seconds)
    process.terminate()
    process.wait(20)
    mark, end = f"DATA_DIR={tmp_path}".encode(), time.monotonic() + 10
    while left := processes_with(mark):
        assert time.monotonic() < end, left
        time.sleep(0.2)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_to_all_of_its_processes_at_once_stops_it(tmp_path: Path, name: str) -> None:
    """As a service manager sends it, a terminal's Ctrl-C, and `timeout`."""
    number = getattr(signal, name)
    with running(tmp_path) as stack:
        everyone = [stack.process.pid, *descendants(stack.process.pid)]
        assert len(everyone) > 6
        for pid in everyone:
            os.kill(pid, number)
        assert stack.process.wait(15) == 0
        assert gone(everyone, 2)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_further_cluster_stops_when_its_whole_group_is_told(tmp_path: Path, name: str) -> None:
    with running(tmp_path, "--no-worker", ready="/healthz") as stack:
        cluster = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"], cwd=ROOT, env=stack.environment, start_new_session=True
        )
        wait_ready(stack)
        everyone = [cluster.pid, *descendants(cluster.pid)]
        os.killpg(cluster.pid, getattr(signal, name))
        try:
            assert cluster.wait(15) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(cluster.pid, signal.SIGKILL)
        assert gone(everyone, 2)


def gone(pids: list[int], seconds: float) -> bool:
    """Whether all of them end within that time."""
    end = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def processes_with(variable: bytes) -> list[str]:
    """The processes of this machine that were started with that environment variable."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if variable in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return [each for each in found if each]
