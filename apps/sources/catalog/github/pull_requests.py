"""Pull requests, their reviews, comments and the merge queue."""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Link, Notification, Payload, RawEvent, Severity

from .common import action_of, actor, body, changed, login, names, repository_url, tell, words

events = Events()
GROUP = "Pull requests"
ACTIONS = {
    "opened": "Pull request opened", "closed": "Pull request closed or merged", "reopened": "Pull request reopened",
    "edited": "Title or description edited", "assigned": "Assigned", "unassigned": "Unassigned",
    "labeled": "Label added", "unlabeled": "Label removed", "locked": "Conversation locked",
    "unlocked": "Conversation unlocked", "milestoned": "Milestone set", "demilestoned": "Milestone removed",
    "review_requested": "Review requested", "review_request_removed": "Review request removed",
    "ready_for_review": "Ready for review", "converted_to_draft": "Converted to draft",
    "synchronize": "New commits pushed", "auto_merge_enabled": "Auto-merge enabled",
    "auto_merge_disabled": "Auto-merge disabled", "enqueued": "Added to the merge queue",
    "dequeued": "Removed from the merge queue", "stacked": "Put into a stack",
}  # fmt: skip
DEFAULTS = ("opened", "closed", "reopened", "ready_for_review", "review_requested")


def change_url(event: RawEvent) -> str:
    """The pull request's page; built from the repository when an old version left it out."""
    change = event.payload.sub("$.pull_request")
    url = change.first("$.html_url", "$._links.html.href")
    number, place = change.opt("$.number") or event.payload.opt("$.number"), repository_url(event.payload)
    return url or (f"{place}/pull/{number}" if place and number else place)


def numbered(event: RawEvent, change: Payload) -> str:
    """`#12 Add dark mode`."""
    number = change.opt("$.number") or event.payload.opt("$.number")
    return (
        " ".join(part for part in (f"#{number}" if number else "", change.opt("$.title")) if part)
        or "(untitled)"
    )


def state_of(change: Payload, action: str) -> tuple[str, Severity]:
    """The pill and its colour."""
    if change.flag("$.merged") or change.opt("$.merged_at"):
        return "Merged", Severity.GOOD
    if change.opt("$.state") == "closed" or action == "closed":
        return "Closed", Severity.ATTENTION
    if change.flag("$.draft"):
        return "Draft", Severity.NEUTRAL
    return "Open", Severity.INFO


def facts_of(change: Payload) -> tuple[Fact, ...]:
    """Branches, size, labels, people."""
    head, base = change.first("$.head.ref", "$.head.label"), change.first("$.base.ref", "$.base.label")
    added, removed, files = (
        change.opt_int(f"$.{key}") for key in ("additions", "deletions", "changed_files")
    )
    size = []
    if added is not None or removed is not None:
        size.append(f"+{added or 0} −{removed or 0}")
    if files:
        size.append(f"{files} file{'s' if files != 1 else ''}")
    commits = change.opt_int("$.commits")
    if commits:
        size.append(f"{commits} commit{'s' if commits != 1 else ''}")
    reviewers = ", ".join(
        part
        for part in (
            names(change, "$.requested_reviewers"),
            names(change, "$.requested_teams", "name", "slug"),
        )
        if part
    )
    return (
        Fact("Branch", f"{base} ← {head}" if head and base else head or base),
        Fact("Size", ", ".join(size)),
        Fact("Labels", names(change, "$.labels", "name")),
        Fact("Reviewers", reviewers),
        Fact("Assignees", names(change, "$.assignees") or login(change, "$.assignee")),
        Fact("Milestone", change.opt("$.milestone.title")),
    )


