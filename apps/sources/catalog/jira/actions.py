"""What buttons and commands do in Jira. API version 2, because both Cloud and Data Center have it.

https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issues/
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
    refusal,
    segment,
)

from .api import explain
from .common import issue_of

actions = Actions()
KEY = r"(?:https?://\S+/browse/)?(?P<issue>[A-Za-z][A-Za-z0-9_]*-\d+)"
LOUD = ("issue.created", "issue.updated", "issue.assigned", "issue.transitioned", "issue.moved", "comment.")


def _path(act: Act, rest: str = "") -> str:
    return f"/rest/api/2/issue/{segment(act.param('issue').upper())}{rest}"


def _link(act: Act, key: str = "", title: str = "") -> Link:
    key = key or act.param("issue").upper()
    return Link(f"{key} {title}".strip(), f"{act.api.base}/browse/{key}")


def _issue(act: Act) -> Payload:
    return act.api.get(_path(act), fields="summary,status,assignee,project")


def _look(act: Act) -> Target:
    found = _issue(act)
    key = found.opt("$.key") or act.param("issue")
    return Target(
        f"{key} {found.opt('$.fields.summary')}".strip(),
        found.opt("$.fields.status.name"),
        f"{act.api.base}/browse/{key}",
    )


def _look_transitions(act: Act) -> Target:
    seen = _look(act)
    found = act.api.get(_path(act, "/transitions"))
    choices = tuple(
        (each.text("$.id"), each.first("$.name", "$.to.name", default="?"))
        for each in found.each("$.transitions", 100)
    )
    return Target(seen.title, seen.state, seen.url, {"transition": choices})


def _look_people(act: Act) -> Target:
    seen = _look(act)
    query = {"issueKey": act.param("issue").upper(), "maxResults": 100}
    found = act.api.get("/rest/api/2/user/assignable/search", **query)
    choices = [("-1", "Automatic"), ("", "Nobody")]
    for each in found.each("$", 100):
        # Cloud knows people by accountId, Data Center by name.
        number = each.first("$.accountId", "$.name")
        if number:
            choices.append((number, each.first("$.displayName", "$.name")))
    return Target(seen.title, seen.state, seen.url, {"person": tuple(choices)})


def _look_project(act: Act) -> Target:
    found = act.api.get(f"/rest/api/2/project/{segment(act.param('project').upper())}")
    kinds = [each for each in found.each("$.issueTypes", 100) if not each.flag("$.subtask")]
    names = tuple((each.text("$.id"), each.opt("$.name")) for each in kinds)
    start = next((key for key, name in names if name.lower() == "task"), names[0][0] if names else "")
    key = found.opt("$.key")
    url = f"{act.api.base}/browse/{key}"
    return Target(found.opt("$.name"), "", url, {"type": names}, {"type": start})


def _signed(act: Act, text: str) -> str:
    """The text, and who says it. A name can hold no markup: it might mention somebody."""
    name = "".join(letter for letter in act.who if letter not in "[]{}|*_~^")
    return f"{text}\n\n— {name}, from Microsoft Teams".strip() if name else text


def _is_cloud(act: Act) -> bool:
    """https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-server-info/"""
    return act.api.get("/rest/api/2/serverInfo").opt("$.deploymentType") == "Cloud"


@actions.on(
    "comment", label="Comment", target=KEY, example="PROJ-7", look=_look,
    fields=(Field("text", "Comment", kind="multiline", help="Jira's markup works."),),
)  # fmt: skip
def comment(act: Act) -> Done:
    act.api.post(_path(act, "/comment"), {"body": _signed(act, act.text("text"))})
    return Done("Comment added", _link(act), text=act.text("text"))


@actions.on(
    "move", label="Move", target=KEY, example="PROJ-7", look=_look_transitions,
    fields=(Field("transition", "To", kind="choice"),),
)  # fmt: skip
def move(act: Act) -> Done:
    act.api.call("POST", _path(act, "/transitions"), json={"transition": {"id": act.text("transition")}})
    found = _issue(act)
    return Done(
        f"Moved to {found.opt('$.fields.status.name') or 'its next state'}",
        _link(act, title=found.opt("$.fields.summary")),
    )


@actions.on(
    "assign", label="Assign", target=KEY, example="PROJ-7", look=_look_people,
    fields=(Field("person", "To", kind="choice", required=False),),
)  # fmt: skip
def assign(act: Act) -> Done:
    person = act.text("person")
    key = "accountId" if _is_cloud(act) else "name"
    act.api.call("PUT", _path(act, "/assignee"), json={key: person or None})
    found = _issue(act)
    name = found.opt("$.fields.assignee.displayName") or "nobody"
    return Done(f"Assigned to {name}", _link(act, title=found.opt("$.fields.summary")))


@actions.on(
    "create", label="Create issue", target=r"(?P<project>[A-Za-z][A-Za-z0-9_]*)", example="PROJ", look=_look_project,
    fields=(
        Field("summary", "Summary"), Field("type", "Type", kind="choice", required=False),
        Field("description", "Description", kind="multiline", required=False),
    ),
)  # fmt: skip
def create(act: Act) -> Done:
    project, kind = act.param("project").upper(), act.text("type")
    if not kind:
        kind = _look_project(act).defaults["type"]
    if not kind:
        raise ActionError("no_type", "The project has no issue type that the account may create.")
    fields: dict[str, object] = {
        "project": {"key": project}, "summary": act.text("summary")[:255], "issuetype": {"id": kind},
        "description": _signed(act, act.text("description")),
    }  # fmt: skip
    answer = act.api.call("POST", "/rest/api/2/issue", json={"fields": fields}, accept=(400,))
    if answer.status == 400 and answer.payload().has("$.errors.description") and not act.text("description"):
        # The project's screen to create has no description; nobody typed one, so it can do without.
        fields.pop("description")
        answer = act.api.call("POST", "/rest/api/2/issue", json={"fields": fields})
    elif answer.status == 400:
        raise refusal(answer, explain(answer))
    made = answer.payload()
    return Done("Issue created", _link(act, made.text("$.key"), act.text("summary")))


@actions.offer
def offer(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Issues and comments can be commented on, moved and assigned."""
    if not event.name.startswith(LOUD) or event.name == "comment.deleted":
        return
    key = issue_of(event.payload).opt("$.key")
    if not key:
        return
    params = (("issue", key),)
    yield ActionRef("comment", "Comment", params)
    done = issue_of(event.payload).opt("$.fields.status.statusCategory.key") == "done"
    yield ActionRef("move", "Reopen" if done else "Move", params)
    if not done:
        yield ActionRef("assign", "Assign", params)
