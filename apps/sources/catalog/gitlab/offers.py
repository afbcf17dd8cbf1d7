"""Which buttons the cards of GitLab's events get: what makes sense in the state that the payload tells."""

from __future__ import annotations

from collections.abc import Iterator

from apps.sources.sdk import ActionRef, Actions, Context, Payload, RawEvent

from .common import project_name
from .merge_requests import is_draft

JOBS = 3  # buttons for jobs that wait, on one pipeline's card
Params = tuple[tuple[str, str], ...]


def register(actions: Actions) -> None:
    """Add the rules to the source's actions."""
    actions.offer(threads)
    actions.offer(runs)
    actions.offer(deployments)


def threads(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Issues, merge requests and comments on them."""
    payload, name = event.payload, event.name
    project, found = project_name(payload), _thread(event)
    number, state = found.opt_int("$.iid"), found.opt("$.state").replace("reopened", "opened")
    if "/" not in project or not number:
        return
    request = "merge_request" in name
    short = (("project", project), ("number", str(number)))
    params = (("project", project), ("kind", "!" if request else "#"), ("number", str(number)))
    yield ActionRef("comment", "Comment", params)
    if state == "closed":
        yield ActionRef("reopen", "Reopen", params)
    if state != "opened":
        return
    if request:
        yield ActionRef("approve", "Approve", short)
        if not is_draft(found) and found.opt("$.detailed_merge_status") != "conflict":
            yield ActionRef("merge", "Merge", short)
    else:
        yield ActionRef("assign", "Assign", params)
    yield ActionRef("close", "Close", params)


def _thread(event: RawEvent) -> Payload:
    """The issue or merge request that the event is about; epics are no part of a project."""
    family, _, rest = event.name.partition(".")
    place = family if family != "note" else rest
    if place not in ("merge_request", "issue", "work_item"):
        return Payload({})
    found = event.payload.sub("$.object_attributes" if family != "note" else f"$.{place}")
    return Payload({}) if found.opt("$.type") == "Epic" else found


def runs(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Pipelines and jobs that failed, and jobs that wait for somebody."""
    payload, name = event.payload, event.name
    project = project_name(payload)
    if "/" not in project:
        return
    number = payload.opt_int("$.object_attributes.id")
    if name in ("pipeline.failed", "pipeline.canceled") and number:
        yield ActionRef("retry", "Retry pipeline", (("project", project), ("pipeline", str(number))))
    if name in ("pipeline.manual", "pipeline.succeeded"):
        yield from _waiting(payload, project)
    job = payload.first("$.build_id", "$.object_attributes.id") if name.startswith("job.") else ""
    if job.isdecimal():
        params = (("project", project), ("job", job))
        if name == "job.manual":
            yield ActionRef("play", "Start job", params)
        if name in ("job.failed", "job.canceled"):
            yield ActionRef("retry_job", "Retry job", params)


def _waiting(payload: Payload, project: str) -> Iterator[ActionRef]:
    """Start buttons for the jobs that a pipeline left to people."""
    shown = 0
    for job in [*payload.each("$.builds", 500), *payload.each("$.jobs", 500)]:
        number = job.opt_int("$.id")
        if job.opt("$.status") == "manual" and number and shown < JOBS:
            shown += 1
            name = " ".join(job.opt("$.name").split())[:40] or "job"
            yield ActionRef("play", f"Start {name}", (("project", project), ("job", str(number))))


def deployments(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Deployments that wait for somebody's word."""
    number, project = event.payload.opt_int("$.deployment_id"), project_name(event.payload)
    if event.name != "deployment.blocked" or not number or "/" not in project:
        return
    params: Params = (("project", project), ("deployment", str(number)))
    yield ActionRef("approve_deployment", "Approve deployment", params)
    yield ActionRef("reject_deployment", "Reject deployment", params)
