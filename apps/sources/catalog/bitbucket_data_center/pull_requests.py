"""Pull requests, their reviews and comments.

https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html#Eventpayload-pullrequest
"""

from __future__ import annotations

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Item,
    Items,
    Link,
    Notification,
    Payload,
    RawEvent,
    Severity,
    from_gfm,
)

from ..bitbucket.shared import SHOWN, first_line, short_ref, words
from .common import actor, here, named, repository_name, self_url, site, tell, user_name, user_of

events = Events()

# name: (label, headline, pill, colour)
HAPPENINGS: dict[str, tuple[str, str, str, Severity]] = {
    "created": ("opened", "Pull request opened", "Open", Severity.INFO),
    "reopened": ("reopened", "Pull request reopened", "Open", Severity.INFO),
    "updated": ("changed", "Pull request changed", "Open", Severity.NEUTRAL),
    "pushed": ("new commits on the source branch", "New commits on pull request", "Open", Severity.INFO),
    "target_updated": (
        "target branch updated",
        "Target branch of pull request updated",
        "Open",
        Severity.NEUTRAL,
    ),
    "reviewers_updated": ("reviewers changed", "Reviewers of pull request changed", "Open", Severity.NEUTRAL),
    "approved": ("approved", "Pull request approved", "Approved", Severity.GOOD),
    "unapproved": (
        "approval removed",
        "Approval removed from pull request",
        "Unapproved",
        Severity.WARNING,
    ),
    "changes_requested": (
        "changes requested",
        "Changes requested on pull request",
        "Changes requested",
        Severity.WARNING,
    ),
    "merged": ("merged", "Pull request merged", "Merged", Severity.GOOD),
    "declined": ("declined", "Pull request declined", "Declined", Severity.ATTENTION),
    "deleted": ("deleted", "Pull request deleted", "Deleted", Severity.WARNING),
}
QUIET = ("updated", "pushed", "target_updated", "reviewers_updated", "unapproved")

COMMENTED: dict[str, tuple[str, str, Severity]] = {
    "created": ("Comment added", "", Severity.INFO),
    "updated": ("Comment edited", "", Severity.NEUTRAL),
    "deleted": ("Comment deleted", "Deleted", Severity.WARNING),
}


def change_url(payload: Payload, ctx: Context) -> str:
    """The pull request's page."""
    change = payload.sub("$.pullRequest")
    number = change.opt("$.id")
    return self_url(change) or (here(payload, ctx, f"pull-requests/{number}") if number else "")


def numbered(change: Payload) -> str:
    """`#12 Add dark mode`."""
    number = change.opt("$.id")
    return (
        " ".join(part for part in (f"#{number}" if number else "", change.opt("$.title").strip()) if part)
        or "(untitled)"
    )


def ref_name(ref: Payload) -> str:
    """A branch's name; the plug-in's payloads have it one level deeper."""
    return ref.first("$.displayId", "$.branch.name", "$.name") or short_ref(ref.opt("$.id"))


def branches(change: Payload) -> str:
    """`main ← feature`, with the fork's name where the commits come from one."""
    source, target = ref_name(change.sub("$.fromRef")), ref_name(change.sub("$.toRef"))
    fork = repository_name(change.sub("$.fromRef.repository"))
    if source and fork and fork != repository_name(change.sub("$.toRef.repository")):
        source = f"{fork}:{source}"
    return f"{target} ← {source}" if source and target else source or target


def author_of(change: Payload) -> str:
    """Who made the pull request."""
    return user_name(user_of(change.sub("$.author"))) or change.opt("$.authorLogin")


def facts_of(payload: Payload, change: Payload) -> tuple[Fact, ...]:
    """Branches, author, reviews."""
    reviewers = list(change.each("$.reviewers", 100))
    judged: dict[str, list[Payload]] = {"APPROVED": [], "NEEDS_WORK": []}
    for each in [*reviewers, *change.each("$.participants", 100)]:
        status = "APPROVED" if each.flag("$.approved") else each.opt("$.status").upper()
        judged.setdefault("NEEDS_WORK" if status == "CHANGES_REQUESTED" else status, []).append(each)
    author = author_of(change)
    return (
        Fact("Branch", branches(change)),
        Fact("Author", author if author != user_name(payload.sub("$.actor")) else ""),
        Fact("Reviewers", named(reviewers)),
        Fact("Approved by", named(judged["APPROVED"])),
        Fact("Changes wanted by", named(judged["NEEDS_WORK"])),
    )


