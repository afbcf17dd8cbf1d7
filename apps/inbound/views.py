"""The short path of a webhook: read once, verify the raw bytes, store one row, answer."""

from __future__ import annotations

import json
import logging
import zlib
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from apps.connectors import services
from apps.connectors.models import Connector
from apps.core import wake
from apps.core.errors import AppError, ConfigurationError, NotFound, PayloadError, TooLarge, VerificationError
from apps.core.models import Counter
from apps.deliveries.services import TOPIC
from apps.inbound.models import InboundRequest
from apps.sources.http import Headers, Http, Reply
from apps.sources.source import Source
from apps.sources.verify import QueryToken, Scheme, SharedHeader

logger = logging.getLogger(__name__)
NEVER_STORED = frozenset({"authorization", "proxy-authorization", "cookie"})
MAX_HEADERS, MAX_HEADER, MAX_QUERY = 100, 4_000, 8_000


@csrf_exempt
def hook(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a source's request. Answers as interface promises: never 500 for bad data, 503 when it can't be stored."""
    try:
        return _take(request, public_id)
    except DatabaseError as error:
        logger.error("a request could not be stored: %s", type(error).__name__)
        response = _problem(503, "not_stored", "The request could not be stored just now. Send it again.")
        response["Retry-After"] = "10"
        return response


def _take(request: HttpRequest, public_id: str) -> HttpResponse:
    try:
        connector = Connector.objects.get(public_id=public_id)
        source = connector.source_object()
    except (Connector.DoesNotExist, NotFound):
        return _problem(
            404, "unknown_hook", "There is no such inbound URL. Copy it again from the connector."
        )
    http = Http(method=request.method or "GET", headers=Headers(request.headers), url=connector.url)
    try:
        http = replace(
            http, query=request.META.get("QUERY_STRING", "")[:MAX_QUERY], body=_body(request, source.max_body)
        )
        now = timezone.now()
        reply = source.handshake(http, services.context(connector, http.headers, now))
        if reply is not None:
            return _respond(reply)
        if http.method != "POST":
            response = _problem(405, "method_not_allowed", "Webhooks are sent by POST.")
            response["Allow"] = "POST"
            return response
        scheme = _verify(connector, http)
    except AppError as error:
        if isinstance(error, VerificationError):
            Counter.bump("inbound.unverified", connector.public_id)
        own = source.reject(http, error.status, error.public_message)
        return _respond(own) if own else _problem(error.status, error.code, error.public_message)
    kept = source.redact(http)
    with transaction.atomic():
        InboundRequest.objects.create(
            connector=connector,
            received_at=now,
            method=http.method,
            headers=_kept_headers(kept.headers, source),
            query=_kept_query(kept.query, scheme),
            body=zlib.compress(kept.body, 1),
            size=len(http.body),
        )
    wake.notify(TOPIC)
    return _respond(source.acknowledge(http))


def _body(request: HttpRequest, cap: int) -> bytes:
    """The raw body, read once. Raises TooLarge, or PayloadError when the sender broke off."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    too_large = TooLarge(
        "too_large", f"The body is over {cap // (1024 * 1024)} MiB. Send fewer or smaller events."
    )
    if declared.isdigit() and int(declared) > cap:
        raise too_large
    try:
        body: bytes = request.read(cap + 1)
    except (OSError, ValueError) as error:
        raise PayloadError("body_unreadable", "The body broke off. Send the request again.") from error
    if len(body) > cap:
        raise too_large
    if declared.isdigit() and len(body) < int(declared):
        raise PayloadError("body_unreadable", "The body is shorter than announced. Send the request again.")
    return body


def _verify(connector: Connector, http: Http) -> Scheme:
    try:
        scheme = services.scheme_of(connector)
    except ConfigurationError as error:
        raise VerificationError(error.code, error.public_message) from error
    now = timezone.now()
    secrets = services.live_secrets(connector, now) if scheme.needs_secret else []
    index = scheme.verify(http, [secret.value for secret in secrets], now)
    if 0 <= index < len(secrets):
        services.note_used(secrets[index], now)
    return scheme


def _kept_headers(headers: Headers, source: Source) -> dict[str, str]:
    """What may be stored: no credentials, and not more than a sane sender sends."""
    secret = {scheme.header.lower() for scheme in source.schemes if isinstance(scheme, SharedHeader)}
    kept = [(name, value) for name, value in headers.items() if name not in NEVER_STORED | secret]
    return {name[:200]: value[:MAX_HEADER].replace("\x00", "") for name, value in kept[:MAX_HEADERS]}


def _kept_query(query: str, scheme: Scheme) -> str:
    if not isinstance(scheme, QueryToken):
        return query.replace("\x00", "")
    pairs = [
        pair
        for pair in parse_qsl(query, keep_blank_values=True)
        if pair[0].lower() != scheme.parameter.lower()
    ]
    return urlencode(pairs)


def _respond(reply: Reply) -> HttpResponse:
    response = HttpResponse(reply.body, status=reply.status, content_type=reply.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    for name, value in reply.headers:
        response[name] = value
    return response


def _problem(status: int, code: str, detail: str) -> HttpResponse:
    """An RFC 9457 problem document."""
    body = {
        "type": "about:blank",
        "title": code.replace("_", " "),
        "status": status,
        "code": code,
        "detail": detail,
    }
    return HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")
