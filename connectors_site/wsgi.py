"""The WSGI entry point that the web server loads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectors_site.settings")

_site = get_wsgi_application()

from django.core.handlers.wsgi import WSGIRequest  # noqa: E402 - after the settings
from django.db import DatabaseError, connection  # noqa: E402

from apps.inbound.views import hook  # noqa: E402

# The paths of apps.inbound.urls. Sessions, messages and sign-in mean nothing there, and cost a third of the speed.
_HOOK = re.compile(
    r"/(?:hooks/(?P<id>[^/]+)/?|webhookb2/[^/]+/IncomingWebhook/(?P<old>[^/]+)(?:/.*)?|"
    r"workflows/(?P<flow>[^/]+)/triggers/[^/]+/paths/invoke/?)"
)
_MOST_HEADERS = 64 * 1024  # bytes of a path


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Webhooks go straight to their view; everything else takes the way through the middleware."""
    found = _HOOK.fullmatch(environ.get("PATH_INFO", "")[:_MOST_HEADERS])
    if found is None:
        answer: Iterable[bytes] = _site(environ, start_response)
        return answer
    public_id = found["id"] or found["old"] or found["flow"]
    if not connection.in_atomic_block:
        try:
            connection.close_if_unusable_or_obsolete()
        except DatabaseError:
            connection.close()
    response = hook(WSGIRequest(environ), public_id)
    if response.status_code == 503:
        connection.close()  # the next request tries a new one
    headers = [(name, value) for name, value in response.items() if name.lower() != "content-length"]
    body = response.content
    headers.append(("Content-Length", str(len(body))))
    start_response(f"{response.status_code} {response.reason_phrase}", headers)
    return [body] if environ["REQUEST_METHOD"] != "HEAD" else []
