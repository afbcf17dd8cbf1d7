"""Webhook URLs of the general kind: any service, signed by Standard Webhooks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from apps.api.models import ApiToken
from apps.channels import services as channels
from apps.channels.models import Channel, Team, WebhookURL
from apps.channels.urls_teams import recognise_endpoint
from apps.core.errors import ConfigurationError
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound import tasks


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), body.decode()))  # type: ignore[attr-defined]
        self.send_response(200)
        text = b"returned HTTP error 500"  # words mean nothing here
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        return


@pytest.fixture
def receiver(settings: Any) -> Iterator[Any]:
    settings.DESTINATION_ALLOW = ["127.0.0.1"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def folded(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.django_db(transaction=True)
def test_a_card_arrives_signed_and_both_secrets_hold_while_one_is_changed(receiver: Any) -> None:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    row = channels.add_url(channel, f"http://127.0.0.1:{receiver.server_port}/in", kind="endpoint")
    first = row.secret
    second = channels.rotate_endpoint_secret(row)
    deliveries.send_test(channel)
    tasks.drain(0.5)
    ((headers, body),) = receiver.seen
    for secret in (first, second):
        assert Webhook(secret).verify(body, folded(headers))["type"] == "card"
    with pytest.raises(WebhookVerificationError):
        Webhook(first).verify(body.replace("card", "cart"), folded(headers))
    delivery = Delivery.objects.get()
    assert delivery.status == "accepted"
    assert folded(headers)["webhook-id"] == delivery.public_id
    assert json.loads(body)["data"]["card"]["type"] == "AdaptiveCard"


@pytest.mark.django_db
def test_the_secret_is_answered_once_by_rest() -> None:
    headers = {"Authorization": f"Bearer {ApiToken.issue('t', 'admin')}"}
    client = Client(headers=headers)
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    body = {"channel": channel.public_id, "url": "https://events.example.com/in", "kind": "endpoint"}
    made = client.post("/api/v1/webhook-urls/", body, content_type="application/json").json()
    assert made["secret"].startswith("whsec_")
    assert "events.example.com/in" not in json.dumps(made)
    path = f"/api/v1/webhook-urls/{made['id']}/"
    assert made["secret"] not in client.get(path).content.decode()
    fresh = client.post(f"{path}rotate-secret/").json()["secret"]
    assert fresh != made["secret"]
    assert WebhookURL.objects.get().secret == fresh
    wrong = client.post("/api/v1/webhook-urls/", {**body, "kind": "pigeon"}, content_type="application/json")
    assert wrong.json()["code"] == "unknown_kind"


@pytest.mark.parametrize(
    "url", ["http://events.example.com/", "https://user:pass@x.example/", "nonsense", "", None, "https://"]
)
def test_an_endpoint_must_be_a_plain_https_address(url: object) -> None:
    assert recognise_endpoint(url).problem


@pytest.mark.parametrize("host", ["10.0.0.7", "127.0.0.1", "[::1]", "169.254.169.254", "[::ffff:10.0.0.7]"])
def test_a_private_address_is_refused_at_once_unless_an_operator_allows_it(host: str) -> None:
    found = recognise_endpoint(f"https://{host}/in")
    assert (found.problem, "DESTINATION_ALLOW" in found.message) == ("url_private", True)
    assert not recognise_endpoint(
        f"https://{host}/in", ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "::1/128"]
    ).problem
    assert not recognise_endpoint("https://8.8.8.8/in").problem


@pytest.mark.django_db
def test_a_workflow_has_no_secret_to_change() -> None:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    row = WebhookURL.objects.create(channel=channel, url="https://x.example", host="x.example")
    with pytest.raises(ConfigurationError.__mro__[1]):
        channels.rotate_endpoint_secret(row)
