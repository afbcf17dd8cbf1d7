"""The one way out: every request of ours to another server goes through `request`.

It connects to public addresses only (and to what DESTINATION_ALLOW names), judged on the address that is
really connected to, so a name that resolves differently a moment later gains nothing. It follows no
redirect, reads no proxy or netrc from the environment, keeps no cookies and reads at most 64 KiB (more only
where the caller asks for it).
"""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import connection as plain_connection

from apps.core import addresses
from apps.core.deadlines import Deadlines
from apps.core.errors import TransportError

TIMEOUT = (5.0, 30.0)
RESPONSE_CAP = 64 * 1024
USER_AGENT = "TeamsConnectors/0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. text: at most `cap` bytes of it, undecodable bytes replaced."""

    status: int
    headers: Mapping[str, str]
    text: str
    elapsed_ms: int
    truncated: bool = field(default=False)


def _refused() -> TransportError:
    return TransportError(
        "destination_refused",
        "The address belongs to a private or reserved network. If that is meant, add it to DESTINATION_ALLOW.",
        permanent=True,
    )


def _is_own_site(host: str, port: int | None) -> bool:
    # Samples are posted to our own inbound URLs, which may well stand in a private network.
    own = urlsplit(settings.PUBLIC_URL)
    return (host, port) == (own.hostname, own.port or (443 if own.scheme == "https" else 80))


