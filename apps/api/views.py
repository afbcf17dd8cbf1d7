"""What can be configured, and what can be looked up."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from apps.api import documents, shapes
from apps.api.models import ApiToken
from apps.api.pages import page
from apps.api.values import moment, query
from apps.channels.models import Channel
from apps.core import audit, problems
from apps.core.errors import ConfigurationError, NotFound
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound import lookup, replays
from apps.inbound import services as inbound
from apps.inbound.models import Event, InboundRequest, Replay
from apps.sources import registry

OPERATOR, VIEWER = ApiToken.Role.OPERATOR, ApiToken.Role.VIEWER

REMOVAL = 5.0  # seconds in which a thing that is in use is deleted


def find(rows: QuerySet[Any], public_id: object, what: str) -> Any:
    """The row of that id. Raises NotFound."""
    known = isinstance(public_id, str) and 0 < len(public_id) <= 32 and "\x00" not in public_id
    row = rows.filter(public_id=public_id).first() if known else None
    if row is None:
        raise NotFound("not_found", f"There is no {what} with this id.")
    return row


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises ConfigurationError."""
    if not isinstance(request.data, dict):
        raise ConfigurationError("bad_body", "Send a JSON object.")
    return request.data


@extend_schema_view(**documents.reads(documents.SourceShape))
class SourceViews(ViewSet):
    """The catalogue."""

    def list(self, request: Request) -> Response:
        found = [shapes.source(each) for each in registry.available()]
        return Response({"count": len(found), "next": None, "previous": None, "results": found})

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shapes.source(registry.get(pk)))


@extend_schema_view(
    **documents.reads(documents.RequestShape, "connector", "status", "since"),
    replay=documents.call(documents.RequestShape),
)
class RequestViews(ViewSet):
    """Inbound requests."""

    roles = {"replay": OPERATOR}

    def rows(self) -> QuerySet[InboundRequest]:
        return InboundRequest.objects.select_related("connector").defer("body")

    def list(self, request: Request) -> Response:
        rows = by(
            self.rows(), request, connector="connector__public_id", status="status", since="received_at__gte"
        )
        return page(request, rows, shapes.request)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shapes.request(find(self.rows(), pk, "request")))

    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        row = find(InboundRequest.objects.select_related("connector"), pk, "request")
        inbound.replay_request(row)
        audit.did(row, "Process again")
        return Response(shapes.request(row), status=202)


@extend_schema_view(
    **documents.reads(documents.EventShape, "connector", "type", "outcome", "since"),
    replay=documents.call(documents.Made, documents.ReplayCall),
)
class EventViews(ViewSet):
    """Events."""

    roles = {"replay": OPERATOR}

    def rows(self) -> QuerySet[Event]:
        return Event.objects.select_related("connector", "request").defer("request__body")

    def list(self, request: Request) -> Response:
        rows = by(
            self.rows(),
            request,
            connector="connector__public_id",
            type="type",
            outcome="outcome",
            since="received_at__gte",
        )
        answer = page(request, rows, lambda row: shapes.event(row, []))
        ids = [each["id"] for each in answer.data["results"]]
        by_event: defaultdict[str, list[str]] = defaultdict(list)
        for event_id, delivery_id in _deliveries_of(ids):
            by_event[event_id].append(delivery_id)
        for each in answer.data["results"]:
            each["deliveries"] = by_event[each["id"]]
        return answer

    def retrieve(self, request: Request, pk: str) -> Response:
        row = find(self.rows(), pk, "event")
        return Response(shapes.event(row, [delivery for _, delivery in _deliveries_of([row.public_id])]))

    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        row = find(self.rows(), pk, "event")
        wanted = body_of(request).get("channel")
        channel = find(Channel.objects.all(), wanted, "channel") if wanted else None
        made = inbound.replay_event(row, channel)
        audit.did(row, "Send again")
        return Response({"deliveries": [each.public_id for each in made]}, status=202)


