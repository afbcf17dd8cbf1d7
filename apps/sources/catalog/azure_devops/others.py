"""Security alerts, service connections, agent pools, team rooms, and whatever Microsoft adds next.

https://learn.microsoft.com/azure/devops/service-hooks/events#advanced-security
"""

from __future__ import annotations

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Link,
    Notification,
    Payload,
    RawEvent,
    Severity,
    from_gfm,
    from_html,
)

from .common import capital, person, said, short_ref, tell, told, who, words
from .places import clean, in_url, is_api, page_link, project_page

events = Events()
ALERTS = {
    "created": "Security alert",
    "state_changed": "Security alert changed",
    "updated": "Security alert updated",
}
LEVELS = {
    "critical": Severity.ATTENTION,
    "high": Severity.ATTENTION,
    "error": Severity.ATTENTION,
    "medium": Severity.WARNING,
    "warning": Severity.WARNING,
    "low": Severity.INFO,
}
KINDS = {"code": "Code scanning", "secret": "Exposed secret", "dependency": "Vulnerable dependency"}


@events.fallback("security_alert")
@events.many(
    {
        "security_alert.created": "Security alert created",
        "security_alert.state_changed": "Security alert's state changed",
        "security_alert.updated": "Security alert updated",
    },
    group="Advanced Security",
    default=["security_alert.created", "security_alert.state_changed"],
)
def alert(event: RawEvent, ctx: Context) -> Notification:
    """Advanced Security found something, or its state changed."""
    payload, action = event.payload, event.name.rpartition(".")[2]
    resource = payload.sub("$.resource")
    alert_ = resource.sub("$.alert") or resource
    level, state = alert_.opt("$.severity").lower(), alert_.first("$.state", "$.alertState").lower()
    severity, status = LEVELS.get(level, Severity.INFO), capital(level) if level != "undefined" else ""
    title = ALERTS.get(action, f"Security alert {words(action)}")
    if state in ("fixed", "dismissed", "autodismissed") and action == "state_changed":
        title = f"Security alert {words(state).replace('autodismissed', 'dismissed automatically')}"
        severity, status = (Severity.GOOD if state == "fixed" else Severity.NEUTRAL), capital(words(state))
    elif state == "active" and action == "state_changed":
        title, status = "Security alert active again", "Active"
    number, repository = alert_.first("$.alertId", "$.id"), clean(alert_.opt("$.repositoryUrl"))
    rule = next((each for tool in alert_.each("$.tools", 5) for each in tool.each("$.rules", 5)), Payload({}))
    name = alert_.first("$.title", "$.ruleName", "$.secretType") or rule.opt("$.friendlyName")
    url = page_link(alert_) or alert_.first("$.link", "$.alertUrl")
    url = "" if is_api(url) else url
    if not url and repository.startswith("http") and not is_api(repository):
        url = f"{repository.rstrip('/')}/alerts/{in_url(number)}" if number else repository
    place = repository.rstrip("/").rpartition("/")[2]
    location = next(alert_.each("$.physicalLocations", 1), Payload({}))
    dismissal = alert_.sub("$.dismissal")
    kind = alert_.opt("$.alertType").lower()
    return tell(
        event,
        title,
        what=" ".join(part for part in (f"#{number}" if number and name else "", name) if part),
        url=url,
        by=person(dismissal.raw.get("stateChangedByIdentity")) if action == "state_changed" else "",
        status=status,
        severity=severity,
        text=from_gfm(rule.first("$.description", "$.helpMessage"), max_chars=600),
        facts=(
            Fact("Severity", capital(level) if capital(level) != status and level != "undefined" else ""),
            Fact("Kind", KINDS.get(kind, capital(words(kind)))),
            Fact("State", capital(words(state)) if capital(words(state)) != status else ""),
            Fact("Rule", rule.opt("$.friendlyName") if rule.opt("$.friendlyName") != name else ""),
            Fact("Tool", next((each.opt("$.name") for each in alert_.each("$.tools", 1)), "")),
            Fact("File", location.first("$.filePath", "$.path")),
            Fact("Branch", short_ref(alert_.first("$.gitRef", "$.branch"))),
            Fact("Dismissed", dismissal.opt("$.message") if state.endswith("dismissed") else ""),
        ) if resource else (),
        place=Link(place, repository) if place else None,
        button="Open alert",
        when=("$.resource.lastSeenDate", "$.createdDate"),
        thread=f"alert:{repository}:{number}" if number else "",
    )  # fmt: skip


