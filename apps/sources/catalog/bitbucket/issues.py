"""The issue tracker.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Issue-events
"""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Link, Notification, Payload, RawEvent, Severity

from .common import actor, changed, container, content, here, page, tell, user_name
from .shared import words

events = Events()
GROUP = "Issues"
STATES = {
    "new": Severity.INFO,
    "open": Severity.INFO,
    "submitted": Severity.INFO,
    "resolved": Severity.GOOD,
    "closed": Severity.GOOD,
    "on hold": Severity.WARNING,
    "invalid": Severity.NEUTRAL,
    "duplicate": Severity.NEUTRAL,
    "wontfix": Severity.NEUTRAL,
}


def numbered(issue: Payload) -> str:
    """`#12 Login fails on Safari`."""
    number = issue.opt("$.id")
    return (
        " ".join(part for part in (f"#{number}" if number else "", issue.opt("$.title").strip()) if part)
        or "(untitled)"
    )


def issue_url(payload: Payload) -> str:
    """The issue's page."""
    issue = payload.sub("$.issue")
    number = issue.opt("$.id")
    return page(issue, here(payload, f"issues/{number}") if number and container(payload) else "")


def facts_of(payload: Payload, issue: Payload) -> tuple[Fact, ...]:
    """State, type, priority, people, planning."""
    reporter = user_name(issue.sub("$.reporter"))
    return (
        Fact("Type", words(issue.opt("$.kind"))),
        Fact("Priority", words(issue.opt("$.priority"))),
        Fact("Assignee", user_name(issue.sub("$.assignee"))),
        Fact("Reporter", reporter if reporter != user_name(payload.sub("$.actor")) else ""),
        Fact("Component", issue.opt("$.component.name") or issue.opt("$.component")),
        Fact("Milestone", issue.opt("$.milestone.name") or issue.opt("$.milestone")),
        Fact("Version", issue.opt("$.version.name") or issue.opt("$.version")),
    )


@events.fallback("issue")
@events.many({"issue.created": "Issue created", "issue.updated": "Issue updated"}, group=GROUP)
def issue(event: RawEvent, ctx: Context) -> Notification:
    """An issue was made or changed."""
    payload, action = event.payload, event.name.partition(".")[2]
    it = payload.sub("$.issue")
    state = it.opt("$.state")
    changes = changed(payload)
    told = {fact.title for fact in changes}
    title = f"Issue {words(action).lower()}".strip()
    to = payload.first("$.changes.status.new", "$.changes.state.new")
    if action == "updated" and to:
        title = (
            f"Issue {'reopened' if to == 'open' else 'put on hold' if to == 'on hold' else words(to).lower()}"
        )
        title = {"Issue wontfix": "Issue closed (won't fix)", "Issue new": "Issue set to new"}.get(
            title, title
        )
        if to in ("invalid", "duplicate"):
            title = f"Issue closed ({to})"
    text = content(payload.sub("$.comment.content")) if action != "created" else ""
    if not text and (action == "created" or payload.has("$.changes.content")):
        text = content(it.sub("$.content")) or content(Payload({"raw": it.opt("$.content")}))
    return tell(
        event,
        title,
        what=numbered(it),
        url=issue_url(payload),
        status=words(to or state) if (to or state) != "wontfix" else "Won't fix",
        severity=STATES.get(to or state, Severity.INFO),
        text=text,
        facts=(*changes, *(fact for fact in facts_of(payload, it) if fact.title not in told)),
        button="Open issue",
        when=("$.issue.updated_on", "$.issue.created_on") if action != "created" else ("$.issue.created_on",),
        thread=f"issue{it.opt('$.id')}",
    )


@events.fallback("issue_comment")
@events.on("issue_comment.created", group=GROUP, label="Comment on an issue")
def issue_comment(event: RawEvent, ctx: Context) -> Notification:
    """Somebody commented on an issue."""
    payload, action = event.payload, event.name.partition(".")[2]
    it, said = payload.sub("$.issue"), payload.sub("$.comment")
    url, ident = issue_url(payload), said.opt("$.id")
    return tell(
        event,
        "Comment on issue" if action == "created" else f"Comment on issue {words(action).lower()}",
        what=numbered(it),
        url=page(said, f"{url}#comment-{ident}" if url and ident else url),
        status=words(it.opt("$.state")),
        severity=Severity.INFO,
        text=content(said.sub("$.content")) or content(Payload({"raw": said.opt("$.content")})),
        facts=(
            Fact("Type", words(it.opt("$.kind"))),
            Fact("Priority", words(it.opt("$.priority"))),
            Fact("Assignee", user_name(it.sub("$.assignee"))),
        ),
        links=(Link("Issue", url),) if url else (),
        button="Open comment",
        when=("$.comment.updated_on", "$.comment.created_on"),
        thread=f"issue{it.opt('$.id')}",
        who=actor(payload) or actor(payload, "$.comment.user"),
    )
