"""Pipelines, jobs, deployments and feature flags.

https://docs.gitlab.com/user/project/integrations/webhook_events/#pipeline-events
"""

from __future__ import annotations

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

from .common import actor, body, first_line, is_zero, moment, sentence, short_ref, tell, took, under

events = Events()
SHOWN = 6
# GitLab's status -> (the event's name, the verb, the pill, the colour)
STATES = {
    "created": ("created", "created", "Created", Severity.NEUTRAL),
    "waiting_for_resource": ("waiting", "is waiting for a resource", "Waiting", Severity.NEUTRAL),
    "waiting_for_callback": ("waiting", "is waiting for an answer", "Waiting", Severity.NEUTRAL),
    "preparing": ("preparing", "is preparing", "Preparing", Severity.NEUTRAL),
    "pending": ("pending", "is pending", "Pending", Severity.NEUTRAL),
    "running": ("running", "started", "Running", Severity.INFO),
    "success": ("succeeded", "succeeded", "Passed", Severity.GOOD),
    "failed": ("failed", "failed", "Failed", Severity.ATTENTION),
    "canceled": ("canceled", "was canceled", "Canceled", Severity.WARNING),
    "canceling": ("canceling", "is being canceled", "Canceling", Severity.WARNING),
    "skipped": ("skipped", "was skipped", "Skipped", Severity.NEUTRAL),
    "manual": ("manual", "waits for a manual action", "Manual", Severity.WARNING),
    "scheduled": ("scheduled", "is scheduled", "Scheduled", Severity.NEUTRAL),
}
NAMES = dict.fromkeys(name for name, _, _, _ in STATES.values())
UNKNOWN = ("", "changed", "", Severity.NEUTRAL)


def state_name(status: str) -> str:
    """The last part of a pipeline's or job's event name."""
    return STATES[status][0] if status in STATES else status.strip().lower().replace(" ", "_")


def _known(status: str) -> tuple[str, str, str, Severity]:
    known = STATES.get(status)
    return known or (
        status,
        f"is {sentence(status).lower()}" if status else "changed",
        sentence(status),
        Severity.NEUTRAL,
    )


def _jobs(payload: Payload) -> tuple[Items, ...]:
    """The jobs that matter: failed ones, then those that wait for a person."""
    groups: dict[str, list[Item]] = {"failed": [], "manual": []}
    for job in [*payload.each("$.builds", 500), *payload.each("$.jobs", 500)]:
        status, number = job.opt("$.status"), job.opt("$.id")
        if status not in groups:
            continue
        name, stage = job.opt("$.name") or "(unnamed)", job.opt("$.stage")
        trail = sentence(job.opt("$.failure_reason")) if status == "failed" else ""
        if status == "failed" and job.flag("$.allow_failure"):
            trail = f"{trail}, allowed to fail".strip(", ")
        url = job.opt("$.url") or (under(payload, f"jobs/{number}") if number else "")
        groups[status].append(Item(f"{stage}: {name}" if stage else name, url=url, trail=trail))
    titles = {"failed": "Failed jobs", "manual": "Waiting for somebody"}
    return tuple(
        Items(titles[key], tuple(found[:SHOWN]), total=len(found)) for key, found in groups.items() if found
    )


def _tally(payload: Payload) -> str:
    """`5 passed, 1 failed` over all jobs."""
    counts: dict[str, int] = {}
    for job in [*payload.each("$.builds", 1000), *payload.each("$.jobs", 1000)]:
        pill = _known(job.opt("$.status"))[2]
        if pill:
            counts[pill.lower()] = counts.get(pill.lower(), 0) + 1
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _commit(payload: Payload, sha: str) -> Fact:
    message = payload.first("$.commit.title") or first_line(payload.opt("$.commit.message"))
    url = payload.opt("$.commit.url") or (under(payload, f"commit/{sha}") if sha and not is_zero(sha) else "")
    return Fact("Commit", f"{sha[:8]} {message}".strip(), url)


def _request(payload: Payload) -> tuple[Link, ...]:
    item = payload.sub("$.merge_request")
    number = item.opt("$.iid")
    url = item.opt("$.url") or (under(payload, f"merge_requests/{number}") if number else "")
    return (Link(f"Merge request !{number}" if number else "Merge request", url),) if url else ()


