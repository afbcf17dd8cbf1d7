"""Pull requests, their reviews and comments.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Pull-request-events
"""

from __future__ import annotations

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Item,
    Items,
    Link,
    Markdown,
    Notification,
    Payload,
    RawEvent,
    Severity,
)

from .common import (
    actor,
    changed,
    container,
    content,
    here,
    mentions_named,
    named,
    page,
    repository_name,
    repository_url,
    tell,
    user_name,
)
from .shared import SHOWN, count, first_line, words

events = Events()
GROUP = "Pull requests"
COMMENTS = "Pull request comments"

# name: (label, headline, pill, colour)
HAPPENINGS: dict[str, tuple[str, str, str, Severity]] = {
    "created": ("Created", "Pull request created", "Open", Severity.INFO),
    "updated": ("Updated", "Pull request updated", "Open", Severity.NEUTRAL),
    "pushed": ("New commits", "New commits on pull request", "Open", Severity.INFO),
    "approved": ("Approved", "Pull request approved", "Approved", Severity.GOOD),
    "unapproved": ("Approval removed", "Approval removed from pull request", "Unapproved", Severity.WARNING),
    "changes_requested": (
        "Changes requested",
        "Changes requested on pull request",
        "Changes requested",
        Severity.WARNING,
    ),
    "changes_request_removed": (
        "Change request removed",
        "Change request removed from pull request",
        "Open",
        Severity.NEUTRAL,
    ),
    "merged": ("Merged", "Pull request merged", "Merged", Severity.GOOD),
    "declined": ("Declined", "Pull request declined", "Declined", Severity.ATTENTION),
}
QUIET = ("updated", "pushed", "unapproved", "changes_request_removed")

COMMENTED: dict[str, tuple[str, str, str, Severity]] = {
    "created": ("Comment added", "Comment on pull request", "", Severity.INFO),
    "updated": ("Comment edited", "Comment edited on pull request", "", Severity.NEUTRAL),
    "deleted": ("Comment deleted", "Comment deleted from pull request", "Deleted", Severity.WARNING),
    "resolved": ("Comment resolved", "Comment resolved on pull request", "Resolved", Severity.GOOD),
    "reopened": ("Comment reopened", "Comment reopened on pull request", "Reopened", Severity.WARNING),
}


def change_of(payload: Payload) -> Payload:
    """The pull request; old services called it "pull_request"."""
    return payload.sub("$.pullrequest") or payload.sub("$.pull_request")


def change_url(payload: Payload) -> str:
    """The pull request's page."""
    change = change_of(payload)
    number = change.opt("$.id")
    return page(change, here(payload, f"pull-requests/{number}") if number and container(payload) else "")


def numbered(change: Payload) -> str:
    """`#12 Add dark mode`."""
    number = change.opt("$.id")
    return (
        " ".join(part for part in (f"#{number}" if number else "", change.opt("$.title").strip()) if part)
        or "(untitled)"
    )


def branches(change: Payload) -> str:
    """`main ← feature`, with the fork's name where the commits come from one."""
    source, target = change.opt("$.source.branch.name"), change.opt("$.destination.branch.name")
    fork = repository_name(change.sub("$.source.repository"))
    if source and fork and fork != repository_name(change.sub("$.destination.repository")):
        source = f"{fork}:{source}"
    return f"{target} ← {source}" if source and target else source or target


def reviews(change: Payload) -> tuple[Fact, ...]:
    """Who was asked, who approved, who wants changes."""
    asked = list(change.each("$.reviewers", 100))
    approved, wanting = [], []
    for each in change.each("$.participants", 100):
        user = each.sub("$.user") or each
        if each.flag("$.approved") or each.opt("$.state") == "approved":
            approved.append(user)
        elif each.opt("$.state") == "changes_requested":
            wanting.append(user)
    return (
        Fact("Reviewers", named(asked)),
        Fact("Approved by", named(approved)),
        Fact("Changes wanted by", named(wanting)),
    )


def facts_of(payload: Payload, change: Payload) -> tuple[Fact, ...]:
    """Branches, author, reviews, open tasks."""
    author = user_name(change.sub("$.author"))
    tasks = change.opt_int("$.task_count") or 0
    return (
        Fact("Branch", branches(change)),
        Fact("Author", author if author != user_name(payload.sub("$.actor")) else ""),
        *reviews(change),
        Fact("Open tasks", str(tasks) if tasks else ""),
    )


def description(payload: Payload, change: Payload) -> Markdown:
    """The description: a text, or {raw, html} in some versions."""
    rich = change.sub("$.rendered.description") or change.sub("$.summary") or change.sub("$.description")
    raw = change.opt("$.description") or rich.opt("$.raw")
    return content(Payload({"raw": mentions_named(payload, raw), "markup": rich.opt("$.markup")}))


def _merge(change: Payload, place: str) -> Fact:
    sha = change.opt("$.merge_commit.hash")
    url = page(change.sub("$.merge_commit"), f"{place}/commits/{sha}" if place and sha else "")
    return Fact("Merge commit", sha[:12], url if sha else "")