def headline(event: RawEvent, change: Payload) -> str:
    """What happened, in the words of the people who do it."""
    action, payload = event.payload.opt("$.action"), event.payload
    if action == "closed":
        return (
            "Pull request merged"
            if change.flag("$.merged") or change.opt("$.merged_at")
            else "Pull request closed"
        )
    if action == "synchronize":
        return "New commits on pull request"
    if action == "review_requested":
        who = payload.first("$.requested_reviewer.login", "$.requested_team.name", "$.requested_team.slug")
        return f"Review requested from {who}" if who else "Review requested"
    if action in ("labeled", "unlabeled") and payload.opt("$.label.name"):
        return f"Label {payload.opt('$.label.name')} {'added to' if action == 'labeled' else 'removed from'} pull request"
    if action in ("assigned", "unassigned") and login(payload, "$.assignee"):
        return (
            f"{login(payload, '$.assignee')} {action} {'to' if action == 'assigned' else 'from'} pull request"
        )
    fixed = {
        "ready_for_review": "Pull request ready for review",
        "converted_to_draft": "Pull request converted to draft",
        "auto_merge_enabled": "Auto-merge enabled for pull request",
        "auto_merge_disabled": "Auto-merge disabled for pull request",
        "enqueued": "Pull request added to the merge queue",
        "dequeued": "Pull request removed from the merge queue",
        "review_request_removed": "Review request removed",
        "stacked": "Pull request put into a stack",
    }
    return fixed.get(action) or f"Pull request {action_of(event)}".strip()


@events.fallback("pull_request")
@events.many(
    {f"pull_request.{key}": label for key, label in ACTIONS.items()},
    group=GROUP,
    default=[f"pull_request.{key}" for key in DEFAULTS],
)
def pull_request(event: RawEvent, ctx: Context) -> Notification:
    """A pull request changed."""
    change = event.payload.sub("$.pull_request")
    action = event.payload.opt("$.action")
    status, severity = state_of(change, action)
    url = change_url(event)
    facts = facts_of(change)
    if action == "edited":
        facts = (*changed(event.payload), *facts)
    stack = event.payload.sub("$.stack")
    if action == "stacked" and stack.has("$.size"):
        facts = (Fact("Stack", f"{stack.opt('$.position') or '?'} of {stack.opt('$.size')}"), *facts)
    if action == "dequeued" and event.payload.opt("$.reason"):
        facts = (Fact("Reason", words(event.payload.opt("$.reason")).replace("Ci ", "CI ")), *facts)
    if change.opt("$.merged_by.login"):
        facts = (*facts, Fact("Merged by", change.opt("$.merged_by.login")))
    compare = event.payload.opt("$.before"), event.payload.opt("$.after")
    links: tuple[Link, ...] = (Link("Files changed", f"{url}/files"),) if "/pull" in url else ()
    if action == "synchronize" and all(compare) and repository_url(event.payload):
        links = (
            Link("Compare", f"{repository_url(event.payload)}/compare/{compare[0][:12]}...{compare[1][:12]}"),
        )
    return tell(
        event,
        headline(event, change),
        what=numbered(event, change),
        url=url,
        status=status,
        severity=severity,
        text=body(change, "$.body")
        if action in ("opened", "reopened", "ready_for_review", "edited", "closed")
        else "",
        facts=facts,
        links=links,
        button="Open pull request",
        when="$.pull_request.updated_at",
        thread=f"#{change.opt('$.number') or event.payload.opt('$.number')}",
    )


REVIEWS = {
    "approved": ("Pull request approved", "Approved", Severity.GOOD),
    "changes_requested": ("Changes requested", "Changes requested", Severity.WARNING),
    "commented": ("Review comment", "Commented", Severity.INFO),
    "dismissed": ("Review dismissed", "Dismissed", Severity.WARNING),
}


