"""Builds, pipeline runs with their stages and jobs, and approvals of stages.

https://learn.microsoft.com/azure/devops/service-hooks/events#build-and-release
https://learn.microsoft.com/azure/devops/service-hooks/events#pipelines
"""

from __future__ import annotations

import re

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
)

from .common import (
    SHOWN,
    between,
    capital,
    said,
    sentence,
    short_ref,
    state_said,
    state_words,
    tell,
    who,
    words,
)
from .places import in_url, is_zero, message_link, page_link, project_page, repository_url

events = Events()
REASONS = {
    "manual": "Started by hand",
    "individualci": "Continuous integration",
    "batchedci": "Batched continuous integration",
    "continuousintegration": "Continuous integration",
    "schedule": "Scheduled",
    "pullrequest": "Pull request",
    "validateshelveset": "Shelveset",
    "checkinshelveset": "Gated check-in",
    "buildcompletion": "Another build completed",
    "resourcetrigger": "Resource trigger",
}


def result_of(thing: Payload) -> str:
    """The outcome of a build, run, stage or job. Version 1.0 has it in `status`, later ones in `result`."""
    result = thing.opt("$.result").lower()
    if result and result not in ("none", "unknown", "undefined"):
        return result
    state = thing.first("$.status", "$.state").lower()
    return "" if state in ("none", "unknown", "undefined") else state


def outcome_of(payload: Payload, thing: Payload) -> str:
    """The outcome; from Microsoft's sentence when no resource was sent."""
    return result_of(thing) or state_said(payload)


def run_url(payload: Payload, ident: str, *things: Payload) -> str:
    """The page of a run."""
    for thing in things:
        url = page_link(thing)
        if url:
            return url
    base = project_page(payload)
    if ident and ident != "0" and base:
        return f"{base}/_build/results?buildId={in_url(ident)}"
    return message_link(payload)


def branch_of(build: Payload) -> str:
    """The branch that was built. XAML builds write `LG:refs/heads/main:<sha>`."""
    ref = build.opt("$.sourceBranch")
    if not ref:
        found = re.match(r"^L?G:(refs/.+?):[0-9a-f]{7,40}$", build.opt("$.sourceGetVersion"))
        ref = found[1] if found else ""
    return short_ref(ref)


def _commit(payload: Payload, build: Payload) -> Fact:
    sha = build.opt("$.sourceVersion") or build.opt("$.sourceGetVersion").rpartition(":")[2]
    if not re.fullmatch(r"[0-9a-fA-F]{7,40}", sha):
        return Fact("Version", sha if len(sha) < 40 else "")
    base = ""
    if build.opt("$.repository.type").lower() in ("tfsgit", "git", ""):
        base = repository_url(payload, build.sub("$.repository")) if build.sub("$.repository") else ""
    if is_zero(build.opt("$.repository.id")):
        base = ""
    return Fact("Commit", sha[:8], f"{base}/commit/{sha}" if "/_git/" in base else "")


def requester(build: Payload) -> str:
    """Whose build it is: a push starts builds in the name of a service account."""
    for key in ("requestedFor", "requestedBy"):
        name = who(build, key)
        if name and not name.lower().startswith("microsoft.visualstudio"):
            return name
    for each in build.each("$.requests", 5):
        name = who(each, "requestedFor", "requestedBy")
        if name:
            return name
    return who(build, "lastChangedBy")


@events.fallback("build")
@events.on("build.complete", group="Builds", label="Build completed")
def build(event: RawEvent, ctx: Context) -> Notification:
    """A build ended."""
    payload = event.payload
    thing = payload.sub("$.resource")
    verb, status, severity = state_words(outcome_of(payload, thing) or "completed")
    definition, number = thing.opt("$.definition.name"), thing.opt("$.buildNumber")
    ident = thing.opt("$.id") or thing.opt("$.uri").rpartition("/")[2]
    what = (
        definition if definition and definition in number else " ".join(p for p in (definition, number) if p)
    )
    if definition and definition in number:
        what = number
    elif not what and ident and not said(payload):
        what = ident
    ref = branch_of(thing)
    reason = thing.opt("$.reason")
    message = thing.raw.get("triggerInfo", {}) if isinstance(thing.raw, dict) else {}
    change = message.get("ci.message") or message.get("pr.title") if isinstance(message, dict) else ""
    base = project_page(payload)
    definition_id = thing.opt("$.definition.id")
    definition_url = f"{base}/_build?definitionId={in_url(definition_id)}" if base and definition_id else ""
    xaml = thing.opt("$.definition.definitionType").lower() == "xaml" or "vstfs:///Build" in message_link(
        payload
    )
    url = page_link(thing) or (message_link(payload) if xaml else "") or run_url(payload, ident)
    return tell(
        event,
        f"Build {verb}",
        what=what,
        url=url,
        by=requester(thing),
        status=status,
        severity=severity,
        facts=(
            Fact("Pipeline", definition if definition != what else "", definition_url),
            Fact("Branch", ref),
            Fact("Change", change.split("\n")[0][:200] if isinstance(change, str) else ""),
            _commit(payload, thing),
            Fact("Reason", REASONS.get(reason.lower(), capital(words(reason))) if reason else ""),
            Fact("Duration", between(thing, ("startTime", "finishTime"))),
            Fact("Agent pool", thing.opt("$.queue.pool.name") or thing.opt("$.queue.name")),
        ) if thing else (),
        lists=_problems(thing),
        button="Open build",
        when=("$.resource.finishTime",),
        thread=f"build{ident}" if ident else "",
    )  # fmt: skip


