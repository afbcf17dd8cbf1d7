"""What buttons and commands do with GitLab's pipelines, jobs and deployments.

https://docs.gitlab.com/api/pipelines/, https://docs.gitlab.com/api/jobs/ and https://docs.gitlab.com/api/deployments/
"""

from __future__ import annotations

from apps.sources.sdk import Act, ActionError, Actions, Done, Field, Link, Payload, Target

from .common import sentence
from .reach import DEPLOYMENT, JOB, PIPELINE, home, numbered_path, signed

FINE = ("success", "skipped")
NOTE = (Field("text", "Comment", required=False),)


def register(actions: Actions) -> None:
    """Add them to the source's actions."""
    actions.on(
        "retry", label="Retry pipeline", target=PIPELINE, example="octo/hello#4711", look=look_pipeline,
        help="Runs the failed and canceled jobs again.",
    )(retry)  # fmt: skip
    actions.on("retry_job", label="Retry job", target=JOB, example="octo/hello#98765", look=look_job)(
        retry_job
    )
    actions.on("play", label="Start job", target=JOB, example="octo/hello#98765", look=look_job)(play)
    actions.on(
        "approve_deployment", label="Approve deployment", target=DEPLOYMENT, example="octo/hello#815",
        look=look_deployment, fields=NOTE,
    )(approve)  # fmt: skip
    actions.on(
        "reject_deployment", label="Reject deployment", target=DEPLOYMENT, example="octo/hello#815",
        look=look_deployment, fields=NOTE, destructive=True,
    )(reject)  # fmt: skip


def _pipeline(act: Act, found: Payload) -> Link:
    ref = found.opt("$.ref").removeprefix("refs/")
    name = f"Pipeline #{act.param('pipeline')}"
    return Link(f"{name} of {ref}" if ref else name, found.opt("$.web_url"))


def look_pipeline(act: Act) -> Target:
    """The pipeline and its state."""
    found = act.api.get(numbered_path(act, "pipelines", "pipeline"))
    link = _pipeline(act, found)
    return Target(link.title, sentence(found.opt("$.status")), link.url)


def retry(act: Act) -> Done:
    """Run a pipeline's failed and canceled jobs again."""
    found = act.api.get(numbered_path(act, "pipelines", "pipeline"))
    subject, where = _pipeline(act, found), home(act, found)
    if found.opt("$.status") in FINE:
        return Done("Nothing failed in this pipeline", subject, where)
    act.api.call("POST", numbered_path(act, "pipelines", "pipeline", "/retry"), json={})
    return Done("Failed jobs are run again", subject, where)


def _job(act: Act, found: Payload) -> Link:
    return Link(f"Job {found.opt('$.name') or '#' + act.param('job')}", found.opt("$.web_url"))


def look_job(act: Act) -> Target:
    """The job and its state."""
    found = act.api.get(numbered_path(act, "jobs", "job"))
    link = _job(act, found)
    return Target(link.title, sentence(found.opt("$.status")), link.url)


def retry_job(act: Act) -> Done:
    """Run one job again; GitLab makes a new job of it."""
    answer = act.api.call("POST", numbered_path(act, "jobs", "job", "/retry"), json={}, accept=(403,))
    if answer.status == 403:
        found = act.api.get(numbered_path(act, "jobs", "job"))
        state = sentence(found.opt("$.status")).lower()
        raise ActionError(
            "not_retryable",
            f"GitLab does not run this job again. It is {state}, or the account's role is too low.",
        )
    made = answer.payload()
    return Done("Job is run again", _job(act, made), home(act, made))


def play(act: Act) -> Done:
    """Start a job that waits for a person."""
    found = act.api.get(numbered_path(act, "jobs", "job"))
    state = found.opt("$.status")
    if state not in ("manual", "scheduled"):
        return Done(
            f"The job was started already: {sentence(state).lower()}", _job(act, found), home(act, found)
        )
    made = act.api.post(numbered_path(act, "jobs", "job", "/play"))
    return Done("Job started", _job(act, made), home(act, made))


def _deployment(act: Act, found: Payload) -> Link:
    place = found.opt("$.environment.name")
    name = f"Deployment to {place}" if place else f"Deployment {act.param('deployment')}"
    return Link(name, found.first("$.deployable.web_url", "$.environment.external_url"))


def look_deployment(act: Act) -> Target:
    """The deployment, where it goes and its state."""
    found = act.api.get(numbered_path(act, "deployments", "deployment"))
    link = _deployment(act, found)
    return Target(link.title, sentence(found.opt("$.status")), link.url)


def approve(act: Act) -> Done:
    """Let a blocked deployment go on."""
    return _judge(act, "approved", "Deployment approved")


def reject(act: Act) -> Done:
    """Stop a blocked deployment."""
    return _judge(act, "rejected", "Deployment rejected")


def _judge(act: Act, status: str, words: str) -> Done:
    found = act.api.get(numbered_path(act, "deployments", "deployment"))
    body = {"status": status, "comment": signed(act, act.text("text"))}
    act.api.post(numbered_path(act, "deployments", "deployment", "/approval"), body)
    where = home(act, found.sub("$.deployable"))
    return Done(words, _deployment(act, found), where, text=act.text("text"))
