"""Bitbucket Cloud as a source: how requests are verified, read and screened.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/#Secure-webhooks
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apps.sources.sdk import (
    Api,
    ApiAnswer,
    Attribute,
    Context,
    Events,
    Headers,
    HmacBody,
    Http,
    Payload,
    PayloadError,
    RawEvent,
    Source,
    Standing,
    UrlOnly,
)

from . import builds, code, issues, pull_requests, repositories
from .actions import actions
from .api import ACCOUNT_KINDS, API_URL, check_account, explain
from .code import changes_of, ref_of
from .common import is_bot, place_of, repository_name, user_name
from .hooks import BitbucketHooks
from .names import FAMILIES, NAMES
from .pull_requests import change_of
from .shared import (
    APART,
    BRANCHES,
    BUILDS,
    IGNORE_BOTS,
    IGNORE_DRAFTS,
    PROJECTS,
    REPOSITORIES,
    read,
    screened,
    short_ref,
)

KEYS = {name: key for key, name in NAMES.items()}
SPANS = {
    "bbc.pipeline_run": "pipeline.run",
    "bbc.pipeline": "pipeline.run",
    "bbc.step": "pipeline.step",
    "bbc.pipeline_step": "pipeline.step",
    "bbc.command": "pipeline.command",
    "bbc.step.command": "pipeline.command",
    "bbc.pipeline_container": "pipeline.container",
    "bbc.container": "pipeline.container",
    "bbc.pipeline_log": "pipeline.log",
}


class Bitbucket(Source):
    """Repository and workspace webhooks of bitbucket.org."""

    slug = "bitbucket"
    name = "Bitbucket Cloud"
    category = "Code"
    summary = "Pushes, pull requests, reviews, comments, issues, build statuses and pipelines."
    docs_url = "https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/"
    max_body = 10 * 1024 * 1024
    schemes = (
        HmacBody(
            key="hmac_sha256",
            label="Signed with a secret (SHA-256)",
            secret_help="Paste it into the field “Secret” of the webhook.",  # noqa: S106 - words, not a secret
            header="X-Hub-Signature",
            fallbacks=("X-Hub-Signature-256",),
        ),
        UrlOnly(key="url", label="Unsigned (webhook without a secret)"),
    )
    options = (BRANCHES, REPOSITORIES, PROJECTS, BUILDS, IGNORE_BOTS, IGNORE_DRAFTS)
    events = Events()
    actions = actions
    account_kinds = ACCOUNT_KINDS
    api_url = API_URL
    hooks = BitbucketHooks()

    def check_account(self, api: Api) -> Standing:
        return check_account(api)

    def explain(self, answer: ApiAnswer) -> str:
        return explain(answer)

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        payload = read(http)
        if not payload:
            raise PayloadError("empty_object", "The JSON object is empty. Check what calls this URL.")
        ident = http.headers.get("x-request-uuid", "").strip()
        key = http.headers.get("x-event-key", "").strip().lower()
        if payload.has("$.canon_url") or (
            payload.has("$.commits") and payload.has("$.repository.absolute_url")
        ):
            payload, key = _modern(payload), "repo:push"
        if key.startswith(("pr:", "mirror:")) or key == "repo:refs_changed" or payload.has("$.eventKey"):
            raise PayloadError(
                "other_product",
                "This comes from Bitbucket Data Center. Make a connector of that kind for it.",
            )
        found = list(_split(catalog_name(key or guess(payload)), payload))
        for index, (name, part) in enumerate(found):
            yield RawEvent(name, f"{ident}:{index}" if ident and len(found) > 1 else ident, part)

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        return attributes(event)

    def screen(self, event: RawEvent, ctx: Context) -> str | None:
        return screened(attributes(event), ctx)

    def sample_http(self, event: str, body: bytes) -> Http:
        headers = {
            "content-type": "application/json",
            "x-event-key": event_key(event),
            "x-request-uuid": "0d7c6d1e-5f0a-4a57-9c43-6f1a0b2c3d4e",
            "user-agent": "Bitbucket-Webhooks/2.0",
        }
        return Http(headers=Headers(headers), body=body)


for _module in (pull_requests, code, builds, issues, repositories):
    Bitbucket.events.include(_module.events)


def catalog_name(key: str) -> str:
    """Our name of Bitbucket's event key: "pullrequest:comment_created" -> "pull_request_comment.created"."""
    if key in NAMES:
        return NAMES[key]
    family, _, verb = key.partition(":")
    family = FAMILIES.get(family, family)
    if verb.startswith("comment_") and family in ("pull_request", "issue"):
        return f"{family}_comment.{verb.removeprefix('comment_')}"
    for inner in ("commit_comment", "commit_status"):
        if family == "repo" and verb.startswith(f"{inner}_"):
            return f"{inner}.{verb.removeprefix(f'{inner}_')}"
    return f"{family}.{verb}" if verb else family


