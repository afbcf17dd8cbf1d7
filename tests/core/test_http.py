"""The one way out: public addresses only, no redirects, bounded answers."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from apps.core import addresses, http
from apps.core.errors import TransportError


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(1_000):
                    self.wfile.write(b"x" * 65_536)
            except OSError:
                return
        elif self.path == "/silent":
            threading.Event().wait(2)
        elif self.path.startswith("/dripping"):
            end = b"" if self.path == "/dripping-head" else b"\r\n"
            for byte in b"HTTP/1.1 202 Accepted\r\nContent-Length: 40\r\n" + end:
                self._drip(bytes([byte]), 0.05 if not end else 0)
            for _ in range(40):
                self._drip(b"x", 0.05)
        elif self.path == "/cookie":
            self.send_response(200)
            self.send_header("Set-Cookie", "a=b")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _drip(self, byte: bytes, seconds: float) -> None:
        threading.Event().wait(seconds)
        with contextlib.suppress(OSError):
            self.wfile.write(byte)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        return


@pytest.fixture
def server(settings: Settings) -> Iterator[str]:
    settings.DESTINATION_ALLOW = ["127.0.0.0/8"]
    settings.PUBLIC_URL = "https://connectors.example.com"
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()


def test_a_post_arrives_with_nothing_added(server: str) -> None:
    answer = http.post(f"{server}/x?sig=a%2Fb", body=b"{}", headers={"Content-Type": "application/json"})
    assert answer.status == 202


def test_no_redirect_is_followed(server: str) -> None:
    assert http.post(f"{server}/redirect", body=b"").status == 302


def test_an_endless_answer_is_cut_off(server: str) -> None:
    answer = http.post(f"{server}/endless", body=b"")
    assert answer.truncated
    assert len(answer.text) <= http.RESPONSE_CAP


def test_a_server_that_says_nothing_is_given_up_and_the_outcome_is_unsure(server: str) -> None:
    with pytest.raises(TransportError) as error:
        http.post(f"{server}/silent", body=b"", timeout=(1, 0.2))
    assert (error.value.code, error.value.ambiguous, error.value.permanent) == ("timeout", True, False)


def test_a_server_that_drips_its_answer_does_not_hold_a_sender_for_long(server: str) -> None:
    begin = time.monotonic()
    with pytest.raises(TransportError) as error:
        http.post(f"{server}/dripping-head", body=b"", timeout=(1, 0.5))
    assert error.value.code == "timeout"
    # The status is what counts; the rest of the body is not waited for.
    answer = http.post(f"{server}/dripping-body", body=b"", timeout=(1, 0.5))
    assert (answer.status, answer.truncated) == (202, True)
    assert time.monotonic() - begin < 2


def test_cookies_are_not_kept(server: str) -> None:
    http.post(f"{server}/cookie", body=b"")
    http.post(f"{server}/cookie", body=b"")


def test_a_private_address_is_refused_by_default(server: str, settings: Settings) -> None:
    settings.DESTINATION_ALLOW = []
    with pytest.raises(TransportError) as error:
        http.post(f"{server}/x", body=b"")
    assert (error.value.code, error.value.permanent) == ("destination_refused", True)


def test_a_name_that_leads_to_a_private_address_is_refused_when_connecting(
    server: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DESTINATION_ALLOW = []
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: found)
    with pytest.raises(TransportError) as error:
        http.post("https://innocent.example.com/x", body=b"")
    assert error.value.code == "destination_refused"


def test_our_own_site_may_be_posted_to(server: str, settings: Settings) -> None:
    settings.DESTINATION_ALLOW = []
    settings.PUBLIC_URL = server
    assert http.post(f"{server}/hooks/x", body=b"").status == 202


@pytest.mark.parametrize(
    "url", ["ftp://x/", "https://user:pass@x/", "file:///etc/passwd", "nonsense", "http://"]
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(TransportError) as error:
        http.post(url, body=b"")
    assert error.value.permanent


def test_a_refused_connection_is_temporary(settings: Settings) -> None:
    settings.DESTINATION_ALLOW = ["127.0.0.1"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(TransportError) as error:
        http.post(f"http://127.0.0.1:{port}/", body=b"")
    assert (error.value.code, error.value.permanent, error.value.ambiguous) == (
        "connection_refused",
        False,
        False,
    )


@pytest.mark.parametrize(
    "address, public",
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.0.0.1", False),
        ("100.64.0.1", False), ("169.254.169.254", False), ("192.168.1.1", False), ("172.31.255.255", False),
        ("0.0.0.0", False), ("::1", False), ("fe80::1", False), ("fd00::1", False), ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False), ("::ffff:8.8.8.8", True), ("224.0.0.1", False), ("255.255.255.255", False),
        ("2002:a00:1::", False), ("not an address", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert addresses.may_connect("host.example", address, []) is public


@pytest.mark.parametrize(
    "host, allowed",
    [("sink.example.org", True), ("example.org", True), ("badexample.org", False), ("x.org", False)],
)
def test_a_host_suffix_covers_its_subdomains_only(host: str, allowed: bool) -> None:
    assert addresses.may_connect(host, "10.0.0.1", ["example.org"]) is allowed
