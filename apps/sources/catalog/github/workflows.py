"""Actions, checks and deployments."""

from __future__ import annotations

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Ignore,
    Item,
    Items,
    Link,
    Notification,
    Outcome,
    Payload,
    RawEvent,
    Severity,
)  # fmt: skip

from .common import (
    action_of,
    actor,
    body,
    first_line,
    login,
    names,
    repository_url,
    severity_of,
    short_ref,
    tell,
    words,
)

events = Events()


def _result(item: Payload) -> str:
    return item.opt("$.conclusion") or item.opt("$.status")


def _colour(item: Payload) -> Severity:
    state = _result(item)
    return (
        Severity.INFO
        if state in ("queued", "in_progress", "waiting", "requested", "pending")
        else severity_of(state)
    )


def _commit(payload: Payload, sha: str) -> str:
    place = repository_url(payload)
    return f"{place}/commit/{sha}" if place and sha else ""


def _pulls(payload: Payload, path: str) -> tuple[Link, ...]:
    place = repository_url(payload)
    numbers = [each.opt("$.number") for each in payload.each(path)][:2]
    return tuple(
        Link(f"Pull request #{number}", f"{place}/pull/{number}") for number in numbers if number and place
    )


def _verb(item: Payload, event: RawEvent) -> str:
    """`failed`, `succeeded`, `requested`."""
    state = item.opt("$.conclusion")
    verbs = {
        "success": "succeeded", "failure": "failed", "timed_out": "timed out", "startup_failure": "could not start",
        "cancelled": "was cancelled", "skipped": "was skipped", "neutral": "finished",
        "action_required": "needs an action", "stale": "went stale",
    }  # fmt: skip
    if state:
        return verbs.get(state, words(state).lower())
    status = item.opt("$.status")
    return {"in_progress": "started", "queued": "is queued", "waiting": "is waiting"}.get(
        status
    ) or action_of(event)


def _plural(verb: str) -> str:
    for one, many in (("is ", "are "), ("was ", "were "), ("needs ", "need ")):
        if verb.startswith(one):
            return many + verb.removeprefix(one)
    return verb


def _took(item: Payload, start: str, end: str) -> str:
    one, other = item.time(start), item.time(end)
    if not one or not other or other < one:
        return ""
    seconds = int((other - one).total_seconds())
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"


@events.fallback("workflow_run")
@events.many(
    {"workflow_run.completed": "Workflow run finished", "workflow_run.requested": "Workflow run requested",
     "workflow_run.in_progress": "Workflow run started"},
    group="Actions", default=["workflow_run.completed"],
)  # fmt: skip
def workflow_run(event: RawEvent, ctx: Context) -> Notification:
    """A workflow run moved on."""
    payload, run = event.payload, event.payload.sub("$.workflow_run")
    name = run.first("$.name") or payload.opt("$.workflow.name") or "Workflow"
    number, sha = run.opt("$.run_number"), run.opt("$.head_sha")
    attempt = run.opt_int("$.run_attempt") or 1
    place = repository_url(payload)
    url = run.opt("$.html_url") or (
        f"{place}/actions/runs/{run.opt('$.id')}" if place and run.opt("$.id") else place
    )
    failed = severity_of(_result(run)) is Severity.ATTENTION
    return tell(
        event,
        f"{name} {_verb(run, event)}",
        what=run.opt("$.display_title") or first_line(run.opt("$.head_commit.message")),
        url=url,
        status=words(_result(run)),
        severity=_colour(run),
        facts=(
            Fact("Run", f"#{number}" + (f", attempt {attempt}" if attempt > 1 else "") if number else ""),
            Fact("Branch", run.opt("$.head_branch")),
            Fact(
                "Commit",
                f"{sha[:7]} {first_line(run.opt('$.head_commit.message'))}".strip(),
                _commit(payload, sha),
            ),
            Fact("Started by", words(run.opt("$.event"))),
            Fact("Took", _took(run, "$.run_started_at", "$.updated_at") if run.opt("$.conclusion") else ""),
        ),
        links=_pulls(payload, "$.workflow_run.pull_requests"),
        button="Open failed run" if failed else "Open run",
        when="$.workflow_run.updated_at",
        thread=f"run-{run.opt('$.id')}",
        who=actor(payload) or actor(payload, "$.workflow_run.actor"),
    )


