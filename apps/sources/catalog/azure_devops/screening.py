"""What subscriptions may filter on, and what the connector's options drop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from apps.sources.sdk import Attribute, Context, RawEvent

from .code import branches_of, repository_of
from .common import looks_like_bot, short_ref, state_said, who
from .pipelines import branch_of, requester, result_of, run_branch
from .places import project_of
from .pull_requests import actor_of, change_of
from .releases import environment_of
from .work_items import attributes_of

FAILURES = (
    "failed", "partiallysucceeded", "succeededwithissues", "canceled", "cancelled", "stopped", "rejected", "timedout",
    "abandoned",
)  # fmt: skip
RUNNING = (
    "inprogress",
    "running",
    "started",
    "queued",
    "notstarted",
    "waiting",
    "pending",
    "canceling",
    "cancelling",
)


def attributes(event: RawEvent) -> dict[str, Attribute]:
    """What filters may ask about."""
    payload, resource = event.payload, event.payload.sub("$.resource")
    family = event.name.partition(".")[0]
    repository, change = repository_of(payload), change_of(payload)
    found: dict[str, Attribute] = {
        "project": project_of(payload),
        "repository": repository.opt("$.name"),
        "action": event.name.rpartition(".")[2],
        "event_type": payload.opt("$.eventType"),
        "bot": False,
    }
    author = who(resource, "pushedBy", "checkedInBy", "createdBy", "revisedBy", "initiatedBy")
    branch = ""
    if family == "workitem":
        found.update(attributes_of(payload))
        author = author or who(resource.sub("$.fields"), "System.ChangedBy")
    elif event.name.startswith("git.pullrequest"):
        branch = short_ref(change.opt("$.targetRefName"))
        found["source_branch"] = short_ref(change.opt("$.sourceRefName"))
        found["draft"] = change.flag("$.isDraft")
        found["state"] = change.opt("$.status").lower()
        found["labels"] = tuple(
            each.opt("$.name") for each in change.each("$.labels", 50) if each.opt("$.name")
        )
        author = actor_of(payload, found["action"] if isinstance(found["action"], str) else "") or who(
            change, "createdBy"
        )
    elif event.name == "git.push":
        branches = branches_of(payload)
        found["branches"], branch = branches, branches[0] if branches else ""
    elif family == "build":
        branch, author = branch_of(resource), requester(resource)
        found["pipeline"], found["result"] = (
            resource.opt("$.definition.name"),
            result_of(resource) or state_said(payload),
        )
    elif family == "pipeline":
        level = event.name.split(".")[1]
        thing = resource.sub(f"$.{level}") or resource.sub("$.approval") or resource.sub("$.run")
        found["pipeline"] = resource.opt("$.pipeline.name") or resource.opt("$.run.pipeline.name")
        found["stage"] = resource.opt("$.stageName") or resource.opt("$.stage.name")
        branch = run_branch(resource.sub("$.run"))
        if level in ("run", "stage", "job"):
            found["result"] = result_of(thing) or state_said(payload)
    elif family == "release":
        stage = environment_of(payload)
        found["stage"], found["pipeline"] = (
            stage.opt("$.name"),
            resource.opt("$.release.releaseDefinition.name"),
        )
        if event.name == "release.deployment_completed":
            found["result"] = stage.opt("$.status").lower() or state_said(payload)
    elif family == "security_alert":
        found["severity"], found["type"] = (
            resource.opt("$.severity").lower(),
            resource.opt("$.alertType").lower(),
        )
        branch = short_ref(resource.opt("$.gitRef"))
        found["repository"] = resource.opt("$.repositoryUrl").rstrip("/").rpartition("/")[2]
    return {**found, "branch": branch, "author": author, "bot": looks_like_bot(author)}


def _any(patterns: Iterable[str], values: Iterable[str]) -> bool:
    kept = [value.lower() for value in values if value]
    return any(fnmatchcase(value, pattern.lower()) for pattern in patterns for value in kept)


def _texts(value: Attribute | None) -> list[str]:
    if isinstance(value, tuple):
        return [text for text in value if text]
    return [value] if isinstance(value, str) and value else []


def screened(facts: Mapping[str, Attribute], ctx: Context) -> str | None:
    """Why the options drop an event with these attributes, or None. What an event does not tell drops nothing."""
    for option, keys, what in (
        ("projects", ("project",), "project"),
        ("repositories", ("repository",), "repository"),
        ("branches", ("branch", "branches"), "branch"),
    ):
        patterns = ctx.entries(option)
        values = [text for key in keys for text in _texts(facts.get(key))]
        if patterns and values and not _any(patterns, values):
            return f"The {what} {values[0]} is not among the chosen ones."
    if "area_path" in facts:  # a work item
        types, areas = ctx.entries("work_item_types"), ctx.entries("area_paths")
        kind, area = str(facts.get("type") or ""), str(facts["area_path"])
        if types and kind and not _any(types, [kind]):
            return f"Work items of the type {kind} are not among the chosen ones."
        below = [*areas, *(f"{path.rstrip(chr(92))}\\*" for path in areas)]
        if areas and area and not _any([path.replace("[", "[[]") for path in below], [area]):
            return f"The area {area} is not among the chosen ones."
    if ctx.flag("ignore_drafts") and facts.get("draft"):
        return "Draft pull requests are ignored."
    if ctx.flag("ignore_bots") and facts.get("bot"):
        return "Bots are ignored."
    result = str(facts.get("result") or "")
    wanted = ctx.text("results", "all")
    if result and wanted == "failed" and result not in FAILURES:
        return "Only what did not succeed is told about."
    if result in RUNNING and wanted == "finished":
        return "What still runs is left out."
    return None
