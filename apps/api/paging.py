"""Lists, newest first, by key: a page costs the same at any depth."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.problems import InputError

DEFAULT, MOST = 50, 200
COUNT_CAP = 10_000
_CURSOR = re.compile(r"([np]):(\d{1,18})")


class KeyPaging(BasePagination):
    """`?limit=` (50, at most 200) and an opaque `?cursor=` that `next` and `previous` carry.

    `count` is exact up to 10,000 and stops there: 10,000 means "10,000 or more", so that no call
    counts a big table.
    """

    def paginate_queryset(
        self, queryset: QuerySet[Any], request: Request, view: Any = None
    ) -> list[Any] | None:
        """The rows of the page that the query asks for. Raises InputError for a bad limit or cursor."""
        self.request = request
        self.limit = _limit(request.query_params.get("limit"))
        direction, key = _read(request.query_params.get("cursor"))
        self.count = queryset.order_by()[: COUNT_CAP + 1].values("pk").count()
        back = direction == "p"
        rows = queryset.order_by("pk" if back else "-pk")
        if key is not None:
            rows = rows.filter(pk__gt=key) if back else rows.filter(pk__lt=key)
        found = list(rows[: self.limit + 1])
        more, found = len(found) > self.limit, found[: self.limit]
        if back:
            found.reverse()
        before = more if back else key is not None
        after = True if back else more
        self.previous = self._link("p", found[0]) if found and before else None
        self.next = self._link("n", found[-1]) if found and after else None
        return found

    def _link(self, direction: str, row: Model) -> str:
        cursor = base64.urlsafe_b64encode(f"{direction}:{row.pk}".encode()).decode().rstrip("=")
        query = self.request.query_params.copy()
        query["cursor"] = cursor
        pairs = [(name, value) for name, values in query.lists() for value in values]
        return f"{self.request.build_absolute_uri(self.request.path)}?{urlencode(pairs)}"

    def get_paginated_response(self, data: Any) -> Response:
        """The promised shape."""
        return Response(
            {
                "count": min(self.count, COUNT_CAP),
                "next": self.next,
                "previous": self.previous,
                "results": data,
            }
        )

    def get_paginated_response_schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The shape for the OpenAPI document."""
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {
                "count": {
                    "type": "integer",
                    "description": f"Exact up to {COUNT_CAP:,}; {COUNT_CAP} means “{COUNT_CAP:,} or more”.",
                },
                "next": link,
                "previous": link,
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """limit and cursor."""
        return [
            {
                "name": "limit",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT},
            },
            {
                "name": "cursor",
                "in": "query",
                "description": "Opaque; taken from `next` or `previous`.",
                "schema": {"type": "string"},
            },
        ]


def _limit(text: str | None) -> int:
    if text is None or text == "":
        return DEFAULT
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise InputError("bad_limit", f"“limit” is a whole number from 1 to {MOST}.", "limit")
    return min(int(text), MOST)


def _read(cursor: str | None) -> tuple[str, int | None]:
    if not cursor:
        return "n", None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    found = _CURSOR.fullmatch(text)
    if not found:
        raise InputError("bad_cursor", "This cursor cannot be read. Take it from “next” as it is.", "cursor")
    return found[1], int(found[2])
