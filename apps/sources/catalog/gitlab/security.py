"""Vulnerabilities, and whatever GitLab adds next.

https://docs.gitlab.com/user/project/integrations/webhook_events/#vulnerability-events
"""

from __future__ import annotations

import re

from apps.sources.sdk import Context, Events, Fact, Item, Items, Link, Notification, RawEvent, Severity

from .common import body, moment, sentence, tell

events = Events()
STATES = {
    "detected": ("Vulnerability detected", Severity.ATTENTION),
    "confirmed": ("Vulnerability confirmed", Severity.ATTENTION),
    "resolved": ("Vulnerability resolved", Severity.GOOD),
    "dismissed": ("Vulnerability dismissed", Severity.NEUTRAL),
}
SCANNERS = {"sast": "SAST", "dast": "DAST", "api_fuzzing": "API fuzzing"}
MILD = frozenset({"medium", "low", "info", "unknown"})


@events.fallback("vulnerability")
@events.many({f"vulnerability.{key}": label for key, (label, _) in STATES.items()}, group="Security")
def vulnerability(event: RawEvent, ctx: Context) -> Notification:
    """A vulnerability was found or changed state."""
    payload, item = event.payload, event.payload.sub("$.object_attributes")
    state, rank = item.opt("$.state"), item.opt("$.severity").lower()
    title, severity = STATES.get(
        state, (f"Vulnerability {sentence(state).lower()}".strip(), Severity.NEUTRAL)
    )
    if severity is Severity.ATTENTION and rank in MILD:
        severity = Severity.WARNING
    package, version = (
        item.opt("$.location.dependency.package.name"),
        item.opt("$.location.dependency.version"),
    )
    file, line = item.opt("$.location.file"), item.opt("$.location.start_line")
    identifiers = [(each.opt("$.name"), each.opt("$.url")) for each in item.each("$.identifiers", 20)]
    best = next((pair for pair in identifiers if pair[0].startswith(("CVE-", "CWE-", "GHSA-"))), ("", ""))
    issues = tuple(Item(each.opt("$.title"), url=each.opt("$.url")) for each in item.each("$.issues", 3))
    url = item.opt("$.url")
    found = re.match(r"(https?://[^/]+/([^?#]+?))/-/", url)
    return tell(
        event,
        ctx,
        title,
        what=item.opt("$.title") or "(untitled)",
        url=url,
        status=sentence(state),
        severity=severity,
        text=body(payload, item.opt("$.description"), 800),
        facts=(
            Fact("Severity", sentence(rank)),
            Fact("Identifier", *best),
            Fact("Package", f"{package} {version}".strip()),
            Fact("File", f"{file}:{line}" if file and line else file),
            Fact("Scanner", SCANNERS.get(item.opt("$.report_type"), sentence(item.opt("$.report_type")))),
            Fact("CVSS", item.opt("$.cvss[0].vector")),
            Fact("Reason", sentence(item.opt("$.dismissal_reason"))),
        ),
        lists=(Items("Issues", issues, total=item.count("$.issues")),) if issues else (),
        button="Open vulnerability",
        when=moment(payload, "$.object_attributes.updated_at"),
        thread=f"vulnerability-{url.rpartition('/')[2]}",
        place=Link(found[2], found[1]) if found and not payload.has("$.project") else None,
    )


@events.on("other", group="Instance", label="Any event that this list does not name", default=False)
def other(event: RawEvent, ctx: Context) -> Notification:
    """An event of a newer GitLab: its kind, and the fields that nearly all of them have."""
    payload, item = event.payload, event.payload.sub("$.object_attributes")
    kind = payload.first("$.object_kind", "$.event_name")
    action = item.opt("$.action") or payload.opt("$.action")
    return tell(
        event,
        ctx,
        " ".join(part for part in (sentence(kind) or "GitLab event", sentence(action).lower()) if part),
        what=item.first("$.title", "$.name") or payload.first("$.title", "$.name"),
        url=item.opt("$.url") or payload.opt("$.url"),
        severity=Severity.INFO,
        text=body(payload, item.opt("$.description"), 600),
        facts=(Fact("State", sentence(item.first("$.state", "$.status"))),),
        when=moment(payload, "$.object_attributes.updated_at", "$.updated_at"),
    )
