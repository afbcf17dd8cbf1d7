"""Lists in pages, by key instead of by number, so that the last page costs what the first one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import tokens
from apps.core.errors import ConfigurationError
from apps.core.middleware import STRICT

COUNT_CAP = 10_000  # counting stops here; a larger list says 10000
DEFAULT, LARGEST = 50, 200


def page(request: Request, rows: QuerySet[Any], as_json: Callable[[Any], dict[str, Any]]) -> Response:
    """One page, newest first."""
    size = _size(request.query_params.get("limit"))
    before, after = _place(request.query_params.get("cursor"))
    count = rows.order_by()[:COUNT_CAP].count()
    if not count:
        # Known from the count, which reads an index; in the order of keys it could mean reading every row.
        found, more_older, more_newer = [], False, False
    elif after:
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


def _size(text: str | None) -> int:
    """How many rows were asked for; no more than LARGEST. Raises ConfigurationError."""
    if not text:
        return DEFAULT
    size = int(text[:18]) if text.isdecimal() else 0
    if not size:
        raise ConfigurationError("bad_limit", f"“limit” is a whole number from 1 to {LARGEST}.")
    return min(size, LARGEST)


def _place(cursor: str | None) -> tuple[int, int]:
    """The keys before and after which the page lies; 0 for none. Raises ConfigurationError."""
    if not cursor:
        return 0, 0
    found = tokens.unsign(cursor, purpose="cursor", max_age=None)
    if not isinstance(found, list) or len(found) != 2:
        raise ConfigurationError(
            "bad_cursor", "This cursor cannot be read. Take it from “next” or “previous” as it is."
        )
    return int(found[0]), int(found[1])


def _link(request: Request, before: int = 0, after: int = 0) -> str:
    # Signed, so that nobody builds cursors out of row numbers and then depends on them.
    cursor = tokens.sign([before, after], purpose="cursor")
    kept = {key: value for key, value in request.query_params.items() if key != "cursor"}
    return f"{settings.PUBLIC_URL.rstrip('/')}{request.path}?{urlencode({**kept, 'cursor': cursor})}"


@extend_schema_view(get=extend_schema(exclude=True))
class DocsPage(SpectacularSwaggerSplitView):  # type: ignore[misc]
    """The documentation to click through. Its script is served as a file; the viewer styles itself inline."""

    def finalize_response(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found: Response = super().finalize_response(request, *args, **kwargs)
        policy = STRICT.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
        found.headers["Content-Security-Policy"] = policy
        return found