def _deliveries_of(public_ids: list[str]) -> list[tuple[str, str]]:
    keys = Event.objects.filter(public_id__in=public_ids).values_list("pk", flat=True)
    rows = Delivery.objects.filter(event_key__in=list(keys)).order_by("id")
    return list(rows.values_list("event_public_id", "public_id"))


@extend_schema_view(
    **documents.reads(documents.DeliveryShape, "channel", "status", "event", "since"),
    retry=documents.call(documents.DeliveryShape),
    cancel=documents.call(documents.DeliveryShape, None, 200),
)
class DeliveryViews(ViewSet):
    """Deliveries."""

    roles = {"retry": OPERATOR, "cancel": OPERATOR}

    def rows(self) -> QuerySet[Delivery]:
        return Delivery.objects.select_related("channel").prefetch_related("attempts__webhook_url")

    def list(self, request: Request) -> Response:
        rows = by(
            self.rows(), request, channel="channel__public_id", status="status", since="created_at__gte"
        )
        if event := query(request.query_params, "event"):
            known = Event.objects.filter(public_id=event[:32]).values_list("pk", flat=True).first()
            rows = rows.filter(event_key=known) if known is not None else rows.none()
        return page(request, rows, shapes.delivery)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shapes.delivery(find(self.rows(), pk, "delivery")))

    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        row = find(self.rows(), pk, "delivery")
        deliveries.retry(row)
        audit.did(row, "Try again now")
        return Response(shapes.delivery(row), status=202)

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        row = find(self.rows(), pk, "delivery")
        deliveries.cancel(row)
        audit.did(row, "Cancel")
        return Response(shapes.delivery(row))


@extend_schema_view(
    **documents.reads(documents.ReplayShape),
    create=documents.call(documents.ReplayShape, documents.ReplaysCall, with_id=False),
    cancel=documents.call(documents.ReplayShape, None, 200),
)
class ReplayViews(ViewSet):
    """Replays of many events or deliveries, worked off in the background."""

    roles = {"create": OPERATOR, "cancel": OPERATOR}

    def rows(self) -> QuerySet[Replay]:
        return Replay.objects.select_related("channel")

    def list(self, request: Request) -> Response:
        return page(request, self.rows(), shapes.replay)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shapes.replay(find(self.rows(), pk, "replay")))

    def create(self, request: Request) -> Response:
        body = body_of(request)
        kinds = [kind for kind in Replay.Kind.values if kind in body]
        if len(kinds) != 1:
            raise ConfigurationError("bad_body", "Give either “events” or “deliveries”, with filters.")
        wanted = body.get("channel")
        channel = find(Channel.objects.all(), wanted, "channel") if wanted else None
        row = replays.start(kinds[0], body[kinds[0]], channel, str(request.auth))
        audit.did(row, "Start")
        return Response(shapes.replay(row), status=202)

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        row = find(self.rows(), pk, "replay")
        replays.cancel(row)
        audit.did(row, "Cancel")
        return Response(shapes.replay(row))


def by(rows: QuerySet[Any], request: Request, **filters: str) -> QuerySet[Any]:
    """Apply the query's filters. Raises ConfigurationError for an unreadable time or a word that is never there."""
    for name, field in filters.items():
        value: object
        if name == "since":
            value = moment(request.query_params, name)
        else:
            words = rows.model._meta.get_field(field).choices if "__" not in field else None
            value = query(request.query_params, name, [str(key) for key, _ in words or ()])
        if not value:
            continue
        rows = rows.filter(**{field: value})
        if isinstance(value, dt.datetime) and rows.model is Delivery:
            rows = rows.filter(pk__gte=lookup.first_delivery_since(value))
    return rows


def remove(row: Model) -> Response:
    """Delete a row with all that hangs on it, and answer 204."""
    end = time.monotonic() + REMOVAL
    while True:
        try:
            with transaction.atomic():
                row.delete()
        except IntegrityError:  # PostgreSQL: a worker has just added to it
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return Response(status=204)


@csrf_exempt
def nothing(request: HttpRequest) -> HttpResponse:
    """Every path of the API that does not exist."""
    return problems.response(
        404, "not_found", "There is nothing at this path. See /api/v1/docs/ for what there is."
    )
