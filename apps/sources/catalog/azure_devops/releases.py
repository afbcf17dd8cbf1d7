"""Classic releases: created, abandoned, deployments and their approvals.

https://learn.microsoft.com/azure/devops/service-hooks/events#build-and-release
"""

from __future__ import annotations

import re

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Item,
    Items,
    Notification,
    Payload,
    RawEvent,
    Severity,
    from_gfm,
)

from .common import SHOWN, capital, duration, outcome_in, person, said, state_words, tell, who, words
from .pipelines import APPROVALS, REASONS
from .places import in_url, is_api, page_link, project_page

events = Events()
GROUP = "Releases"


def release_of(payload: Payload) -> Payload:
    """The release, wherever it has a name; deployment events may carry an empty one beside the true one."""
    resource = payload.sub("$.resource")
    for path in ("$.release", "$.environment.release", "$.deployment.release", "$.approval.release"):
        found = resource.sub(path)
        if found.opt("$.name"):
            return found
    return resource.sub("$.release")


def environment_of(payload: Payload) -> Payload:
    """The stage, which was called environment."""
    resource = payload.sub("$.resource")
    for path in (
        "$.environment",
        "$.approval.releaseEnvironment",
        "$.deployment.releaseEnvironment",
        "$.deployment.environment",
    ):
        found = resource.sub(path)
        if found.opt("$.name"):
            return found
    return resource.sub("$.environment")


def _definition(payload: Payload) -> Payload:
    resource = payload.sub("$.resource")
    for path in (
        "$.release.releaseDefinition", "$.environment.releaseDefinition", "$.approval.releaseDefinition",
        "$.deployment.releaseDefinition", "$.deployment.release.releaseDefinition",
    ):  # fmt: skip
        if resource.opt(f"{path}.name"):
            return resource.sub(path)
    return resource.sub("$.release.releaseDefinition")


def release_url(payload: Payload) -> str:
    """The release's page."""
    release = release_of(payload)
    url = page_link(release) or page_link(environment_of(payload).sub("$.release"))
    if url and not is_api(url):
        return url
    ident, base = release.opt("$.id") or environment_of(payload).opt("$.releaseId"), project_page(payload)
    return (
        f"{base}/_release?releaseId={in_url(ident)}&_a=release-summary"
        if ident not in ("", "0") and base
        else ""
    )


def _names(payload: Payload) -> tuple[str, str]:
    """The release's and the stage's name; from Microsoft's sentence when they were not sent."""
    release, stage = release_of(payload).opt("$.name"), environment_of(payload).opt("$.name")
    return release, stage


def _artifacts(release: Payload) -> tuple[Items, ...]:
    items = []
    found = list(release.each("$.artifacts", 50))
    for each in found[:SHOWN]:
        version = each.first(
            "$.definitionReference.version.name", "$.definitionReference.version.id", "$.instance.name"
        )
        alias = each.first(
            "$.alias", "$.definitionReference.definition.name", "$.definitionReference.Definition.name"
        )
        branch = each.opt("$.definitionReference.branch.name").removeprefix("refs/heads/")
        if alias or version:
            items.append(Item(" ".join(p for p in (alias, version) if p), trail=branch))
    return (Items("Artifacts", tuple(items), total=len(found)),) if items else ()


def _link(payload: Payload) -> Fact:
    thing, base = _definition(payload), project_page(payload)
    ident = thing.opt("$.id")
    url = f"{base}/_release?definitionId={in_url(ident)}" if base and ident not in ("", "0") else ""
    return Fact("Release pipeline", thing.opt("$.name"), url)


def _stages(release: Payload) -> tuple[Items, ...]:
    found = list(release.each("$.environments", 50))
    items = tuple(
        Item(each.opt("$.name"), trail=words(each.opt("$.status")).lower())
        for each in found[:SHOWN]
        if each.opt("$.name")
    )
    return (Items("Stages", items, total=len(found)),) if len(items) > 1 else ()


def _reason(text: str) -> str:
    if text.lower() in ("", "none", "undefined"):
        return ""
    return REASONS.get(text.lower(), capital(words(text)))


@events.on("release.created", group=GROUP, label="Release created")
@events.on("release.abandoned", group=GROUP, label="Release abandoned")
def release(event: RawEvent, ctx: Context) -> Notification:
    """A release was made or given up."""
    payload, gone = event.payload, event.name.endswith("abandoned")
    thing = release_of(payload)
    by = who(thing, *(("modifiedBy", "createdBy") if gone else ("createdBy", "modifiedBy")))
    return tell(
        event,
        "Release abandoned" if gone else "Release created",
        what=thing.opt("$.name"),
        url=release_url(payload),
        by=by,
        status="Abandoned" if gone else "",
        severity=Severity.WARNING if gone else Severity.INFO,
        text=from_gfm(thing.opt("$.description"), max_chars=800),
        facts=(
            _link(payload),
            Fact("Reason", _reason(thing.opt("$.reason"))),
            Fact("Comment", thing.opt("$.comment") or payload.opt("$.resource.comment")),
        ) if thing else (),
        lists=(*_artifacts(thing), *_stages(thing)),
        button="Open release",
        when=("$.resource.release.modifiedOn",) if gone else ("$.resource.release.createdOn",),
        thread=_thread(payload),
    )  # fmt: skip