def event_key(name: str) -> str:
    """Bitbucket's event key of our name."""
    if name in KEYS:
        return KEYS[name]
    family, _, verb = name.partition(".")
    if family == "pipeline":
        return "pipeline:span_created"
    if family == "pull_request_comment":
        return f"pullrequest:comment_{verb}"
    return f"{'pullrequest' if family == 'pull_request' else family}:{verb}"


def _split(name: str, payload: Payload) -> Iterable[tuple[str, Payload]]:
    """The events of one request: a push moves several branches, a trace has several spans."""
    if name == "repo.push":
        changes = changes_of(payload)
        if 1 < len(changes) <= APART:
            for change in changes:
                yield name, Payload({**payload.raw, "push": {"changes": [change.raw]}})
            return
    if name.startswith("pipeline") and payload.has("$.resourceSpans"):
        spans = list(_spans(payload))
        yield from spans or [("pipeline.log", payload)]
        return
    yield name, payload


def _spans(payload: Payload) -> Iterable[tuple[str, Payload]]:
    rest = {key: payload.raw[key] for key in ("repository", "actor") if key in payload.raw}
    for batch in payload.each("$.resourceSpans", 50):
        for path in ("$.scopeSpans", "$.instrumentationLibrarySpans"):
            for scope in batch.each(path, 50):
                for span in scope.each("$.spans", 500):
                    found = {**rest, "span": span.raw, "resource": batch.sub("$.resource").raw}
                    label = span.opt("$.name").lower()
                    yield SPANS.get(label, "pipeline.log"), Payload(found)


def guess(payload: Payload) -> str:
    """The event key of a request that came without its X-Event-Key header.

    Raises PayloadError when nothing tells.
    """
    if payload.has("$.resourceSpans"):
        return "pipeline:span_created"
    if payload.has("$.push"):
        return "repo:push"
    if payload.has("$.commit_status"):
        running = payload.opt("$.commit_status.state").upper() == "INPROGRESS"
        return f"repo:commit_status_{'created' if running else 'updated'}"
    change = change_of(payload)
    if payload.has("$.comment"):
        if change:
            return f"pullrequest:comment_{_comment_verb(payload.sub('$.comment'))}"
        if payload.has("$.issue"):
            return "issue:updated" if payload.has("$.changes") else "issue:comment_created"
        return "repo:commit_comment_created"
    if payload.has("$.issue"):
        return "issue:updated" if payload.has("$.changes") else "issue:created"
    if change:
        return f"pullrequest:{_change_verb(payload, change)}"
    if payload.has("$.fork"):
        return "repo:fork"
    if payload.has("$.previous_owner") or payload.has("$.new_owner"):
        return "repo:transfer"
    if payload.has("$.project") and not payload.has("$.repository"):
        return "project:updated"
    if payload.has("$.repository"):
        return "repo:updated"
    raise PayloadError(
        "no_event", "The request has no X-Event-Key header. Let Bitbucket Cloud call the URL directly."
    )


def _comment_verb(comment: Payload) -> str:
    if comment.flag("$.deleted"):
        return "deleted"
    if comment.has("$.resolution"):
        return "resolved"
    made, changed = comment.time("$.created_on"), comment.time("$.updated_on")
    return "updated" if made and changed and (changed - made).total_seconds() > 2 else "created"


def _withdrawn(change: Payload, user: Payload, key: str) -> bool:
    """Whether the participants say that this user's judgement does not stand any more."""
    for each in change.each("$.participants", 200):
        if user.opt("$.uuid") and each.opt("$.user.uuid") == user.opt("$.uuid"):
            stands = (
                each.flag("$.approved") if key == "approval" else each.opt("$.state") == "changes_requested"
            )
            return not stands
    return False