def _problems(thing: Payload) -> tuple[Items, ...]:
    found = [each.opt("$.message").strip() for each in thing.each("$.validationResults", 50)]
    items = tuple(Item(text[:300]) for text in found if text)
    return (Items("Problems", items[:SHOWN], total=len(items)),) if items else ()


# --- runs, stages, jobs ---------------------------------------------------------------------------------


def run_phase(payload: Payload) -> str:
    """Which of our names a run's change of state gets: started, canceling or completed; "" for others."""
    run = payload.sub("$.resource.run")  # the sentence says it when only ids were sent
    state = (run.opt("$.state") or state_said(payload)).lower().replace(" ", "")
    if state in ("canceling", "cancelling"):
        return "canceling"
    if state in ("inprogress", "running", "started", "queued"):
        return "started"
    return "completed" if state else ""


def _repositories(resource: Payload) -> tuple[Items, ...]:
    items = []
    found = list(resource.each("$.repositories", 50))
    for each in found[:SHOWN]:
        url = re.sub(r"^(https?://)[^/@\s]*@", r"\1", each.opt("$.url"))
        url = re.sub(r"^https://api\.github\.com/repos/", "https://github.com/", url)
        message = each.opt("$.change.message").strip().split("\n")[0]
        name = url.rstrip("/").rpartition("/")[2]
        if message or name:
            author = who(each.sub("$.change"), "author")
            items.append(
                Item(
                    message or name,
                    url=url,
                    trail=" · ".join(p for p in (author, name if message else "") if p),
                )
            )
    return (Items("Changes", tuple(items), total=len(found)),) if items else ()


def run_branch(run: Payload) -> str:
    """The branch that a run was started on."""
    return short_ref(run.opt("$.resources.repositories.self.refName") or run.opt("$.sourceBranch"))


def _named(thing: Payload) -> str:
    name = thing.first("$.displayName", "$.name")
    return "" if name in ("__default", "0") else name


def _run_name(resource: Payload) -> str:
    pipeline = resource.opt("$.pipeline.name") or resource.opt("$.run.pipeline.name")
    run = resource.first("$.run.name", "$.run.id")
    return " ".join(part for part in (pipeline, run if run != pipeline else "") if part and part != "0")


def _pipeline_link(payload: Payload) -> Fact:
    resource, base = payload.sub("$.resource"), project_page(payload)
    name = resource.opt("$.pipeline.name") or resource.opt("$.run.pipeline.name")
    ident = resource.opt("$.pipeline.id") or resource.opt("$.run.pipeline.id")
    folder = resource.first("$.pipeline.folder", "$.run.pipeline.folder").strip("\\")
    shown = f"{folder}\\{name}" if folder and name else name
    return Fact(
        "Pipeline",
        shown,
        f"{base}/_build?definitionId={in_url(ident)}" if base and ident not in ("", "0") else "",
    )


@events.fallback("pipeline")
@events.many(
    {
        "pipeline.run": "Run: another change of state",
        "pipeline.run.started": "Run started",
        "pipeline.run.canceling": "Run is being canceled",
        "pipeline.run.completed": "Run completed",
    },
    group="Pipelines",
    default=["pipeline.run.completed"],
)
@events.on("pipeline.stage", group="Pipelines", label="Stage changed its state", default=False)
@events.on("pipeline.job", group="Pipelines", label="Job changed its state", default=False)
def state_changed(event: RawEvent, ctx: Context) -> Notification:
    """A run, a stage or a job started, waits, is being canceled, or ended."""
    payload = event.payload
    resource = payload.sub("$.resource")
    level = event.name.split(".")[1] if "." in event.name else "run"
    thing = resource.sub(f"$.{level}") or resource.sub("$.run")
    run = resource.sub("$.run")
    verb, status, severity = state_words(outcome_of(payload, thing))
    link = _pipeline_link(payload)
    names = [_named(thing) if level != "run" else ""]
    if level == "job":
        names.append(_named(resource.sub("$.stage")))
    what = " · ".join(name for name in (*names, _run_name(resource)) if name)
    found = re.search(r"[?&]buildId=(\d{1,12})", f"{page_link(thing)} {page_link(run)}")
    ident = run.opt("$.id") or (found[1] if found else "")
    duration = between(thing, ("startTime", "finishTime"), ("createdDate", "finishedDate"))
    whole = resource.opt("$.run.result") if level != "run" else ""
    return tell(
        event,
        f"{capital(words(level))} {verb}",
        what=what,
        url=run_url(payload, ident, thing, run),
        by=who(run, "requestedFor", "requestedBy", "createdBy"),
        status=status,
        severity=severity,
        facts=(
            link,
            Fact("Branch", run_branch(run)),
            Fact("Run", capital(words(whole)) if whole.lower() != result_of(thing) else ""),
            Fact("Duration", duration),
        ) if resource else (),
        lists=_repositories(resource),
        button="Open run",
        when=("$.resource.job.finishTime", "$.resource.stage.finishTime", "$.createdDate"),
        thread=f"run{ident}" if ident not in ("", "0") else "",
    )  # fmt: skip


