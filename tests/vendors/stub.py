"""A vendor's API played by a real HTTP server: routes, a log of calls, and failures on demand.

with StubServer() as stub:
    stub.on("GET", r"/user", {"login": "ada"})
    stub.fail("POST", r"/repos/.*", 422, {"message": "Validation Failed"})
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from apps.connectors.accounts import connect, kind_of
from apps.sources import registry
from apps.sources.api import Api


@dataclass(frozen=True)
class Call:
    """One request that the stub got. body: parsed JSON or form, else text."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any
    groups: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What the stub says. body: bytes or str as they are, anything else as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0


Respond = Callable[[Call], Answer]


@dataclass
class _Route:
    method: str
    pattern: re.Pattern[str]
    respond: Respond
    times: int | None = None


class StubServer:
    """A server on a free port of 127.0.0.1. Failures come before routes; a later route goes before an earlier."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        # Without the answer where a failure was ordered.
        self.exchanges: list[tuple[Call, Answer | None]] = []
        self._routes: list[_Route] = []
        self._failures: list[_Route] = []
        self._lock = threading.Lock()

    def __enter__(self) -> StubServer:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The stub's address, without a trailing slash."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def on(self, method: str, pattern: str, answer: object = None, *, status: int = 200) -> None:
        """Answer `method` on paths that match `pattern` whole, with JSON or with what a function of the call gives.

        The function may return an Answer, or anything for a JSON body with `status`.
        """

        def respond(call: Call) -> Answer:
            found = answer(call) if callable(answer) else answer
            return found if isinstance(found, Answer) else Answer(status, found)

        self._routes.insert(0, _Route(method, re.compile(pattern), respond))

    def fail(
        self,
        method: str,
        pattern: str,
        status: int,
        body: object = None,
        *,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Let the next `times` requests fail."""
        answer = Answer(status, body, headers or {})
        self._failures.append(_Route(method, re.compile(pattern), lambda call: answer, times))

    def made(self, method: str, pattern: str) -> list[Call]:
        """The calls of that method whose path matches `pattern` whole."""
        return [call for call in self.calls if call.method == method and re.fullmatch(pattern, call.path)]

    def api(self, slug: str, kind: str, path: str = "", **values: str) -> Api:
        """The source's API at this stub, signed in for real and through the real way out.

        path: what the vendor's API address has after its host ("/api/v4"). values: the account's fields.
        The test's settings must allow 127.0.0.1 as a destination.
        """
        source = registry.get(slug)
        return connect(source, kind_of(source, kind), f"{self.url}{path}", values)

    def _answer(self, call: Call) -> Answer:
        with self._lock:
            for route in self._failures:
                if route.times and route.method == call.method and route.pattern.fullmatch(call.path):
                    route.times -= 1
                    self.calls.append(call)
                    self.exchanges.append((call, None))
                    return route.respond(call)
            for route in self._routes:
                found = route.pattern.fullmatch(call.path) if route.method == call.method else None
                if found:
                    call = Call(
                        call.method, call.path, call.query, call.headers, call.body, found.groupdict()
                    )
                    self.calls.append(call)
                    answer = route.respond(call)
                    self.exchanges.append((call, answer))
                    return answer
            self.calls.append(call)
        return Answer(404, {"message": f"the stub knows no {call.method} {call.path}"})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
                pass

            def _serve(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = _parsed(raw, headers.get("content-type", ""))
                answer = stub._answer(
                    Call(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
                )
                if answer.wait:
                    time.sleep(answer.wait)
                given = answer.body
                data = (
                    given
                    if isinstance(given, bytes)
                    else given.encode()
                    if isinstance(given, str)
                    else b""
                    if given is None
                    else json.dumps(given).encode()
                )
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # who asked may have given up
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

        return Handler


def _parsed(raw: bytes, content_type: str) -> Any:
    text = raw.decode("utf-8", "replace")
    if "json" in content_type and text:
        return json.loads(text)
    if "x-www-form-urlencoded" in content_type:
        return dict(parse_qsl(text))
    return text
