"""Headers that every answer carries."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.defaults import server_error

from apps.core import audit, problems

logger = logging.getLogger(__name__)


class Acting:
    """Says who is responsible for whatever a request changes. Asked only if something is changed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with audit.acting(lambda: audit.of_request(request)):
            return self.get_response(request)


# Of every page unless its view says otherwise: nothing inline, and nothing from anywhere else.
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
# The admin theme runs Alpine.js, which evaluates expressions in attributes and sets styles there; one list
# page has a style element that is always the same.
THEME = STRICT.replace("script-src 'self'", "script-src 'self' 'unsafe-eval'").replace(
    "style-src 'self'",
    "style-src 'self'; style-src-attr 'unsafe-inline'; "
    "style-src-elem 'self' 'sha256-+MEQ/O07HiRf96s+FyiSQj7xKrHjGPZWCed2MyGUBF4='",
)
FEATURES = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"


class SecurityHeaders:
    """Adds what browsers need to know to keep a page to itself, unless the view set its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\x00" in request.path:  # nothing has it in its name, and PostgreSQL refuses to look for it
            response: HttpResponseBase = problems.response(404, "not_found", "There is nothing at this path.")
        elif "%00" in request.META.get("QUERY_STRING", "") and not request.path.startswith("/api/"):
            # The admin's filters take it to the database; the API says which of its filters it is.
            response = problems.response(
                400, "bad_query", "The address holds the character NUL after its “?”."
            )
        else:
            response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", STRICT)
        response.headers.setdefault("Permissions-Policy", FEATURES)
        if settings.SECURE_HSTS_SECONDS:
            # Django adds it only where it sees TLS itself, which it does not behind most proxies.
            length = f"max-age={settings.SECURE_HSTS_SECONDS}"
            response.headers.setdefault("Strict-Transport-Security", length)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """A database that is away is no fault of the page: 503, so that Teams, Prometheus and people try again."""
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        logger.error("the database failed a page: %s", type(exception).__name__)
        if request.path.startswith(("/admin/", "/sandbox/", "/act/")):
            response: HttpResponse = server_error(request)
            response.status_code = 503
        else:
            response = problems.response(
                503, "not_available", "The database cannot be reached just now. Try again."
            )
        response["Retry-After"] = "10"
        return response