APPROVALS = {
    "approved": ("Approval given", "Approved", Severity.GOOD),
    "rejected": ("Approval rejected", "Rejected", Severity.ATTENTION),
    "timedout": ("Approval timed out", "Timed out", Severity.WARNING),
    "skipped": ("Approval skipped", "Skipped", Severity.NEUTRAL),
    "canceled": ("Approval canceled", "Canceled", Severity.WARNING),
    "failed": ("Approval failed", "Failed", Severity.ATTENTION),
    "pending": ("Approval pending", "Waiting", Severity.WARNING),
}


@events.on("pipeline.approval_pending", group="Pipelines", label="Stage waits for approval")
@events.on("pipeline.approval_completed", group="Pipelines", label="Stage approved or rejected")
@events.on("pipeline.check_updated", group="Pipelines", label="Check updated", default=False)
@events.on("pipeline.intervention_pending", group="Pipelines", label="Manual intervention pending")
@events.on("pipeline.intervention_completed", group="Pipelines", label="Manual intervention completed")
def approval(event: RawEvent, ctx: Context) -> Notification:
    """A stage waits for people, or they have decided."""
    payload, kind = event.payload, event.name.rpartition(".")[2]
    resource = payload.sub("$.resource")
    thing = resource.sub("$.approval") or resource.sub("$.checkSuite") or resource.sub("$.manualIntervention")
    given = thing.first("$.status", "$.state").lower()
    if not given or given in ("undefined", "uninitiated"):
        given = "pending" if kind.endswith("pending") else ""
    title, status, severity = APPROVALS.get(given, (
        {"check_updated": "Check updated"}.get(kind, "Approval completed"), capital(words(given)), Severity.INFO,
    ))  # fmt: skip
    if kind.startswith("intervention"):
        title = title.replace("Approval given", "Manual intervention approved").replace(
            "Approval", "Manual intervention"
        )
    elif kind == "check_updated":
        title = "Check updated"
    stage = resource.opt("$.stageName") or _named(resource.sub("$.stage"))
    place = resource.opt("$.resource.name")
    stage = "" if stage == "__default" else stage
    goal = f"{stage} to {place}" if stage and place else stage or (f"to {place}" if place else "")
    names = (thing.opt("$.name"), goal, _run_name(resource))
    what = " · ".join(name for name in names if name)
    steps = list(thing.each("$.steps", 50))
    waiting = [
        name
        for each in steps
        if (name := who(each, "assignedApprover")) and each.opt("$.status") == "pending"
    ]
    judged = [
        Item(f"{who(each, 'actualApprover', 'assignedApprover')} {words(each.opt('$.status')).lower()}".strip(),
             trail=each.opt("$.comment"))
        for each in steps if each.opt("$.status") not in ("pending", "") and who(each, "actualApprover", "assignedApprover")
    ]  # fmt: skip
    run = resource.sub("$.run")
    least = thing.opt_int("$.minRequiredApprovers") or 0
    return tell(
        event,
        title,
        what=what,
        url=run_url(payload, run.opt("$.id"), run, resource.sub("$.stage"), resource),
        by=next((who(each, "actualApprover") for each in steps if who(each, "actualApprover")), ""),
        status=status,
        severity=severity,
        text=thing.opt("$.instructions") if given == "pending" else "",
        facts=(
            _pipeline_link(payload) if resource.has("$.pipeline") or run else Fact("Pipeline", ""),
            Fact("Environment", place),
            Fact("Waiting for", ", ".join(waiting[:8])),
            Fact("Approvals needed", str(least) if least > 1 and given == "pending" else ""),
            Fact("Comment", next((each.opt("$.comment") for each in steps if not who(each, "assignedApprover")), "")),
        ),
        lists=(Items("Decisions", tuple(judged[:SHOWN]), total=len(judged)),) if judged else (),
        links=_environment(payload),
        button="Open run",
        when=("$.resource.approval.lastModifiedOn", "$.resource.approval.createdOn"),
        thread=f"run{run.opt('$.id')}" if run.opt("$.id") not in ("", "0") else "",
    )  # fmt: skip


def _environment(payload: Payload) -> tuple[Link, ...]:
    found = re.search(r"https?://[^\s<>\"')]+/_environments/\d+[^\s<>\"')]*", sentence(payload, "message"))
    html = payload.opt("$.message.html")[:8000]
    found = found or re.search(r"https?://[^\s<>\"')]+/_environments/\d+[^\s<>\"')]*", html)
    return (Link("Environment", found[0].replace("&amp;", "&")),) if found else ()
