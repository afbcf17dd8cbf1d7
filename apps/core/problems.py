"""RFC 9457 problem documents, for views outside the REST framework."""

from __future__ import annotations

import json

from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"


def body(status: int, code: str, detail: str) -> dict[str, object]:
    """The document: `code` is stable, `detail` says what to do next."""
    title = code.replace("_", " ")
    return {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}


def response(status: int, code: str, detail: str) -> HttpResponse:
    """The document as an answer."""
    return HttpResponse(json.dumps(body(status, code, detail)), status=status, content_type=CONTENT_TYPE)
