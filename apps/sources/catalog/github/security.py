"""Alerts: Dependabot, code scanning, secret scanning, advisories."""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Link, Notification, Payload, RawEvent, Severity

from .common import action_of, body, login, names, repository_url, short_ref, tell, words

events = Events()
URGENT = {"critical": Severity.ATTENTION, "high": Severity.ATTENTION, "error": Severity.ATTENTION}
CALMING = frozenset(
    {
        "fixed",
        "dismissed",
        "resolved",
        "closed_by_user",
        "auto_dismissed",
        "resolve",
        "dismiss",
        "withdrawn",
    }
)


def _colour(level: str, action: str) -> Severity:
    if action in CALMING:
        return Severity.GOOD
    return URGENT.get(level.lower(), Severity.WARNING)


def _pill(level: str, alert: Payload, action: str) -> str:
    """How bad it is; once it is over, how it ended."""
    state = words(alert.first("$.state", "$.most_recent_instance.state"))
    return (state or words(level)) if action in CALMING else words(level) or state


def _page(payload: Payload, alert: Payload, folder: str) -> str:
    place, number = repository_url(payload), alert.opt("$.number")
    return alert.opt("$.html_url") or (f"{place}/security/{folder}/{number}" if place and number else place)


@events.fallback("dependabot_alert")
@events.many(
    {"dependabot_alert.created": "Vulnerable dependency found", "dependabot_alert.fixed": "Fixed",
     "dependabot_alert.dismissed": "Dismissed", "dependabot_alert.auto_dismissed": "Dismissed by a rule",
     "dependabot_alert.reintroduced": "Came back", "dependabot_alert.reopened": "Reopened",
     "dependabot_alert.auto_reopened": "Reopened by a rule", "dependabot_alert.assignees_changed": "Assignees changed"},
    group="Security", default=["dependabot_alert.created", "dependabot_alert.reintroduced"],
)  # fmt: skip
def dependabot_alert(event: RawEvent, ctx: Context) -> Notification:
    """A dependency with a known vulnerability."""
    payload, alert = event.payload, event.payload.sub("$.alert")
    advisory, hole = alert.sub("$.security_advisory"), alert.sub("$.security_vulnerability")
    level = advisory.opt("$.severity") or hole.opt("$.severity")
    package = alert.opt("$.dependency.package.name") or hole.opt("$.package.name")
    return tell(
        event,
        "Dependabot alert"
        if payload.opt("$.action") == "created"
        else f"Dependabot alert {action_of(event)}",
        what=advisory.opt("$.summary") or package or f"#{alert.opt('$.number')}",
        url=_page(payload, alert, "dependabot"),
        status=_pill(level, alert, payload.opt("$.action")),
        severity=_colour(level, payload.opt("$.action")),
        facts=(
            Fact("Severity", words(level) if payload.opt("$.action") in CALMING else ""),
            Fact("Package", package),
            Fact("Ecosystem", alert.opt("$.dependency.package.ecosystem") or hole.opt("$.package.ecosystem")),
            Fact("Affected", hole.opt("$.vulnerable_version_range")),
            Fact("Fixed in", hole.opt("$.first_patched_version.identifier")),
            Fact("File", alert.opt("$.dependency.manifest_path")),
            Fact("Id", advisory.first("$.cve_id", "$.ghsa_id")),
            Fact("Reason", words(alert.opt("$.dismissed_reason"))),
        ),
        button="Open alert",
        when="$.alert.updated_at",
        thread=f"dependabot-{alert.opt('$.number')}",
    )


OLDER = {"dismiss": "dismissed", "resolve": "fixed", "reopen": "reopened"}


@events.fallback("repository_vulnerability_alert")
@events.many(
    {"repository_vulnerability_alert.create": "Vulnerable dependency found (older GitHub)",
     "repository_vulnerability_alert.dismiss": "Dismissed", "repository_vulnerability_alert.reopen": "Reopened",
     "repository_vulnerability_alert.resolve": "Fixed"},
    group="Security", default=["repository_vulnerability_alert.create"],
)  # fmt: skip
def vulnerability_alert(event: RawEvent, ctx: Context) -> Notification:
    """The predecessor of Dependabot's alerts."""
    payload, alert = event.payload, event.payload.sub("$.alert")
    level, action = alert.opt("$.severity"), payload.opt("$.action")
    place = repository_url(payload)
    return tell(
        event,
        "Vulnerable dependency"
        if action == "create"
        else f"Vulnerability alert {OLDER.get(action, action)}".strip(),
        what=alert.first("$.affected_package_name", "$.ghsa_id"),
        url=f"{place}/security/dependabot" if place else alert.opt("$.external_reference"),
        status=words(level),
        severity=_colour(level, action),
        facts=(
            Fact("Affected", alert.opt("$.affected_range")),
            Fact("Fixed in", alert.opt("$.fixed_in")),
            Fact("Id", alert.first("$.ghsa_id", "$.external_identifier"), alert.opt("$.external_reference")),
            Fact("Reason", alert.opt("$.dismiss_reason")),
        ),
        button="Open alerts",
        when="$.alert.created_at",
    )