def _modified(payload: Payload, change: Payload) -> tuple[Fact, ...]:
    """What `pr:modified` changed: the payload has the old values."""
    found = []
    title, target = payload.opt("$.previousTitle"), ref_name(payload.sub("$.previousTarget"))
    if title and title != change.opt("$.title"):
        found.append(Fact("Title was", title))
    if target and target != ref_name(change.sub("$.toRef")):
        found.append(Fact("Target branch", f"{target} → {ref_name(change.sub('$.toRef'))}"))
    old, new = (
        text.replace("\r\n", "\n")
        for text in (payload.opt("$.previousDescription"), change.opt("$.description"))
    )
    if (old or payload.has("$.previousDescription") or new) and old != new:
        found.append(Fact("Description", "changed"))
    if payload.has("$.previousDraft") and payload.flag("$.previousDraft") != change.flag("$.draft"):
        found.append(Fact("Draft", "marked as draft" if change.flag("$.draft") else "ready for review"))
    return tuple(found)


@events.fallback("pull_request")
@events.many(
    {f"pull_request.{key}": f"Pull request {value[0]}" for key, value in HAPPENINGS.items()},
    group="Pull requests",
    default=[f"pull_request.{key}" for key in HAPPENINGS if key not in QUIET],
)
def pull_request(event: RawEvent, ctx: Context) -> Notification:
    """A pull request was made, changed, judged or closed."""
    payload, action = event.payload, event.name.partition(".")[2]
    change = payload.sub("$.pullRequest")
    _, title, status, severity = HAPPENINGS.get(
        action, ("", f"Pull request {words(action).lower()}".strip(), "", Severity.NEUTRAL)
    )
    if change.flag("$.draft") and status == "Open":
        status, severity = "Draft", Severity.NEUTRAL
        title = title.replace("Pull request", "Draft pull request")
    url, facts = change_url(payload, ctx), facts_of(payload, change)
    text = change.opt("$.description") if action in ("created", "reopened") else ""
    if action == "updated":
        told = _modified(payload, change)
        text = change.opt("$.description") if any(fact.title == "Description" for fact in told) else ""
        facts = (*told, *facts)
    if action == "reviewers_updated":
        facts = (
            Fact("Added", named(list(payload.each("$.addedReviewers", 100)))),
            Fact("Removed", named(list(payload.each("$.removedReviewers", 100)))),
            *(fact for fact in facts if fact.title != "Reviewers"),
            Fact("Reviewers", named(list(change.each("$.reviewers", 100)))),
        )
    if action == "merged":
        sha = change.first("$.properties.mergeCommit.id", "$.properties.mergeCommit.displayId")
        facts = (*facts, Fact("Merge commit", sha[:11], here(payload, ctx, f"commits/{sha}") if sha else ""))
    if action == "unapproved":
        before = payload.opt("$.previousStatus").upper()
        if before in ("NEEDS_WORK", "CHANGES_REQUESTED"):
            title, status, severity = "Change request removed from pull request", "Open", Severity.NEUTRAL
    old, new = payload.opt("$.previousFromHash"), change.opt("$.fromRef.latestCommit")
    if old and new:
        facts = (Fact("Commits", f"{old[:11]} → {new[:11]}"), *facts)
    tail = (
        Link("Changes", f"{url}/diff") if url and action != "deleted" and change.opt("$.id") else Link("", "")
    )
    return tell(
        event,
        ctx,
        title,
        what=numbered(change),
        url=url if action != "deleted" else here(payload, ctx, "pull-requests"),
        status=status,
        severity=severity,
        text=from_gfm(text, base_url=site(payload, ctx), max_chars=1200),
        facts=facts,
        lists=_commits(payload, ctx) if action in ("pushed", "merged") else (),
        links=(tail,),
        button="Open pull request" if action != "deleted" else "Open pull requests",
        when=("$.pullRequest.updatedDate", "$.pullRequest.createdDate"),
        thread=f"pr{change.opt('$.id')}",
        who=actor(payload, ctx) or actor(payload, ctx, "$.participant"),
    )