@events.fallback("pipeline")
@events.many(
    {f"pipeline.{name}": f"Pipeline {sentence(name).lower()}" for name in NAMES},
    group="Pipelines",
    default=["pipeline.failed", "pipeline.succeeded", "pipeline.canceled", "pipeline.manual"],
)
def pipeline(event: RawEvent, ctx: Context) -> Notification:
    """A pipeline's status changed."""
    payload, run = event.payload, event.payload.sub("$.object_attributes")
    _, verb, pill, severity = _known(run.first("$.status", "$.detailed_status"))
    detailed = run.opt("$.detailed_status")
    warned = detailed in ("passed with warnings", "success-with-warnings", "success_with_warnings")
    number, ref, sha = run.opt("$.id"), run.opt("$.ref"), run.opt("$.sha")
    name = run.opt("$.name")
    request = payload.sub("$.merge_request")
    branch = request.opt("$.source_branch") if ref.startswith("refs/merge-requests/") else ""
    message = payload.opt("$.commit.title") or first_line(payload.opt("$.commit.message"))
    subject = name or request.opt("$.title") or message or (f"#{number}" if number else "")
    stages = run.texts("$.stages", 30)
    source = payload.sub("$.source_pipeline")
    upstream = source.opt("$.project.path_with_namespace")
    return tell(
        event,
        ctx,
        f"Pipeline #{number} {verb}" if number and subject != f"#{number}" else f"Pipeline {verb}",
        what=subject,
        url=run.opt("$.url") or (under(payload, f"pipelines/{number}") if number else ""),
        status="Passed with warnings" if warned else pill,
        severity=Severity.WARNING if warned else severity,
        facts=(
            Fact("Tag" if run.flag("$.tag") else "Branch", branch or short_ref(ref)),
            _commit(payload, sha),
            Fact("Jobs", _tally(payload)),
            Fact("Stages", " → ".join(stages) if not payload.count("$.builds") else ""),
            Fact("Took", took(run.opt_float("$.duration"))),
            Fact("Started by", sentence(run.opt("$.source").removesuffix("_event"))),
            Fact(
                "Upstream",
                f"{upstream} #{source.opt('$.pipeline_id')}" if upstream else "",
                f"{source.opt('$.project.web_url')}/-/pipelines/{source.opt('$.pipeline_id')}",
            ),
        ),
        lists=_jobs(payload),
        links=_request(payload),
        button="Open pipeline",
        when=moment(payload, "$.object_attributes.finished_at", "$.object_attributes.created_at"),
        thread=f"pipeline-{number}",
    )


@events.fallback("job")
@events.many(
    {f"job.{name}": f"Job {sentence(name).lower()}" for name in NAMES},
    group="Pipelines",
    default=False,
)
def job(event: RawEvent, ctx: Context) -> Notification:
    """A job's status changed."""
    payload = event.payload
    _, verb, pill, severity = _known(payload.first("$.build_status", "$.object_attributes.status"))
    name = payload.first("$.build_name", "$.object_attributes.name")
    number, stage = payload.opt("$.build_id"), payload.opt("$.build_stage")
    sha = payload.opt("$.sha") or payload.opt("$.commit.sha")
    message = first_line(payload.opt("$.commit.message"))
    reason = payload.opt("$.build_failure_reason")
    failed = severity is Severity.ATTENTION
    if failed and payload.flag("$.build_allow_failure"):
        severity = Severity.WARNING
    run = payload.opt("$.pipeline_id") or payload.opt("$.commit.id")
    return tell(
        event,
        ctx,
        f"Job {name} {verb}" if name else f"Job {verb}",
        what=message,
        url=under(payload, f"jobs/{number}") if number else "",
        status=pill,
        severity=severity,
        facts=(
            Fact("Reason", sentence(reason) if failed and reason != "unknown_failure" else ""),
            Fact("May fail", "Yes" if failed and payload.flag("$.build_allow_failure") else ""),
            Fact("Stage", stage),
            Fact("Tag" if payload.flag("$.tag") else "Branch", short_ref(payload.opt("$.ref"))),
            Fact("Commit", sha[:8], under(payload, f"commit/{sha}") if sha else ""),
            Fact("Environment", payload.opt("$.environment.name")),
            Fact("Runner", payload.opt("$.runner.description") if failed else ""),
            Fact("Retries", payload.opt("$.retries_count") if payload.opt_int("$.retries_count") else ""),
            Fact("Took", took(payload.opt_float("$.build_duration"))),
        ),
        links=(Link("Pipeline", under(payload, f"pipelines/{run}")),) if run.isdigit() else (),
        button="Open log" if failed else "Open job",
        when=moment(
            payload,
            "$.build_finished_at_iso",
            "$.build_finished_at",
            "$.build_started_at_iso",
            "$.build_started_at",
            "$.build_created_at_iso",
            "$.build_created_at",
        ),
        thread=f"pipeline-{run}",
    )


