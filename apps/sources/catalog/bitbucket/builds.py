"""Build statuses of commits, and the spans of Bitbucket Pipelines.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Build-status-created
https://www.atlassian.com/blog/bitbucket/bitbucket-pipelines-opentelemetry-traces-via-webhooks
"""

from __future__ import annotations

import re
from dataclasses import replace

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Link,
    Notification,
    Payload,
    RawEvent,
    Severity,
    parse_time,
)

from .common import SITE, actor, container, here, is_api, page, tell, user_name
from .shared import build_state, duration, first_line, in_url, short_ref, words

events = Events()
GROUP = "Builds"
_REPOSITORY = re.compile(r"/repositories/([^/?#]+/[^/?#]+)")
_COMMIT = re.compile(r"/commits?/([0-9a-f]{7,64})")


def commit_of(status: Payload) -> str:
    """The commit's hash; in the oldest payloads it stands only in a link."""
    sha = status.opt("$.commit.hash")
    found = _COMMIT.search(status.first("$.links.commit.href", "$.links.self.href"))
    return sha or (found[1] if found else "")


@events.fallback("commit_status")
@events.many(
    {"commit_status.created": "Build status reported", "commit_status.updated": "Build status changed"},
    group=GROUP,
)
def commit_status(event: RawEvent, ctx: Context) -> Notification:
    """A build tool said how a commit fares."""
    payload, it = event.payload, event.payload.sub("$.commit_status")
    state, sha = it.opt("$.state"), commit_of(it)
    verb, status, severity = build_state(state)
    name = it.first("$.name", "$.key") or "Build"
    branch = short_ref(it.opt("$.refname"))
    commit_page = page(
        it.sub("$.commit"), here(payload, f"commits/{sha}") if sha and container(payload) else ""
    )
    message = first_line(it.first("$.commit.message", "$.commit.summary.raw"))
    author = (
        user_name(it.sub("$.commit.author.user")) or it.opt("$.commit.author.raw").partition("<")[0].strip()
    )
    url = it.opt("$.url")
    tests = ", ".join(
        f"{it.opt(f'$.test_results.{key}')} {key}"
        for key in ("passed", "failed", "skipped")
        if it.opt_int(f"$.test_results.{key}")
    )
    return tell(
        event,
        f"Build {verb}",
        what=f"{name} on {branch}" if branch and branch not in name else name,
        url=url if url and not is_api(url) else commit_page,
        status=status,
        severity=severity,
        text=it.opt("$.description") if it.opt("$.description") != name else "",
        facts=(
            Fact("Branch", branch),
            Fact("Commit", f"{sha[:7]} {message}".strip(), commit_page if sha else ""),
            Fact("Author", author),
            Fact("Tests", tests),
        ),
        links=(Link("Commit", commit_page),) if commit_page else (),
        button="Open build",
        when=("$.commit_status.updated_on", "$.commit_status.created_on"),
        thread=f"build/{it.opt('$.key') or name}/{sha[:12]}",
        who=actor(payload) or actor(payload, "$.commit_status.commit.author.user"),
    )


def values_of(span: Payload) -> dict[str, str]:
    """A span's attributes as texts: OpenTelemetry gives each value under the name of its type."""
    found = {}
    for each in span.each("$.attributes", 300):
        value = each.sub("$.value")
        text = value.first("$.stringValue", "$.intValue", "$.doubleValue")
        if not text and value.flag("$.boolValue"):
            text = "true"
        found[each.opt("$.key")] = text
    return found


def _nanoseconds(span: Payload, key: str) -> float | None:
    value = span.opt_float(f"$.{key}")
    if value is None:
        text = span.opt(f"$.{key}")
        value = float(text) if re.fullmatch(r"\d{10,20}", text) else None
    return value / 1e9 if value else None


def _timing(span: Payload, given: str) -> tuple[str, float | None]:
    """How long it took, and when it ended (else began)."""
    start, end = _nanoseconds(span, "startTimeUnixNano"), _nanoseconds(span, "endTimeUnixNano")
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", given):
        return duration(float(given)), end or start
    return duration(end - start if start and end else None), end or start


def _pick(values: dict[str, str], *keys: str) -> str:
    return next((values[key] for key in keys if values.get(key)), "")


@events.fallback("pipeline")
@events.on("pipeline.step", group=GROUP, label="Pipeline step finished", default=False)
@events.on("pipeline.run", group=GROUP, label="Pipeline finished")
def pipeline(event: RawEvent, ctx: Context) -> Notification:
    """A pipeline, or one step of it, ended. The payload is one span of an OpenTelemetry trace."""
    payload = event.payload
    span = payload.sub("$.span")
    values = values_of(payload.sub("$.resource")) | values_of(span)
    step = event.name == "pipeline.step"
    state = _pick(
        values,
        *(("step.state.result.name", "step.state.name") if step else ()),
        *(("pipeline.state.result.name", "pipeline_run.state.result.name") if not step else ()),
        *(("pipeline.state.name", "pipeline_run.state.name") if not step else ()),
    )
    verb, status, severity = build_state(state) if state else ("finished", "Finished", Severity.INFO)
    number = _pick(values, "pipeline_run.run_number", "pipeline.build_number")
    branch = _pick(values, "pipeline.target.ref_name", "pipeline.target.branch")
    repository = _pick(values, "pipeline.repository.full_name", "repository.full_name")
    base = page(payload.sub("$.repository"), f"{SITE}/{in_url(repository)}" if "/" in repository else "")
    if not base:
        ids = [
            _pick(values, f"pipeline.{key}.uuid", f"{key}.uuid", f"pipeline_run.{key}.uuid")
            for key in ("account", "repository")
        ]
        base = f"{SITE}/{in_url(ids[0])}/{in_url(ids[1])}" if all(ids) else ""
    url = _pick(values, "pipeline_run.url", "pipeline.url")
    if not base and is_api(url):
        found = _REPOSITORY.search(url)
        base = f"{SITE}/{found[1]}" if found else ""
    if is_api(url) or not url.startswith("http"):
        url = f"{base}/pipelines/results/{in_url(number)}" if number else f"{base}/pipelines"
        url = url if base else ""
    took, ended = _timing(
        span, _pick(values, "step.duration_in_seconds" if step else "pipeline.duration_in_seconds")
    )
    name = _pick(values, "step.step_name", "step.name") if step else ""
    where = f"#{number}" if number else _pick(values, "pipeline.name")
    what = " ".join(part for part in (name or where, f"on {branch}" if branch else "") if part)
    sha = _pick(values, "pipeline.target.commit.hash", "commit.hash")
    made = tell(
        event,
        f"Pipeline step {verb}" if step else f"Pipeline {verb}",
        what=what,
        url=url,
        status=status,
        severity=severity,
        facts=(
            Fact("Pipeline", where if step else ""),
            Fact(words(_pick(values, "pipeline.target.ref_type")) or "Branch", branch),
            Fact("Commit", sha[:12], f"{base}/commits/{sha}" if base and sha else ""),
            Fact("Trigger", words(_pick(values, "pipeline.trigger.name"))),
            Fact("Duration", took),
        ),
        button="Open pipeline",
    )
    return replace(
        made,
        thread_key=f"bitbucket:{repository or (made.container.title if made.container else '')}:pipeline/{number}",
        occurred_at=parse_time(ended),
        container=made.container or (Link(repository, base) if repository else None),
    )


events.ignore(
    "pipeline.command",
    "pipeline.container",
    "pipeline.log",
    reason="Single commands and containers of a pipeline would flood a channel; its run and steps are told.",
)
