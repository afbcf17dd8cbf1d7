"""The WSGI entry point that the web server loads."""

from __future__ import annotations

import gc
import os
import re
import threading
import time
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectors_site.settings")

_site = get_wsgi_application()

from django.core.handlers.wsgi import WSGIRequest  # noqa: E402 - after the settings
from django.db import DatabaseError, connection, connections  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from apps.inbound.views import hook  # noqa: E402

# All pages too, so that the first request does not wait for them and a mistake in them shows at the start. What is
# loaded stays for ever: looking through it for garbage would hold up the webhooks of that moment.
get_resolver().url_patterns  # noqa: B018 - loads them
gc.collect()
gc.freeze()
connections.close_all()  # none is taken along into another process

# The paths of apps.inbound.urls. Sessions, messages and sign-in mean nothing there, and cost a third of the speed.
_HOOK = re.compile(
    r"/(?:hooks/(?P<id>[^/]+)/?|webhookb2/[^/]+/IncomingWebhook/(?P<old>[^/]+)(?:/.*)?|"
    r"workflows/(?P<flow>[^/]+)/triggers/[^/]+/paths/invoke/?)"
)
# The middleware is passed by; whatever is answered here must never be taken for a page.
_NEVER_A_PAGE = [
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
]
_MOST_PATH = 64 * 1024  # characters
_IDLE = 1.0  # seconds
_idle = threading.local()


def _look_after_connection() -> None:
    """What Django does between requests, when this thread has been idle for a moment or had an error.

    A database that was restarted meanwhile must not cost the next webhook: GitHub sends it only once.
    """
    now = time.monotonic()
    rested = now - getattr(_idle, "since", 0.0) > _IDLE
    _idle.since = now
    if (rested or connection.errors_occurred) and not connection.in_atomic_block:
        try:
            connection.close_if_unusable_or_obsolete()  # asks the database, so not at every request
        except DatabaseError:
            connection.close()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Webhooks go straight to their view; everything else takes the way through the middleware."""
    found = _HOOK.fullmatch(environ.get("PATH_INFO", "")[:_MOST_PATH])
    if found is None:
        answer: Iterable[bytes] = _site(environ, start_response)
        return answer
    public_id = found["id"] or found["old"] or found["flow"]
    _look_after_connection()
    response = hook(WSGIRequest(environ), public_id)
    if response.status_code == 503:
        connection.close()  # the next request tries a new one
    headers = [(name, value) for name, value in response.items() if name.lower() != "content-length"]
    body = response.content
    headers += [("Content-Length", str(len(body))), *_NEVER_A_PAGE]
    start_response(f"{response.status_code} {response.reason_phrase}", headers)
    return [body] if environ["REQUEST_METHOD"] != "HEAD" else []