@events.fallback("pull_request_review")
@events.many(
    {
        "pull_request_review.submitted": "Review submitted",
        "pull_request_review.edited": "Review edited",
        "pull_request_review.dismissed": "Review dismissed",
    },
    group="Reviews",
    default=["pull_request_review.submitted", "pull_request_review.dismissed"],
)
def review(event: RawEvent, ctx: Context) -> Notification:
    """Somebody reviewed."""
    payload, change = event.payload, event.payload.sub("$.pull_request")
    state = payload.opt("$.review.state").lower()
    title, status, severity = REVIEWS.get(state, ("Review submitted", words(state), Severity.INFO))
    if payload.opt("$.action") in ("edited", "dismissed"):
        title = f"Review {action_of(event)}"
    return tell(
        event,
        title,
        what=numbered(event, change),
        url=payload.opt("$.review.html_url") or change_url(event),
        status=status,
        severity=severity,
        text=body(payload, "$.review.body"),
        facts=(Fact("Branch", change.opt("$.head.ref")), Fact("Author", login(change, "$.user"))),
        links=(Link("Pull request", change_url(event)),),
        button="Open review",
        when="$.review.submitted_at",
        thread=f"#{change.opt('$.number')}",
        who=actor(payload) or actor(payload, "$.review.user"),
    )


@events.fallback("pull_request_review_comment")
@events.many(
    {
        "pull_request_review_comment.created": "Comment on code",
        "pull_request_review_comment.edited": "Comment on code edited",
        "pull_request_review_comment.deleted": "Comment on code deleted",
    },
    group="Reviews",
    default=["pull_request_review_comment.created"],
)
def review_comment(event: RawEvent, ctx: Context) -> Notification:
    """A comment on a line of the change."""
    payload, change = event.payload, event.payload.sub("$.pull_request")
    line = payload.first("$.comment.line", "$.comment.original_line", "$.comment.position")
    path = payload.opt("$.comment.path")
    return tell(
        event,
        "Comment on code" if payload.opt("$.action") == "created" else f"Comment on code {action_of(event)}",
        what=numbered(event, change),
        url=payload.opt("$.comment.html_url") or change_url(event),
        severity=Severity.INFO,
        text=body(payload, "$.comment.body"),
        facts=(Fact("File", f"{path}:{line}" if path and line else path),),
        links=(Link("Pull request", change_url(event)),),
        button="Open comment",
        when="$.comment.updated_at",
        thread=f"#{change.opt('$.number')}",
    )


@events.fallback("pull_request_review_thread")
@events.many(
    {
        "pull_request_review_thread.resolved": "Conversation resolved",
        "pull_request_review_thread.unresolved": "Conversation unresolved",
    },
    group="Reviews",
    default=False,
)
def thread(event: RawEvent, ctx: Context) -> Notification:
    """A conversation on the code was resolved or taken up again."""
    payload, change = event.payload, event.payload.sub("$.pull_request")
    done = payload.opt("$.action") == "resolved"
    return tell(
        event,
        f"Conversation {action_of(event)}",
        what=numbered(event, change),
        url=payload.opt("$.thread.comments[0].html_url") or change_url(event),
        status="Resolved" if done else "Open",
        severity=Severity.GOOD if done else Severity.WARNING,
        text=body(payload, "$.thread.comments[0].body"),
        facts=(Fact("File", payload.opt("$.thread.comments[0].path")),),
        links=(Link("Pull request", change_url(event)),),
        button="Open conversation",
        thread=f"#{change.opt('$.number')}",
    )


@events.fallback("merge_group")
@events.many(
    {
        "merge_group.checks_requested": "Merge queue asks for checks",
        "merge_group.destroyed": "Merge group ended",
    },
    group=GROUP,
    default=False,
)
def merge_group(event: RawEvent, ctx: Context) -> Notification:
    """A group of the merge queue."""
    payload = event.payload
    sha = payload.opt("$.merge_group.head_sha")
    place = repository_url(payload)
    branch = payload.opt("$.merge_group.base_ref").removeprefix("refs/heads/")
    return tell(
        event,
        "Merge queue checks requested"
        if payload.opt("$.action") == "checks_requested"
        else f"Merge group {action_of(event)}",
        what=payload.opt("$.merge_group.head_commit.message").split("\n")[0] or branch,
        url=f"{place}/commit/{sha}" if place and sha else place,
        facts=(
            Fact("Into", branch),
            Fact("Commit", sha[:7]),
            Fact("Reason", words(payload.opt("$.reason"))),
        ),
        button="Open commit",
    )