@events.fallback("service_connection")
@events.on("service_connection.created", group="Service connections", label="Service connection created")
@events.on("service_connection.updated", group="Service connections", label="Service connection updated")
def connection(event: RawEvent, ctx: Context) -> Notification:
    """A connection to another service was made or changed."""
    payload, action = event.payload, event.name.rpartition(".")[2]
    resource = payload.sub("$.resource")
    thing = resource.sub("$.serviceEndpoint") or resource.sub("$.endpoint") or resource
    base, ident = project_page(payload), thing.opt("$.id")
    kind = thing.opt("$.type")
    by = who(thing, "createdBy", "owner") if action == "created" else who(thing, "modifiedBy", "updatedBy")
    return tell(
        event,
        f"Service connection {words(action)}",
        what=thing.opt("$.name"),
        url=f"{base}/_settings/adminservices?resourceId={in_url(ident)}" if base and ident else base,
        by=who(resource, "initiatedBy") or (by if by.lower() not in ("library", "agentcloud") else ""),
        severity=Severity.INFO,
        text=from_gfm(thing.opt("$.description"), max_chars=600),
        facts=(
            Fact("Type", {"azurerm": "Azure Resource Manager"}.get(kind, capital(kind))),
            Fact("Server", thing.opt("$.url")),
            Fact("Shared", "yes" if thing.flag("$.isShared") else ""),
            Fact("Ready", "no" if thing.has("$.isReady") and not thing.flag("$.isReady") else ""),
        ),
        button="Open service connection",
        thread=f"connection{ident}" if ident else "",
    )


@events.on("agent_pool.resized", group="Agent pools", label="Elastic agent pool resized", default=False)
def resized(event: RawEvent, ctx: Context) -> Notification:
    """A pool of scale-set agents grew or shrank."""
    payload = event.payload
    resource = payload.sub("$.resource")
    old, new = resource.first("$.previousSize", "$.oldSize"), resource.first("$.newSize", "$.size")
    pool = resource.first("$.poolName", "$.pool.name", "$.name")
    return tell(
        event,
        "Elastic agent pool resized",
        what=pool or (resource.opt("$.poolId") and f"pool {resource.opt('$.poolId')}"),
        severity=Severity.INFO,
        facts=(Fact("Agents", f"{old} → {new}" if old and new else new),),
        when=("$.resource.timestamp", "$.createdDate"),
    )


@events.fallback("agent_pool")
@events.on("agent_pool.created", group="Agent pools", label="Agent pool created", default=False)
@events.on("agent_pool.updated", group="Agent pools", label="Agent pool updated", default=False)
def pool(event: RawEvent, ctx: Context) -> Notification:
    """A project got an agent pool, or one was changed."""
    payload, action = event.payload, event.name.rpartition(".")[2]
    resource = payload.sub("$.resource")
    base, ident = project_page(payload), resource.first("$.queueId", "$.id")
    return tell(
        event,
        f"Agent pool {words(action)}",
        what=resource.first("$.queueName", "$.poolName", "$.name"),
        url=f"{base}/_settings/agentqueues?queueId={in_url(ident)}" if base and ident else "",
        by=who(resource, "initiatedBy"),
        severity=Severity.INFO,
        thread=f"queue{ident}" if ident else "",
    )


@events.on("message.posted", group="Team rooms", label="Team room message posted", default=False)
def message(event: RawEvent, ctx: Context) -> Notification:
    """Somebody wrote in a team room (gone since 2018, still on old servers)."""
    payload = event.payload
    resource = payload.sub("$.resource")
    content = resource.opt("$.content")
    return tell(
        event,
        "Team room message",
        what=f"room {resource.opt('$.postedRoomId')}"
        if resource.has("$.postedRoomId") and not said(payload)
        else "",
        by=who(resource, "postedBy"),
        severity=Severity.INFO,
        text=from_html(content) if "<" in content and "</" in content else from_gfm(content),
        when=("$.resource.postedTime",),
        thread=f"room{resource.opt('$.postedRoomId')}" if resource.has("$.postedRoomId") else "",
    )


@events.fallback("other")
@events.on("other", group="Other", label="Any event without a card of its own")
def other(event: RawEvent, ctx: Context) -> Notification:
    """An event that Microsoft or an extension added: its own sentence, and the object's usual fields."""
    payload = event.payload
    resource = payload.sub("$.resource")
    kind = payload.opt("$.eventType").rpartition(".")[2] or "event"
    title = capital(words(kind.removesuffix("-event"))) or "Azure DevOps event"
    name = resource.first("$.title", "$.name", "$.id")
    url = page_link(resource)
    state = resource.first("$.state", "$.status", "$.result")
    body = told(payload)
    return tell(
        event,
        title,
        what=name if not said(payload) else "",
        url=url,
        by=who(resource, "modifiedBy", "changedBy", "createdBy", "initiatedBy", "requestedBy", "author"),
        status=capital(words(state)) if len(state) < 30 else "",
        text=body if body.strip() and said(payload) != said(payload, "detailedMessage") else "",
        facts=(Fact("Name", name if said(payload) and name not in said(payload) and resource.opt("$.id") != name else ""),)
        if resource else (),
        when=("$.createdDate",),
    )  # fmt: skip
