"""Headers that every answer carries."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core import audit, problems


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
        else:
            response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", STRICT)
        response.headers.setdefault("Permissions-Policy", FEATURES)
        if settings.SECURE_HSTS_SECONDS:
            # Django adds it only where it sees TLS itself, which it does not behind most proxies.
            length = f"max-age={settings.SECURE_HSTS_SECONDS}"
            response.headers.setdefault("Strict-Transport-Security", length)
        return response
