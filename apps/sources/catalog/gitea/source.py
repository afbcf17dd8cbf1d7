"""Gitea, and what its descendants and its ancestor share with it.

https://docs.gitea.com/usage/repository/webhooks
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode

from apps.sources.sdk import (
    Attribute,
    Context,
    Headers,
    HmacBody,
    Http,
    Payload,
    PayloadError,
    RawEvent,
    SharedHeader,
    Source,
    UrlOnly,
    parse_json,
)

from ..github import SOURCE as GITHUB
from .events import catalogue
from .normal import REVIEWS, normal

# Gitea's finer event types -> our family.
TYPES = {
    "issue_assign": "issues", "issue_label": "issues", "issue_milestone": "issues", "pull_request_assign": "pull_request",
    "pull_request_label": "pull_request", "pull_request_milestone": "pull_request", "pull_request_sync": "pull_request",
    "pull_request_review_request": "pull_request", "pull_request_review_approved": "pull_request_review",
    "pull_request_review_rejected": "pull_request_review", "pull_request_review_comment": "pull_request_review",
    "pull_request_approved": "pull_request_review", "pull_request_rejected": "pull_request_review",
    "gollum": "wiki",
}  # fmt: skip


class GiteaFamily(Source):
    """The base of the three: which header names the event, and which catalogue it has."""

    header: ClassVar[str] = "gitea"
    category = "Code"
    max_body = 25 * 1024 * 1024
    options = tuple(option for option in GITHUB.options if option.key != "private_repositories")

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        body = read(http)
        kind = self._kind(http, body)
        found = normal(body, kind)
        family = "action_run" if kind.startswith("action_run") else TYPES.get(kind, kind)
        if family == "pull_request_comment" and not Payload(found).has("$.comment"):
            family = "pull_request_review"  # by the header alone, a review with comments has this name
        if (
            family == "issue_comment"
            and "pull_request_comment" in self.events.defaults()
            and _on_change(found)
        ):
            family = "pull_request_comment"
        if family == "pull_request_comment" and f"{family}.created" not in self.events:
            family = "issue_comment"
        payload = Payload(found)
        action = Payload(body).opt("$.action").strip()
        action = {"synchronize": "synchronized"}.get(action, action)
        if family == "pull_request" and payload.has("$.review"):
            family = "pull_request_review"
        if family == "pull_request_review":
            action = payload.opt("$.review.state") or REVIEWS.get(kind, "commented")
            if not payload.has("$.review"):
                found["review"] = {"state": action, "user": found.get("sender")}
        if family == "pull_request" and action == "closed" and payload.flag("$.pull_request.merged"):
            action = "merged"
        if family == "action_run":
            action = kind.removeprefix("action_run").strip("_") or payload.opt("$.action")
        plain = family in ("push", "create", "delete", "fork", "status")
        delivery = next(
            (http.headers[name] for name in self._names("delivery") if http.headers.get(name)), ""
        )
        if family == "pull_request" and action == "merged":
            found["action"] = "closed"
        yield RawEvent(
            family if plain or not action else f"{family}.{action}", delivery.strip(), Payload(found)
        )

    def _names(self, what: str) -> tuple[str, ...]:
        return tuple(f"x-{product}-{what}" for product in (self.header, "forgejo", "gitea", "gogs", "github"))

    def _kind(self, http: Http, body: dict[str, Any]) -> str:
        for what in ("event-type", "event"):
            for name in self._names(what):
                if http.headers.get(name):
                    return http.headers[name].strip().lower()
        return _guess(Payload(body))

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        return GITHUB.attributes(event, ctx)

    def screen(self, event: RawEvent, ctx: Context) -> str | None:
        return GITHUB.screen(event, ctx)

    def redact(self, http: Http) -> Http:
        """Old versions repeat the secret in the body, which must not be stored."""
        if b'"secret"' not in http.body:
            return http
        try:
            body = read(http)
        except PayloadError:
            return http
        if not body.pop("secret", None):
            return http
        text = json.dumps(body)
        if http.content_type == "application/x-www-form-urlencoded":
            text = urlencode({"payload": text})
        return replace(http, body=text.encode())

    def sample_http(self, event: str, body: bytes) -> Http:
        family, _, action = event.partition(".")
        kind = family
        if family == "pull_request_review":
            kind = {
                "approved": "pull_request_review_approved",
                "changes_requested": "pull_request_review_rejected",
            }.get(action, "pull_request_review_comment")
        if family == "action_run":
            kind = f"action_run_{action}"
        headers = {"content-type": "application/json", f"x-{self.header}-event": kind}
        if self.header != "gogs":
            headers[f"x-{self.header}-event-type"] = kind
        return Http(headers=Headers(headers), body=body)


def _on_change(body: dict[str, Any]) -> bool:
    issue = body.get("issue")
    return bool(body.get("is_pull") or (isinstance(issue, dict) and issue.get("pull_request")))


def read(http: Http) -> dict[str, Any]:
    """The JSON object of either content type. Raises PayloadError."""
    if http.content_type == "application/x-www-form-urlencoded" or http.body.lstrip()[:8] == b"payload=":
        try:
            form = parse_qs(http.body.decode("utf-8"), max_num_fields=100)
        except (ValueError, UnicodeDecodeError) as error:
            raise PayloadError(
                "not_a_form", "The form could not be read. Choose application/json."
            ) from error
        if "payload" not in form:
            raise PayloadError("no_payload", "The form has no field “payload”. Choose application/json.")
        found = parse_json(form["payload"][0])
    else:
        found = parse_json(http.body)
    if not isinstance(found, dict):
        raise PayloadError("not_an_object", "The body is not a JSON object. Choose application/json.")
    return found


def _guess(payload: Payload) -> str:
    """The event of a request without headers, from what only it holds."""
    if payload.has("$.review"):
        return "pull_request_review"
    if payload.has("$.comment") and payload.has("$.issue"):
        return "issue_comment"
    if payload.has("$.run") and payload.has("$.action"):
        return f"action_run_{payload.opt('$.action')}"
    for key, kind in (
        ("pull_request", "pull_request"), ("issue", "issues"), ("release", "release"), ("commits", "push"),
        ("forkee", "fork"), ("workflow_job", "workflow_job"), ("workflow_run", "workflow_run"),
        ("package", "package"), ("page", "wiki"), ("ref_type", ""), ("context", "status"), ("after", "push"),
    ):  # fmt: skip
        if payload.has(f"$.{key}"):
            return kind or ("delete" if payload.has("$.pusher_type") else "create")
    if payload.has("$.repository") and payload.has("$.action"):
        return "repository"
    raise PayloadError("no_event", "The request has no event header. Let the server itself send it.")


class Gitea(GiteaFamily):
    """https://about.gitea.com"""

    slug = "gitea"
    name = "Gitea"
    summary = "Pushes, issues, pull requests, reviews, releases, packages and Actions."
    docs_url = "https://docs.gitea.com/usage/repository/webhooks"
    schemes = (
        HmacBody(
            key="gitea",
            label="Signed with a secret (SHA-256)",
            secret_help="Paste it into the field “Secret” of the webhook.",  # noqa: S106 - words, not a secret
            header="X-Gitea-Signature",
            prefix="",
        ),
        SharedHeader(key="header", label="By the Authorization header", header="Authorization"),
        UrlOnly(key="url", label="By the secret address alone"),
    )
    events = catalogue("Gitea", more=True)


SOURCE = Gitea()