@events.fallback("code_scanning_alert")
@events.many(
    {"code_scanning_alert.created": "Code scanning found something", "code_scanning_alert.fixed": "Fixed",
     "code_scanning_alert.appeared_in_branch": "Appeared in a branch",
     "code_scanning_alert.closed_by_user": "Closed by somebody", "code_scanning_alert.reopened": "Reopened",
     "code_scanning_alert.reopened_by_user": "Reopened by somebody",
     "code_scanning_alert.updated_assignment": "Assignment changed"},
    group="Security", default=["code_scanning_alert.created", "code_scanning_alert.reopened"],
)  # fmt: skip
def code_scanning_alert(event: RawEvent, ctx: Context) -> Notification:
    """A finding of code scanning."""
    payload, alert = event.payload, event.payload.sub("$.alert")
    level = alert.first("$.rule.security_severity_level", "$.rule.severity")
    place = alert.sub("$.most_recent_instance")
    path, line = place.opt("$.location.path"), place.opt("$.location.start_line")
    return tell(
        event,
        "Code scanning alert"
        if payload.opt("$.action") == "created"
        else f"Code scanning alert {action_of(event)}",
        what=alert.first("$.rule.description", "$.rule.name", "$.rule.id") or f"#{alert.opt('$.number')}",
        url=_page(payload, alert, "code-scanning"),
        status=_pill(level, alert, payload.opt("$.action")),
        severity=_colour(level, payload.opt("$.action")),
        text=place.opt("$.message.text"),
        facts=(
            Fact("Severity", words(level) if payload.opt("$.action") in CALMING else ""),
            Fact("Tool", alert.opt("$.tool.name")),
            Fact("Branch", short_ref(payload.opt("$.ref") or place.opt("$.ref"))),
            Fact("File", f"{path}:{line}" if path and line else path),
            Fact("State", words(alert.opt("$.state") or place.opt("$.state"))),
            Fact("Reason", words(alert.opt("$.dismissed_reason"))),
        ),
        button="Open alert",
        when="$.alert.created_at",
        thread=f"code-scanning-{alert.opt('$.number')}",
    )


SECRETS = {
    "created": "Secret found",
    "publicly_leaked": "Secret leaked publicly",
    "metadata_created": "More is known about a secret",
    "metadata_removed": "Less is known about a secret",
}


@events.fallback("secret_scanning_alert")
@events.many(
    {"secret_scanning_alert.created": "A secret was found", "secret_scanning_alert.publicly_leaked": "A secret leaked",
     "secret_scanning_alert.resolved": "Resolved", "secret_scanning_alert.reopened": "Reopened",
     "secret_scanning_alert.revoked": "Revoked", "secret_scanning_alert.validated": "Validity checked",
     "secret_scanning_alert.assigned": "Assigned", "secret_scanning_alert.unassigned": "Unassigned",
     "secret_scanning_alert.metadata_created": "Details of it found",
     "secret_scanning_alert.metadata_removed": "Details of it removed"},
    group="Security",
    default=["secret_scanning_alert.created", "secret_scanning_alert.publicly_leaked", "secret_scanning_alert.reopened"],
)  # fmt: skip
def secret_scanning_alert(event: RawEvent, ctx: Context) -> Notification:
    """A credential in the code. The secret itself is never shown."""
    payload, alert = event.payload, event.payload.sub("$.alert")
    action = payload.opt("$.action")
    return tell(
        event,
        SECRETS.get(action, f"Secret alert {action_of(event)}"),
        what=alert.first("$.secret_type_display_name", "$.secret_type") or f"#{alert.opt('$.number')}",
        url=_page(payload, alert, "secret-scanning"),
        status=words(alert.opt("$.resolution") or alert.opt("$.state")) or "Open",
        severity=Severity.GOOD
        if action in (*CALMING, "revoked")
        or (action == "validated" and alert.opt("$.validity") == "inactive")
        else Severity.ATTENTION,
        facts=(
            Fact("Validity", words(alert.opt("$.validity"))),
            Fact("Resolved by", login(payload, "$.alert.resolved_by")),
        ),
        button="Open alert",
        when="$.alert.created_at",
        thread=f"secret-{alert.opt('$.number')}",
    )