def _thread(payload: Payload) -> str:
    ident = release_of(payload).opt("$.id") or release_of(payload).opt("$.name")
    return f"release{ident}" if ident not in ("", "0") else ""


def _to(release_: str, stage: str) -> str:
    return f"{release_} → {stage}" if release_ and stage else release_ or stage


@events.fallback("release")
@events.on("release.deployment_started", group=GROUP, label="Deployment started", default=False)
@events.on("release.deployment_completed", group=GROUP, label="Deployment completed")
def deployment(event: RawEvent, ctx: Context) -> Notification:
    """A release is being put on a stage, or that ended."""
    payload = event.payload
    stage, resource = environment_of(payload), payload.sub("$.resource")
    name, to = _names(payload)
    started = event.name.endswith("started")
    state = resource.first("$.deployment.deploymentStatus", "$.deployment.status")
    if state.lower() not in ("failed", "partiallysucceeded", "succeeded"):
        # The stage says "rejected" of a deployment that failed, so the deployment's own word comes first.
        state = stage.opt("$.status") or state
    if started:
        verb, status, severity = "started", "In progress", Severity.INFO
    else:
        verb, status, severity = state_words(outcome_in(payload, state) or "completed")
    title = f"Deployment {verb}"
    if event.name not in ("release.deployment_started", "release.deployment_completed"):
        title = capital(words(event.name.partition(".")[2]).lower())
    attempt = resource.opt("$.deployment.attempt")
    minutes = stage.opt_float("$.timeToDeploy")
    spoken = re.search(r"Time to deploy: ([\d.]{1,12}) minutes", payload.opt("$.detailedMessage.text"))
    if minutes is None and spoken and spoken[1].count(".") < 2:
        minutes = float(spoken[1].strip(".") or 0)
    by = who(resource.sub("$.deployment"), "requestedFor", "requestedBy") or who(
        release_of(payload), "createdBy", "modifiedBy"
    )
    return tell(
        event,
        title,
        what=_to(name, to),
        url=release_url(payload),
        by=by or who(stage, "releaseCreatedBy", "owner"),
        status=status,
        severity=severity,
        facts=(
            _link(payload),
            Fact("Duration", duration(minutes * 60) if minutes else ""),
            Fact("Attempt", attempt if attempt not in ("0", "1") else ""),
            Fact("Reason", _reason(resource.opt("$.deployment.reason") or stage.opt("$.triggerReason"))),
            Fact("Comment", resource.opt("$.comment")),
        ) if resource else (),
        lists=(*_problems(stage), *_artifacts(release_of(payload))),
        button="Open release",
        when=("$.resource.deployment.completedOn", "$.createdDate"),
        thread=_thread(payload),
    )  # fmt: skip


def _problems(stage: Payload) -> tuple[Items, ...]:
    """The failed tasks of the last attempt."""
    items = []
    for step in stage.each("$.deploySteps", 20):
        for phase in step.each("$.releaseDeployPhases", 20):
            for job in phase.each("$.deploymentJobs", 20):
                for task in job.each("$.tasks", 100):
                    if task.opt("$.status").lower() in ("failed", "failure"):
                        issue = next((each.opt("$.message") for each in task.each("$.issues", 5)), "")
                        items.append(Item(task.opt("$.name") or "Task", trail=issue[:200]))
    return (Items("Failed tasks", tuple(items[:SHOWN]), total=len(items)),) if items else ()


@events.on("release.approval_pending", group=GROUP, label="Deployment waits for approval")
@events.on("release.approval_completed", group=GROUP, label="Deployment approved or rejected")
@events.on("release.intervention_pending", group=GROUP, label="Manual intervention pending")
def approval(event: RawEvent, ctx: Context) -> Notification:
    """A deployment waits for people, or they have decided."""
    payload = event.payload
    resource, thing = payload.sub("$.resource"), payload.sub("$.resource.approval")
    thing = thing or resource.sub("$.manualIntervention")
    pending = event.name.endswith("pending")
    given = thing.opt("$.status").lower()
    line = said(payload).lower()
    if not given or given in ("undefined", "reassigned"):
        given = (
            "pending"
            if pending
            else "rejected"
            if "reject" in line
            else "approved"
            if "succeeded" in line
            else ""
        )
    title, status, severity = APPROVALS.get(
        given, ("Approval completed", capital(words(given)), Severity.INFO)
    )
    if event.name.endswith("intervention_pending"):
        title = "Manual intervention pending"
    kind = {"predeploy": "Before deployment", "postdeploy": "After deployment"}.get(
        thing.opt("$.approvalType").lower(), ""
    )
    name, to = _names(payload)
    by = "" if pending else person(thing.raw.get("approvedBy")) or person(thing.raw.get("approver"))
    comment = thing.first("$.comments", "$.comment")
    return tell(
        event,
        title,
        what=_to(name, to),
        url=release_url(payload),
        by=by,
        status=status,
        severity=severity,
        text=thing.opt("$.instructions"),
        facts=(
            Fact("Waiting for", person(thing.raw.get("approver")) if pending else ""),
            Fact("Comment", comment),
            _link(payload),
            Fact("When", kind),
        ) if resource else (),
        lists=_artifacts(release_of(payload)),
        button="Open release",
        when=("$.resource.approval.modifiedOn", "$.resource.approval.createdOn"),
        thread=_thread(payload),
    )  # fmt: skip
