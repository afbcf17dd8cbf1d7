"""Issues, comments and discussions."""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Link, Notification, Payload, RawEvent, Severity

from .common import action_of, body, changed, login, names, repository_url, tell, words

events = Events()
ISSUES = {
    "opened": "Issue opened", "closed": "Issue closed", "reopened": "Issue reopened", "edited": "Issue edited",
    "deleted": "Issue deleted", "assigned": "Assigned", "unassigned": "Unassigned", "labeled": "Label added",
    "unlabeled": "Label removed", "milestoned": "Milestone set", "demilestoned": "Milestone removed",
    "locked": "Conversation locked", "unlocked": "Conversation unlocked", "pinned": "Pinned", "unpinned": "Unpinned",
    "transferred": "Transferred", "typed": "Type set", "untyped": "Type removed",
    "field_added": "Field set", "field_removed": "Field removed",
}  # fmt: skip


def numbered(item: Payload) -> str:
    """`#12 The door squeaks`."""
    number = item.opt("$.number")
    return (
        " ".join(part for part in (f"#{number}" if number else "", item.opt("$.title")) if part)
        or "(untitled)"
    )


def page(event: RawEvent, item: Payload, folder: str) -> str:
    """The object's page."""
    place, number = repository_url(event.payload), item.opt("$.number")
    return item.opt("$.html_url") or (f"{place}/{folder}/{number}" if place and number else place)


def state_of(issue: Payload, action: str) -> tuple[str, Severity]:
    """The pill and its colour."""
    if action == "deleted":
        return "Deleted", Severity.ATTENTION
    if issue.opt("$.state") == "closed" or action == "closed":
        reason = issue.opt("$.state_reason")
        if reason in ("not_planned", "duplicate"):
            return words(reason), Severity.NEUTRAL
        return "Closed", Severity.GOOD
    return "Open", Severity.INFO


def issue_facts(issue: Payload) -> tuple[Fact, ...]:
    """Labels, people, milestone."""
    return (
        Fact("Type", issue.opt("$.type.name")),
        Fact("Labels", names(issue, "$.labels", "name")),
        Fact("Assignees", names(issue, "$.assignees") or login(issue, "$.assignee")),
        Fact("Milestone", issue.opt("$.milestone.title")),
    )


def _headline(event: RawEvent) -> str:
    payload, action = event.payload, event.payload.opt("$.action")
    label, person = payload.opt("$.label.name"), login(payload, "$.assignee")
    if action in ("labeled", "unlabeled") and label:
        return f"Label {label} {'added to' if action == 'labeled' else 'removed from'} issue"
    if action in ("assigned", "unassigned") and person:
        return f"{person} {action} {'to' if action == 'assigned' else 'from'} issue"
    if action in ("milestoned", "demilestoned") and payload.opt("$.milestone.title"):
        return f"Issue {'added to' if action == 'milestoned' else 'removed from'} {payload.opt('$.milestone.title')}"
    if action in ("typed", "untyped"):
        return f"Issue type {payload.opt('$.type.name')} {'set' if action == 'typed' else 'removed'}"
    return f"Issue {action_of(event)}".strip()


@events.fallback("issues")
@events.many(
    {f"issues.{key}": label for key, label in ISSUES.items()},
    group="Issues",
    default=[
        f"issues.{key}" for key in ("opened", "closed", "reopened", "assigned", "deleted", "transferred")
    ],
)
def issues(event: RawEvent, ctx: Context) -> Notification:
    """An issue changed."""
    payload, issue = event.payload, event.payload.sub("$.issue")
    action = payload.opt("$.action")
    status, severity = state_of(issue, action)
    facts = issue_facts(issue)
    if action == "edited":
        facts = (*changed(payload), *facts)
    if action == "transferred":
        facts = (Fact("To", payload.opt("$.changes.new_repository.full_name")), *facts)
    return tell(
        event,
        _headline(event),
        what=numbered(issue),
        url=page(event, issue, "issues"),
        status=status,
        severity=severity,
        text=body(issue, "$.body") if action in ("opened", "reopened", "edited") else "",
        facts=facts,
        button="Open issue",
        when="$.issue.updated_at",
        thread=f"#{issue.opt('$.number')}",
    )


@events.fallback("issue_comment")
@events.many(
    {
        "issue_comment.created": "Comment on an issue or pull request",
        "issue_comment.edited": "Comment edited",
        "issue_comment.deleted": "Comment deleted",
        "issue_comment.pinned": "Comment pinned",
        "issue_comment.unpinned": "Comment unpinned",
    },
    group="Issues",
    default=["issue_comment.created"],
)
def issue_comment(event: RawEvent, ctx: Context) -> Notification:
    """A comment on an issue or a pull request."""
    payload, issue = event.payload, event.payload.sub("$.issue")
    change = issue.has("$.pull_request")
    action = payload.opt("$.action")
    kind = "pull request" if change else "issue"
    target = page(event, issue, "pull" if change else "issues")
    status, _ = state_of(issue, "")
    return tell(
        event,
        f"Comment on {kind}" if action in ("created", "") else f"Comment on {kind} {action_of(event)}",
        what=numbered(issue),
        url=payload.opt("$.comment.html_url") or target,
        status=status,
        severity=Severity.ATTENTION if action == "deleted" else Severity.INFO,
        text=body(payload, "$.comment.body"),
        links=(Link(f"Open {kind}", target),),
        facts=(Fact("Labels", names(issue, "$.labels", "name")),),
        button="Open comment",
        when="$.comment.updated_at",
        thread=f"#{issue.opt('$.number')}",
    )