@events.fallback("secret_scanning_alert_location")
@events.on(
    "secret_scanning_alert_location.created",
    group="Security",
    label="A secret in one more place",
    default=False,
)
def secret_location(event: RawEvent, ctx: Context) -> Notification:
    """A known secret was found in another place."""
    payload, alert = event.payload, event.payload.sub("$.alert")
    details = payload.sub("$.location.details")
    return tell(
        event,
        "Secret found in one more place",
        what=alert.first("$.secret_type_display_name", "$.secret_type"),
        url=_page(payload, alert, "secret-scanning"),
        severity=Severity.ATTENTION,
        facts=(
            Fact("Where", words(payload.opt("$.location.type"))),
            Fact("File", details.opt("$.path")),
            Fact("Commit", details.opt("$.commit_sha")[:7]),
        ),
        button="Open alert",
    )


@events.fallback("secret_scanning_scan")
@events.on("secret_scanning_scan.completed", group="Security", label="Secret scan finished", default=False)
def secret_scan(event: RawEvent, ctx: Context) -> Notification:
    """A scan for secrets ended."""
    payload, place = event.payload, repository_url(event.payload)
    return tell(
        event,
        "Secret scan finished",
        what=words(payload.opt("$.source")),
        url=f"{place}/security/secret-scanning" if place else "",
        facts=(
            Fact("Kind", words(payload.opt("$.type"))),
            Fact("Secret types", ", ".join(payload.texts("$.secret_types")[:10])),
        ),
        button="Open alerts",
        when="$.completed_at",
    )


@events.fallback("security_advisory")
@events.many(
    {"security_advisory.published": "Advisory published", "security_advisory.updated": "Advisory updated",
     "security_advisory.withdrawn": "Advisory withdrawn", "security_advisory.performed": "Advisory (older GitHub)"},
    group="Security", default=False,
)  # fmt: skip
def security_advisory(event: RawEvent, ctx: Context) -> Notification:
    """A global advisory; it belongs to no repository."""
    return _advisory(event, event.payload.sub("$.security_advisory"), "https://github.com/advisories/")


@events.fallback("repository_advisory")
@events.many(
    {"repository_advisory.published": "Repository advisory published",
     "repository_advisory.reported": "Vulnerability reported in private"},
    group="Security",
)  # fmt: skip
def repository_advisory(event: RawEvent, ctx: Context) -> Notification:
    """An advisory of a repository."""
    place = repository_url(event.payload)
    return _advisory(
        event, event.payload.sub("$.repository_advisory"), f"{place}/security/advisories/" if place else ""
    )


def _advisory(event: RawEvent, advisory: Payload, folder: str) -> Notification:
    level, action = advisory.opt("$.severity"), event.payload.opt("$.action")
    ident = advisory.opt("$.ghsa_id")
    title = "Vulnerability reported" if action == "reported" else f"Security advisory {action_of(event)}"
    packages = advisory.first("$.vulnerabilities[0].package.name")
    return tell(
        event,
        title,
        what=advisory.opt("$.summary") or ident,
        url=advisory.opt("$.html_url")
        or (folder + ident if folder and ident else repository_url(event.payload)),
        status=words(level),
        severity=_colour(level, action),
        text=body(advisory, "$.description", 900),
        facts=(
            Fact("Id", ", ".join(part for part in (ident, advisory.opt("$.cve_id")) if part)),
            Fact("Package", packages),
            Fact("Affected", advisory.opt("$.vulnerabilities[0].vulnerable_version_range")),
            Fact("Weakness", names(advisory, "$.cwes", "name")),
        ),
        links=tuple(Link("Reference", each.opt("$.url")) for each in advisory.each("$.references", 1)),
        button="Open advisory",
        when="$.security_advisory.updated_at",
        thread=ident,
    )


@events.on("security_and_analysis", group="Security", label="Security features changed", default=False)
def security_and_analysis(event: RawEvent, ctx: Context) -> Notification:
    """Security features were switched."""
    payload, place = event.payload, repository_url(event.payload)
    features = payload.sub("$.repository.security_and_analysis")
    return tell(
        event,
        "Security features changed",
        url=f"{place}/settings/security_analysis" if place else "",
        severity=Severity.WARNING,
        facts=tuple(Fact(words(key), words(features.opt(f"$.{key}.status"))) for key in features.keys()[:10]),
        button="Open settings",
    )
