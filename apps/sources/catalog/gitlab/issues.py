"""Issues, work items (tasks, incidents, epics, ...) and milestones.

https://docs.gitlab.com/user/project/integrations/webhook_events/#work-item-events
"""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Notification, Payload, RawEvent, Severity, plain

from .changes import changed
from .common import body, fresh, group_link, labels_of, moment, people, sentence, tell, under

events = Events()
ACTIONS = {"opened": "opened", "closed": "closed", "reopened": "reopened", "updated": "updated"}
COLOURS = {
    "opened": ("Open", Severity.INFO),
    "closed": ("Closed", Severity.GOOD),
    "reopened": ("Reopened", Severity.WARNING),
}
URGENT = frozenset({"critical", "high"})


def numbered(item: Payload, mark: str = "#") -> str:
    """`#23 Login fails`."""
    number = item.opt("$.iid")
    return " ".join(part for part in (f"{mark}{number}" if number else "", item.opt("$.title")) if part)


def kind_of(event: RawEvent) -> str:
    """`Issue`, `Incident`, `Task`, `Epic`, ...; old versions send no type."""
    kind = event.payload.first("$.object_attributes.type", "$.object_attributes.issue_type")
    return sentence(kind) if kind else "Issue" if event.name.startswith("issue") else "Work item"


@events.fallback("issue")
@events.many(
    {f"issue.{key}": f"Issue {word}" for key, word in ACTIONS.items()},
    group="Issues",
    default=["issue.opened", "issue.closed", "issue.reopened"],
)
@events.fallback("work_item")
@events.many(
    {f"work_item.{key}": f"Task, incident, epic or other work item {word}" for key, word in ACTIONS.items()},
    group="Issues",
    default=["work_item.opened", "work_item.closed", "work_item.reopened"],
)
def issue(event: RawEvent, ctx: Context) -> Notification:
    """An issue or another work item changed."""
    payload, item = event.payload, event.payload.sub("$.object_attributes")
    action = event.name.partition(".")[2]
    kind = kind_of(event)
    status, severity = COLOURS.get(
        action, COLOURS["closed"] if item.opt("$.state") == "closed" else COLOURS["opened"]
    )
    urgency = item.opt("$.severity")
    if kind == "Incident" and action in ("opened", "reopened"):
        severity = Severity.ATTENTION if urgency in URGENT else Severity.WARNING
    number = item.opt("$.iid")
    title = f"{kind} {sentence(action).lower()}".strip()
    if item.flag("$.confidential"):
        title = f"Confidential {title[0].lower()}{title[1:]}"
    notes = changed(payload) if action == "updated" else ()
    milestone = payload.first("$.milestone.title", "$.object_attributes.milestone.title")
    facts = (
        Fact("Severity", sentence(urgency) if urgency not in ("", "unknown", "UNKNOWN") else ""),
        Fact("Assignees", people(payload, "$.assignees") or payload.opt("$.assignee.name")),
        Fact("Labels", ", ".join(labels_of(payload))),
        Fact("Milestone", milestone),
        Fact("Due", item.opt("$.due_date")),
        Fact("Weight", item.opt("$.weight")),
        Fact("Health", sentence(item.opt("$.health_status"))),
        Fact("Escalation", sentence(item.opt("$.escalation_status"))),
    )
    return tell(
        event,
        ctx,
        title,
        what=numbered(item) or "(untitled)",
        url=item.opt("$.url") or (under(payload, f"issues/{number}") if number else ""),
        status=status,
        severity=severity,
        text=body(payload, item.opt("$.description")) if action in ("opened", "reopened", "") else "",
        facts=(*notes, *fresh(facts, notes)),
        button=f"Open {kind.lower()}" if kind != "Work item" else "Open",
        when=moment(payload, "$.object_attributes.updated_at", "$.object_attributes.created_at"),
        thread=f"#{number or item.opt('$.id')}",
    )


MILESTONES = {
    "created": ("Active", Severity.INFO),
    "closed": ("Closed", Severity.GOOD),
    "reopened": ("Reopened", Severity.WARNING),
    "deleted": ("Deleted", Severity.WARNING),
}


@events.fallback("milestone")
@events.many(
    {f"milestone.{key}": f"Milestone {key}" for key in MILESTONES},
    group="Issues",
    default=["milestone.created", "milestone.closed"],
)
def milestone(event: RawEvent, ctx: Context) -> Notification:
    """A milestone of a project or group changed."""
    payload, item = event.payload, event.payload.sub("$.object_attributes")
    action = event.name.partition(".")[2]
    status, severity = MILESTONES.get(action, ("", Severity.NEUTRAL))
    number = item.opt("$.iid")
    url = item.opt("$.url") or (under(payload, f"milestones/{number}") if number else "")
    if not url:
        group = group_link(payload, ctx)
        url = f"{group.url}/-/milestones/{number}" if group and group.url and number else ""
    return tell(
        event,
        ctx,
        f"Milestone {sentence(action).lower()}".strip(),
        what=plain(item.opt("$.title")) or "(untitled)",
        url="" if action == "deleted" else url,
        status=status,
        severity=severity,
        text=body(payload, item.opt("$.description"), 600),
        facts=(Fact("Starts", item.opt("$.start_date")), Fact("Due", item.opt("$.due_date"))),
        button="Open milestone",
        when=moment(payload, "$.object_attributes.updated_at"),
        thread=f"milestone-{item.opt('$.id')}",
    )