def _connect(conn: HTTPConnection) -> socket.socket:
    """Connect to the first address of the host that is allowed and answers."""
    host = conn._dns_host
    try:
        found = socket.getaddrinfo(host, conn.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NameResolutionError(host, conn, cast("socket.gaierror", error)) from error
    allowed = [
        str(sockaddr[0])
        for *_, sockaddr in found
        if _is_own_site(host, conn.port)
        or addresses.may_connect(host, str(sockaddr[0]), settings.DESTINATION_ALLOW)
    ]
    if not allowed:
        raise _refused()
    failure: OSError | None = None
    for address in allowed:
        try:
            return plain_connection.create_connection(
                (address, conn.port), conn.timeout, conn.source_address, conn.socket_options
            )
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(conn, "no answer to the connection attempt") from failure
    raise NewConnectionError(conn, "no connection") from failure


class _Guarded(HTTPConnection):
    """Judges its address, and sends head and body in one go: half the system calls, one TLS record less."""

    _gathered: list[bytes] | None = None

    def _new_conn(self) -> socket.socket:
        return _connect(self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._gathered = []
        try:
            super().request(*args, **kwargs)
            parts = self._gathered
        finally:
            self._gathered = None
        self.send(b"".join(parts))

    def getresponse(self) -> Any:
        if self.sock is not None and self.timeout is not None:
            _deadlines.begin(self.sock, self.timeout)
        return super().getresponse()

    def send(self, data: Any) -> None:
        if self._gathered is None:
            super().send(data)
        else:
            self._gathered.append(bytes(data))


class _GuardedHTTP(_Guarded):
    pass


class _GuardedHTTPS(_Guarded, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPS


class GuardedAdapter(HTTPAdapter):
    """requests' adapter over connections that judge their address. A proxy, if set, is the operator's own choice."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


_adapter: GuardedAdapter | None = None
_lock = threading.Lock()
_deadlines = Deadlines()


def _shared_adapter() -> GuardedAdapter:
    global _adapter  # noqa: PLW0603 - pooled connections have to outlive the task that made them
    with _lock:
        if _adapter is None:
            _adapter = GuardedAdapter(
                pool_connections=64, pool_maxsize=settings.SEND_CONCURRENCY, max_retries=0
            )
        return _adapter


@lru_cache(maxsize=4096)
def _prepared(url: str) -> str | None:
    """The address as requests sends it. Working that out takes as long as the rest of what it prepares."""
    made = requests.PreparedRequest()
    made.prepare_url(url, None)
    return made.url


def _send(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    timeout: tuple[float, float],
    proxies: dict[str, str],
) -> requests.Response:
    """One exchange, by the adapter itself: a Session merges settings for longer than the exchange takes."""
    wanted = {"User-Agent": USER_AGENT, **headers}
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url = method, _prepared(url)
    prepared.prepare_headers(wanted)
    prepared.prepare_body(body, None)
    return _shared_adapter().send(prepared, stream=True, timeout=timeout, verify=True, proxies=proxies)


def _forget() -> None:
    # Connections must not be shared between a process and its fork.
    global _adapter, _lock, _deadlines
    _adapter, _lock, _deadlines = None, threading.Lock(), Deadlines()


os.register_at_fork(after_in_child=_forget)


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise TransportError(
            "bad_address",
            "The address is not a plain http(s) address. Correct it and try again.",
            permanent=True,
        )
    if settings.OUTBOUND_PROXY:
        # The proxy resolves names, so only literal addresses can be judged here.
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return
        if not addresses.may_connect(host, host, settings.DESTINATION_ALLOW):
            raise _refused()


def _read(response: requests.Response, deadline: float, cap: int) -> tuple[bytes, bool]:
    """At most `cap` bytes of the body; a body that is longer or slower than allowed is cut off."""
    body = bytearray()
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) > cap or time.monotonic() > deadline:
            response.close()
            return bytes(body[:cap]), True
    return bytes(body), False


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: tuple[float, float] = TIMEOUT,
    cap: int = RESPONSE_CAP,
) -> Answer:
    """Send one request and return whatever status was answered, redirects included.

    timeout: seconds to connect, seconds for the whole answer. cap: bytes of the answer that are read.
    Raises TransportError when there was no answer: `permanent` when another try cannot help,
    `ambiguous` when the request may have been carried out all the same.
    """
    _check(url)
    try:
        return _exchange(method, url, body, headers or {}, timeout, cap)
    finally:
        _deadlines.end()


def _exchange(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    timeout: tuple[float, float],
    cap: int,
) -> Answer:
    started = time.monotonic()
    proxies = (
        {"http": settings.OUTBOUND_PROXY, "https": settings.OUTBOUND_PROXY} if settings.OUTBOUND_PROXY else {}
    )
    try:
        response = _send(method, url, body, headers, timeout, proxies)
        if _deadlines.was_cut():  # within its head, which then looks like its end
            response.close()
            raise requests.exceptions.ReadTimeout
    except requests.exceptions.ConnectTimeout:
        raise TransportError(
            "connect_timeout", "The server did not accept a connection in time.", permanent=False
        ) from None
    except requests.exceptions.Timeout:
        raise _timeout() from None
    except requests.exceptions.ProxyError:
        raise TransportError(
            "proxy_error", "The outbound proxy refused or is down. Check OUTBOUND_PROXY.", permanent=False
        ) from None
    except requests.exceptions.SSLError:
        raise TransportError(
            "tls_error",
            "No secure connection: the server's certificate or TLS version is not acceptable.",
            permanent=False,
        ) from None
    except requests.exceptions.ConnectionError as error:
        raise (_timeout() if _deadlines.was_cut() else _connection_error(error)) from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError):
        raise TransportError(
            "bad_request",
            "The request could not be built. Check the address and the headers.",
            permanent=True,
        ) from None
    truncated = True
    try:
        data, truncated = _read(response, started + timeout[0] + timeout[1], cap)
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError):
        # The status is known, and that is what counts; the rest of the body only helps people.
        data = b""
    finally:
        response.close()
    return Answer(
        status=response.status_code,
        headers=CaseInsensitiveDict(response.headers),
        text=data.decode("utf-8", "replace"),
        elapsed_ms=round((time.monotonic() - started) * 1000),
        truncated=truncated,
    )


def _timeout() -> TransportError:
    return TransportError(
        "timeout",
        "The server took the request but did not answer in time.",
        permanent=False,
        ambiguous=True,
    )


def _connection_error(error: requests.exceptions.ConnectionError) -> TransportError:
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(cause, NameResolutionError):
        return TransportError("dns_error", "The server's name could not be resolved.", permanent=False)
    if isinstance(cause, NewConnectionError):
        return TransportError("connection_refused", "The server refuses connections.", permanent=False)
    return TransportError(
        "connection_lost", "The connection broke before an answer came.", permanent=False, ambiguous=True
    )


def post(
    url: str, *, body: bytes, headers: Mapping[str, str] | None = None, timeout: tuple[float, float] = TIMEOUT
) -> Answer:
    """POST `body`. See `request`."""
    return request("POST", url, body=body, headers=headers, timeout=timeout)
