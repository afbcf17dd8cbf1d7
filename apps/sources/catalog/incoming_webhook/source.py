"""The forever-URL: one address that takes what tools send to chat services today and answers as they expect.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
The answers are those of the services that it stands in for: `1` of the retired connectors, 202 of a
Workflows URL, `ok` of Slack. Errors are in the same words, because scripts look for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from apps.sources.sdk import (
    Attribute,
    Context,
    Headers,
    Http,
    Option,
    Payload,
    PayloadError,
    RawEvent,
    Reply,
    SharedHeader,
    Source,
    UrlOnly,
)

from . import messages
from .reader import Read, read


class IncomingWebhook(Source):
    """Whatever a tool posts to Teams, Slack or Discord."""

    slug = "incoming_webhook"
    name = "Incoming webhook"
    category = "Any tool"
    summary = "Takes what tools send to old Teams connectors, Workflows, Slack or Discord, and plain text."
    docs_url = (
        "https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using"
    )
    max_body = 1024 * 1024
    schemes = (
        UrlOnly(key="url", label="The secret URL alone"),
        SharedHeader(
            key="header",
            label="The secret URL and a header",
            secret_help="Let the tool send it in the header “X-Webhook-Token”.",  # noqa: S106 - words, not a secret
            header="X-Webhook-Token",
        ),
    )
    options = (
        Option(
            "mentions",
            "bool",
            "Let cards mention people",
            help="Adaptive Cards may name people who get a notice. Off: mentions are shown as plain names.",
            default=True,
        ),
        Option("sender", "text", "Sender", help="A name shown above every message, for example “Nagios”."),
    )
    events = messages.events

    def handshake(self, http: Http, ctx: Context) -> Reply | None:
        """A body that nobody could read is refused at once: a tool's author wants to see it in the answer."""
        if http.method != "POST":
            return None
        found = read(http)
        return _refusal(found) if found.problem else None

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        found = read(http)
        if found.problem:
            raise PayloadError("unreadable_message", f"The sender was told: {found.problem}")
        for name, data in found.parts:
            yield RawEvent(name, payload=Payload(data))

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        return messages.attributes(event)

    def acknowledge(self, http: Http) -> Reply:
        dialect = read(http).dialect
        if dialect == "slack":
            return Reply(200, "ok", "text/html")
        if dialect == "connector":
            return Reply(200, "1")
        return Reply(204 if dialect == "discord" else 202)

    def reject(self, http: Http, status: int, message: str) -> Reply | None:
        if status == 413:
            return Reply(413, "Request Entity too large")
        return None

    def sample_http(self, event: str, body: bytes) -> Http:
        return Http(headers=Headers({"content-type": "application/json; charset=utf-8"}), body=body)


def _refusal(found: Read) -> Reply:
    """The error as the service that is being imitated words it."""
    if found.dialect == "envelope":
        error = {"code": "InvalidRequestContent", "message": found.problem}
        return Reply(400, json.dumps({"error": error}), "application/json; charset=utf-8")
    if found.dialect == "discord":
        return Reply(400, json.dumps({"message": found.problem, "code": 50006}), "application/json")
    return Reply(400, found.problem)
