"""A subscription that is not saved yet, run over stored events: nothing is stored, nothing is sent."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api import documents
from apps.api.backtest_documents import BacktestAnswer, BacktestCall
from apps.api.models import ApiToken
from apps.api.views import body_of, find
from apps.connectors import matching, options, services
from apps.connectors.fields import hints, known
from apps.connectors.models import Connector, Subscription
from apps.core.errors import ConfigurationError
from apps.inbound import backtest, trials
from apps.inbound.trials import Proposal

SECONDS = 5.0  # of one call; the rest is asked for with the cursor


class BacktestView(APIView):
    """`{"subscription" | "connector", "events", "filters", "options", "days", "limit", "cursor"}` -> what would differ."""

    roles = {"": ApiToken.Role.VIEWER}

    @documents.call(BacktestAnswer, BacktestCall, 200, with_id=False)
    def post(self, request: Request) -> Response:
        body = body_of(request)
        connector, new, old = _proposals(body)
        days = backtest.bounded("days", body.get("days", backtest.DAYS), backtest.MOST_DAYS)
        limit = backtest.bounded("limit", body.get("limit", backtest.EVENTS), backtest.MOST_EVENTS)
        now, cursor = timezone.now(), _cursor(body.get("cursor"))
        report = backtest.run(
            connector, new, old, now, days=days, limit=limit, before=cursor, seconds=SECONDS
        )
        answer = report.as_json()
        done = not report.cursor or report.checked >= limit
        return Response(
            {
                **answer,
                "total": backtest.total(connector, now - dt.timedelta(days=days), limit),
                "complete": done,
                "compared": old is not None,
                "hints": hints(new.rules[0][1].filters, known(connector.source_object())),
            }
        )


def _proposals(body: dict[str, Any]) -> tuple[Connector, Proposal, Proposal | None]:
    """The settings to try and those that are saved. Raises ConfigurationError or NotFound."""
    old: Proposal | None = None
    if body.get("subscription"):
        rows = Subscription.objects.select_related("connector", "channel__team")
        row = find(rows, body["subscription"], "subscription")
        connector, old = row.connector, trials.of_subscription(row)
    elif body.get("connector"):
        connector = find(Connector.objects.all(), body["connector"], "connector")
        row = Subscription(connector=connector)
    else:
        raise ConfigurationError(
            "bad_body", "Give “subscription” (to change one) or “connector” (for a new one)."
        )
    if "events" in body:
        row.events = services.clean_events(connector, body["events"])
    if "filters" in body:
        row.filters = matching.clean_filters(body["filters"])
    new = trials.of_subscription(row)
    if "options" in body:
        new = replace(new, options=options.clean(connector.source_object(), body["options"]))
    return connector, new, old


def _cursor(value: object) -> int:
    if value in (None, ""):
        return 0
    text = str(value)
    if not text.isdecimal() or len(text) > 18:
        raise ConfigurationError("bad_cursor", "“cursor” is what the answer before gave, or left out.")
    return int(text)
