"""What hangs on an issue: logged work, files, links and properties."""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Ignore, Notification, Payload, RawEvent

from .changes import change_list, changed, duration
from .common import headline, issue_of, moment, name_at, tell, text_of
from .site import base_of, browse, file_page, issue_page

events = Events()
WORK = {
    "worklog.created": "Work logged",
    "worklog.changed": "Logged work changed",
    "worklog.deleted": "Logged work deleted",
}


@events.on("worklog.created", group="Work", label="Work logged", default=False)
@events.on("worklog.changed", group="Work", label="Logged work changed", default=False)
@events.on("worklog.deleted", group="Work", label="Logged work deleted", default=False)
def worklog(event: RawEvent, ctx: Context) -> Notification | Ignore:
    payload = event.payload
    log, issue = payload.sub("$.worklog"), issue_of(payload)
    if (log.sub("$.visibility") or log.opt("$.visibility")) and not ctx.flag("restricted_comments"):
        return Ignore("The work log is restricted to some people.")
    spent = log.opt("$.timeSpent") or duration(log.opt("$.timeSpentSeconds")) or _difference(payload)
    writer = name_at(log, "$.updateAuthor") or name_at(log, "$.author")
    return tell(
        event,
        WORK[event.name] + (f" ({spent})" if spent else ""),
        what=headline(issue, payload),
        url=issue_page(payload, issue),
        text=text_of(log, "$.comment", people=payload),
        button="Open issue",
        facts=(
            Fact("Time spent", spent),
            Fact("Started", moment(log.opt("$.started"))),
            Fact("Work of", writer if event.name == "worklog.deleted" else ""),
        ),
        changed=change_list(payload),
    )


def _difference(payload: Payload) -> str:
    """How much the total of the issue changed, where that is all that is known."""
    old, new = changed(payload, "timespent")
    if not (old or new) or not (old or "0").isdigit() or not (new or "0").isdigit():
        return ""
    return duration(str(int(new or 0) - int(old or 0)))


@events.on("attachment.created", group="Work", label="File attached", default=False)
@events.on("attachment.deleted", group="Work", label="File removed", default=False)
def attachment(event: RawEvent, ctx: Context) -> Notification:
    payload = event.payload
    found, issue = payload.sub("$.attachment"), issue_of(payload)
    gone = event.name == "attachment.deleted"
    name = found.opt("$.filename") or "a file"
    size, page = found.opt_int("$.size"), issue_page(payload, issue)
    file = "" if gone else file_page(payload, found)
    return tell(
        event,
        f"File {'removed' if gone else 'attached'}",
        what=f"{name} · {headline(issue)}" if issue else name,
        url=page or file,
        button="Open issue" if page else "Open file",
        facts=(
            Fact("File", name, file),
            Fact("Size", _size(size) if size else ""),
            Fact("Type", found.opt("$.mimeType")),
            Fact("Uploaded by", name_at(found, "$.author") if gone else ""),
        ),
    )


def _size(count: int) -> str:
    if count < 1024:
        return f"{count} bytes"
    return f"{count / 1024:,.0f} KB" if count < 1024**2 else f"{count / 1024**2:,.1f} MB"


@events.on("link.created", group="Work", label="Issues linked", default=False)
@events.on("link.deleted", group="Work", label="Link of issues removed", default=False)
def issue_link(event: RawEvent, ctx: Context) -> Notification:
    payload = event.payload
    link = payload.sub("$.issueLink")
    kind = link.first("$.issueLinkType.name", "$.type.name")
    one = link.first("$.sourceIssueKey", "$.sourceIssueId", "$.outwardIssue.key")
    other = link.first("$.destinationIssueKey", "$.destinationIssueId", "$.inwardIssue.key")
    words = link.first(
        "$.issueLinkType.outwardName", "$.issueLinkType.outward", "$.type.outward", default="is linked to"
    )
    if words == "jira_subtask_outward":  # a link that Jira keeps for itself, under a name for programs
        kind, words = "Sub-task", "has the sub-task"
    base = base_of(payload)
    page = f"{base}/secure/ViewIssue.jspa?id={one}" if base and one.isdigit() else browse(payload, one)
    return tell(
        event,
        "Issues linked" if event.name == "link.created" else "Link of issues removed",
        what=f"{_issue(one)} {words} {_issue(other)}"
        if one and other
        else kind or f"link {link.opt('$.id')}".strip(),
        url=page,
        thread=one,
        button="Open issue",
        facts=(Fact("Link", kind), Fact("From", _issue(one)), Fact("To", _issue(other))),
    )


def _issue(known: str) -> str:
    return f"#{known}" if known.isdigit() else known


@events.on("property.set", group="Work", label="Property of an issue set", default=False)
@events.on("property.deleted", group="Work", label="Property of an issue deleted", default=False)
def issue_property(event: RawEvent, ctx: Context) -> Notification:
    payload = event.payload
    issue = issue_of(payload)
    key = payload.first("$.property.key", "$.issueProperty.key", "$.propertyKey")
    return tell(
        event,
        "Issue property " + ("set" if event.name == "property.set" else "deleted"),
        what=f"{key} · {headline(issue)}" if issue else key,
        url=issue_page(payload, issue),
        button="Open issue",
        facts=(Fact("Property", key),),
    )
