"""Commands of Teams while webhooks stream in: each is answered within the four seconds that there are."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from bench.driver import ALLOW, maker, world
from bench.http import Sink, number_of
from tests.e2e.stack import Stack, running
from tests.e2e.test_action_browser import waiting
from tests.e2e.test_stack import Client
from tests.vendors.stub import Answer, StubServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
TOKEN = base64.b64encode(bytes(range(32))).decode()
TEAMS_WAITS = 4.0  # seconds
CHANNELS, SENDERS = 60, 8
PER_SECOND = 80  # webhooks


class Stream:
    """Webhooks at a constant pace, from a few threads."""

    def __init__(self, stack: Stack, connectors: list[dict[str, Any]]) -> None:
        self.stack, self.connectors = stack, connectors
        self.answers: list[tuple[int, float]] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(each,)) for each in range(SENDERS)]

    def __enter__(self) -> Stream:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self, place: int) -> None:
        number = place
        makers = [maker(each["secret"]) for each in self.connectors]
        with requests.Session() as session:
            while not self._ended.wait(SENDERS / PER_SECOND):
                number += SENDERS
                index = number % CHANNELS
                raw, headers = makers[index](number)
                url = f"{self.stack.url}/hooks/{self.connectors[index]['id']}"
                begun = time.monotonic()
                answer = session.post(url, data=raw, headers=headers, timeout=20)
                self.answers.append((answer.status_code, time.monotonic() - begun))


def ask(url: str, number: int, text: str) -> tuple[float, str]:
    """Ask as Teams does: the seconds until the answer, and its card."""
    activity = {
        "type": "message",
        "id": f"17000{number:08}",
        "timestamp": dt.datetime.now(dt.UTC).isoformat(),
        "text": f"<at>Connector</at>&nbsp;{text}",
        "from": {"id": "29:abc", "name": "Ada"},
        "conversation": {"id": "19:x@thread.tacv2;messageid=1"},
    }
    raw = json.dumps(activity).encode()
    digest = base64.b64encode(hmac.new(base64.b64decode(TOKEN), raw, hashlib.sha256).digest()).decode()
    headers = {"Authorization": f"HMAC {digest}", "Content-Type": "application/json"}
    begun = time.monotonic()
    answer = requests.post(url, data=raw, headers=headers, timeout=20)
    took = time.monotonic() - begun
    assert answer.status_code == 200, answer.text
    return took, json.dumps(answer.json()["attachments"][0]["content"])


def test_commands_are_answered_in_time_while_webhooks_stream_in_and_slow_ones_are_told_later(
    tmp_path: Path,
) -> None:
    sink = Sink(delay=0.05, keep_bodies=True)
    issue = {
        "number": 3,
        "title": "The door squeaks",
        "state": "open",
        "html_url": "https://github.com/x/y/issues/3",
    }
    with sink.in_background(), StubServer() as vendor, running(tmp_path, **ALLOW) as stack:
        vendor.on("GET", r"/api/v3/repos/.+/issues/\d+", lambda call: issue)
        vendor.on("PATCH", r"/api/v3/repos/.+/issues/\d+",
                  lambda call: Answer(200, {**issue, "state": "closed"}, wait=3.5))  # fmt: skip
        setup = world(stack, "spread", f"http://127.0.0.1:{sink.port}", CHANNELS)["connectors"]
        client = Client(stack)
        account = client.post(
            "accounts/", name="Robot", source="github", kind="token", api_url=vendor.url,
            fields={"token": "ghp_test"},
        )  # fmt: skip
        channel = client.get("channels/")["results"][0]
        acting = client.post("connectors/", name="Acting", source="github", account=account["id"])
        client.post("subscriptions/", connector=acting["id"], channel=channel["id"], events=["*"])
        endpoint = client.post(
            "command-endpoints/", name="Connector", team=channel["team"], token=TOKEN, channel=channel["id"]
        )
        stack.manage(
            "shell", "-c",
            "from apps.commands.models import ChatUser; "
            "ChatUser.objects.create(teams_id='29:abc', name='Ada', role='operator')",
        )  # fmt: skip

        with Stream(stack, setup) as stream, ThreadPoolExecutor(12) as people:
            slow = [people.submit(ask, endpoint["url"], number, "github@Acting close octo/hello#3")
                    for number in range(6)]  # fmt: skip
            quick = []
            for number in range(6, 46):
                quick.append(
                    people.submit(ask, endpoint["url"], number, ("status", "help", "list")[number % 3])
                )
                time.sleep(0.2)
            promised = [each.result() for each in slow]
            answered = [each.result() for each in quick]

        times = [took for took, _ in promised + answered]
        assert max(times) < TEAMS_WAITS, sorted(times)[-5:]
        assert all("working on it" in card for _, card in promised)
        assert {status for status, _ in stream.answers} == {202}
        assert len(stream.answers) > 200
        # A command that waits does not hold up the webhooks.
        assert max(took for _, took in stream.answers) < 2.0

        def results() -> bool:
            bodies = [body for _, _, body in list(sink.arrivals)]
            return sum(b"Closed" in body and not number_of(body) for body in bodies) >= len(promised)

        waiting(results, 60.0)


def test_commands_are_answered_in_time_while_somebody_else_writes_to_the_database_for_long(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as stack:
        client = Client(stack)
        client.post("channels/", team="Platform", name="General")
        endpoint = client.post("command-endpoints/", name="Connector", team="Platform", token=TOKEN)
        assert "Cards waiting" in ask(endpoint["url"], 1, "status")[1]
        writer = sqlite3.connect(tmp_path / "db.sqlite3", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        try:
            took, card = ask(endpoint["url"], 2, "status")
        finally:
            writer.execute("ROLLBACK")
            writer.close()
        assert took < TEAMS_WAITS
        assert "cannot be answered at the moment" in card
        assert "Cards waiting" in ask(endpoint["url"], 3, "status")[1]
