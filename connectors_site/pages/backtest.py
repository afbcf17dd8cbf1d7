"""Backtests from the forms of connectors and subscriptions: one slice a call, so that no call takes long."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.core import roles
from apps.core.errors import AppError, ConfigurationError
from apps.inbound import backtest as service
from connectors_site.pages.preview import scene


def _number(request: HttpRequest, name: str, default: int) -> int:
    text = request.POST.get(name, "").strip()
    return int(text) if text.isdecimal() and len(text) < 19 else default


@require_POST
def backtest(request: HttpRequest) -> JsonResponse:
    """The next slice: `backtest_days`, `backtest_left` (events still to look at) and `backtest_cursor`."""
    if not request.user.has_perm(roles.CONFIGURE):
        raise PermissionDenied
    try:
        found = scene(request)
        if found.connector is None:
            raise Http404
        if found.errors:
            first = next(iter(found.errors.values()))[0]
            raise ConfigurationError("form_invalid", f"Correct the form first: {first}")
        days = service.bounded("days", _number(request, "backtest_days", service.DAYS), service.MOST_DAYS)
        left = service.bounded(
            "limit", _number(request, "backtest_left", service.MOST_EVENTS), service.MOST_EVENTS
        )
        cursor, now = _number(request, "backtest_cursor", 0), timezone.now()
        report = service.run(
            found.connector, found.new, found.old, now,
            days=days, limit=min(left, service.SLICE), before=cursor,
        )  # fmt: skip
    except AppError as error:
        return JsonResponse({"problem": error.public_message}, status=error.status)
    answer = report.as_json()
    if not cursor:
        answer["total"] = service.total(found.connector, now - dt.timedelta(days=days), left)
    answer["compared"] = found.old is not None
    for name in ("added_events", "removed_events", "changed_cards"):
        for each in answer[name]:
            each["trace"] = reverse("admin:trace", args=[each["id"]])
    return JsonResponse(answer)
