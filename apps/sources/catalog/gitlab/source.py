"""GitLab as a source: how requests are verified, read and screened.

https://docs.gitlab.com/user/project/integrations/webhooks/
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from apps.sources.sdk import (
    Api,
    ApiAnswer,
    Attribute,
    Context,
    Events,
    Headers,
    Http,
    Option,
    Payload,
    PayloadError,
    RawEvent,
    SharedHeader,
    Source,
    StandardWebhooks,
    Standing,
    UrlOnly,
    parse_json,
)

from . import administration, code, duo, issues, merge_requests, notes, pipelines, security
from .actions import actions
from .api import ACCOUNT_KINDS, API_URL, check_account, explain
from .common import is_bot, labels_of, project_name, short_ref
from .hooks import GitLabHooks
from .merge_requests import is_draft
from .naming import clean, name_of

HOOKS = {
    "job": "Job Hook",
    "work_item": "Issue Hook",
    "member": "Member Hook",
    "subgroup": "Subgroup Hook",
    "access_token": "Resource Access Token Hook",
    "deploy_token": "Resource Deploy Token Hook",
    "duo_flow": "Duo Flow Callback",
}
SYSTEM = ("project", "group", "user", "key", "repository_update", "member_approval")


class GitLab(Source):
    """Project, group and system hooks."""

    slug = "gitlab"
    name = "GitLab"
    category = "Code"
    summary = (
        "Merge requests, issues, pushes, pipelines, deployments, releases, members and all other events."
    )
    docs_url = "https://docs.gitlab.com/user/project/integrations/webhook_events/"
    max_body = 25 * 1024 * 1024
    actions = actions
    account_kinds = ACCOUNT_KINDS
    api_url = API_URL
    hooks = GitLabHooks()
    schemes = (
        SharedHeader(
            key="token",
            label="Secret token",
            secret_help="Paste it into the field “Secret token” of the webhook.",  # noqa: S106 - words, not a secret
            header="X-Gitlab-Token",
        ),
        StandardWebhooks(
            key="signing_token",
            label="Signed with a signing token",
            secret_help="Copy the “Signing token” that GitLab shows, starting with whsec_.",  # noqa: S106 - words
            generates=False,
        ),
        UrlOnly(key="url", label="Nothing but the address"),
    )
    options = (
        Option("branches", "pattern", "Branches", help="Only these branches, one pattern a line: main, release/*."),
        Option("projects", "pattern", "Projects", help="For group and system hooks: only these, team/*, */website."),
        Option("labels", "pattern", "Only with a label", help="Issues and merge requests with one of these labels."),
        Option("exclude_labels", "pattern", "Never with a label", help="Drop what has one of these labels."),
        Option("only_failed", "bool", "Only failed pipelines and jobs", default=False),
        Option("ignore_drafts", "bool", "Ignore draft merge requests", default=False),
        Option("ignore_bots", "bool", "Ignore bots", help="Drop what token users and service accounts do.", default=False),
        Option(
            "confidential",
            "bool",
            "Tell about confidential issues and internal comments",
            help="Off: they never reach the channel. On: everybody in the channel can read them.",
            default=False,
        ),
    )  # fmt: skip
    events = Events()

    def check_account(self, api: Api) -> Standing:
        return check_account(api)

    def explain(self, answer: ApiAnswer) -> str:
        return explain(answer)

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        payload = Payload(parse_json(http.body))
        if not isinstance(payload.raw, dict):
            raise PayloadError(
                "not_an_object", "GitLab sends a JSON object. Let a custom webhook template make one."
            )
        yield RawEvent(name_of(payload, http.headers.get("x-gitlab-event", "")), _delivery(http), payload)

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        return attributes(event, ctx)

    def screen(self, event: RawEvent, ctx: Context) -> str | None:
        facts = attributes(event, ctx)
        if facts["confidential"] and not ctx.flag("confidential"):
            return "It is confidential, and this connector leaves confidential issues and comments out."
        projects, project = ctx.entries("projects"), str(facts["repository"])
        if projects and project and not _any(projects, (project,)):
            return f"The project {project} is not among the chosen projects."
        branches, branch = ctx.entries("branches"), str(facts["branch"])
        if branches and branch and not _any(branches, (branch,)):
            return f"The branch {branch} is not among the chosen branches."
        family, _, state = event.name.partition(".")
        if ctx.flag("only_failed") and family in ("pipeline", "job") and state != "failed":
            return "Only failed pipelines and jobs are told about."
        if ctx.flag("ignore_drafts") and facts["draft"]:
            return "Draft merge requests are ignored."
        if ctx.flag("ignore_bots") and facts["bot"]:
            return "Bots are ignored."
        labels = facts["labels"] if isinstance(facts["labels"], tuple) else ()
        labelled = family in ("issue", "work_item", "merge_request")
        if labelled and ctx.entries("labels") and not _any(ctx.entries("labels"), labels):
            return "It has none of the chosen labels."
        if _any(ctx.entries("exclude_labels"), labels):
            return "It has a label that is left out."
        return None

    def sample_http(self, event: str, body: bytes) -> Http:
        family = event.partition(".")[0]
        hook = HOOKS.get(family) or (
            "System Hook" if family in SYSTEM else f"{family.replace('_', ' ').title()} Hook"
        )
        headers = {
            "content-type": "application/json",
            "user-agent": "GitLab/18.5.0",
            "x-gitlab-event": hook,
            "x-gitlab-instance": "https://gitlab.example.com",
        }
        return Http(headers=Headers(headers), body=body)


for _module in (merge_requests, issues, notes, code, pipelines, security, administration, duo):
    GitLab.events.include(_module.events)


def _delivery(http: Http) -> str:
    """What a repeated delivery repeats.

    Before GitLab 17.4 there is only the event's UUID, which hooks that set off other hooks share: the
    body's digest tells those apart.
    """
    for header in ("idempotency-key", "webhook-id"):
        value = http.headers.get(header, "").strip()
        if value:
            return value
    value = http.headers.get("x-gitlab-event-uuid", "").strip()
    return f"{value}:{hashlib.sha256(http.body).hexdigest()[:16]}" if value else ""


def _any(patterns: Iterable[str], values: Iterable[str]) -> bool:
    kept = tuple(values)
    return any(fnmatchcase(value.lower(), pattern.lower()) for pattern in patterns for value in kept)


def is_confidential(payload: Payload) -> bool:
    """Confidential issues and what is said on them, and internal comments."""
    if payload.opt("$.event_type").startswith("confidential") or payload.opt("$.object_kind").startswith(
        "confidential"
    ):
        return True
    places = ("object_attributes", "issue", "work_item", "epic", "note")
    return any(payload.flag(f"$.{place}.{key}") for place in places for key in ("confidential", "internal"))


def branch_of(payload: Payload) -> str:
    """The branch that an event is about: for merge requests where it goes, "" for tags."""
    target = payload.first("$.object_attributes.target_branch", "$.merge_request.target_branch")
    ref = payload.first("$.object_attributes.ref", "$.ref")
    if target and (not ref or ref.startswith("refs/merge-requests/")):
        return target
    if ref.startswith("refs/tags/") or payload.flag("$.tag") or payload.flag("$.object_attributes.tag"):
        return ""
    return short_ref(ref)


def attributes(event: RawEvent, ctx: Context) -> dict[str, Attribute]:
    """What filters may ask about."""
    payload = event.payload
    item = payload.sub("$.object_attributes")
    username = payload.first("$.user.username", "$.user_username", "$.username")
    author = username or payload.first("$.user.name", "$.user_name", "$.user", "$.author_name")
    change = item if event.name.startswith("merge_request") else payload.sub("$.merge_request")
    family = event.name.partition(".")[0]
    project = project_name(payload)
    return {
        "repository": project,
        "project": project,
        "group": payload.first("$.group.full_path", "$.group.group_path", "$.full_path", "$.group_path")
        or project.rpartition("/")[0],
        "branch": branch_of(payload),
        "author": author,
        "bot": is_bot(username or author),
        "labels": tuple(labels_of(payload)),
        "draft": is_draft(change) if change else False,
        "confidential": is_confidential(payload)
        or "confidential" in ctx.headers.get("x-gitlab-event", "").lower(),
        "private": payload.opt("$.project.visibility_level") == "0",
        "type": clean(item.opt("$.type")) or family,
        "status": payload.first(
            "$.object_attributes.status", "$.build_status", "$.status", "$.object_attributes.state"
        ),
        "severity": item.opt("$.severity"),
        "environment": payload.first("$.environment", "$.environment.name"),
        "action": item.opt("$.action") or payload.opt("$.action"),
    }
