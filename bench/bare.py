"""The yardstick: a WSGI app that checks the same HMAC and runs the same insert, and nothing else."""

from __future__ import annotations

import hashlib
import hmac
import os
import zlib
from collections.abc import Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectors_site.settings")

import django

django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from apps.core.tokens import new_id  # noqa: E402

SECRET, CONNECTOR = os.environ["BENCH_SECRET"].encode(), int(os.environ["BENCH_CONNECTOR"])
INSERT = (
    "INSERT INTO inbound_inboundrequest (public_id, created_at, connector_id, received_at, method, headers, query, "
    "body, size, status, error_code, error_message, failures, replay) "
    "VALUES (%s, %s, %s, %s, 'POST', '{}', '', %s, %s, 'processed', '', '', 0, 0)"
)


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
    start_response("202 Accepted", [("Content-Length", "0")])
    return [b""]
