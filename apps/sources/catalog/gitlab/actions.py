"""What buttons and commands do in GitLab.

https://docs.gitlab.com/api/issues/, https://docs.gitlab.com/api/merge_requests/ and https://docs.gitlab.com/api/pipelines/
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
    segment,
)

actions = Actions()
PROJECT = r"(?P<project>[\w.-]+(?:/[\w.-]+)+)"
# octo/hello#12 is an issue, octo/hello!12 a merge request, as GitLab writes them; or their pages.
THREAD = rf"(?:https?://[^/\s]+/)?{PROJECT}(?:/-/)?(?P<kind>#|!|issues/|merge_requests/|work_items/)(?P<number>\d+)"
REQUEST = rf"(?:https?://[^/\s]+/)?{PROJECT}(?:!|/-/merge_requests/)(?P<number>\d+)"
PIPELINE = rf"(?:https?://[^/\s]+/)?{PROJECT}(?:#|/-/pipelines/)(?P<pipeline>\d+)"
JOB = rf"(?:https?://[^/\s]+/)?{PROJECT}(?:#|/-/jobs/)(?P<job>\d+)"


def _project(act: Act) -> str:
    return f"/projects/{segment(act.param('project').removesuffix('/-'))}"


def _thread(act: Act, rest: str = "") -> str:
    kind = "merge_requests" if act.params.get("kind", "!").startswith(("!", "merge")) else "issues"
    return f"{_project(act)}/{kind}/{int(act.param('number'))}{rest}"


def _mark(act: Act) -> str:
    return "!" if act.params.get("kind", "!").startswith(("!", "merge")) else "#"


def _link(found: Payload, act: Act) -> Link:
    return Link(
        f"{_mark(act)}{act.params.get('number', '')} {found.opt('$.title')}".strip(), found.opt("$.web_url")
    )


def _home(act: Act) -> Link:
    return Link(act.params.get("project", ""))


def _look(act: Act) -> Target:
    found = act.api.get(_thread(act))
    state = "Draft" if found.flag("$.draft") else found.opt("$.state").capitalize()
    return Target(f"{_mark(act)}{act.param('number')} {found.opt('$.title')}", state, found.opt("$.web_url"))


def _look_labels(act: Act) -> Target:
    seen = _look(act)
    found = act.api.get(f"{_project(act)}/labels", per_page=100)
    return Target(seen.title, seen.state, seen.url, {"label": _names(found, "$.name", "$.name")})


def _look_people(act: Act) -> Target:
    seen = _look(act)
    found = act.api.get(f"{_project(act)}/members/all", per_page=100)
    people = tuple(
        (str(each.opt_int("$.id") or ""), each.first("$.name", "$.username")) for each in found.each("$", 100)
    )
    return Target(seen.title, seen.state, seen.url, {"person": people})


def _names(found: Payload, key: str, label: str) -> tuple[tuple[str, str], ...]:
    return tuple((each.opt(key), each.opt(label)) for each in found.each("$", 100) if each.opt(key))


def _look_merge(act: Act) -> Target:
    found = act.api.get(_thread(act))
    state = found.first("$.detailed_merge_status", "$.merge_status").replace("_", " ").capitalize()
    title = f"!{act.param('number')} {found.opt('$.title')}"
    if found.opt("$.state") == "merged":
        state = "Merged"
    return Target(title, state, found.opt("$.web_url"), defaults={"sha": found.opt("$.sha")})


def _look_pipeline(act: Act) -> Target:
    found = act.api.get(f"{_project(act)}/pipelines/{int(act.param('pipeline'))}")
    return Target(
        f"Pipeline {act.param('pipeline')} of {found.opt('$.ref')}",
        found.opt("$.status"),
        found.opt("$.web_url"),
    )


def _look_job(act: Act) -> Target:
    found = act.api.get(f"{_project(act)}/jobs/{int(act.param('job'))}")
    return Target(f"Job {found.opt('$.name')}", found.opt("$.status"), found.opt("$.web_url"))


def _signed(act: Act, text: str) -> str:
    # “@” would mention, “/” at the start of a line would be a quick action.
    name = "".join(letter for letter in act.who if letter not in "@`[]<>*_#!~%")
    safe = "\n".join(f"\\{line}" if line.lstrip().startswith("/") else line for line in text.split("\n"))
    return f"{safe}\n\n— {name}, from Microsoft Teams" if name else safe


@actions.on(
    "comment", label="Comment", target=THREAD, example="octo/hello!12", look=_look,
    fields=(Field("text", "Comment", kind="multiline", help="Markdown works."),),
)  # fmt: skip
def comment(act: Act) -> Done:
    act.api.post(_thread(act, "/notes"), {"body": _signed(act, act.text("text"))})
    return Done("Comment added", _link(act.api.get(_thread(act)), act), _home(act), text=act.text("text"))


@actions.on("close", label="Close", target=THREAD, example="octo/hello#12", look=_look)
def close(act: Act) -> Done:
    return _turn(act, "close", "closed", "Closed")


@actions.on("reopen", label="Reopen", target=THREAD, example="octo/hello#12", look=_look)
def reopen(act: Act) -> Done:
    return _turn(act, "reopen", "opened", "Reopened")


def _turn(act: Act, event: str, state: str, words: str) -> Done:
    before = act.api.get(_thread(act))
    if before.opt("$.state") in (state, "reopened" if state == "opened" else state):
        return Done(f"{words} already", _link(before, act), _home(act))
    found = act.api.call("PUT", _thread(act), json={"state_event": event}).payload()
    return Done(words, _link(found, act), _home(act))


@actions.on(
    "label", label="Label", target=THREAD, example="octo/hello#12", look=_look_labels,
    fields=(Field("label", "Label", kind="choice"),),
)  # fmt: skip
def label(act: Act) -> Done:
    found = act.api.call("PUT", _thread(act), json={"add_labels": act.text("label")}).payload()
    return Done(f"Labelled “{act.text('label')}”", _link(found, act), _home(act))


@actions.on(
    "assign", label="Assign", target=THREAD, example="octo/hello#12", look=_look_people,
    fields=(Field("person", "To", kind="choice"),),
)  # fmt: skip
def assign(act: Act) -> Done:
    found = act.api.call("PUT", _thread(act), json={"assignee_ids": [int(act.text("person"))]}).payload()
    name = found.first("$.assignees[0].name", "$.assignee.name", default="somebody")
    return Done(f"Assigned to {name}", _link(found, act), _home(act))


@actions.on(
    "merge", label="Merge", target=REQUEST, example="octo/hello!12", look=_look_merge, destructive=True,
    confirm="Merging cannot simply be undone.",
    fields=(
        Field("sha", "Only at this commit", required=False, help="If somebody pushed meanwhile, nothing is merged."),
        Field("squash", "Squash the commits", kind="bool", required=False),
    ),
)  # fmt: skip
def merge(act: Act) -> Done:
    before = act.api.get(_thread(act))
    if before.opt("$.state") == "merged":
        return Done("Merged already", _link(before, act), _home(act))
    body: dict[str, object] = {"sha": act.text("sha") or before.opt("$.sha")}
    if act.text("squash"):
        body["squash"] = True
    answer = act.api.call("PUT", _thread(act, "/merge"), json=body, accept=(405, 406, 409, 422))
    if answer.status == 409:
        raise ActionError("head_moved", "Somebody pushed meanwhile, so nothing was merged. Look at it again.")
    if answer.status >= 400:
        state = before.first("$.detailed_merge_status", "$.merge_status").replace("_", " ")
        raise ActionError("not_mergeable", f"GitLab does not merge it now ({state or 'it says no reason'}).")
    return Done("Merged", _link(answer.payload(), act), _home(act))


@actions.on("approve", label="Approve", target=REQUEST, example="octo/hello!12", look=_look)
def approve(act: Act) -> Done:
    act.api.call("POST", _thread(act, "/approve"), json={})
    return Done("Approved", _link(act.api.get(_thread(act)), act), _home(act))


@actions.on("retry", label="Retry pipeline", target=PIPELINE, example="octo/hello#4711", look=_look_pipeline)
def retry(act: Act) -> Done:
    found = act.api.post(f"{_project(act)}/pipelines/{int(act.param('pipeline'))}/retry")
    return Done(
        "Failed jobs are run again",
        Link(f"Pipeline {act.param('pipeline')}", found.opt("$.web_url")),
        _home(act),
    )


@actions.on("play", label="Start job", target=JOB, example="octo/hello#98765", look=_look_job)
def play(act: Act) -> Done:
    found = act.api.post(f"{_project(act)}/jobs/{int(act.param('job'))}/play")
    return Done("Job started", Link(found.opt("$.name") or "Job", found.opt("$.web_url")), _home(act))


@actions.on(
    "create", label="Create issue", target=PROJECT, example="octo/hello",
    fields=(Field("title", "Title"), Field("text", "Description", kind="multiline", required=False)),
)  # fmt: skip
def create(act: Act) -> Done:
    body = {"title": act.text("title"), "description": _signed(act, act.text("text"))}
    made = act.api.post(f"{_project(act)}/issues", body)
    return Done(
        "Issue created",
        Link(f"#{made.opt_int('$.iid')} {made.opt('$.title')}", made.opt("$.web_url")),
        _home(act),
    )


@actions.offer
def threads(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Issues, merge requests and comments on them."""
    payload, name = event.payload, event.name
    project = payload.opt("$.project.path_with_namespace")
    if "/" not in project:
        return
    if name.startswith("merge_request.") or name == "note.merge_request":
        found, mark = (
            payload.sub("$.merge_request" if name.startswith("note") else "$.object_attributes"),
            "!",
        )
    elif name.startswith(("issue.", "work_item.")) or name in ("note.issue", "note.work_item"):
        found, mark = payload.sub("$.issue" if name.startswith("note") else "$.object_attributes"), "#"
    else:
        return
    number, state = found.opt_int("$.iid"), found.opt("$.state")
    if not number:
        return
    params = (("project", project), ("kind", mark), ("number", str(number)))
    short = (("project", project), ("number", str(number)))
    yield ActionRef("comment", "Comment", params)
    if state == "closed":
        yield ActionRef("reopen", "Reopen", params)
    if state not in ("opened", "reopened"):
        return
    if mark == "!":
        yield ActionRef("approve", "Approve", short)
        if not (found.flag("$.draft") or found.flag("$.work_in_progress")):
            yield ActionRef("merge", "Merge", short)
    else:
        yield ActionRef("assign", "Assign", params)
    yield ActionRef("close", "Close", params)


@actions.offer
def builds(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Pipelines that failed, and jobs that wait for somebody."""
    payload = event.payload
    project = payload.opt("$.project.path_with_namespace")
    if "/" not in project:
        return
    if event.name in ("pipeline.failed", "pipeline.canceled"):
        number = payload.opt_int("$.object_attributes.id")
        if number:
            yield ActionRef("retry", "Retry pipeline", (("project", project), ("pipeline", str(number))))
    if event.name == "job.manual":
        number = payload.opt_int("$.build_id")
        if number:
            yield ActionRef("play", "Start job", (("project", project), ("job", str(number))))
