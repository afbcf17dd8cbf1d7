"""What buttons and commands do with GitLab's issues and merge requests.

https://docs.gitlab.com/api/issues/, https://docs.gitlab.com/api/notes/, https://docs.gitlab.com/api/merge_requests/
and https://docs.gitlab.com/api/merge_request_approvals/
"""

from __future__ import annotations

from apps.sources.sdk import Act, ActionError, Actions, Done, Field, Link, Target

from . import builds, offers
from .api import explain
from .reach import (
    PROJECT,
    REQUEST,
    SITE,
    THREAD,
    home,
    link_of,
    look,
    look_labels,
    look_people,
    may_not,
    name_of,
    project_path,
    signed,
    thread_path,
)

actions = Actions()
builds.register(actions)
offers.register(actions)
# detailed_merge_status -> why nothing can be merged now
BLOCKED = {
    "draft_status": "it is a draft",
    "conflict": "it has conflicts",
    "need_rebase": "it must be rebased first",
    "ci_must_pass": "its pipeline must pass first",
    "ci_still_running": "its pipeline is still running",
    "discussions_not_resolved": "not all of its threads are resolved",
    "not_approved": "approvals are missing",
    "requested_changes": "a reviewer asked for changes",
    "not_open": "it is not open",
    "checking": "GitLab is still checking it; try again in a minute",
    "unchecked": "GitLab is still checking it; try again in a minute",
    "preparing": "GitLab is still preparing it; try again in a minute",
    "commits_status": "its branch has no commits of its own",
    "merge_request_blocked": "another merge request has to be merged first",
    "status_checks_must_pass": "external status checks must pass first",
    "security_policy_violations": "a security policy forbids it",
    "jira_association_missing": "it must name a Jira issue",
    "locked_paths": "it changes locked files",
}


@actions.on(
    "comment", label="Comment", target=THREAD, example="octo/hello!12", look=look,
    fields=(
        Field("text", "Comment", kind="multiline", help="Markdown works."),
        Field("internal", "Internal: only members of the project see it", kind="bool", required=False),
    ),
)  # fmt: skip
def comment(act: Act) -> Done:
    body: dict[str, object] = {"body": signed(act, act.text("text"))}
    if act.text("internal"):
        body["internal"] = True
    note = act.api.post(thread_path(act, "/notes"), body).opt_int("$.id")
    found = act.api.get(thread_path(act))
    url = found.opt("$.web_url")
    subject = Link(name_of(act, found), f"{url}#note_{note}" if url and note else url)
    # What is internal there stays out of the channel.
    text = "" if act.text("internal") else act.text("text")
    return Done(
        "Internal comment added" if act.text("internal") else "Comment added", subject, home(act, found), text
    )


@actions.on("close", label="Close", target=THREAD, example="octo/hello#12", look=look)
def close(act: Act) -> Done:
    return _turn(act, "close", "closed", "Closed")


@actions.on("reopen", label="Reopen", target=THREAD, example="octo/hello#12", look=look)
def reopen(act: Act) -> Done:
    return _turn(act, "reopen", "opened", "Reopened")


def _turn(act: Act, event: str, wanted: str, words: str) -> Done:
    before = act.api.get(thread_path(act))
    state = before.opt("$.state").replace("reopened", "opened")
    if state == wanted:
        return Done(f"It was {wanted} already", link_of(act, before), home(act, before))
    if state in ("merged", "locked"):
        raise ActionError(f"is_{state}", f"It is {state}, so there is nothing to {event}.")
    found = act.api.call("PUT", thread_path(act), json={"state_event": event}).payload()
    return Done(words, link_of(act, found), home(act, found))


@actions.on(
    "label", label="Label", target=THREAD, example="octo/hello#12", look=look_labels,
    fields=(Field("label", "Label", kind="choice"),),
)  # fmt: skip
def label(act: Act) -> Done:
    found = act.api.call("PUT", thread_path(act), json={"add_labels": act.text("label")}).payload()
    return Done(f"Labelled “{act.text('label')}”", link_of(act, found), home(act, found))


@actions.on(
    "assign", label="Assign", target=THREAD, example="octo/hello#12", look=look_people,
    fields=(Field("person", "To", kind="choice"),),
)  # fmt: skip
def assign(act: Act) -> Done:
    found = act.api.call("PUT", thread_path(act), json={"assignee_ids": [_person(act)]}).payload()
    name = found.first("$.assignees[0].name", "$.assignee.name")
    if not name:
        # GitLab answers 200 and drops whoever may not see the project.
        raise ActionError("not_assigned", "GitLab assigned nobody. Is the person a member of the project?")
    return Done(f"Assigned to {name}", link_of(act, found), home(act, found))


