"""Lighthouse tells when a lamp goes out."""

from __future__ import annotations

from collections.abc import Iterable

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    HmacBody,
    Http,
    Link,
    Notification,
    Payload,
    RawEvent,
    Severity,
    Source,
    parse_json,
)

events = Events()


class Lighthouse(Source):
    """One event, one scheme: the smallest source that passes the conformance suite."""

    slug = "lighthouse"
    name = "Lighthouse"
    category = "Monitoring"
    summary = "Tells when a lamp goes out."
    docs_url = "https://example.com/lighthouse/webhooks"
    schemes = (
        HmacBody(key="hmac", label="Signed with a secret", header="X-Lighthouse-Signature", prefix=""),
    )
    events = events

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        payload = Payload(parse_json(http.body))
        yield RawEvent(name=payload.text("$.event"), id=payload.opt("$.id"), payload=payload)


@events.on("lamp.out", group="Lamps", label="Lamp went out")
def lamp_out(event: RawEvent, ctx: Context) -> Notification:
    """A lamp went out."""
    lamp = event.payload.sub("$.lamp")
    name = lamp.opt("$.name", "A lamp")
    return Notification(
        title=f"{name} went out",
        severity=Severity.ATTENTION,
        status="Out",
        subject=Link(name, lamp.opt("$.url")),
        facts=(Fact("Since", lamp.opt("$.since")),),
        link_title="Open lamp",
    )
