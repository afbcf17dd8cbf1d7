"""Vulnerabilities, and whatever GitLab adds next.

https://docs.gitlab.com/user/project/integrations/webhook_events/#vulnerability-events
"""

from __future__ import annotations

import re

from apps.sources.sdk import Actor, Context, Events, Fact, Item, Items, Link, Notification, RawEvent, Severity

from .common import body, moment, sentence, site, tell

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


@events.on("audit_event", group="Security", label="Audit event (from audit event streaming)", default=False)
def audit_event(event: RawEvent, ctx: Context) -> Notification:
    """Audit events are streamed by a destination of their own, but look and feel like a hook.

    https://docs.gitlab.com/administration/compliance/audit_event_schema/
    """
    payload, details = event.payload, event.payload.sub("$.details")
    kind = payload.opt("$.event_type")
    message = details.opt("$.custom_message") or details.opt("$.custom_message.action")
    path = payload.first("$.entity_path", "$.details.entity_path")
    base = site(payload, ctx)
    group = payload.opt("$.entity_type") == "Group"
    author = payload.first("$.author_name", "$.details.author_name")
    old, new = details.opt("$.from"), details.opt("$.to")
    return tell(
        event,
        ctx,
        "Audit event",
        what=message or sentence(kind) or payload.opt("$.target_details"),
        severity=Severity.INFO,
        facts=(
            Fact("Kind", sentence(kind) if message else ""),
            Fact("Target", payload.first("$.target_details", "$.details.target_details")),
            Fact("Change", f"{old or 'none'} → {new or 'none'}" if old or new else ""),
            Fact("Address", payload.first("$.ip_address", "$.details.ip_address")),
        ),
        when=moment(payload, "$.created_at"),
        who=Actor(author) if author else None,
        place=Link(path, f"{base}/{'groups/' if group else ''}{path}" if base else "") if path else None,
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