@events.many(
    {"sub_issues.sub_issue_added": "Sub-issue added", "sub_issues.sub_issue_removed": "Sub-issue removed",
     "sub_issues.parent_issue_added": "Parent issue added", "sub_issues.parent_issue_removed": "Parent issue removed"},
    group="Issues", default=False,
)  # fmt: skip
@events.fallback("sub_issues")
def sub_issues(event: RawEvent, ctx: Context) -> Notification:
    """An issue got or lost a child."""
    payload = event.payload
    child, parent = payload.sub("$.sub_issue"), payload.sub("$.parent_issue")
    return tell(
        event,
        words(payload.opt("$.action")) or "Sub-issue changed",
        what=numbered(child or parent),
        url=page(event, child or parent, "issues"),
        facts=(Fact("Parent", numbered(parent) if parent else "", parent.opt("$.html_url")),),
        button="Open issue",
    )


@events.many(
    {"issue_dependencies.blocked_by_added": "Issue blocked", "issue_dependencies.blocked_by_removed": "Issue unblocked",
     "issue_dependencies.blocking_added": "Issue blocks another",
     "issue_dependencies.blocking_removed": "Issue blocks another no more"},
    group="Issues", default=False,
)  # fmt: skip
@events.fallback("issue_dependencies")
def dependencies(event: RawEvent, ctx: Context) -> Notification:
    """One issue waits for another."""
    payload = event.payload
    blocked, blocking = payload.sub("$.blocked_issue"), payload.sub("$.blocking_issue")
    added = payload.opt("$.action").endswith("added")
    return tell(
        event,
        "Issue is blocked" if added else "Issue is no longer blocked",
        what=numbered(blocked),
        url=page(event, blocked, "issues"),
        severity=Severity.WARNING if added else Severity.GOOD,
        facts=(Fact("By", numbered(blocking) if blocking else "", blocking.opt("$.html_url")),),
        button="Open issue",
    )


DISCUSSIONS = {
    "created": "Discussion started", "answered": "Answer chosen", "unanswered": "Answer taken back",
    "closed": "Closed", "reopened": "Reopened", "edited": "Edited", "deleted": "Deleted", "labeled": "Label added",
    "unlabeled": "Label removed", "locked": "Locked", "unlocked": "Unlocked", "pinned": "Pinned",
    "unpinned": "Unpinned", "transferred": "Transferred", "category_changed": "Category changed",
}  # fmt: skip


@events.fallback("discussion")
@events.many(
    {f"discussion.{key}": label for key, label in DISCUSSIONS.items()},
    group="Discussions",
    default=["discussion.created", "discussion.answered"],
)
def discussion(event: RawEvent, ctx: Context) -> Notification:
    """A discussion changed."""
    payload, talk = event.payload, event.payload.sub("$.discussion")
    action = payload.opt("$.action")
    answered = action == "answered"
    return tell(
        event,
        "Discussion started" if action == "created" else f"Discussion {action_of(event)}".strip(),
        what=numbered(talk),
        url=page(event, talk, "discussions"),
        status="Answered" if answered else words(talk.opt("$.state")),
        severity=Severity.GOOD if answered else Severity.INFO,
        text=body(payload, "$.answer.body")
        if answered
        else body(talk, "$.body")
        if action in ("created", "edited")
        else "",
        facts=(
            Fact("Category", talk.opt("$.category.name")),
            Fact("Was", payload.opt("$.changes.category.from.name")),
            Fact("Label", payload.opt("$.label.name")),
        ),
        button="Open discussion",
        when="$.discussion.updated_at",
        thread=f"discussion-{talk.opt('$.number')}",
    )


@events.fallback("discussion_comment")
@events.many(
    {"discussion_comment.created": "Comment on a discussion", "discussion_comment.edited": "Comment edited",
     "discussion_comment.deleted": "Comment deleted"},
    group="Discussions", default=["discussion_comment.created"],
)  # fmt: skip
def discussion_comment(event: RawEvent, ctx: Context) -> Notification:
    """A comment in a discussion."""
    payload, talk = event.payload, event.payload.sub("$.discussion")
    action = payload.opt("$.action")
    return tell(
        event,
        "Comment on discussion" if action in ("created", "") else f"Comment on discussion {action_of(event)}",
        what=numbered(talk),
        url=payload.opt("$.comment.html_url") or page(event, talk, "discussions"),
        severity=Severity.INFO,
        text=body(payload, "$.comment.body"),
        facts=(Fact("Category", talk.opt("$.category.name")),),
        links=(Link("Open discussion", page(event, talk, "discussions")),),
        button="Open comment",
        when="$.comment.updated_at",
        thread=f"discussion-{talk.opt('$.number')}",
    )
