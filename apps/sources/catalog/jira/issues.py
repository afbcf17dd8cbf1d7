"""Issues, comments, worklogs, attachments and links."""

from __future__ import annotations

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Ignore,
    Item,
    Items,
    Notification,
    Payload,
    RawEvent,
    Severity,
)

from .common import (
    actor_of,
    browse,
    facts_of,
    headline,
    issue_of,
    name_at,
    names_at,
    person,
    state,
    tell,
    text_of,
)

events = Events()
SHOWN = 8
LONG = 160
FIELDS = {
    "assignee": "Assignee", "fixversions": "Fix versions", "fix version": "Fix versions", "duedate": "Due",
    "issuetype": "Type", "timeestimate": "Remaining", "timespent": "Time spent", "timeoriginalestimate": "Estimate",
    "issueparentassociation": "Parent", "versions": "Affects versions", "version": "Affects versions",
    "customfield_10020": "Sprint",
}  # fmt: skip
HIDDEN = frozenset({"worklogid", "rank", "timeestimate"})
TIMES = frozenset({"timeestimate", "timespent", "timeoriginalestimate"})


def duration(seconds: str) -> str:
    """Seconds as Jira writes them: `1d 2h` of working days of eight hours."""
    if not seconds.strip().lstrip("-").isdigit():
        return seconds
    rest, parts = abs(int(seconds)), []
    for size, unit in ((28_800, "d"), (3_600, "h"), (60, "m")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0m"


def changes(payload: Payload) -> Items | None:
    """The change list, old → new, long texts only named."""
    lines: list[Item] = []
    total = 0
    for each in payload.each("$.changelog.items", 100):
        field = each.first("$.field", "$.fieldId")
        if field.lower() in HIDDEN:
            continue
        total += 1
        if len(lines) >= SHOWN:
            continue
        old = each.first("$.fromString", "$.from", "$.oldString")
        new = each.first("$.toString", "$.to", "$.newString")
        if field.lower() in TIMES:
            old, new = duration(old), duration(new)
        name = FIELDS.get(field.lower()) or field.replace("_", " ")[:60]
        name = name[:1].upper() + name[1:]
        if field.lower() in ("description", "environment", "comment") or max(len(old), len(new)) > LONG:
            lines.append(Item(f"{name} changed"))
        elif old and new:
            lines.append(Item(f"{name}: {old} → {new}"))
        else:
            lines.append(
                Item(f"{name}: {new}" if new else f"{name}: {old} removed" if old else f"{name} changed")
            )
    return Items("Changes", tuple(lines), total=total) if lines else None


def page(event: RawEvent) -> str:
    """The issue's page."""
    return browse(event.payload, issue_of(event.payload).opt("$.key"))


@events.on("issue.created", group="Issues", label="Issue created")
@events.on("issue.sent", group="Issues", label="Issue sent by an automation rule")
def created(event: RawEvent, ctx: Context) -> Notification:
    issue = issue_of(event.payload)
    kind = name_at(issue, "$.fields.issuetype") or "Issue"
    urgent = name_at(issue, "$.fields.priority").lower() in ("highest", "blocker", "critical")
    return tell(
        event,
        f"{kind} created" if event.name == "issue.created" else kind,
        what=headline(issue),
        url=page(event),
        status=state(issue)[0],
        severity=Severity.ATTENTION if urgent else Severity.INFO,
        text=text_of(issue, "$.fields.description") or text_of(issue, "$.renderedFields.description"),
        facts=facts_of(issue),
        button="Open issue",
    )


@events.on("issue.deleted", group="Issues", label="Issue deleted")
def deleted(event: RawEvent, ctx: Context) -> Notification:
    issue = issue_of(event.payload)
    return tell(event, "Issue deleted", what=headline(issue), status="Deleted", severity=Severity.WARNING,
                facts=facts_of(issue), button="Open project")  # fmt: skip


def _changed(payload: Payload, field: str) -> tuple[str, str]:
    for each in payload.each("$.changelog.items", 100):
        if field in (each.opt("$.field").lower(), each.opt("$.fieldId").lower()):
            return each.first("$.fromString", "$.from"), each.first("$.toString", "$.to")
    return "", ""


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
    title, severity = _headline(event)
    listed = changes(payload)
    note = tell(
        event,
        title,
        what=headline(issue),
        url=page(event),
        status=state(issue)[0],
        severity=severity,
        text=_shared_comment(payload, ctx),
        facts=facts_of(issue)[:5],
        button="Open issue",
    )
    return note if listed is None else _with(note, listed)


def _with(note: Notification, listed: Items) -> Notification:
    from dataclasses import replace

    return replace(note, lists=(listed,))


def _headline(event: RawEvent) -> tuple[str, Severity]:
    payload = event.payload
    what = event.name.partition(".")[2]
    status, colour = state(issue_of(payload))
    if what == "transitioned":
        new = _changed(payload, "status")[1] or status
        return (f"Issue is now {new}" if new else "Status changed"), colour
    if what == "assigned":
        old, new = _changed(payload, "assignee")
        if not old and not new:
            new = name_at(issue_of(payload), "$.fields.assignee")
        return (f"Issue assigned to {new}" if new else "Issue is no longer assigned"), Severity.INFO
    titles = {"moved": "Issue moved", "linked": "Issue links changed", "attached": "Attachments changed",
              "sprint": "Sprint of the issue changed"}  # fmt: skip
    return titles.get(what, "Issue updated"), Severity.NEUTRAL


events.ignore("issue.ranked", reason="Only the order of issues changed.")


# --- Comments ------------------------------------------------------------------------------------
def restricted(comment: Payload) -> bool:
    """Whether a comment is meant for some people only: a role, a group, or agents of a service desk."""
    internal = comment.has("$.jsdPublic") and not comment.flag("$.jsdPublic", default=True)
    for each in comment.each("$.properties", 20):
        if each.opt("$.key") == "sd.public.comment" and each.sub("$.value").flag("$.internal"):
            internal = True
    return internal or bool(comment.sub("$.visibility")) or bool(comment.opt("$.visibility"))


def _shared_comment(payload: Payload, ctx: Context) -> str:
    """A comment that came along with a change, unless it is restricted."""
    comment = payload.sub("$.comment")
    if not comment or (restricted(comment) and not ctx.flag("restricted_comments")):
        return ""
    return text_of(comment, "$.body")


@events.on("comment.created", group="Comments", label="Comment added")
@events.on("comment.edited", group="Comments", label="Comment edited", default=False)
@events.on("comment.deleted", group="Comments", label="Comment deleted", default=False)
def comment(event: RawEvent, ctx: Context) -> Notification | Ignore:
    payload = event.payload
    found, issue = payload.sub("$.comment"), issue_of(payload)
    if restricted(found) and not ctx.flag("restricted_comments"):
        return Ignore(
            "The comment is restricted to some people. An option of the connector includes such comments."
        )
    titles = {
        "comment.created": "Comment on",
        "comment.edited": "Comment edited on",
        "comment.deleted": "Comment deleted from",
    }
    number, url = found.opt("$.id"), page(event)
    if url and number and event.name != "comment.deleted":
        url = f"{url}?focusedCommentId={number}"
    kind = name_at(issue, "$.fields.issuetype").lower() or "issue"
    who = person(found.sub("$.updateAuthor")) or person(found.sub("$.author")) or actor_of(payload)
    if event.name == "comment.deleted":
        who = actor_of(payload) or who
    return tell(
        event,
        f"{titles[event.name]} {kind}",
        what=headline(issue),
        url=url,
        status=state(issue)[0],
        severity=Severity.INFO if event.name == "comment.created" else Severity.NEUTRAL,
        text=text_of(found, "$.body") or text_of(found, "$.renderedBody"),
        facts=facts_of(issue)[1:4],
        actor=who,
        button="Open comment",
    )


# --- Work, files, links ------------------------------------------------------------------------------
@events.on("worklog.created", group="Work", label="Work logged", default=False)
@events.on("worklog.changed", group="Work", label="Logged work changed", default=False)
@events.on("worklog.deleted", group="Work", label="Logged work deleted", default=False)
def worklog(event: RawEvent, ctx: Context) -> Notification | Ignore:
    payload = event.payload
    log, issue = payload.sub("$.worklog"), issue_of(payload)
    if log.sub("$.visibility") and not ctx.flag("restricted_comments"):
        return Ignore("The work log is restricted to some people.")
    spent = log.opt("$.timeSpent") or duration(log.opt("$.timeSpentSeconds"))
    if not spent:
        new = _changed(payload, "timespent")[1]
        spent = duration(new) if new else ""
    titles = {
        "worklog.created": "Work logged",
        "worklog.changed": "Logged work changed",
        "worklog.deleted": "Logged work deleted",
    }
    what = headline(issue) if issue else f"issue {log.opt('$.issueId')}".strip()
    listed = changes(payload)
    note = tell(
        event,
        titles[event.name] + (f" ({spent})" if spent else ""),
        what=what,
        url=page(event),
        text=text_of(log, "$.comment"),
        button="Open issue",
        facts=(Fact("Time spent", spent), Fact("Started", log.opt("$.started"))),
    )
    return note if listed is None else _with(note, listed)


@events.on("attachment.created", group="Work", label="File attached", default=False)
@events.on("attachment.deleted", group="Work", label="File removed", default=False)
def attachment(event: RawEvent, ctx: Context) -> Notification:
    payload = event.payload
    found, issue = payload.sub("$.attachment"), issue_of(payload)
    verb = "attached" if event.name == "attachment.created" else "removed"
    name = found.opt("$.filename") or "a file"
    size = found.opt_int("$.size")
    return tell(
        event,
        f"File {verb}",
        what=f"{name} · {headline(issue)}" if issue else name,
        url=page(event) or found.opt("$.content"),
        facts=(
            Fact("File", name, found.opt("$.content")),
            Fact("Size", f"{size / 1024:,.0f} KB" if size else ""),
            Fact("Type", found.opt("$.mimeType")),
        ),
    )


@events.on("link.created", group="Work", label="Issues linked", default=False)
@events.on("link.deleted", group="Work", label="Link of issues removed", default=False)
def issue_link(event: RawEvent, ctx: Context) -> Notification:
    payload = event.payload
    link = payload.sub("$.issueLink")
    kind = link.first("$.issueLinkType.name", "$.type.name")
    one = link.first("$.sourceIssueKey", "$.sourceIssueId", "$.outwardIssue.key")
    other = link.first("$.destinationIssueKey", "$.destinationIssueId", "$.inwardIssue.key")
    words = link.first("$.issueLinkType.outwardName", "$.issueLinkType.outward") or "is linked to"
    verb = "Issues linked" if event.name == "link.created" else "Link of issues removed"
    return tell(
        event,
        verb,
        what=f"{one} {words} {other}" if one and other else kind or f"link {link.opt('$.id')}".strip(),
        url=browse(payload, one) if "-" in one else "",
        thread=one,
        facts=(Fact("Link", kind), Fact("From", one), Fact("To", other)),
    )


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
        url=page(event),
        facts=(Fact("Property", key),),
    )


__all__ = ["changes", "duration", "events", "names_at", "restricted"]
