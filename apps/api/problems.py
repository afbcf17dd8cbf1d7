"""Every error of the API as an RFC 9457 problem document with a stable `code`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError, IntegrityError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from apps.core.errors import AppError

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
Item = dict[str, str]

# DRF's own errors: code and what to do next.
_KNOWN: tuple[tuple[type[exceptions.APIException], str, str], ...] = (
    (
        exceptions.NotAuthenticated,
        "not_authenticated",
        "Send “Authorization: Bearer <token>”. An admin makes tokens with manage.py create_token.",
    ),
    (
        exceptions.MethodNotAllowed,
        "method_not_allowed",
        "This path does not take this method; see the Allow header.",
    ),
    (
        exceptions.UnsupportedMediaType,
        "unsupported_media_type",
        "Send JSON with “Content-Type: application/json”.",
    ),
    (exceptions.NotFound, "not_found", "There is nothing here. Check the path and the id."),
    (exceptions.Throttled, "throttled", "Too many calls. Wait as long as the Retry-After header says."),
)


class InputError(AppError):
    """Something in the body or the query is wrong; `field` names it."""

    status = 400

    def __init__(self, code: str, public_message: str, field: str = "") -> None:
        super().__init__(code, public_message)
        self.field = field


@contextmanager
def blaming(field: str) -> Iterator[None]:
    """Turn a service's complaint about a value that the caller sent into a 400 that names the field."""
    try:
        yield
    except AppError as error:
        raise InputError(error.code, error.public_message, field) from error


def problem(
    status: int, code: str, detail: str, *, errors: list[Item] | None = None, headers: Any = None
) -> Response:
    """The response. `errors` lists what is wrong with which field."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler: no error leaves the API in another shape."""
    if isinstance(error, AppError):
        field = error.field if isinstance(error, InputError) else ""
        items = [{"field": field, "code": error.code, "detail": error.public_message}] if field else None
        # A chat command's error is an answer there, but an error here.
        status = error.status if error.status >= 400 else 422
        return problem(status, error.code, error.public_message, errors=items)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, DjangoPermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.ValidationError):
        found = list(_flatten(error.detail))
        first = found[0] if found else {"field": "", "detail": "The body is not valid."}
        words = f"{first['field']}: {first['detail']}" if first["field"] else first["detail"]
        return problem(error.status_code, "invalid", words, errors=found)
    if isinstance(error, exceptions.APIException):
        return _from_drf(error)
    if isinstance(error, SuspiciousOperation):
        return problem(400, "bad_request", "The request cannot be read.")
    if isinstance(error, IntegrityError):
        return problem(
            409, "conflict", "This collides with something that was changed meanwhile. Read it and try again."
        )
    if isinstance(error, DatabaseError):
        logger.error("the database refused: %s", type(error).__name__, exc_info=error)
        return problem(
            503,
            "database_unavailable",
            "The database is busy. Try again in a moment.",
            headers={"Retry-After": "5"},
        )
    logger.error("the API failed: %s", type(error).__name__, exc_info=error)
    return problem(500, "internal", "Something went wrong on our side. The log says what.")


def _from_drf(error: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, exceptions.Throttled) and error.wait is not None:
        headers["Retry-After"] = str(int(error.wait) + 1)
    for kind, code, words in _KNOWN:
        if isinstance(error, kind):
            return problem(error.status_code, code, words, headers=headers)
    code = error.get_codes()
    words = str(error.detail) if isinstance(error.detail, str) else "The request was refused."
    return problem(
        error.status_code, code if isinstance(code, str) else "bad_request", words, headers=headers
    )


def _flatten(detail: Any, path: str = "") -> Iterator[Item]:
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            step = "" if key == "non_field_errors" else str(key)
            yield from _flatten(inner, f"{path}.{step}" if path and step else path or step)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, (Mapping, list))
            yield from _flatten(inner, f"{path}.{index}" if nested and path else path)
    else:
        yield {"field": path, "code": str(getattr(detail, "code", "invalid")), "detail": str(detail)}