@events.fallback("pull_request")
@events.many(
    {f"pull_request.{key}": f"Pull request: {value[0].lower()}" for key, value in HAPPENINGS.items()},
    group=GROUP,
    default=[f"pull_request.{key}" for key in HAPPENINGS if key not in QUIET],
)
def pull_request(event: RawEvent, ctx: Context) -> Notification:
    """A pull request was made, changed, judged or closed."""
    payload, action = event.payload, event.name.partition(".")[2]
    change = change_of(payload)
    known = HAPPENINGS.get(action)
    _, title, status, severity = known or (
        "",
        f"Pull request {words(action).lower()}".strip(),
        "",
        Severity.NEUTRAL,
    )
    if change.flag("$.draft") and action in ("created", "updated", "pushed"):
        status, severity = "Draft", Severity.NEUTRAL
        title = title.replace("Pull request", "Draft pull request")
    elif action == "updated" and change.opt("$.state") in ("MERGED", "DECLINED", "SUPERSEDED"):
        status = words(change.opt("$.state"))
    url, facts = change_url(payload), facts_of(payload, change)
    if action == "merged":
        facts = (*facts, _merge(change, repository_url(change.sub("$.destination.repository"))))
    if action == "declined":
        facts = (Fact("Reason", first_line(change.opt("$.reason"))), *facts)
    if action == "updated":
        facts = (*changed(payload), *facts)
    number = change.opt("$.id")
    diff = (Link("Changes", f"{url}/diff"),) if number and url.rstrip("/").endswith(f"/{number}") else ()
    return tell(
        event,
        title,
        what=numbered(change),
        url=url,
        status=status,
        severity=severity,
        text=description(payload, change) if action in ("created", "updated") else "",
        facts=facts,
        lists=_new_commits(payload),
        links=diff,
        button="Open pull request",
        when=(("$.pullrequest.created_on",) if action == "created" else ())
        + ("$.approval.date", "$.changes_request.date", "$.pullrequest.updated_on"),
        thread=f"pr{number}",
        who=actor(payload)
        or actor(payload, "$.approval.user")
        or actor(payload, "$.changes_request.user")
        or actor(payload, "$.pullrequest.closed_by" if action in ("merged", "declined") else "$.none"),
    )


def _new_commits(payload: Payload) -> tuple[Items, ...]:
    """The commits that `pullrequest:push` may list."""
    found = list(payload.each("$.commits", 200)) or list(payload.each("$.push.changes[0].commits", 200))
    shown = tuple(
        Item(
            first_line(each.opt("$.message")) or "(no message)",
            lead=each.opt("$.hash")[:7],
            url=page(each, here(payload, f"commits/{each.opt('$.hash')}")),
        )
        for each in found[:SHOWN]
    )
    return (Items("", shown, total=len(found)),) if shown else ()


@events.fallback("pull_request_comment")
@events.many(
    {f"pull_request_comment.{key}": value[0] for key, value in COMMENTED.items()},
    group=COMMENTS,
    default=["pull_request_comment.created", "pull_request_comment.resolved"],
)
def comment(event: RawEvent, ctx: Context) -> Notification:
    """Somebody commented, or a comment was edited, deleted, resolved or reopened."""
    payload, action = event.payload, event.name.partition(".")[2]
    said, change = payload.sub("$.comment"), change_of(event.payload)
    _, title, status, severity = COMMENTED.get(
        action, ("", f"Comment on pull request {words(action).lower()}", "", Severity.NEUTRAL)
    )
    path = said.opt("$.inline.path")
    line = said.first("$.inline.to", "$.inline.from", "$.inline.start_to")
    if action == "created":
        reply = said.has("$.parent.id")
        title = "Reply on pull request" if reply else "Comment on code of pull request" if path else title
    url, ident = change_url(payload), said.opt("$.id")
    text = content(said.sub("$.content")) if said.has("$.content") else content(Payload({"raw": ""}))
    old = said.opt("$.content")
    replies = said.opt_int("$.reply_count") or 0
    return tell(
        event,
        title,
        what=numbered(change),
        url=page(said, f"{url}#comment-{ident}" if url and ident else url) if action != "deleted" else url,
        status=status,
        severity=severity,
        text=text or content(Payload({"raw": old})),
        facts=(
            Fact("File", f"{path}:{line}" if path and line else path),
            Fact("Written by", _other(payload, said)),
            Fact("Replies", count(replies, "reply") if replies else ""),
            Fact("Branch", branches(change)),
        ),
        links=(Link("Pull request", url),) if url else (),
        button="Open comment" if action != "deleted" else "Open pull request",
        when=("$.comment.resolution.created_on", "$.comment.updated_on", "$.comment.created_on"),
        thread=f"pr{change.opt('$.id')}",
        who=actor(payload) or actor(payload, "$.comment.user"),
    )


def _other(payload: Payload, said: Payload) -> str:
    """The comment's writer, where that is not the one who acted."""
    writer = user_name(said.sub("$.user")) or user_name(said.sub("$.author"))
    return writer if writer != user_name(payload.sub("$.actor")) and payload.has("$.actor") else ""
