"""Lists in pages, by key instead of by number, so that the last page costs what the first one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

COUNT_CAP = 10_000  # counting stops here; a larger list says 10000
DEFAULT, LARGEST = 50, 200


def page(request: Request, rows: QuerySet[Any], as_json: Callable[[Any], dict[str, Any]]) -> Response:
    """One page, newest first."""
    size = _whole(request.query_params.get("limit"), DEFAULT)
    size = max(1, min(size, LARGEST))
    before, after = (_whole(request.query_params.get(key), 0) for key in ("before", "after"))
    count = rows.order_by()[:COUNT_CAP].count()
    if after:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: size + 1])
        more_newer = len(found) > size
        found = found[:size][::-1]
        more_older = bool(found)
    else:
        older = rows.filter(pk__lt=before) if before else rows
        found = list(older.order_by("-pk")[: size + 1])
        more_older = len(found) > size
        found = found[:size]
        more_newer = bool(before) and bool(found)
    return Response(
        {
            "count": count,
            "next": _link(request, before=found[-1].pk) if found and more_older else None,
            "previous": _link(request, after=found[0].pk) if found and more_newer else None,
            "results": [as_json(row) for row in found],
        }
    )


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 18 else default


def _link(request: Request, **place: int) -> str:
    kept = {key: value for key, value in request.query_params.items() if key not in ("before", "after")}
    return f"{settings.PUBLIC_URL.rstrip('/')}{request.path}?{urlencode({**kept, **place})}"
