"""What every call has in common in the OpenAPI document: how it is refused."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from apps.core.problems import CONTENT_TYPE

PROBLEM = {"$ref": "#/components/schemas/Problem"}
ALWAYS = {
    400: "Something in the call cannot be read.",
    401: "The token is missing or unknown.",
    403: "The token's role does not allow this.",
    404: "There is no such thing.",
    406: "Only JSON is answered.",
    429: "Too many calls; “Retry-After” says how long to wait.",
    503: "The database cannot be reached just now.",
}
WRITING = {
    409: "It does not fit the state of things.",
    413: "The body is too big.",
    415: "The body is not JSON.",
    422: "The source refused.",
    502: "The source could not be asked.",
}


def _name(status: int) -> str:
    return HTTPStatus(status).name.title().replace("_", "")


def refusals(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: every refusal is a problem document, and every call says which it may answer."""
    for calls in result["paths"].values():
        for method, call in calls.items():
            answers = {status: each for status, each in call["responses"].items() if status < "400"}
            for status in ALWAYS if method == "get" else sorted(ALWAYS | WRITING):
                answers[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
            call["responses"] = answers
    result["components"]["responses"] = {
        _name(status): {"description": words, "content": {CONTENT_TYPE: {"schema": PROBLEM}}}
        for status, words in sorted((ALWAYS | WRITING).items())
    }
    return result
