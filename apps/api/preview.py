"""What a request would become, without storing or sending anything."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api import documents
from apps.api.models import ApiToken
from apps.api.views import body_of
from apps.api.wire import PreviewJSON
from apps.cards import adaptive, limits
from apps.cards.notification import Notification
from apps.connectors import options
from apps.core.errors import ConfigurationError, PayloadError, TooLarge
from apps.inbound import buttons
from apps.sources import declarative, registry
from apps.sources.declarative.source import DeclarativeSource
from apps.sources.http import Headers, Http
from apps.sources.source import Context, Source, Understood
from apps.sources.understand import understand_all


class PreviewView(APIView):
    """`{"source", "headers", "body", "options"}` -> the events and cards of that request."""

    roles = {"": ApiToken.Role.VIEWER}
    parser_classes = (PreviewJSON,)

    @documents.call(documents.PreviewAnswer, documents.PreviewCall, 200, with_id=False)
    def post(self, request: Request) -> Response:
        body = body_of(request)
        headers, text = body.get("headers") or {}, body.get("body")
        if not isinstance(headers, dict) or not isinstance(text, str):
            raise ConfigurationError(
                "invalid", "“headers” is an object, and “body” the request's text as it was sent."
            )
        if body.get("mapping") is not None:
            source: Source = DeclarativeSource("custom-preview", declarative.load(body["mapping"]))
        else:
            source = registry.get(str(body.get("source") or ""))
        values = {**options.defaults(source), **options.clean(source, body.get("options") or {})}
        now = timezone.now()
        http = Http(
            method=str(body.get("method") or "POST").upper()[:10],
            headers=Headers(headers),
            body=text.encode("utf-8", "surrogatepass"),
            query=str(body.get("query") or ""),
            received_at=now,
        )
        if len(http.body) > source.max_body:
            raise TooLarge("too_large", "The body is over the size that this source accepts.")
        ctx = Context(options=values, now=now, headers=http.headers, offer=buttons.example)
        reply = source.handshake(http, ctx)
        if reply is not None:
            shown = {"status": reply.status, "body": reply.body, "content_type": reply.content_type}
            return Response({"reply": shown, "events": []})
        return Response({"reply": None, "events": _events(source, http, ctx)})


def _events(source: Source, http: Http, ctx: Context) -> list[dict[str, Any]]:
    try:
        return [_event(item) for item in understand_all(source, http, ctx)]
    except PayloadError as error:
        problem = {"code": error.code, "detail": error.public_message}
        return [
            {
                "type": "",
                "outcome": "malformed",
                "notification": None,
                "card": None,
                "bytes": 0,
                "error": problem,
            }
        ]


def _event(item: Understood) -> dict[str, Any]:
    found = item.notification
    card = None
    if found is not None:
        card = adaptive.render(found) if isinstance(found, Notification) else found
    problem = {"code": item.code, "detail": item.reason} if item.reason else None
    return {
        "type": item.event.name,
        "outcome": item.outcome,
        "notification": asdict(found) if isinstance(found, Notification) else None,
        "card": card.content if card else None,
        "bytes": limits.size(card.content) if card else 0,
        "warnings": list(card.warnings) if card else [],
        "error": problem,
    }
