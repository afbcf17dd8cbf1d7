"""What buttons and commands do in Azure DevOps.

https://learn.microsoft.com/rest/api/azure/devops/wit/work-items/update and
https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-reviewers
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.sources.sdk import (
    Act,
    ActionError,
    ActionRef,
    Actions,
    Context,
    Done,
    Field,
    Link,
    Payload,
    RawEvent,
    Target,
    escape,
    segment,
)

from .api import myself

actions = Actions()
ITEM = r"(?:https?://\S+/_workitems/edit/)?#?(?P<item>\d+)"
PULL = r"(?:https?://[^\s]+/_git/)?(?P<repository>[\w.-]+)(?:!|/pullrequest/)(?P<pull>\d+)"
APPROVAL = r"(?P<project>[\w .-]+)#(?P<approval>[0-9a-fA-F-]{36})"
API = {"api-version": "5.0"}  # Azure DevOps Server 2019 and later
TEXT = (Field("text", "Comment", kind="multiline"),)


def _item(act: Act) -> Payload:
    return act.api.get(f"/_apis/wit/workitems/{int(act.param('item'))}", **API)


def _item_link(act: Act, found: Payload) -> Link:
    fields = found.sub("$.fields").raw
    title = str(fields.get("System.Title", "")) if isinstance(fields, dict) else ""
    url = found.opt("$._links.html.href") or f"{act.api.base}/_workitems/edit/{act.param('item')}"
    return Link(f"#{act.param('item')} {title}".strip(), url)


def _field(found: Payload, name: str) -> str:
    fields = found.sub("$.fields").raw
    value = fields.get(name, "") if isinstance(fields, dict) else ""
    return value if isinstance(value, str) else ""


def _look_item(act: Act) -> Target:
    found = _item(act)
    link = _item_link(act, found)
    return Target(link.title, _field(found, "System.State"), link.url)


def _look_states(act: Act) -> Target:
    found = _item(act)
    link = _item_link(act, found)
    project, kind = _field(found, "System.TeamProject"), _field(found, "System.WorkItemType")
    path = f"/{segment(project)}/_apis/wit/workitemtypes/{segment(kind)}/states"
    states = act.api.get(path, **{"api-version": "5.0-preview.1"})
    names = tuple((each.opt("$.name"), each.opt("$.name")) for each in states.each("$.value", 100))
    return Target(link.title, _field(found, "System.State"), link.url, {"state": names})


def _update(act: Act, *changes: tuple[str, str]) -> Payload:
    patch = [{"op": "add", "path": f"/fields/{name}", "value": value} for name, value in changes]
    path = f"/_apis/wit/workitems/{int(act.param('item'))}"
    headers = {"content-type": "application/json-patch+json"}
    return act.api.call("PATCH", path, query=API, json=patch, headers=headers).payload()


def _html(act: Act, text: str) -> str:
    # Work items keep HTML, so what a person typed is made into it.
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
    name = "".join(letter for letter in act.who if letter not in '@<>&"')
    return f"{safe}<br><br>— {name}, from Microsoft Teams" if name else safe


def _pull(act: Act) -> Payload:
    # The repository's id is enough; its name would need the project too.
    return act.api.get(f"/_apis/git/pullrequests/{int(act.param('pull'))}", **API)


def _pull_path(act: Act, found: Payload, rest: str = "") -> str:
    repository = found.text("$.repository.id")
    return f"/_apis/git/repositories/{segment(repository)}/pullRequests/{int(act.param('pull'))}{rest}"


def _pull_link(act: Act, found: Payload) -> Link:
    project, name = found.opt("$.repository.project.name"), found.opt("$.repository.name")
    url = f"{act.api.base}/{segment(project)}/_git/{segment(name)}/pullrequest/{act.param('pull')}"
    return Link(f"!{act.param('pull')} {found.opt('$.title')}".strip(), url)


def _look_pull(act: Act) -> Target:
    found = _pull(act)
    link = _pull_link(act, found)
    return Target(
        link.title, "Draft" if found.flag("$.isDraft") else found.opt("$.status").capitalize(), link.url
    )


@actions.on("comment", label="Comment", target=ITEM, example="#4711", fields=TEXT, look=_look_item)
def comment(act: Act) -> Done:
    found = _update(act, ("System.History", _html(act, act.text("text"))))
    return Done("Comment added", _item_link(act, found), text=act.text("text"))


@actions.on(
    "state", label="Change state", target=ITEM, example="#4711", look=_look_states,
    fields=(Field("state", "To", kind="choice"),),
)  # fmt: skip
def state(act: Act) -> Done:
    found = _update(act, ("System.State", act.text("state")))
    return Done(f"Changed to {act.text('state')}", _item_link(act, found))


@actions.on(
    "assign", label="Assign", target=ITEM, example="#4711", look=_look_item,
    fields=(Field("person", "To", help="The person's e-mail address"),),
)  # fmt: skip
def assign(act: Act) -> Done:
    found = _update(act, ("System.AssignedTo", act.text("person")))
    return Done(f"Assigned to {act.text('person')}", _item_link(act, found))


@actions.on("review", label="Comment", target=PULL, example="web!12", fields=TEXT, look=_look_pull)
def review(act: Act) -> Done:
    found = _pull(act)
    name = act.who.replace("@", "")
    text = f"{act.text('text')}\n\n— {escape(name)}, from Microsoft Teams" if name else act.text("text")
    body = {"comments": [{"parentCommentId": 0, "content": text, "commentType": 1}], "status": 1}
    act.api.call("POST", _pull_path(act, found, "/threads"), query=API, json=body)
    return Done("Comment added", _pull_link(act, found), text=act.text("text"))


@actions.on("approve", label="Approve", target=PULL, example="web!12", look=_look_pull)
def approve(act: Act) -> Done:
    found = _pull(act)
    if found.opt("$.status") != "active":
        raise ActionError("not_active", "This pull request is not open any more.")
    me = myself(act.api).text("$.id")
    act.api.call(
        "PUT", _pull_path(act, found, f"/reviewers/{segment(me)}"), query=API, json={"vote": 10, "id": me}
    )
    return Done("Approved", _pull_link(act, found))


@actions.on(
    "complete", label="Complete", target=PULL, example="web!12", look=_look_pull, destructive=True,
    confirm="Completing merges it and cannot simply be undone.",
)  # fmt: skip
def complete(act: Act) -> Done:
    found = _pull(act)
    if found.opt("$.status") == "completed":
        return Done("Completed already", _pull_link(act, found))
    body = {"status": "completed", "lastMergeSourceCommit": found.sub("$.lastMergeSourceCommit").raw}
    act.api.call("PATCH", _pull_path(act, found), query=API, json=body)
    return Done("Completed", _pull_link(act, found))


def _decide(act: Act, status: str, words: str) -> Done:
    path = f"/{segment(act.param('project'))}/_apis/pipelines/approvals"
    body = [
        {
            "approvalId": act.param("approval"),
            "status": status,
            "comment": f"{act.who}: {act.text('text')}"[:500],
        }
    ]
    act.api.call("PATCH", path, query={"api-version": "7.1-preview.1"}, json=body)
    return Done(words, container=Link(act.param("project")))


@actions.on(
    "approve_run", label="Approve run", target=APPROVAL, example="Web#00000000-0000-0000-0000-000000000000",
    fields=(Field("text", "Comment", required=False),),
)  # fmt: skip
def approve_run(act: Act) -> Done:
    return _decide(act, "approved", "Run approved")


@actions.on(
    "reject_run", label="Reject run", target=APPROVAL, example="Web#00000000-0000-0000-0000-000000000000", destructive=True,
    fields=(Field("text", "Comment", required=False),),
)  # fmt: skip
def reject_run(act: Act) -> Done:
    return _decide(act, "rejected", "Run rejected")


@actions.offer
def offer(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Work items, open pull requests, and runs that wait for an approval."""
    resource = event.payload.sub("$.resource")
    if event.name.startswith("workitem.") and event.name != "workitem.deleted":
        number = resource.opt_int("$.workItemId") or resource.opt_int("$.id")
        if number:
            params = (("item", str(number)),)
            yield ActionRef("comment", "Comment", params)
            yield ActionRef("state", "Change state", params)
            yield ActionRef("assign", "Assign", params)
    if event.name.startswith("git.pullrequest."):
        found = resource.sub("$.pullRequest") if resource.has("$.pullRequest") else resource
        number, name = found.opt_int("$.pullRequestId"), found.opt("$.repository.name")
        if number and name:
            pull = (("repository", name), ("pull", str(number)))
            yield ActionRef("review", "Comment", pull)
            if found.opt("$.status") == "active":
                yield ActionRef("approve", "Approve", pull)
                if not found.flag("$.isDraft"):
                    yield ActionRef("complete", "Complete", pull)
    if event.name == "pipeline.approval_pending":
        approval = resource.first("$.approval.id", "$.approvalId", "$.id")
        project = resource.first("$.project.name", "$.pipeline.project.name", "$.projectId", "$.project.id")
        project = project or event.payload.opt("$.resourceContainers.project.id")
        if approval and project and len(approval) == 36:
            run = (("project", project), ("approval", approval))
            yield ActionRef("approve_run", "Approve run", run)
            yield ActionRef("reject_run", "Reject run", run)