@events.fallback("workflow_job")
@events.many(
    {"workflow_job.completed": "Job finished", "workflow_job.in_progress": "Job started",
     "workflow_job.queued": "Job queued", "workflow_job.waiting": "Job waits for approval"},
    group="Actions", default=False,
)  # fmt: skip
def workflow_job(event: RawEvent, ctx: Context) -> Notification:
    """A job of a workflow run moved on; a failed one names its failed steps."""
    payload, job = event.payload, event.payload.sub("$.workflow_job")
    place, run = repository_url(payload), job.opt("$.run_id")
    bad = tuple(
        Item(step.opt("$.name"), trail=words(step.opt("$.conclusion")))
        for step in job.each("$.steps")
        if severity_of(step.opt("$.conclusion")) is Severity.ATTENTION
    )
    failed = severity_of(_result(job)) is Severity.ATTENTION
    return tell(
        event,
        f"Job {job.opt('$.name') or '(unnamed)'} {_verb(job, event)}",
        what=job.opt("$.workflow_name"),
        url=job.opt("$.html_url") or (f"{place}/actions/runs/{run}" if place and run else place),
        status=words(_result(job)),
        severity=_colour(job),
        facts=(
            Fact("Branch", job.opt("$.head_branch")),
            Fact("Commit", job.opt("$.head_sha")[:7], _commit(payload, job.opt("$.head_sha"))),
            Fact("Runner", job.opt("$.runner_name")),
            Fact("Took", _took(job, "$.started_at", "$.completed_at")),
        ),
        lists=(Items("Failed steps", bad),) if bad else (),
        button="Open log" if failed else "Open job",
        when="$.workflow_job.completed_at",
        thread=f"run-{run}",
    )


@events.fallback("check_run")
@events.many(
    {"check_run.completed": "Check finished", "check_run.created": "Check created",
     "check_run.rerequested": "Check asked for again", "check_run.requested_action": "Check's button pressed"},
    group="Checks", default=False,
)  # fmt: skip
def check_run(event: RawEvent, ctx: Context) -> Notification:
    """A check moved on."""
    payload, check = event.payload, event.payload.sub("$.check_run")
    sha = check.opt("$.head_sha")
    return tell(
        event,
        f"Check {check.opt('$.name') or '(unnamed)'} {_verb(check, event)}",
        what=check.opt("$.output.title"),
        url=check.opt("$.html_url") or check.opt("$.details_url") or repository_url(payload),
        status=words(_result(check)),
        severity=_colour(check),
        text=body(payload, "$.check_run.output.summary", 800),
        facts=(
            Fact("App", check.opt("$.app.name")),
            Fact("Branch", check.opt("$.check_suite.head_branch")),
            Fact("Commit", sha[:7], _commit(payload, sha)),
        ),
        links=_pulls(payload, "$.check_run.pull_requests"),
        button="Open check",
        when="$.check_run.completed_at",
        thread=sha,
    )


@events.fallback("check_suite")
@events.many(
    {"check_suite.completed": "Checks finished", "check_suite.requested": "Checks requested",
     "check_suite.rerequested": "Checks asked for again"},
    group="Checks", default=False,
)  # fmt: skip
def check_suite(event: RawEvent, ctx: Context) -> Notification:
    """All checks of an app on a commit."""
    payload, suite = event.payload, event.payload.sub("$.check_suite")
    sha, place = suite.opt("$.head_sha"), repository_url(payload)
    return tell(
        event,
        f"Checks {_plural(_verb(suite, event))}",
        what=first_line(suite.opt("$.head_commit.message")) or suite.opt("$.head_branch") or sha[:7],
        url=f"{place}/commit/{sha}/checks" if place and sha else place,
        status=words(_result(suite)),
        severity=_colour(suite),
        facts=(
            Fact("App", suite.opt("$.app.name")),
            Fact("Branch", suite.opt("$.head_branch")),
            Fact("Commit", sha[:7], _commit(payload, sha)),
        ),
        links=_pulls(payload, "$.check_suite.pull_requests"),
        button="Open checks",
        when="$.check_suite.updated_at",
        thread=sha,
    )


@events.fallback("deployment")
@events.on("deployment", group="Deployments", label="Deployment created (older GitHub)", default=False)
@events.on("deployment.created", group="Deployments", label="Deployment created", default=False)
def deployment(event: RawEvent, ctx: Context) -> Notification:
    """A deployment was asked for."""
    return _deployment(event, "created", Severity.INFO, "$.deployment.created_at")


STATES = {
    "success": ("succeeded", Severity.GOOD), "failure": ("failed", Severity.ATTENTION),
    "error": ("failed", Severity.ATTENTION), "pending": ("is pending", Severity.INFO),
    "queued": ("is queued", Severity.INFO), "in_progress": ("started", Severity.INFO),
    "waiting": ("waits for approval", Severity.WARNING), "inactive": ("is no longer active", Severity.NEUTRAL),
}  # fmt: skip


@events.fallback("deployment_status")
@events.on(
    "deployment_status", group="Deployments", label="Deployment state changed (older GitHub)", default=True
)
@events.on("deployment_status.created", group="Deployments", label="Deployment state changed")
def deployment_status(event: RawEvent, ctx: Context) -> Outcome:
    """A deployment moved on."""
    state = event.payload.opt("$.deployment_status.state")
    verb, severity = STATES.get(state, (words(state).lower() or "changed", Severity.NEUTRAL))
    if state == "inactive" and ctx.flag("ignore_inactive_deployments"):
        return Ignore("Deployments that were replaced are not told about.")
    return _deployment(event, verb, severity, "$.deployment_status.updated_at")


