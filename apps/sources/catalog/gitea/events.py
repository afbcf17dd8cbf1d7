"""The catalogue that Gitea, Forgejo and Gogs share, on GitHub's handlers.

What the products send is told in GitHub's words (see `normal`), so a pull request reads alike wherever it lives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Ignore,
    Link,
    Notification,
    Outcome,
    Payload,
    RawEvent,
    Severity,
)

from ..github import SOURCE as GITHUB
from ..github.common import actor, container, words

ISSUE = {
    "opened": "Issue opened", "edited": "Issue edited", "closed": "Issue closed", "reopened": "Issue reopened",
    "deleted": "Issue deleted", "assigned": "Issue assigned", "unassigned": "Issue unassigned",
    "label_updated": "Labels of an issue changed", "label_cleared": "Labels of an issue removed",
    "milestoned": "Milestone of an issue set", "demilestoned": "Milestone of an issue removed",
}  # fmt: skip
CHANGE = {
    "opened": "Pull request opened", "edited": "Pull request edited", "closed": "Pull request closed",
    "merged": "Pull request merged", "reopened": "Pull request reopened", "assigned": "Pull request assigned",
    "unassigned": "Pull request unassigned", "label_updated": "Labels of a pull request changed",
    "label_cleared": "Labels of a pull request removed", "milestoned": "Milestone of a pull request set",
    "demilestoned": "Milestone of a pull request removed", "synchronized": "New commits on a pull request",
}  # fmt: skip
REQUESTS = {"review_requested": "Review requested", "review_request_removed": "Review request removed"}
COMMENT = {"created": "Comment", "edited": "Comment edited", "deleted": "Comment deleted"}
WITHOUT_ACTION = ("push", "create", "delete", "fork", "gollum", "status")
# Family -> (GitHub's family, group, {action: label}, defaults)
FAMILIES: Mapping[str, tuple[str, str, Mapping[str, str], tuple[str, ...]]] = {
    "push": ("push", "Code", {"": "Commits pushed"}, ("",)),
    "create": ("create", "Code", {"": "Branch or tag created"}, ("",)),
    "delete": ("delete", "Code", {"": "Branch or tag deleted"}, ("",)),
    "fork": ("fork", "Repository", {"": "Repository forked"}, ("",)),
    "issues": ("issues", "Issues", ISSUE, ("opened", "closed", "reopened", "assigned")),
    "issue_comment": ("issue_comment", "Issues", COMMENT, ("created",)),
    "pull_request": ("pull_request", "Pull requests", CHANGE, ("opened", "closed", "merged", "reopened")),
    "release": ("release", "Releases", {"published": "Release published", "updated": "Release updated",
                                       "deleted": "Release deleted"}, ("published",)),
}  # fmt: skip
MORE: Mapping[str, tuple[str, str, Mapping[str, str], tuple[str, ...]]] = {
    "pull_request_comment": ("issue_comment", "Pull requests", COMMENT, ("created",)),
    "pull_request_review": ("pull_request_review", "Pull requests",
                            {"approved": "Approved", "changes_requested": "Changes requested",
                             "commented": "Review comment"}, ("approved", "changes_requested", "commented")),
    "repository": ("repository", "Repository", {"created": "Repository created", "deleted": "Repository deleted"},
                   ("created", "deleted")),
    "wiki": ("gollum", "Wiki", {"created": "Page created", "edited": "Page edited", "deleted": "Page deleted"}, ()),
    "package": ("package", "Packages", {"created": "Package published", "deleted": "Package deleted"}, ("created",)),
    "status": ("status", "Actions", {"": "Commit status"}, ()),
    "workflow_run": ("workflow_run", "Actions", {"completed": "Workflow run finished", "requested": "Workflow run queued",
                                                "in_progress": "Workflow run started"}, ("completed",)),
    "workflow_job": ("workflow_job", "Actions", {"completed": "Job finished", "queued": "Job queued",
                                                "in_progress": "Job started", "waiting": "Job waits"}, ()),
}  # fmt: skip


def catalogue(product: str, *, more: bool) -> Events:
    """The events of one product. more: Gitea's and Forgejo's families beside those that Gogs has too."""
    events = Events()
    families = {**FAMILIES, **(MORE if more else {})}
    if more:
        name, group, labels, defaults = families["pull_request"]
        families["pull_request"] = (name, group, {**labels, **REQUESTS}, (*defaults, "review_requested"))
    for family, (theirs, group, actions, defaults) in families.items():
        handler = _handler(theirs, product)
        for action, label in actions.items():
            name = f"{family}.{action}" if action else family
            events.on(name, group=group, label=label, default=action in defaults)(handler)
        events.fallback(family)(handler)
    return events


def _handler(theirs: str, product: str):  # type: ignore[no-untyped-def]  # the SDK's decorator types it
    def handler(event: RawEvent, ctx: Context) -> Outcome:
        action = event.payload.opt("$.action") if theirs not in WITHOUT_ACTION else ""
        if theirs == "pull_request_review":
            action = "submitted"
        if theirs == "package":
            action = "published" if action == "created" else action
        payload = Payload({**event.payload.raw, "action": action}) if action else event.payload
        name = f"{theirs}.{action}" if action else theirs
        found = GITHUB.notify(RawEvent(name, event.id, payload), ctx)
        if isinstance(found, Ignore):
            return found
        if not isinstance(found, Notification):
            return Notification(
                f"{product}: {event.name}", container=container(payload), actor=actor(payload)
            )
        button = found.link_title.replace("GitHub", product)
        thread = found.thread_key.replace("github:", f"{product.lower()}:", 1)
        tag = payload.opt("$.ref_type") == "tag" or payload.opt("$.ref").startswith("refs/tags/")
        place = "/src/" if product == "Gogs" else f"/src/{'tag' if tag else 'branch'}/"

        def page(url: str) -> str:
            return url.replace("/tree/", place, 1)  # GitHub's address of a branch

        return replace(
            found,
            link_title=button,
            thread_key=thread,
            subject=replace(found.subject, url=page(found.subject.url)) if found.subject else None,
            facts=tuple(replace(fact, url=page(fact.url)) for fact in found.facts),
            lists=tuple(replace(each, more_url=page(each.more_url)) for each in found.lists),
        )

    return handler


def _ref_page(place: str, ref: str) -> str:
    if not place or not ref:
        return ""
    return f"{place}/pulls/{ref[1:]}" if ref.startswith("#") else f"{place}/src/branch/{ref}"


def _took(run: Payload) -> str:
    start = run.time("$.started") or run.time("$.run_started_at")
    end = run.time("$.stopped") or run.time("$.updated_at")
    seconds = int((end - start).total_seconds()) if start and end else 0
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s" if seconds > 0 else ""


def action_run(event: RawEvent, ctx: Context) -> Notification:
    """Forgejo: a run of Actions failed, succeeded or recovered."""
    payload = event.payload
    run, what = payload.sub("$.run"), event.name.partition(".")[2]
    title = run.opt("$.title") or run.opt("$.workflow_id") or "run"
    title_words, severity, status = {
        "failure": ("Run failed", Severity.ATTENTION, "Failed"),
        "recover": ("Run works again", Severity.GOOD, "Recovered"),
        "success": ("Run succeeded", Severity.GOOD, "Succeeded"),
    }.get(what, (f"Run {words(what).lower() or 'ended'}", Severity.NEUTRAL, words(what)))
    sha, place = run.opt("$.commit_sha"), payload.first("$.run.repository.html_url", "$.repository.html_url")
    where, ref = container(payload), run.opt("$.prettyref")
    name = run.opt("$.repository.full_name")
    return Notification(
        title=f"{title_words}: {title}",
        status=status,
        severity=severity,
        actor=actor(payload) or actor(run, "$.trigger_user"),
        subject=Link(title, run.opt("$.html_url") or place),
        container=where or (Link(name, place) if name else None),
        facts=(
            Fact("Run", f"#{run.opt('$.index_in_repo')}" if run.opt("$.index_in_repo") else ""),
            Fact("Workflow", run.opt("$.workflow_id")),
            Fact("Pull request" if ref.startswith("#") else "Branch", ref, _ref_page(place, ref)),
            Fact("Commit", sha[:7], f"{place}/commit/{sha}" if place and sha else ""),
            Fact("Started by", words(run.opt("$.event"))),
            Fact("Took", _took(run)),
        ),
        occurred_at=run.time("$.stopped") or run.time("$.updated") or run.time("$.updated_at"),
        thread_key=f"forgejo:run-{run.opt('$.id')}",
        link_title="Open run",
    )
