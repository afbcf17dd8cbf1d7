"""Merge requests and their approvals.

https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events
"""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Link, Notification, Payload, RawEvent, Severity

from .changes import changed
from .common import body, fresh, labels_of, moment, people, sentence, tell, under
from .issues import numbered

events = Events()
GROUP = "Merge requests"
# action -> (headline, catalogue label, pill, colour); an empty pill takes the merge request's own state
ACTIONS = {
    "opened": ("Merge request opened", "Merge request opened", "", Severity.INFO),
    "closed": ("Merge request closed", "Merge request closed", "Closed", Severity.ATTENTION),
    "reopened": ("Merge request reopened", "Merge request reopened", "", Severity.INFO),
    "merged": ("Merge request merged", "Merge request merged", "Merged", Severity.GOOD),
    "approved": ("Merge request approved", "Approved by everybody who must", "Approved", Severity.GOOD),
    "approval": ("Approval given", "Approval given by one person", "Approval", Severity.GOOD),
    "unapproved": ("Merge request no longer approved", "Approved state lost", "Unapproved", Severity.WARNING),
    "unapproval": ("Approval taken back", "Approval taken back by one person", "Unapproved", Severity.WARNING),
    "updated": ("Merge request updated", "Title, labels, people or other details edited", "", Severity.NEUTRAL),
    "pushed": ("New commits on merge request", "New commits pushed", "", Severity.NEUTRAL),
    "ready": ("Merge request ready for review", "Ready for review", "Ready", Severity.INFO),
    "drafted": ("Merge request marked as draft", "Marked as draft", "Draft", Severity.NEUTRAL),
    "review_requested": ("Review requested", "Review requested", "", Severity.INFO),
}  # fmt: skip
DEFAULTS = ("opened", "closed", "reopened", "merged", "approved", "unapproved", "ready", "review_requested")
SYSTEM = {
    "approvals_reset_on_push": "New commits were pushed",
    "code_owner_approvals_reset_on_push": "Files of code owners changed",
}


def _marked(title: str) -> bool:
    return title.lower().startswith(("draft:", "[draft]", "(draft)", "wip:", "[wip]"))


def is_draft(item: Payload) -> bool:
    """`draft` since 14, `work_in_progress` before, the title's mark before that."""
    return item.flag("$.draft") or item.flag("$.work_in_progress") or _marked(item.opt("$.title"))


def shade(payload: Payload) -> str:
    """What an `update` really is: pushed, ready, drafted, review_requested, or just updated."""
    if payload.opt("$.object_attributes.oldrev"):
        return "pushed"
    for key in ("draft", "work_in_progress"):
        change = payload.sub(f"$.changes.{key}")
        if change:
            return "drafted" if change.flag("$.current") else "ready"
    title = payload.sub("$.changes.title")
    if _marked(title.opt("$.previous")) != _marked(title.opt("$.current")):
        return "drafted" if _marked(title.opt("$.current")) else "ready"
    return "review_requested" if asked(payload) else "updated"


def asked(payload: Payload) -> str:
    """The reviewers that this update added or asked again."""
    before = [each.opt("$.username") for each in payload.each("$.changes.reviewers.previous", 50)]
    found = [
        each.first("$.name", "$.username")
        for each in payload.each("$.changes.reviewers.current", 50)
        if each.opt("$.username") not in before or each.flag("$.re_requested")
    ]
    return ", ".join(name for name in found if name)


def state_of(item: Payload) -> tuple[str, Severity]:
    """The pill of a merge request as it stands."""
    state = item.opt("$.state")
    if state == "merged":
        return "Merged", Severity.GOOD
    if state == "closed":
        return "Closed", Severity.ATTENTION
    return ("Draft", Severity.NEUTRAL) if is_draft(item) else ("Open", Severity.INFO)


def change_url(payload: Payload, item: Payload) -> str:
    """The merge request's page; made from its number when an old version leaves it out."""
    number = item.opt("$.iid")
    return item.opt("$.url") or (under(payload, f"merge_requests/{number}") if number else "")


def branches(item: Payload) -> str:
    """`main ← feature`, with the fork's path in front when it comes from one."""
    source, target = item.opt("$.source_branch"), item.opt("$.target_branch")
    fork, home = item.opt("$.source.path_with_namespace"), item.opt("$.target.path_with_namespace")
    if source and fork and home and fork != home:
        source = f"{fork}:{source}"
    return f"{target} ← {source}" if source and target else source or target


@events.fallback("merge_request")
@events.many(
    {f"merge_request.{key}": label for key, (_, label, _, _) in ACTIONS.items()},
    group=GROUP,
    default=[f"merge_request.{key}" for key in DEFAULTS],
)
def merge_request(event: RawEvent, ctx: Context) -> Notification:
    """A merge request changed."""
    payload, item = event.payload, event.payload.sub("$.object_attributes")
    action = event.name.partition(".")[2]
    title, _, pill, severity = ACTIONS.get(
        action, (f"Merge request {sentence(action).lower()}".strip(), "", "", Severity.NEUTRAL)
    )
    status, colour = (pill, severity) if pill else state_of(item)
    who = asked(payload) or (people(payload, "$.reviewers") if action == "review_requested" else "")
    if action == "review_requested" and who:
        title = f"Review requested from {who}"
    url = change_url(payload, item)
    commit = item.sub("$.last_commit")
    sha = commit.opt("$.id")
    notes = changed(payload) if action in ("updated", "pushed", "ready", "drafted") else ()
    system = item.opt("$.system_action") or payload.opt("$.system_action")
    links = [Link("Changes", f"{url}/diffs") if url else Link("", "")]
    oldrev = item.opt("$.oldrev")
    if action == "pushed" and oldrev and sha:
        links.insert(0, Link("New commits", under(payload, f"compare/{oldrev[:40]}...{sha[:40]}")))
    head = commit.opt("$.title") or commit.opt("$.message").strip().split("\n")[0]
    return tell(
        event,
        ctx,
        title,
        what=numbered(item, "!") or "(untitled)",
        url=url,
        status=status,
        severity=colour,
        text=body(payload, item.opt("$.description"))
        if action in ("opened", "reopened", "ready", "")
        else "",
        facts=(
            Fact("Branch", branches(item)),
            *(
                note
                for note in notes
                if note.title not in (("Draft",) if action in ("updated", "pushed") else ("Draft", "Title"))
            ),
            Fact("Why", SYSTEM.get(system, sentence(system))),
            Fact("Latest commit", f"{sha[:8]} {head}".strip(), commit.opt("$.url")),
            *fresh((Fact("Reviewers", people(payload, "$.reviewers")),), notes),
            Fact("Assignees", people(payload, "$.assignees") or _assignee(payload, item)),
            *fresh((Fact("Labels", ", ".join(labels_of(payload))),), notes),
            Fact("Milestone", item.opt("$.milestone.title")),
            Fact(
                "Merge",
                "Has conflicts"
                if item.opt("$.detailed_merge_status") == "conflict"
                or item.opt("$.merge_status") == "cannot_be_merged"
                else "",
            ),
        ),
        links=tuple(links),
        button="Open merge request",
        when=moment(payload, "$.object_attributes.updated_at", "$.object_attributes.created_at"),
        thread=f"!{item.opt('$.iid') or item.opt('$.id')}",
    )


def _assignee(payload: Payload, item: Payload) -> str:
    return payload.opt("$.assignee.name") or item.opt("$.assignee.name")
