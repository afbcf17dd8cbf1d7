"""Every error is an RFC 9457 problem document with a stable code."""

from __future__ import annotations

import logging
from typing import Any

from django.db import IntegrityError, OperationalError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from apps.core import problems
from apps.core.errors import AppError

logger = logging.getLogger(__name__)


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's hook: our errors and its own in one form."""
    if isinstance(error, AppError):
        return _problem(max(error.status, 400), error.code, error.public_message)
    if isinstance(error, RecursionError):
        return _problem(400, "too_deep", "The JSON is nested too deep to be read.")
    if isinstance(error, IntegrityError):  # of two calls at the same moment, the second one
        return _problem(
            409, "conflict", "This does not fit what was changed at the same moment. Read it anew."
        )
    if isinstance(error, OperationalError):
        logger.error("the database failed an API call: %s", type(error).__name__)
        made = _problem(503, "not_available", "The database cannot be reached just now. Try again.")
        made["Retry-After"] = "10"
        return made
    response = exception_handler(error, context)
    if response is None:
        logger.error("an API call failed: %s", type(error).__name__, exc_info=error)
        return _problem(500, "internal", "Something went wrong here. The operator's log says what.")
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
    return Response(problems.body(status, code, detail), status=status, content_type=problems.CONTENT_TYPE)
