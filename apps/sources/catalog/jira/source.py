"""Jira as a source: how requests are verified, read and screened.

https://developer.atlassian.com/cloud/jira/platform/webhooks/ and
https://developer.atlassian.com/server/jira/platform/webhooks/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl

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
    QueryToken,
    RawEvent,
    Source,
    Standing,
    UrlOnly,
    parse_json,
)

from . import comments, issues, places, rules, things, work
from .actions import actions
from .api import ACCOUNT_KINDS, check_account, explain, meaning
from .common import actor_of, issue_of, name_at
from .hooks import JiraHooks
from .names import name_of

# Query parameters that Jira fills in -> where the same stands in a body.
VARIABLES = {
    "issue.key": ("issue", "key"), "issue.id": ("issue", "id"), "issuekey": ("issue", "key"), "issueid": ("issue", "id"),
    "project.key": ("project", "key"), "project.id": ("project", "id"), "comment.id": ("comment", "id"),
    "sprint.id": ("sprint", "id"), "version.id": ("version", "id"), "board.id": ("board", "id"),
    "modifieduser.key": ("user", "key"), "modifieduser.name": ("user", "name"), "user_id": ("user", "name"),
    "user_key": ("user", "key"), "mergedversion.id": ("mergedTo", "id"), "project": ("project", "key"),
    "projectkey": ("project", "key"), "version": ("version", "id"), "sprint": ("sprint", "id"), "board": ("board", "id"),
    "issue": ("issue", "key"), "key": ("issue", "key"), "issue_key": ("issue", "key"), "issue_id": ("issue", "id"),
}  # fmt: skip


class Jira(Source):
    """Issues, comments, sprints and releases."""

    slug = "jira"
    name = "Jira"
    category = "Planning"
    summary = "Issues with readable change lists, comments, sprints, versions and projects."
    docs_url = "https://developer.atlassian.com/cloud/jira/platform/webhooks/"
    max_body = 10 * 1024 * 1024
    actions = actions
    account_kinds = ACCOUNT_KINDS
    hooks = JiraHooks()
    schemes = (
        HmacBody(
            key="hmac",
            label="Signed with a secret (Cloud)",
            secret_help="Paste it into the field “Secret” of the webhook.",  # noqa: S106 - words, not a secret
            header="X-Hub-Signature",
            fallbacks=("X-Hub-Signature-256",),
        ),
        QueryToken(
            key="query",
            label="By a secret in the address (Data Center)",
            secret_help="It stands at the end of the address, as token=…",  # noqa: S106 - words, not a secret
        ),
        UrlOnly(key="url", label="By the secret address alone"),
    )
    options = (
        Option("projects", "pattern", "Projects", help="Only these projects, by key or name: OPS, WEB*."),
        Option("types", "pattern", "Issue types", help="Bug, Story, Sub-task."),
        Option("priorities", "pattern", "Priorities", help="Highest, High."),
        Option("statuses", "pattern", "Statuses", help="Only issues in one of these: Done, In review."),
        Option("labels", "pattern", "Labels", help="Only issues with one of these labels."),
        Option(
            "restricted_comments",
            "bool",
            "Restricted comments too",
            help="Also tell comments that only some roles, or agents, may read, and the texts of service desk "
            "comments that Jira does not mark as public.",
            default=False,
        ),
        Option(
            "ignore_bots", "bool", "Ignore automation", help="Drop what rules and apps do.", default=False
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
        body = parse_json(http.body) if http.body.strip() else _from_query(http)
        if isinstance(body, list):
            body = {"issues": body}
        if not isinstance(body, dict):
            raise PayloadError("not_an_object", "Jira sends a JSON object. Check the webhook or the rule.")
        delivery = http.headers.get("x-atlassian-webhook-identifier", "").strip()
        payload = Payload(body)
        many = list(payload.each("$.issues", 100)) if not payload.has("$.issue") else []
        if many and not payload.has("$.webhookEvent"):
            for each in many:
                yield RawEvent("issue.sent", "", each)
            return
        yield RawEvent(name_of(payload), delivery, payload)

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        payload = event.payload
        issue = issue_of(payload)
        who = actor_of(payload)
        key = (
            issue.opt("$.fields.project.key")
            or payload.opt("$.project.key")
            or issue.opt("$.key").rpartition("-")[0]
        )
        return {
            "project": key,
            "project_name": issue.opt("$.fields.project.name") or payload.opt("$.project.name"),
            "type": name_at(issue, "$.fields.issuetype"),
            "priority": name_at(issue, "$.fields.priority"),
            "status": name_at(issue, "$.fields.status"),
            "labels": tuple(issue.texts("$.fields.labels", 50)),
            "components": tuple(each.opt("$.name") for each in issue.each("$.fields.components", 50)),
            "assignee": name_at(issue, "$.fields.assignee"),
            "reporter": name_at(issue, "$.fields.reporter"),
            "author": who.name if who else "",
            "bot": bool(who and who.bot),
        }

    def screen(self, event: RawEvent, ctx: Context) -> str | None:
        facts = self.attributes(event, ctx)
        if ctx.flag("ignore_bots") and facts["bot"]:
            return "Automation is ignored."
        for option, keys in (
            ("projects", ("project", "project_name")), ("types", ("type",)), ("priorities", ("priority",)),
            ("statuses", ("status",)), ("labels", ("labels",)),
        ):  # fmt: skip
            wanted = ctx.entries(option)
            values = [each for key in keys for each in _values(facts[key]) if each]
            # An event without the field (a sprint has no priority) is not judged by it.
            known = bool(values) or (option == "labels" and event.payload.has("$.issue.fields"))
            if wanted and known and not _any(wanted, values):
                return f"Its {option} are not among the chosen ones."
        return None

    def sample_http(self, event: str, body: bytes) -> Http:
        headers = {"content-type": "application/json", "user-agent": "Atlassian Webhook HTTP Client"}
        return Http(headers=Headers(headers), body=body)


def _values(value: Attribute) -> list[str]:
    return [str(each) for each in value] if isinstance(value, tuple) else [str(value)]


def _any(patterns: Iterable[str], values: Iterable[str]) -> bool:
    kept = [value.lower() for value in values]
    return any(fnmatchcase(value, pattern.lower()) for pattern in patterns for value in kept)


def _from_query(http: Http) -> dict[str, object]:
    """What Jira Data Center puts into the address when the body is switched off. Raises PayloadError."""
    found: dict[str, dict[str, str]] = {}
    event = ""
    for key, value in parse_qsl(http.query, max_num_fields=100):
        place = VARIABLES.get(key.lower().strip("${}"))
        if place and value and not value.startswith("${"):
            found.setdefault(place[0], {})[place[1]] = value
        elif key.lower() in ("event", "webhookevent"):
            event = value
    # Jira adds the user to every address by itself, so a user alone tells nothing.
    if not found.keys() - {"user"} and not event:
        raise PayloadError(
            "empty_body",
            "The body is empty. Untick “Exclude body” at the webhook, or add ?issue.key=${issue.key} to its address.",
        )
    body: dict[str, object] = dict(found)
    if event:
        body["webhookEvent"] = event
    return body


for _module in (issues, comments, work, places, things, rules):
    Jira.events.include(_module.events)
SOURCE = Jira()
