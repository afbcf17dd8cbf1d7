"""Issues: created, changed, deleted, and sent by rules."""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Notification, Payload, RawEvent, Severity

from .changes import change_list, changed, changes_of
from .comments import shared_text
from .common import FINAL, actor_of, facts_of, headline, issue_of, name_at, state, tell, text_of
from .site import issue_page

events = Events()
URGENT = ("highest", "blocker", "critical")
TITLES = {"moved": "Issue moved", "linked": "Issue links changed", "attached": "Attachments changed",
          "sprint": "Sprint of the issue changed"}  # fmt: skip


@events.on("issue.created", group="Issues", label="Issue created")
@events.on("issue.sent", group="Issues", label="Issue sent by an automation rule")
def created(event: RawEvent, ctx: Context) -> Notification:
    payload = event.payload
    issue = issue_of(payload)
    kind = name_at(issue, "$.fields.issuetype") or "Issue"
    urgent = name_at(issue, "$.fields.priority").lower() in URGENT
    who, reporter = actor_of(payload), name_at(issue, "$.fields.reporter")
    told = Fact("Reporter", "" if who and who.name == reporter else reporter)
    return tell(
        event,
        f"{kind} created" if event.name == "issue.created" else kind,
        what=headline(issue, payload),
        url=issue_page(payload, issue),
        status=state(issue)[0],
        severity=Severity.ATTENTION if urgent else Severity.INFO,
        text=text_of(issue, "$.fields.description") or text_of(issue, "$.renderedFields.description"),
        facts=(*facts_of(issue), told),
        button="Open issue",
    )


@events.on("issue.deleted", group="Issues", label="Issue deleted")
def deleted(event: RawEvent, ctx: Context) -> Notification:
    issue = issue_of(event.payload)
    return tell(event, "Issue deleted", what=headline(issue, event.payload), status="Deleted",
                severity=Severity.WARNING, facts=facts_of(issue))  # fmt: skip


@events.on("issue.updated", group="Issues", label="Issue edited", default=False)
@events.on("issue.transitioned", group="Issues", label="Status changed")
@events.on("issue.assigned", group="Issues", label="Issue assigned")
@events.on("issue.moved", group="Issues", label="Issue moved to another project")
@events.on("issue.linked", group="Issues", label="Issue linked", default=False)
@events.on("issue.attached", group="Issues", label="File attached or removed", default=False)
@events.on("issue.sprint", group="Issues", label="Issue put into a sprint", default=False)
def updated(event: RawEvent, ctx: Context) -> Notification:
    payload = event.payload
    issue = issue_of(payload)
    now, colour = state(issue)
    # Where a rule moves an issue on at once, the issue in the payload may be a step ahead or behind.
    status = changed(payload, "status")[1] or payload.opt("$.transition.to_status") or now
    if status != now:
        colour = Severity.GOOD if status.lower() in FINAL else Severity.INFO
    return tell(
        event,
        _headline(event, status),
        what=headline(issue, payload),
        url=issue_page(payload, issue),
        status=status,
        severity=colour if event.name == "issue.transitioned" else _severity(event),
        text=shared_text(payload, ctx),
        facts=tuple(fact for fact in facts_of(issue)[:5] if fact.title != "Status" or status == now),
        button="Open issue",
        changed=change_list(payload),
    )


def _severity(event: RawEvent) -> Severity:
    return Severity.INFO if event.name == "issue.assigned" else Severity.NEUTRAL


def _headline(event: RawEvent, status: str) -> str:
    payload = event.payload
    what = event.name.partition(".")[2]
    if what == "transitioned":
        return f"Issue is now {status}" if status else "Status changed"
    if what == "assigned":
        return _assigned(payload)
    if what == "moved":
        old, new = changed(payload, "project")
        return f"Issue moved from {old} to {new}" if old and new else TITLES[what]
    if what in TITLES:
        return TITLES[what]
    names = list(dict.fromkeys(change.label for change in changes_of(payload)))
    if not names:
        return _of_type(payload)
    if len(names) > 2:
        return "Issue updated"
    return (
        f"{names[0]} changed"
        if len(names) == 1
        else f"{names[0]} and {names[1][:1].lower()}{names[1][1:]} changed"
    )


def _of_type(payload: Payload) -> str:
    """What an update without a list of changes says of itself: `issue_archived` -> `Issue archived`."""
    kind = payload.opt("$.issue_event_type_name").lower()
    told = kind.startswith("issue_") and kind not in ("issue_updated", "issue_generic")
    return kind.replace("_", " ")[:60].capitalize() if told else "Issue updated"


def _assigned(payload: Payload) -> str:
    old, new = changed(payload, "assignee")
    issue = issue_of(payload)
    if not old and not new:
        new = name_at(issue, "$.fields.assignee")
    if new:
        return f"Issue assigned to {new}"
    nobody = "assignee" in issue.keys("$.fields")  # stated, as null
    return "Issue is no longer assigned" if old or nobody else "Assignee changed"


events.ignore("issue.ranked", reason="Only the order of issues changed.")
