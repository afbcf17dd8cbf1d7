"""Clients that nobody here wrote, pointed at a real server.

Apprise has one Teams plug-in, `workflows://` (its `msteams://` left with the connectors): it takes any host, but builds
an https address with the path of a Workflows URL, hence the TLS relay below. Its Slack and Discord plug-ins know only
their own hosts; `mmost://` and `json://` can be pointed anywhere.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import apprise
import pymsteams  # type: ignore[import-untyped]
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from slack_sdk.models.attachments import Attachment, AttachmentField
from slack_sdk.models.blocks import DividerBlock, HeaderBlock, SectionBlock
from slack_sdk.webhook import WebhookClient

from apps.cards import limits
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.inbound import pipeline, services
from apps.inbound.models import Event

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def connector() -> Connector:
    return connectors.create_connector(name="Old tools", source="incoming_webhook")[0]


@pytest.fixture
def url(connector: Connector, live_server: Any) -> str:
    return f"{live_server.url}/hooks/{connector.public_id}"


@pytest.fixture
def retired_url(connector: Connector, live_server: Any) -> str:
    return f"{live_server.url}/webhookb2/team@tenant/IncomingWebhook/{connector.public_id}/owner"


def events() -> list[Event]:
    """What came of the requests, by the real path."""
    pipeline.process_batch()
    return list(Event.objects.order_by("id"))


def card_texts(event: Event) -> str:
    card, _ = services.card_of(event)
    assert limits.check(card.content) == []
    return repr(card.content)


def old_card(address: str, kind: type[pymsteams.connectorcard] = pymsteams.connectorcard) -> Any:
    message = kind(address)
    message.title("Build failed")
    message.text("See the **log**")
    message.color("red")
    message.addLinkButton("Open", "https://ci.example/1")
    section = pymsteams.cardsection()
    section.activityTitle("Ada").activitySubtitle("just now").activityImage("https://ci.example/ada.png")
    section.addFact("Branch", "main")
    section.addImage("https://ci.example/graph.png", "Graph")
    section.linkButton("Details", "https://ci.example/1/details")
    message.addSection(section)
    action = pymsteams.potentialaction("Comment")
    action.addInput("TextInput", "comment", "Say something", False)
    action.addAction("HttpPost", "Send", "https://ci.example/comment")
    message.addPotentialAction(action)
    return message


def test_pymsteams_gets_its_one_and_its_card_is_told(retired_url: str) -> None:
    message = old_card(retired_url)
    assert message.send() is True
    assert (message.last_http_response.status_code, message.last_http_response.text) == (200, "1")
    (event,) = events()
    assert (event.type, event.title, event.severity) == ("messagecard", "Build failed", "attention")
    texts = card_texts(event)
    for words in ("Ada", "just now", "main", "https://ci.example/graph.png", "https://ci.example/1/details"):
        assert words in texts
    # What acts on a server is asked for on a page of ours.
    card = services.card_of(event, [1])[0]
    assert "Comment" in [each["title"] for each in cast("list[dict[str, str]]", card.content["actions"])]


def test_pymsteams_asynchronous_client_insists_on_the_very_answer(retired_url: str) -> None:
    pytest.importorskip("httpx")
    message = old_card(retired_url, pymsteams.async_connectorcard)
    assert asyncio.run(message.send()) is True


def test_pymsteams_reads_the_old_error(retired_url: str) -> None:
    message = pymsteams.connectorcard(retired_url)
    message.color("red")
    with pytest.raises(pymsteams.TeamsWebhookException, match=r"^Summary or Text is required\.$"):
        message.send()
    assert events() == []


def test_the_slack_client_gets_its_ok(url: str) -> None:
    answer = WebhookClient(url).send(text="Hello from *Slack* <https://ci.example|there>")
    assert (answer.status_code, answer.body) == (200, "ok")
    (event,) = events()
    assert (event.type, event.title) == ("slack", "Hello from Slack there")


def test_the_slack_clients_blocks_and_attachments_are_told(url: str) -> None:
    answer = WebhookClient(url).send(
        text="Deployed",
        blocks=[HeaderBlock(text="Deployed"), DividerBlock(), SectionBlock(text="*api* is live", fields=["*By*", "Ada"])],
        attachments=[
            Attachment(
                text="All well", color="good", title="Report", title_link="https://ci.example/r",
                fields=[AttachmentField(title="Took", value="4 min")],
            )
        ],
    )  # fmt: skip
    assert (answer.status_code, answer.body) == (200, "ok")
    (event,) = events()
    assert event.severity == "good"
    assert all(words in card_texts(event) for words in ("**api** is live", "4 min", "https://ci.example/r"))


def test_the_slack_client_reads_slacks_errors(url: str) -> None:
    answer = WebhookClient(url).send_dict({"username": "nobody"})
    assert (answer.status_code, answer.body) == (400, "no_text")
    answer = WebhookClient(url).send_dict({"text": {"not": "a text"}})
    assert answer.status_code in (200, 400)


def test_apprise_as_mattermost_and_as_json(url: str, connector: Connector) -> None:
    host = url.partition("//")[2].partition("/")[0]
    assert apprise.Apprise([f"mmost://{host}/{connector.public_id}?image=no"]).notify(
        "The *body*", title="From Apprise"
    )
    assert apprise.Apprise([f"json://{host}/hooks/{connector.public_id}"]).notify("The body", title="As JSON")
    first, second = events()
    assert (first.type, second.type) == ("slack", "generic")
    assert "The" in card_texts(first)
    assert "As JSON" in second.title


def certificate(folder: Path) -> Path:
    """A certificate for this machine, made for this test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def tls_port(live_server: Any, tmp_path: Path) -> Iterator[int]:
    """A port that speaks TLS and passes everything on to the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    host, _, port = live_server.url.partition("//")[2].partition(":")
    listener = socket.create_server(("127.0.0.1", 0))

    def relay() -> None:
        while True:
            try:
                plain_side, _ = listener.accept()
            except OSError:
                return
            with (
                context.wrap_socket(plain_side, server_side=True) as client,
                socket.create_connection((host, int(port))) as server,
            ):
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=(source, target), daemon=True).start()
                done.wait(10)
                done.clear()

    done = threading.Event()

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        done.set()

    threading.Thread(target=relay, daemon=True).start()
    yield int(listener.getsockname()[1])
    listener.close()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("variant", ["", "&pa=yes"])
def test_apprise_as_workflows(tls_port: int, connector: Connector, variant: str) -> None:
    address = f"workflows://127.0.0.1:{tls_port}/{connector.public_id}/signature?verify=no&image=no{variant}"
    assert apprise.Apprise([address]).notify(
        "The **body**", title="From Apprise", body_format=apprise.NotifyFormat.MARKDOWN
    )
    (event,) = events()
    assert event.type == "adaptive_card"
    assert all(words in card_texts(event) for words in ("From Apprise", "The **body**"))
