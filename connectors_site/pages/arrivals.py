"""What arrives at a connector while somebody waits for it: how far each request came, in words, with its card."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from apps.connectors.models import Connector
from apps.core.models import Counter
from apps.deliveries.models import Delivery
from apps.inbound.models import Event, InboundRequest

SHOWN = 5
PINGS = frozenset({"ping", "diagnostics:ping"})  # what sources call the request that only tries the webhook
Outcome = Event.Outcome
# The word, and whether it went on from there.
UNDERSTOOD = {Outcome.MALFORMED: "Not understood", Outcome.UNSUPPORTED: "Kind of event not known"}
STOPPED = {
    Outcome.UNMATCHED: "No channel wants it",
    Outcome.IGNORED: "Left out on purpose",
    Outcome.DUPLICATE: "Came before",
}
SENT = {
    Delivery.Status.ACCEPTED: ("Accepted by", "ok"),
    Delivery.Status.PENDING: ("On its way to", "wait"),
}


def arrivals(request: HttpRequest, public_id: str) -> JsonResponse:
    """The latest requests of a connector with what became of them, and how many were refused lately."""
    connector = get_object_or_404(Connector, public_id=public_id)
    rows = list(Event.objects.filter(connector=connector).order_by("-id")[:SHOWN])
    sent: dict[int, list[Delivery]] = {}
    first_time = Delivery.objects.filter(event_key__in=[row.pk for row in rows], origin=Delivery.Origin.EVENT)
    for each in first_time.select_related("channel__team"):
        sent.setdefault(each.event_key or 0, []).append(each)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    refused = Counter.objects.filter(name="inbound.unverified", key=public_id, hour=hour).first()
    latest = InboundRequest.objects.filter(connector=connector).defer("body").order_by("-id")[:SHOWN]
    return JsonResponse(
        {
            "refused": refused.value if refused else 0,
            "unread": [_unread(row) for row in latest if row.status != InboundRequest.Status.PROCESSED],
            "events": [_event(row, connector, sent.get(row.pk, [])) for row in rows],
        }
    )


def _unread(row: InboundRequest) -> dict[str, Any]:
    """A request in which no event was found, or in which nobody has looked yet."""
    malformed = row.status == InboundRequest.Status.MALFORMED
    step = ("Not understood", "stop") if malformed else ("Being read", "wait")
    return {
        "id": row.public_id,
        "title": "A request that could not be read" if malformed else "A request",
        "words": row.error_message if malformed else "",
        "trace": reverse("admin:request-trace", args=[row.public_id]),
        "steps": _steps(step),
        "malformed": malformed,
        "deliveries": [],
    }


def _event(row: Event, connector: Connector, sent: list[Delivery]) -> dict[str, Any]:
    stops = [
        f"{entry['channel']}: {step['detail']}"
        for entry in row.trace
        if not entry["matched"]
        for step in entry["steps"]
        if step["verdict"] != "pass"
    ]
    words = " ".join(stops) if row.outcome == Outcome.UNMATCHED and stops else row.reason
    if row.type in PINGS:
        words = (
            f"This is the test that {connector.get_source_display()} sends when a webhook is made: the URL and the "
            "secret are right. Now do something there, and its card appears here."
        )
    return {
        "id": row.public_id,
        "title": row.title or row.type,
        "type": row.type,
        "outcome": row.outcome,
        "words": words,
        "at": row.received_at.isoformat(),
        "trace": reverse("admin:trace", args=[row.public_id]),
        "steps": _steps(*_way(row, sent)),
        "deliveries": [
            {
                "channel": str(each.channel),
                "status": each.status,
                "why": each.error_message,
                "card": json.loads(each.card),
            }
            for each in sent
        ],
    }


def _way(row: Event, sent: list[Delivery]) -> list[tuple[str, str]]:
    """The steps after the verification, each with how it went: ok, wait or stop."""
    if row.outcome in UNDERSTOOD:
        return [(UNDERSTOOD[Outcome(row.outcome)], "stop")]
    found = [(f"Understood as {row.type}", "ok")]
    if row.outcome in STOPPED:
        return [*found, (STOPPED[Outcome(row.outcome)], "stop")]
    found.append(("Card made", "ok"))
    for each in sent:
        word, how = SENT.get(Delivery.Status(each.status), (f"{each.get_status_display()}:", "stop"))
        found.append((f"{word} {each.channel}", how))
    return found


def _steps(*rest: tuple[str, str]) -> list[dict[str, str]]:
    return [{"words": words, "how": how} for words, how in (("Received", "ok"), ("Verified", "ok"), *rest)]
