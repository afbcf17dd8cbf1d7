"""A signed webhook becomes a card at the other side, by the real path: view, row, drain, HTTP."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from apps.channels import services as channels
from apps.channels.models import Channel, Team, WebhookURL
from apps.connectors import memory
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.core.models import Counter
from apps.deliveries.models import Attempt, Delivery
from apps.inbound import services, tasks
from apps.inbound.models import Event, InboundRequest
from apps.sources.http import Headers, Http

pytestmark = [pytest.mark.django_db(transaction=True)]
BODY = {
    "action": "opened",
    "issue": {
        "number": 3,
        "title": "The door squeaks",
        "html_url": "https://git.example/octo/hello/issues/3",
    },
    "repository": {"full_name": "octo/hello", "html_url": "https://git.example/octo/hello"},
    "sender": {"login": "ada"},
}


class Sink(ThreadingHTTPServer):
    """A Workflows endpoint that answers what the test wants."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posts: list[dict[str, Any]] = []
        self.headers_seen: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return (
            f"http://127.0.0.1:{self.server_port}/workflows/x/invoke?api-version=1&sig=very-secret-signature"
        )


class Handler(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.posts.append(json.loads(self.rfile.read(length)))
        self.server.headers_seen.append(dict(self.headers))
        status, headers = self.server.answers.pop(0) if self.server.answers else (202, {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        return


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    settings.DESTINATION_ALLOW = ["127.0.0.1/32"]
    server = Sink()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def channel(sink: Sink) -> Channel:
    made = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    channels.add_url(made, sink.url)
    return made


@pytest.fixture
def hook(channel: Channel) -> tuple[Connector, str]:
    connector, secret = connectors.create_connector(name="Hello", source="github")
    connectors.subscribe(connector, channel)
    return connector, secret


def post(connector: Connector, secret: str, body: object = BODY, delivery: str = "d-1", **extra: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": delivery,
        "Authorization": "Bearer leak-me-not",
    }
    signed = connectors.scheme_of(connector).sign(
        Http(headers=Headers({**headers, **extra}), body=raw), secret, timezone.now()
    )
    return Client().post(
        f"/hooks/{connector.public_id}", raw, content_type="application/json", headers=dict(signed.headers)
    )


def test_a_signed_webhook_becomes_a_card(hook: tuple[Connector, str], sink: Sink) -> None:
    assert post(*hook).status_code == 202
    assert sink.posts == []  # stored, not yet understood
    assert tasks.drain(0.5) == "1 posts"
    (message,) = sink.posts
    (attachment,) = message["attachments"]
    assert "The door squeaks" in json.dumps(attachment["content"])
    assert "Authorization" not in sink.headers_seen[0]
    event = Event.objects.get()
    assert (event.type, event.outcome, event.actor) == ("issues.opened", "matched", "ada")
    assert event.trace[0]["steps"][1]["verdict"] == "pass"
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts_made) == ("accepted", 1)
    assert Attempt.objects.get().status == 202


def test_the_same_delivery_id_is_sent_once(hook: tuple[Connector, str], sink: Sink) -> None:
    for _ in range(3):
        post(*hook)
    tasks.drain(0.5)
    assert len(sink.posts) == 1
    assert sorted(Event.objects.values_list("outcome", flat=True)) == ["duplicate", "duplicate", "matched"]


def test_a_second_run_of_the_pipeline_changes_nothing(hook: tuple[Connector, str], sink: Sink) -> None:
    post(*hook)
    tasks.drain(0.5)
    InboundRequest.objects.update(status="received")
    tasks.drain(0.5)
    assert len(sink.posts) == 1


@pytest.mark.parametrize("answer", [(503, {}), (429, {"Retry-After": "7"}), (408, {})])
def test_it_tries_again_after_a_temporary_answer(
    hook: tuple[Connector, str], sink: Sink, answer: tuple[int, dict[str, str]]
) -> None:
    sink.answers = [answer]
    post(*hook)
    tasks.drain(0.5)
    delivery = Delivery.objects.get()
    assert delivery.status == "pending"
    wait = (delivery.due_at - timezone.now()).total_seconds()
    assert (6 if "Retry-After" in answer[1] else 3) < wait < 12
    Delivery.objects.update(due_at=timezone.now())
    WebhookURL.objects.update(blocked_until=None)  # the rest that it asked for is over
    tasks.drain(0.5)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts_made, len(sink.posts)) == ("accepted", 2, 2)
    assert sink.posts[0] == sink.posts[1]


@pytest.mark.parametrize("status", [400, 404, 410, 413])
def test_a_permanent_answer_ends_it(hook: tuple[Connector, str], sink: Sink, status: int) -> None:
    sink.answers = [(status, {})]
    post(*hook)
    tasks.drain(0.5)
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.error_code) == ("failed", f"http_{status}")
    assert (WebhookURL.objects.get().state == "needs_person") is (status in (404, 410))


def test_a_channel_moves_on_to_its_next_url(
    hook: tuple[Connector, str], sink: Sink, channel: Channel
) -> None:
    channels.add_url(channel, sink.url + "&second=1")
    sink.answers = [(404, {})]
    post(*hook)
    tasks.drain(0.8)
    assert Delivery.objects.get().status == "accepted"
    assert len(sink.posts) == 2
    assert channel.state == "degraded"