def _change_verb(payload: Payload, change: Payload) -> str:
    for key, given, taken in (
        ("approval", "approved", "unapproved"),
        ("changes_request", "changes_request_created", "changes_request_removed"),
    ):
        if payload.has(f"$.{key}"):
            return taken if _withdrawn(change, payload.sub(f"$.{key}.user"), key) else given
    state = change.opt("$.state").upper()
    if state in ("MERGED", "DECLINED"):
        return "fulfilled" if state == "MERGED" else "rejected"
    made, changed = change.time("$.created_on"), change.time("$.updated_on")
    return "updated" if made and changed and (changed - made).total_seconds() > 60 else "created"


def _modern(old: Payload) -> Payload:
    """A push of the old POST service (gone since 2016, still on some forks of it) in today's shape."""
    site = (old.opt("$.canon_url") or "https://bitbucket.org").rstrip("/")
    path = old.opt("$.repository.absolute_url").strip("/")
    groups: dict[str, list[Payload]] = {}
    for commit in old.each("$.commits", 1000):
        groups.setdefault(commit.opt("$.branch"), []).append(commit)
    # A commit without a branch belongs to the branch of the next one that names it.
    loose = groups.pop("", []) if len(groups) > 1 else []
    changes = []
    for branch, commits in groups.items():
        listed = [*loose, *commits]
        loose = []
        changes.append(
            {
                "old": {"type": "branch", "name": branch},
                "new": {"type": "branch", "name": branch, "target": {"hash": commits[-1].opt("$.raw_node")}},
                "commits": [
                    {
                        "hash": each.first("$.raw_node", "$.node"),
                        "message": each.opt("$.message"),
                        "author": {"username": each.opt("$.author"), "raw": each.opt("$.raw_author")},
                    }
                    for each in reversed(listed)
                ],
            }
        )
    repository = {
        "name": old.opt("$.repository.name"),
        "full_name": path or old.opt("$.repository.name"),
        "is_private": old.flag("$.repository.is_private"),
        "links": {"html": {"href": f"{site}/{path}"}},
    }
    user = old.opt("$.user")
    return Payload({"actor": {"username": user}, "repository": repository, "push": {"changes": changes}})


def attributes(event: RawEvent) -> dict[str, Attribute]:
    """What filters may ask about."""
    payload, change = event.payload, change_of(event.payload)
    repository = place_of(payload)
    pushed = tuple(
        dict.fromkeys(
            name for each in payload.each("$.push.changes", 500) if (name := ref_of(each).opt("$.name"))
        )
    )
    branch = change.opt("$.destination.branch.name") or short_ref(payload.opt("$.commit_status.refname"))
    if event.name.startswith("pipeline"):
        values = builds.values_of(payload.sub("$.span"))
        branch = values.get("pipeline.target.ref_name", "")
        repository = repository or Payload({"full_name": values.get("pipeline.repository.full_name", "")})
    name = repository_name(repository)
    user = payload.sub("$.actor")
    labels = [payload.opt(f"$.issue.{key}") for key in ("component.name", "version.name", "milestone.name")]
    return {
        "repository": name,
        "repository_name": repository.opt("$.name"),
        "organization": repository.first("$.workspace.slug", "$.owner.nickname") or name.partition("/")[0],
        "project": repository.opt("$.project.key") or payload.opt("$.project.key"),
        "project_name": repository.opt("$.project.name") or payload.opt("$.project.name"),
        "branch": branch or (pushed[0] if pushed else ""),
        "branches": pushed,
        "author": user_name(user),
        "bot": is_bot(user),
        "draft": change.flag("$.draft"),
        "private": repository.flag("$.is_private"),
        "state": (change.first("$.state") or payload.opt("$.issue.state")).lower(),
        "build_state": payload.opt("$.commit_status.state"),
        "type": payload.opt("$.issue.kind"),
        "priority": payload.opt("$.issue.priority"),
        "labels": tuple(label for label in labels if label),
        "action": event.name.partition(".")[2],
    }
