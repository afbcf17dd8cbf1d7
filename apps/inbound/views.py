"""The short path of a webhook: read once, verify the raw bytes, store one row, answer."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace

from django.db import DatabaseError, IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from apps.connectors import lookup, memory
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.core import problems, rates
from apps.core.errors import (
    AppError,
    NotFound,
    PayloadError,
    TooLarge,
    TooMany,
    UnsupportedBody,
    VerificationError,
)
from apps.core.models import Counter
from apps.inbound import services
from apps.sources.http import Headers, Http, Reply
from apps.sources.source import Context
from apps.sources.verify import Scheme

logger = logging.getLogger(__name__)
MAX_QUERY = 8_000
FLOOD = 300  # unverified requests of one connector in a minute, in each web process


@csrf_exempt
def hook(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a source's request. Answers as interface promises: never 500 for bad data, 503 when it can't be stored."""
    try:
        return _take(request, public_id)
    except DatabaseError as error:
        logger.error("a request could not be stored: %s", type(error).__name__)
        response = problems.response(
            503, "not_stored", "The request could not be stored just now. Send it again."
        )
        response["Retry-After"] = "10"
        return response


def _take(request: HttpRequest, public_id: str) -> HttpResponse:
    try:
        if "\x00" in public_id:  # PostgreSQL would refuse to look for it
            return _unknown()
        known = lookup.find(public_id)
    except (Connector.DoesNotExist, NotFound):
        return _unknown()
    connector, source = known.connector, known.source
    http = Http(method=request.method or "GET", headers=_headers(request), url=connector.url)
    try:
        http = replace(
            http, query=request.META.get("QUERY_STRING", "")[:MAX_QUERY], body=_body(request, source.max_body)
        )
        now = timezone.now()
        reply = source.handshake(http, Context(options=known.options, now=now, headers=http.headers))
        if reply is not None:
            return _respond(reply)
        if http.method != "POST":
            response = problems.response(405, "method_not_allowed", "Webhooks are sent by POST.")
            response["Allow"] = "POST"
            return response
        scheme = _verify(known, http)
        _readable(http)
    except AppError as error:
        if isinstance(error, VerificationError):
            rates.over(f"unverified:{connector.public_id}", FLOOD)
            Counter.bump("inbound.unverified", connector.public_id)
        if isinstance(error, TooMany):
            response = problems.response(429, error.code, error.public_message)
            response["Retry-After"] = str(int(error.wait) + 1)
            return response
        if isinstance(error, UnsupportedBody):
            response = problems.response(error.status, error.code, error.public_message)
            response["Accept-Encoding"] = "identity"  # as RFC 9110, section 12.5.3, says it to a client
            return response
        own = source.reject(http, error.status, error.public_message)
        return _respond(own) if own else problems.response(error.status, error.code, error.public_message)
    try:
        services.store(connector, source, scheme, http, now)
    except IntegrityError:
        memory.forget()  # the connector was deleted a moment ago
        return _unknown()
    return _respond(source.acknowledge(http))


def _readable(http: Http) -> None:
    """See that the body is as it is, not packed: signatures are over what was sent. Raises UnsupportedBody."""
    encoding = http.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedBody(
            "encoding_unsupported", "The body has a Content-Encoding. Send it as it is, not compressed."
        )


def _headers(request: HttpRequest) -> Headers:
    """The headers as the server gave them; Django's own collection of them costs a tenth of the whole answer."""
    found = {
        name[5:].replace("_", "-"): value for name, value in request.META.items() if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if request.META.get(name):
            found[name.replace("_", "-")] = request.META[name]
    return Headers(found)


def _body(request: HttpRequest, cap: int) -> bytes:
    """The raw body, read once. Raises TooLarge, or PayloadError when the sender broke off."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    too_large = TooLarge(
        "too_large", f"The body is over {cap // (1024 * 1024)} MiB. Send fewer or smaller events."
    )
    if declared.isdigit() and int(declared) > cap:
        raise too_large
    try:
        body = _read(request, cap + 1)
    except (OSError, ValueError) as error:
        raise PayloadError("body_unreadable", "The body broke off. Send the request again.") from error
    if len(body) > cap:
        raise too_large
    if declared.isdigit() and len(body) < int(declared):
        raise PayloadError("body_unreadable", "The body is shorter than announced. Send the request again.")
    return body


def _read(request: HttpRequest, most: int) -> bytes:
    """At most `most` bytes. Django reads nothing of a body without a length, but proxies send some in chunks."""
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if not chunked or request.META.get("CONTENT_LENGTH"):
        return request.read(most)
    stream, parts, left = request.META["wsgi.input"], [], most
    while left > 0:
        part: bytes = stream.read(left)
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _unknown() -> HttpResponse:
    return problems.response(
        404, "unknown_hook", "There is no such inbound URL. Copy it again from the connector."
    )


def _verify(known: lookup.Known, http: Http) -> Scheme:
    now = timezone.now()
    try:
        return _check(known, http, now)
    except VerificationError:
        # What is remembered may be a second old, and the secret may have been changed in it.
        try:
            return _check(lookup.find(known.connector.public_id, fresh=True), http, now)
        except VerificationError:
            wait = rates.is_over(f"unverified:{known.connector.public_id}", FLOOD)
            if wait is not None:
                # Genuine requests still pass; only the flood of others is told to stop.
                raise TooMany(
                    "too_many",
                    "Too many requests with a missing or wrong signature. Correct the secret first.",
                    wait,
                ) from None
            raise


def _check(known: lookup.Known, http: Http, now: dt.datetime) -> Scheme:
    scheme = known.scheme
    if scheme is None:
        raise VerificationError(
            "unknown_scheme", "The connector's way of verification no longer exists. Choose another one."
        )
    secrets = known.live(now)
    index = scheme.verify(http, [secret.value for secret in secrets], now)
    if 0 <= index < len(secrets):
        connectors.note_used(secrets[index], now)
    return scheme


def _respond(reply: Reply) -> HttpResponse:
    response = HttpResponse(reply.body, status=reply.status, content_type=reply.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    for name, value in reply.headers:
        response[name] = value
    return response