def test_a_paused_channel_keeps_its_cards(hook: tuple[Connector, str], sink: Sink, channel: Channel) -> None:
    channels.pause(channel, "planning")
    post(*hook)
    tasks.drain(0.3)
    assert sink.posts == []
    channels.resume(channel)
    tasks.drain(0.3)
    assert len(sink.posts) == 1


def test_a_channels_order_and_its_limit_are_kept(hook: tuple[Connector, str], sink: Sink) -> None:
    for number in range(6):
        post(
            *hook,
            body={**BODY, "issue": {"number": number, "title": f"Issue {number}"}},
            delivery=f"d-{number}",
        )
    tasks.drain(0.7)
    assert len(sink.posts) == 4
    tasks.drain(1.5)
    titles = [json.dumps(message) for message in sink.posts]
    assert all(f"Issue {number}" in text for number, text in enumerate(titles))


def test_a_wrong_or_missing_signature_stores_nothing_but_a_counter(hook: tuple[Connector, str]) -> None:
    connector, _ = hook
    assert post(connector, "wrong").status_code == 401
    response = Client().post(f"/hooks/{connector.public_id}", b"{}", content_type="application/json")
    assert response.status_code == 401
    assert response.json()["code"] == "signature_missing"
    assert not InboundRequest.objects.exists()
    assert Counter.objects.get(name="inbound.unverified").value == 2


def test_bad_input_has_its_own_status(hook: tuple[Connector, str], monkeypatch: pytest.MonkeyPatch) -> None:
    connector, secret = hook
    client = Client()
    assert client.post("/hooks/nobody", b"{}", content_type="application/json").status_code == 404
    assert client.get(f"/hooks/{connector.public_id}").status_code == 405
    huge = client.post(
        f"/hooks/{connector.public_id}/",
        b"{}",
        content_type="application/json",
        headers={"content-length": str(26 * 2**20)},
    )
    assert huge.status_code == 413

    def broken(*values: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr("apps.inbound.services.insert", broken)
    response = post(connector, secret)
    assert response.status_code == 503
    assert "disk" not in response.content.decode()


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 9000, b"7", b"null", b'{"action": 7, "issue": []}', b"{"]
)
def test_a_signed_body_that_makes_no_sense_is_kept_with_its_reason(
    hook: tuple[Connector, str], body: bytes
) -> None:
    connector, secret = hook
    assert post(connector, secret, body).status_code == 202
    tasks.drain(0.2)
    row = InboundRequest.objects.get()
    assert row.status in ("malformed", "processed")
    assert row.status == "processed" or row.error_message


def test_odd_characters_are_stored_and_told(hook: tuple[Connector, str], sink: Sink) -> None:
    odd = "nul \x00 and half \ud800 a pair"
    body = {**BODY, "action": "opened", "issue": {"number": 3, "title": odd, "labels": [{"name": odd}]}}
    assert post(*hook, body=json.dumps(body).encode()).status_code == 202
    tasks.drain(0.5)
    event = Event.objects.get()
    assert event.outcome == "matched"
    assert "\x00" not in json.dumps([event.title, event.attributes], ensure_ascii=False)
    assert len(sink.posts) == 1


def test_the_retired_url_shape_leads_to_the_same_place(hook: tuple[Connector, str]) -> None:
    connector, _ = hook
    url = f"/webhookb2/a@b/IncomingWebhook/{connector.public_id}/c"
    assert Client().post(url, b"{}", content_type="application/json").status_code == 401


def test_an_event_can_be_replayed_and_told_apart(hook: tuple[Connector, str], sink: Sink) -> None:
    post(*hook)
    tasks.drain(0.5)
    (again,) = services.replay_event(Event.objects.get())
    tasks.drain(0.5)
    again.refresh_from_db()
    assert (again.status, again.replay, again.origin) == ("accepted", 1, "replay")
    assert sink.posts[0] == sink.posts[1]


def test_secrets_and_urls_are_nowhere_in_the_database_in_clear(
    hook: tuple[Connector, str], sink: Sink
) -> None:
    from django.db import connection

    connector, secret = hook
    sink.answers = [(400, {})]
    post(connector, secret)
    tasks.drain(0.5)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            text = repr(cursor.fetchall())
            for leaked in (secret, "very-secret-signature", "leak-me-not"):
                assert leaked not in text, table


def test_an_old_secret_lives_on_after_a_rotation(hook: tuple[Connector, str], sink: Sink) -> None:
    connector, old = hook
    new = connectors.rotate_secret(connector)
    assert post(connector, old).status_code == 202
    assert post(connector, new, delivery="d-2").status_code == 202
    connector.secrets.filter(valid_until__isnull=False).update(
        valid_until=timezone.now() - dt.timedelta(seconds=1)
    )
    memory.forget()  # or wait for a second
    assert post(connector, old, delivery="d-3").status_code == 401


def test_a_flood_without_a_signature_is_told_to_stop_while_genuine_requests_pass(
    hook: tuple[Connector, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.inbound.views.FLOOD", 5)
    connector, secret = hook
    statuses = [post(connector, "wrong", delivery=f"d-{number}").status_code for number in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    assert post(connector, secret).status_code == 202