DEPLOYMENTS = {
    "running": ("started", "Deploying to {place}", "Running", Severity.INFO),
    "success": ("succeeded", "Deployed to {place}", "Deployed", Severity.GOOD),
    "failed": ("failed", "Deployment to {place} failed", "Failed", Severity.ATTENTION),
    "canceled": ("canceled", "Deployment to {place} canceled", "Canceled", Severity.WARNING),
    "created": ("created", "Deployment to {place} created", "Created", Severity.NEUTRAL),
    "blocked": ("blocked", "Deployment to {place} waits for approval", "Blocked", Severity.WARNING),
    "approved": ("approved", "Deployment to {place} approved", "Approved", Severity.GOOD),
    "rejected": ("rejected", "Deployment to {place} rejected", "Rejected", Severity.ATTENTION),
    "skipped": ("skipped", "Deployment to {place} skipped", "Skipped", Severity.NEUTRAL),
}


def deployment_name(status: str) -> str:
    """The last part of a deployment's event name."""
    return DEPLOYMENTS[status][0] if status in DEPLOYMENTS else status


@events.fallback("deployment")
@events.many(
    {f"deployment.{name}": f"Deployment {name}" for name, _, _, _ in DEPLOYMENTS.values()},
    group="Deployments",
    default=[f"deployment.{name}" for name in ("succeeded", "failed", "blocked", "rejected")],
)
def deployment(event: RawEvent, ctx: Context) -> Notification:
    """A deployment started, ended, or waits for somebody."""
    payload, status = event.payload, event.payload.opt("$.status")
    where = payload.opt("$.environment") or payload.opt("$.environment.name") or "an environment"
    _, title, pill, severity = DEPLOYMENTS.get(
        status, (status, "Deployment to {place}", sentence(status), Severity.NEUTRAL)
    )
    url = payload.opt("$.deployable_url")
    tier = payload.opt("$.environment_tier")
    live = payload.opt("$.environment_external_url")
    return tell(
        event,
        ctx,
        title.replace("{place}", where),
        what=payload.opt("$.commit_title"),
        url=url or payload.opt("$.commit_url"),
        status=pill,
        severity=severity,
        text=body(payload, payload.opt("$.approval.comment")),
        facts=(
            Fact("Environment", where, live),
            Fact("Tier", sentence(tier) if tier != where else ""),
            Fact("Branch", short_ref(payload.opt("$.ref"))),
            Fact("Commit", payload.opt("$.short_sha"), payload.opt("$.commit_url")),
            Fact(
                "Deployment", f"#{payload.opt('$.deployment_id')}" if payload.has("$.deployment_id") else ""
            ),
        ),
        links=(Link("Open site", live),) if severity is Severity.GOOD else (),
        button="Open job" if url else "Open commit",
        when=moment(payload, "$.status_changed_at"),
        thread=f"deployment-{payload.opt('$.deployment_id')}",
        who=actor(payload, ctx, "$.approver") or actor(payload, ctx),
    )


@events.fallback("feature_flag")
@events.many(
    {"feature_flag.enabled": "Feature flag turned on", "feature_flag.disabled": "Feature flag turned off"},
    group="Deployments",
)
def feature_flag(event: RawEvent, ctx: Context) -> Notification:
    """A feature flag was turned on or off."""
    payload, flag = event.payload, event.payload.sub("$.object_attributes")
    on = flag.flag("$.active")
    number = flag.opt("$.id")
    return tell(
        event,
        ctx,
        f"Feature flag turned {'on' if on else 'off'}",
        what=flag.opt("$.name"),
        url=under(payload, "feature_flags"),
        status="On" if on else "Off",
        severity=Severity.GOOD if on else Severity.WARNING,
        text=body(payload, flag.opt("$.description")),
        button="Open feature flags",
        thread=f"flag-{number}",
    )
