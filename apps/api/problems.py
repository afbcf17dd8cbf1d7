"""Every error is an RFC 9457 problem document with a stable code."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from apps.core.errors import AppError


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's hook: our errors and its own in one form."""
    if isinstance(error, AppError):
        return _problem(max(error.status, 400), error.code, error.public_message)
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.APIException):
        code, detail = str(error.default_code), str(error.detail)
    else:
        code = {404: "not_found", 403: "permission_denied"}.get(response.status_code, "error")
        detail = "There is no such thing, or it may not be seen."
    made = _problem(response.status_code, code, detail)
    for name in ("WWW-Authenticate", "Retry-After", "Allow"):
        if name in response.headers:
            made[name] = response.headers[name]
    return made


def _problem(status: int, code: str, detail: str) -> Response:
    title = code.replace("_", " ")
    body = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    return Response(body, status=status, content_type="application/problem+json")
