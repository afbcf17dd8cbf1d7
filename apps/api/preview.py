"""What a request would become, without storing or sending anything."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api import documents
from apps.api.models import ApiToken
from apps.api.views import body_of, find
from apps.api.wire import PreviewJSON
from apps.cards import limits
from apps.cards.notification import Notification
from apps.connectors import matching, options
from apps.connectors.matching import Rules
from apps.connectors.services import clean_patterns
from apps.core.errors import ConfigurationError, PayloadError, TooLarge
from apps.inbound import buttons, trials, understanding
from apps.inbound.models import Event
from apps.sources import declarative, registry
from apps.sources.declarative.source import DeclarativeSource
from apps.sources.http import Headers, Http, Reply
from apps.sources.source import Context, Source, Understood
from apps.sources.understand import understand_all


class PreviewView(APIView):
    """`{"source", "headers", "body", "options"}` or `{"event"}` -> the events and cards of that request."""

    roles = {"": ApiToken.Role.VIEWER}
    parser_classes = (PreviewJSON,)

    @documents.call(documents.PreviewAnswer, documents.PreviewCall, 200, with_id=False)
    def post(self, request: Request) -> Response:
        body = body_of(request)
        found = _stored(body) if body.get("event") else _given(body)
        if found.reply is not None:
            shown = {
                "status": found.reply.status, "body": found.reply.body, "content_type": found.reply.content_type,
            }  # fmt: skip
            return Response({"reply": shown, "events": []})
        return Response({"reply": None, "events": _events(found, _rules(found.source, body))})


@dataclass(frozen=True, slots=True)
class Asked:
    """What to preview. only: the place of a stored event in its request."""

    source: Source
    http: Http
    ctx: Context
    only: int | None = None
    reply: Reply | None = None


def _given(body: dict[str, Any]) -> Asked:
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
    return Asked(source, http, ctx, reply=source.handshake(http, ctx))


def _stored(body: dict[str, Any]) -> Asked:
    row = find(Event.objects.select_related("connector", "request__connector"), body["event"], "event")
    source = row.connector.source_object()
    chosen = options.clean(source, body["options"]) if "options" in body else row.connector.options
    http = understanding.http_of(row.request)
    ctx = Context(
        {**options.defaults(source), **chosen}, row.request.received_at, http.headers, buttons.example
    )
    return Asked(source, http, ctx, only=row.index)


def _rules(source: Source, body: dict[str, Any]) -> Rules | None:
    """The rules to judge by; None when none were given."""
    if "events" not in body and "filters" not in body:
        return None
    events = clean_patterns(source, body.get("events") or [])
    return Rules(tuple(events), tuple(matching.clean_filters(body.get("filters") or [])))


def _events(found: Asked, rules: Rules | None) -> list[dict[str, Any]]:
    try:
        items = list(understand_all(found.source, found.http, found.ctx))
    except PayloadError as error:
        problem = {"code": error.code, "detail": error.public_message}
        return [
            {
                "type": "", "outcome": "malformed", "notification": None, "error": problem, "verdict": None,
                **_NO_CARD,
            }
        ]  # fmt: skip
    if found.only is not None:
        items = items[found.only : found.only + 1]
    return [_event(item, found, rules) for item in items]


_NO_CARD: dict[str, Any] = {
    "card": None, "bytes": 0, "budget": limits.BUDGET, "summary": "", "lint": [], "warnings": [],
}  # fmt: skip


def _event(item: Understood, asked: Asked, rules: Rules | None) -> dict[str, Any]:
    found = item.notification
    card = trials.card_of(found) if found is not None else None
    problem = {"code": item.code, "detail": item.reason} if item.reason else None
    verdict = None
    if card is not None and rules is not None:
        judged = matching.decide(
            rules, item.event.name, asked.source.events.defaults(), item.attributes, card.severity,
            item.event.payload.raw, asked.ctx.now, every=True,
        )  # fmt: skip
        steps = [step.as_json() for step in judged.steps]
        verdict = {"matched": judged.matched, "words": judged.words, "steps": steps}
    return {
        "type": item.event.name,
        "outcome": item.outcome,
        "notification": asdict(found) if isinstance(found, Notification) else None,
        **(trials.drawn(card) if card is not None else _NO_CARD),
        "verdict": verdict,
        "error": problem,
    }
