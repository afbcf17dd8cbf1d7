"""The yardstick: a WSGI app that checks the same HMAC and runs the same insert, and nothing else.

With BENCH_FORWARD it also posts a fixed card of usual size there, from a pool of threads: no rules, no retries, no
order, no pacing, nothing noted.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import threading
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from requests.adapters import HTTPAdapter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectors_site.settings")

import django

django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from apps.core.tokens import new_id  # noqa: E402

SECRET, CONNECTOR = os.environ["BENCH_SECRET"].encode(), int(os.environ["BENCH_CONNECTOR"])
FORWARD, CHANNELS = os.environ.get("BENCH_FORWARD", ""), int(os.environ.get("BENCH_CHANNELS", "1"))
THREADS = 64
INSERT = (
    "INSERT INTO inbound_inboundrequest (public_id, created_at, connector_id, received_at, method, headers, query, "
    "body, size, status, error_code, error_message, failures, replay) "
    "VALUES (%s, %s, %s, %s, 'POST', '{}', '', %s, %s, 'processed', '', '', 0, 0)"
)
_pool = ThreadPoolExecutor(THREADS)
_adapter = HTTPAdapter(pool_maxsize=THREADS)
_local = threading.local()
_turn = itertools.count()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Verify, store, 202."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    digest = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(digest, environ.get("HTTP_X_HUB_SIGNATURE_256", "")):
        start_response("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [new_id(), now, CONNECTOR, now, zlib.compress(body, 1), len(body)])
    if FORWARD:
        _pool.submit(_forward, body)
    start_response("202 Accepted", [("Content-Length", "0")])
    return [b""]


def card(number: int) -> bytes:
    """The bytes of a card of the size that ours have."""
    text = {"type": "TextBlock", "text": f"Issue opened: #{number} ", "wrap": True}
    filling = {"type": "TextBlock", "text": "x" * 2_000, "wrap": True}
    content = {"type": "AdaptiveCard", "version": "1.5", "body": [text, filling]}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    return json.dumps({"type": "message", "attachments": [attachment]}).encode()


def session() -> requests.Session:
    """This thread's, over the pool of connections that all share."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.trust_env = False
        _local.session.mount("http://", _adapter)
    found: requests.Session = _local.session
    return found


def _forward(body: bytes) -> None:
    number = json.loads(body)["issue"]["number"]
    session().post(
        f"{FORWARD}/c{next(_turn) % CHANNELS}",
        data=card(number),
        headers={"Content-Type": "application/json"},
    )