def _person(act: Act) -> int:
    """The id that was chosen, or of the user name that was typed."""
    given = act.text("person").strip().removeprefix("@")
    if given.isdecimal():
        return int(given)
    found = next(act.api.get("/users", username=given).each("$", 1), None) if given else None
    number = found.opt_int("$.id") if found else None
    if number is None:
        raise ActionError(
            "no_such_person", "GitLab knows nobody of that user name. Choose a member of the project."
        )
    return number


def _look_merge(act: Act) -> Target:
    found = act.api.get(thread_path(act))
    state = found.opt("$.state")
    if state == "opened":
        status = found.opt("$.detailed_merge_status")
        state = BLOCKED.get(status, status.replace("_", " ")) or "open"
        state = state.removeprefix("it is ").removeprefix("it ")
    name = name_of(act, found)
    return Target(name, state.capitalize(), found.opt("$.web_url"), defaults={"sha": found.opt("$.sha")})


@actions.on(
    "merge", label="Merge", target=REQUEST, example="octo/hello!12", look=_look_merge, destructive=True,
    confirm="Merging cannot simply be undone.",
    fields=(
        Field("sha", "Only at this commit", required=False, help="If somebody pushed meanwhile, nothing is merged."),
        Field("squash", "Squash the commits", kind="bool", required=False),
        Field("when_green", "Wait until the pipeline has succeeded", kind="bool", required=False),
    ),
)  # fmt: skip
def merge(act: Act) -> Done:
    before = act.api.get(thread_path(act))
    if before.opt("$.state") == "merged":
        return Done("It was merged already", link_of(act, before), home(act, before))
    body: dict[str, object] = {"sha": act.text("sha") or before.opt("$.sha")}
    if act.text("squash"):
        body["squash"] = True
    if act.text("when_green"):
        # The newer name stands since 17.11; older servers pass over it.
        body |= {"auto_merge": True, "merge_when_pipeline_succeeds": True}
    answer = act.api.call("PUT", thread_path(act, "/merge"), json=body, accept=(401, 405, 406, 409, 422))
    if answer.status == 409:
        raise ActionError("head_moved", "Somebody pushed meanwhile, so nothing was merged. Look at it again.")
    if answer.status == 401:
        raise may_not("merge", answer, explain(answer))
    if answer.status >= 400:
        status = before.first("$.detailed_merge_status", "$.merge_status")
        reason = BLOCKED.get(status, status.replace("_", " ")) or "it says no reason"
        raise ActionError("not_mergeable", f"GitLab does not merge it now: {reason}.")
    found = answer.payload()
    waits = found.opt("$.state") == "opened" and found.flag("$.merge_when_pipeline_succeeds")
    return Done(
        "Will be merged when its pipeline has succeeded" if waits else "Merged",
        link_of(act, found),
        home(act, found),
    )


@actions.on("approve", label="Approve", target=REQUEST, example="octo/hello!12", look=look)
def approve(act: Act) -> Done:
    found = act.api.get(thread_path(act))
    subject, where = link_of(act, found), home(act, found)
    # GitLab answers 401 to a second approval too, so it is asked first.
    asked = act.api.call("GET", thread_path(act, "/approvals"), accept=(403, 404))
    if asked.status < 400 and asked.payload().flag("$.user_has_approved"):
        return Done("It was approved by this account already", subject, where)
    answer = act.api.call("POST", thread_path(act, "/approve"), json={}, accept=(401, 404))
    if answer.status == 401:
        raise may_not("approve", answer, explain(answer))
    if answer.status == 404:
        raise ActionError("no_approvals", "This GitLab has no approvals, or the account may not give them.")
    return Done("Approved", subject, where)


@actions.on("unapprove", label="Take approval back", target=REQUEST, example="octo/hello!12", look=look)
def unapprove(act: Act) -> Done:
    answer = act.api.call("POST", thread_path(act, "/unapprove"), json={}, accept=(404,))
    found = act.api.get(thread_path(act))
    words = "Approval taken back" if answer.status < 400 else "The account had not approved it"
    return Done(words, link_of(act, found), home(act, found))


@actions.on(
    "create", label="Create issue", target=rf"{SITE}{PROJECT}", example="octo/hello",
    fields=(
        Field("title", "Title"), Field("text", "Description", kind="multiline", required=False),
        Field("confidential", "Confidential", kind="bool", required=False),
    ),
)  # fmt: skip
def create(act: Act) -> Done:
    body: dict[str, object] = {"title": act.text("title"), "description": signed(act, act.text("text"))}
    if act.text("confidential"):
        body["confidential"] = True
    made = act.api.post(project_path(act, "/issues"), body)
    title = "a confidential issue" if act.text("confidential") else made.opt("$.title")
    return Done(
        "Issue created",
        Link(f"#{made.opt_int('$.iid') or ''} {title}", made.opt("$.web_url")),
        home(act, made),
    )