def _commits(payload: Payload, ctx: Context) -> tuple[Items, ...]:
    found = list(payload.each("$.commits", 500))
    shown = tuple(
        Item(
            first_line(each.opt("$.message")) or "(no message)",
            lead=each.opt("$.displayId") or each.opt("$.id")[:11],
            url=here(payload, ctx, f"commits/{each.opt('$.id')}") if each.opt("$.id") else "",
            trail=user_name(each.sub("$.author")),
        )
        for each in found[:SHOWN]
    )
    return (Items("", shown, total=len(found)),) if shown else ()


def anchor_of(payload: Payload, said: Payload) -> str:
    """`src/tides.py:31`, where a comment stands on code."""
    for anchor in (said.sub("$.anchor"), payload.sub("$.commentAnchor"), payload.sub("$.anchor")):
        path, line = anchor.first("$.path.toString", "$.path", "$.srcPath"), anchor.opt("$.line")
        if path:
            return f"{path}:{line}" if line and line != "0" else path
    return ""


def comment_words(payload: Payload, action: str, where: str) -> tuple[str, str, Severity]:
    """Headline, pill and colour. A task is a comment with a state."""
    said = payload.sub("$.comment")
    title, status, severity = COMMENTED.get(
        action, (f"Comment {words(action).lower()}", "", Severity.NEUTRAL)
    )
    if said.opt("$.severity") == "BLOCKER":
        title = title.replace("Comment", "Task")
        state = said.opt("$.state")
        status = status or words(state)
        same = said.opt("$.text") == payload.opt("$.previousComment")
        if action == "updated" and same and state in ("RESOLVED", "OPEN"):
            title = "Task done" if state == "RESOLVED" else "Task reopened"
            severity = Severity.GOOD if state == "RESOLVED" else Severity.WARNING
    elif action == "updated" and said.flag("$.threadResolved"):
        title, status, severity = "Comment resolved", "Resolved", Severity.GOOD
    elif action == "created":
        title = "Reply" if payload.has("$.commentParentId") else "Comment"
    return f"{title} {'from' if action == 'deleted' else 'on'} {where}", status, severity


@events.fallback("pull_request_comment")
@events.many(
    {f"pull_request_comment.{key}": f"{value[0]} (pull request)" for key, value in COMMENTED.items()},
    group="Pull request comments",
    default=["pull_request_comment.created"],
)
def comment(event: RawEvent, ctx: Context) -> Notification:
    """Somebody commented on a pull request, or a comment or task was edited or deleted."""
    payload, action = event.payload, event.name.partition(".")[2]
    said, change = payload.sub("$.comment"), payload.sub("$.pullRequest")
    title, status, severity = comment_words(payload, action, "pull request")
    url, ident = change_url(payload, ctx), said.opt("$.id")
    writer = user_name(said.sub("$.author"))
    before = payload.opt("$.previousComment")
    return tell(
        event,
        ctx,
        title,
        what=numbered(change),
        url=f"{url}/overview?commentId={ident}" if url and ident and action != "deleted" else url,
        status=status,
        severity=severity,
        text=from_gfm(said.opt("$.text"), base_url=site(payload, ctx), max_chars=1200),
        facts=(
            Fact("File", anchor_of(payload, said)),
            Fact("Before", first_line(before) if before != said.opt("$.text") else ""),
            Fact(
                "Written by",
                writer if writer != user_name(payload.sub("$.actor")) and payload.has("$.actor") else "",
            ),
            Fact("Branch", branches(change)),
        ),
        links=(Link("Pull request", url),),
        button="Open comment" if action != "deleted" else "Open pull request",
        when=("$.comment.updatedDate", "$.comment.createdDate"),
        thread=f"pr{change.opt('$.id')}",
        who=actor(payload, ctx) or actor(payload, ctx, "$.comment.author"),
    )
