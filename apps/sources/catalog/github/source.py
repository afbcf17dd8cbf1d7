"""GitHub as a source: how requests are verified, read and screened.

https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from urllib.parse import parse_qs

from apps.sources.sdk import (
    Api,
    ApiAnswer,
    Attribute,
    Context,
    Events,
    Headers,
    HmacBody,
    Http,
    Option,
    Payload,
    PayloadError,
    RawEvent,
    Source,
    Standing,
    parse_json,
)

from . import (
    code,
    discussions,
    organizations,
    packages,
    planning,
    pull_requests,
    repositories,
    requests,
    security,
    workflows,
)
from .actions import actions
from .api import ACCOUNT_KINDS, API_URL, check_account, explain, meaning
from .common import short_ref
from .hooks import GitHubHooks

# Keys that only one family has; for requests that came without their event header.
SIGNS = (
    ("zen", "ping"), ("pusher", "push"), ("commits", "push"), ("review", "pull_request_review"),
    ("thread", "pull_request_review_thread"), ("check_run", "check_run"), ("check_suite", "check_suite"),
    ("workflow_job", "workflow_job"), ("workflow_run", "workflow_run"), ("deployment_status", "deployment_status"),
    ("deployment", "deployment"), ("release", "release"), ("merge_group", "merge_group"), ("forkee", "fork"),
    ("pages", "gollum"), ("security_advisory", "security_advisory"), ("sponsorship", "sponsorship"),
    ("projects_v2_item", "projects_v2_item"), ("projects_v2", "projects_v2"), ("project_card", "project_card"),
    ("project_column", "project_column"), ("marketplace_purchase", "marketplace_purchase"),
    ("registry_package", "registry_package"), ("package", "package"), ("blocked_user", "org_block"),
    ("ref_type", "create"), ("starred_at", "star"),
)  # fmt: skip


class GitHub(Source):
    """Repository, organisation, enterprise, App, Sponsors and Marketplace hooks."""

    slug = "github"
    name = "GitHub"
    category = "Code"
    summary = "Pull requests, issues, pushes, workflows, releases, security alerts and all other events."
    docs_url = "https://docs.github.com/webhooks"
    max_body = 25 * 1024 * 1024
    actions = actions
    account_kinds = ACCOUNT_KINDS
    api_url = API_URL
    hooks = GitHubHooks()
    schemes = (
        HmacBody(
            key="hmac_sha256",
            label="Signed with a secret (SHA-256)",
            secret_help="Paste it into the field “Secret” of the webhook.",  # noqa: S106 - words, not a secret
            header="X-Hub-Signature-256",
        ),
    )
    options = (
        Option(
            "branches",
            "pattern",
            "Branches",
            help="Only these branches, one pattern a line: main, release/*.",
        ),
        Option(
            "ignore_bots",
            "bool",
            "Ignore bots",
            help="Drop what Dependabot and other bots do.",
            default=False,
        ),
        Option("ignore_drafts", "bool", "Ignore draft pull requests", default=False),
        Option(
            "labels",
            "pattern",
            "Only with a label",
            help="Issues and pull requests with one of these labels.",
        ),
        Option("exclude_labels", "pattern", "Never with a label", help="Drop what has one of these labels."),
        Option("paths", "pattern", "Paths", help="Pushes that touch one of these files: src/*, *.md."),
        Option(
            "private_repositories",
            "choice",
            "Private repositories",
            default="include",
            choices=(("include", "Tell about them"), ("exclude", "Leave them out"), ("only", "Only them")),
        ),
    )
    events = Events()

    def check_account(self, api: Api) -> Standing:
        return check_account(api)

    def explain(self, answer: ApiAnswer) -> str:
        return explain(answer)

    def meaning(self, answer: ApiAnswer) -> int:
        return meaning(answer)

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        payload = Payload(_json(http))
        if not isinstance(payload.raw, dict):
            raise PayloadError(
                "not_an_object", "GitHub sends a JSON object. Check the webhook's content type."
            )
        family = http.headers.get("x-github-event", "").strip().lower() or _guess(payload)
        action = payload.opt("$.action").strip()
        if family == "repository_dispatch":
            action = ""  # here the action is any word of the caller's
        name = f"{family}.{action}" if action else family
        yield RawEvent(name, http.headers.get("x-github-delivery", "").strip(), payload)

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        return attributes(event)

    def screen(self, event: RawEvent, ctx: Context) -> str | None:
        facts = attributes(event)
        branches, branch = ctx.entries("branches"), str(facts["branch"])
        if branches and branch and not _any(branches, (branch,)):
            return f"The branch {branch} is not among the chosen branches."
        if ctx.flag("ignore_bots") and facts["bot"]:
            return "Bots are ignored."
        if ctx.flag("ignore_drafts") and facts["draft"]:
            return "Draft pull requests are ignored."
        labels = facts["labels"] if isinstance(facts["labels"], tuple) else ()
        labelled = event.payload.has("$.issue") or event.payload.has("$.pull_request")
        if labelled and ctx.entries("labels") and not _any(ctx.entries("labels"), labels):
            return "It has none of the chosen labels."
        if _any(ctx.entries("exclude_labels"), labels):
            return "It has a label that is left out."
        paths = facts["paths"] if isinstance(facts["paths"], tuple) else ()
        if ctx.entries("paths") and paths and not _any(ctx.entries("paths"), paths):
            return "It touches none of the chosen paths."
        private = ctx.text("private_repositories", "include")
        if event.payload.has("$.repository.private") and private != "include":
            if facts["private"] and private == "exclude":
                return "Private repositories are left out."
            if not facts["private"] and private == "only":
                return "Only private repositories are told about."
        return None

    def sample_http(self, event: str, body: bytes) -> Http:
        headers = {
            "content-type": "application/json",
            "x-github-event": event.partition(".")[0],
            "user-agent": "GitHub-Hookshot/0000000",
        }
        return Http(headers=Headers(headers), body=body)


for _module in (
    pull_requests,
    discussions,
    code,
    workflows,
    repositories,
    security,
    requests,
    planning,
    packages,
    organizations,
):
    GitHub.events.include(_module.events)


def _json(http: Http) -> object:
    """The payload of either content type that GitHub offers."""
    text = http.body.lstrip()
    if http.content_type == "application/x-www-form-urlencoded" or text.startswith(b"payload="):
        try:
            values = parse_qs(http.body.decode("utf-8"), strict_parsing=False, max_num_fields=100)
        except (ValueError, UnicodeDecodeError) as error:
            raise PayloadError(
                "not_a_form", "The form could not be read. Choose application/json."
            ) from error
        if "payload" not in values:
            raise PayloadError(
                "no_payload", "The form has no field “payload”. Choose application/json.", path="payload"
            )
        return parse_json(values["payload"][0])
    return parse_json(http.body)


def _guess(payload: Payload) -> str:
    """The family of a request without an X-GitHub-Event header, from what only it holds."""
    if payload.has("$.comment"):
        if payload.has("$.issue"):
            return "issue_comment"
        if payload.has("$.discussion"):
            return "discussion_comment"
        return "pull_request_review_comment" if payload.has("$.pull_request") else "commit_comment"
    for key, family in SIGNS:
        if payload.has(f"$.{key}"):
            if family == "push" and not payload.has("$.ref"):
                continue
            return family
    for key in ("pull_request", "issue", "discussion"):
        if payload.has(f"$.{key}"):
            return "issues" if key == "issue" else key
    for key in ("milestone", "label"):
        if payload.has(f"$.{key}"):
            return key
    if payload.has("$.state") and payload.has("$.sha"):
        return "status"
    if payload.has("$.repository") and payload.has("$.action"):
        return "repository"
    raise PayloadError("no_event", "The request has no X-GitHub-Event header. Let GitHub send it directly.")


def _any(patterns: Iterable[str], values: Iterable[str]) -> bool:
    kept = tuple(values)
    return any(fnmatchcase(value.lower(), pattern.lower()) for pattern in patterns for value in kept)


def attributes(event: RawEvent) -> dict[str, Attribute]:
    """What filters may ask about."""
    payload = event.payload
    change = payload.sub("$.pull_request")
    branch = change.first("$.base.ref") or payload.first(
        "$.workflow_run.head_branch", "$.workflow_job.head_branch", "$.check_run.check_suite.head_branch",
        "$.check_suite.head_branch", "$.deployment.ref", "$.branches[0].name", "$.release.target_commitish", "$.ref",
    )  # fmt: skip
    labels = [
        name
        for path in ("$.pull_request.labels", "$.issue.labels", "$.discussion.labels")
        for name in (each.opt("$.name") for each in payload.each(path))
    ]
    paths = [
        path
        for commit in payload.each("$.commits", 500)
        for key in ("added", "modified", "removed")
        for path in commit.texts(f"$.{key}", 500)
    ]
    author = payload.opt("$.sender.login")
    return {
        "repository": payload.first("$.repository.full_name", "$.repository.name"),
        "organization": payload.first("$.organization.login", "$.repository.owner.login"),
        "branch": short_ref(branch),
        "author": author,
        "bot": payload.opt("$.sender.type") == "Bot" or author.endswith("[bot]"),
        "labels": tuple(label for label in labels if label),
        "draft": change.flag("$.draft"),
        "paths": tuple(dict.fromkeys(paths)),
        "private": payload.flag("$.repository.private"),
        "action": payload.opt("$.action"),
    }