def _deployment(event: RawEvent, verb: str, severity: Severity, when: str) -> Notification:
    payload, made, state = (
        event.payload,
        event.payload.sub("$.deployment"),
        event.payload.sub("$.deployment_status"),
    )
    place = repository_url(payload)
    where = (
        state.opt("$.environment")
        or made.first("$.environment", "$.original_environment")
        or "an environment"
    )
    log = state.first("$.log_url", "$.target_url") or payload.opt("$.workflow_run.html_url")
    site = state.opt("$.environment_url")
    sha = made.opt("$.sha")
    page = payload.opt("$.workflow_run.html_url") or (f"{place}/deployments" if place else "")
    return tell(
        event,
        f"Deployment to {where} {verb}",
        url=log or page,
        status=words(state.opt("$.state")) or "Created",
        severity=severity,
        text=state.opt("$.description") or made.opt("$.description"),
        facts=(
            Fact("Environment", where, site),
            Fact("Branch", short_ref(made.opt("$.ref"))),
            Fact("Commit", sha[:7], _commit(payload, sha)),
            Fact("Task", made.opt("$.task") if made.opt("$.task") != "deploy" else ""),
            Fact("By", login(payload, "$.deployment.creator")),
        ),
        links=(Link("Open site", site),) if site else (),
        button="Open log" if log else "Open deployments",
        when=when,
        thread=f"deployment-{made.opt('$.id')}",
    )


@events.fallback("deployment_review")
@events.many(
    {"deployment_review.requested": "Approval of a deployment requested",
     "deployment_review.approved": "Deployment approved", "deployment_review.rejected": "Deployment rejected"},
    group="Deployments",
)  # fmt: skip
def deployment_review(event: RawEvent, ctx: Context) -> Notification:
    """A deployment waits for, or got, a decision."""
    payload, run = event.payload, event.payload.sub("$.workflow_run")
    action = payload.opt("$.action")
    where = payload.first(
        "$.environment", "$.workflow_job_run.environment", "$.workflow_job_runs[0].environment"
    )
    status = {"requested": "Waiting"}.get(action, words(action))
    severity = {"approved": Severity.GOOD, "rejected": Severity.ATTENTION}.get(action, Severity.WARNING)
    reviewers = ", ".join(
        name
        for name in (
            each.first("$.reviewer.login", "$.reviewer.name") for each in payload.each("$.reviewers")
        )
        if name
    )
    return tell(
        event,
        f"Deployment {'approval requested' if action == 'requested' else action_of(event)}",
        what=where or run.opt("$.name"),
        url=run.opt("$.html_url") or payload.opt("$.workflow_job_run.html_url") or repository_url(payload),
        status=status,
        severity=severity,
        text=payload.opt("$.comment"),
        facts=(
            Fact("Workflow", run.opt("$.name")),
            Fact("Branch", run.opt("$.head_branch")),
            Fact("Reviewers", reviewers),
            Fact("Requested by", login(payload, "$.requestor")),
        ),
        button="Review deployment" if action == "requested" else "Open run",
        when="$.since",
    )


@events.fallback("deployment_protection_rule")
@events.on(
    "deployment_protection_rule.requested", group="Deployments", label="Protection rule asked", default=False
)
def protection_rule(event: RawEvent, ctx: Context) -> Notification:
    """A custom protection rule has to decide."""
    payload = event.payload
    place = repository_url(payload)
    return tell(
        event,
        "Deployment waits for a protection rule",
        what=payload.opt("$.environment"),
        url=f"{place}/deployments" if place else "",
        status="Waiting",
        severity=Severity.WARNING,
        facts=(
            Fact("Branch", short_ref(payload.opt("$.deployment.ref"))),
            Fact("Event", words(payload.opt("$.event"))),
            Fact("Pull requests", names(payload, "$.pull_requests", "title")),
        ),
        button="Open deployments",
    )


@events.on("workflow_dispatch", group="Actions", label="Workflow started by hand", default=False)
def workflow_dispatch(event: RawEvent, ctx: Context) -> Notification:
    """Somebody started a workflow by hand."""
    payload, place = event.payload, repository_url(event.payload)
    file = payload.opt("$.workflow").rsplit("/", 1)[-1]
    inputs = payload.sub("$.inputs")
    return tell(
        event,
        f"Workflow {file or ''} started by hand".replace("  ", " "),
        url=f"{place}/actions/workflows/{file}" if place and file else place,
        severity=Severity.INFO,
        facts=(
            Fact("Branch", short_ref(payload.opt("$.ref"))),
            *(Fact(key, inputs.opt(f"$.{key}")) for key in inputs.keys()[:8]),
        ),
        button="Open workflow",
    )


@events.on("repository_dispatch", group="Actions", label="Repository dispatch", default=False)
def repository_dispatch(event: RawEvent, ctx: Context) -> Notification:
    """A program sent an event of its own to the repository."""
    payload, place = event.payload, repository_url(event.payload)
    return tell(
        event,
        "Repository dispatch",
        what=payload.opt("$.action"),
        url=f"{place}/actions" if place else "",
        severity=Severity.INFO,
        facts=(Fact("Branch", short_ref(payload.opt("$.branch"))),),
        button="Open actions",
    )
