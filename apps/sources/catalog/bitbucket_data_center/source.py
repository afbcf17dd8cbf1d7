"""Bitbucket Data Center and Server as a source: how requests are verified, read and screened.

https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apps.sources.sdk import (
    Api,
    ApiAnswer,
    Attribute,
    Basic,
    Context,
    Events,
    Headers,
    HmacBody,
    Http,
    Option,
    Payload,
    PayloadError,
    RawEvent,
    Reply,
    Source,
    Standing,
    UrlOnly,
)

from ..bitbucket.shared import (
    APART,
    BRANCHES,
    BUILDS,
    IGNORE_BOTS,
    IGNORE_DRAFTS,
    PROJECTS,
    REPOSITORIES,
    ZERO,
    read,
    screened,
    short_ref,
)
from . import pull_requests, repositories
from .actions import actions
from .api import ACCOUNT_KINDS, check_account, explain
from .common import is_bot, place_of, project_key, repository_name, user_name
from .hooks import BitbucketDataCenterHooks
from .pull_requests import ref_name
from .repositories import change_ref

# Bitbucket's event key -> our name. Below: the Post Webhooks plug-in's keys for the same happenings.
NAMES: Mapping[str, str] = {
    "repo:refs_changed": "repo.push",
    "repo:modified": "repo.updated",
    "repo:forked": "repo.forked",
    "repo:secret_detected": "repo.secret_detected",
    "repo:comment:added": "commit_comment.created",
    "repo:comment:edited": "commit_comment.updated",
    "repo:comment:deleted": "commit_comment.deleted",
    "mirror:repo_synchronized": "mirror.synchronized",
    "project:modified": "project.updated",
    "pr:opened": "pull_request.created",
    "pr:from_ref_updated": "pull_request.pushed",
    "pr:to_ref_updated": "pull_request.target_updated",
    "pr:modified": "pull_request.updated",
    "pr:reviewer:updated": "pull_request.reviewers_updated",
    "pr:reviewer:approved": "pull_request.approved",
    "pr:reviewer:unapproved": "pull_request.unapproved",
    "pr:reviewer:needs_work": "pull_request.changes_requested",
    "pr:merged": "pull_request.merged",
    "pr:declined": "pull_request.declined",
    "pr:deleted": "pull_request.deleted",
    "pr:reopened": "pull_request.reopened",
    "pr:comment:added": "pull_request_comment.created",
    "pr:comment:edited": "pull_request_comment.updated",
    "pr:comment:deleted": "pull_request_comment.deleted",
    "build:status": "build.status",
    "diagnostics:ping": "ping",
    "pr:reviewer:changes_requested": "pull_request.changes_requested",
    "proj:modified": "project.updated",
    "repo:build_status": "build.status",
    "pr:build_status": "build.status",
    "repo:push": "repo.push",
    "repo:fork": "repo.forked",
    "repo:updated": "repo.updated",
    "pullrequest:created": "pull_request.created",
    "pullrequest:updated": "pull_request.updated",
    "pullrequest:rescoped": "pull_request.pushed",
    "pullrequest:approved": "pull_request.approved",
    "pullrequest:unapproved": "pull_request.unapproved",
    "pullrequest:fulfilled": "pull_request.merged",
    "pullrequest:rejected": "pull_request.declined",
    "pullrequest:deleted": "pull_request.deleted",
    "pullrequest:reopened": "pull_request.reopened",
    "pullrequest:comment": "pull_request_comment.created",
}
KEYS: dict[str, str] = {}
for _key, _name in NAMES.items():
    KEYS.setdefault(_name, _key)
FAMILIES = {"pr": "pull_request", "pullrequest": "pull_request", "proj": "project"}


class BitbucketDataCenter(Source):
    """Repository and project webhooks of a self-hosted Bitbucket."""

    slug = "bitbucket_data_center"
    name = "Bitbucket Data Center"
    category = "Code"
    summary = (
        "Pushes, pull requests, reviews, comments, forks, secrets and mirrors of a self-hosted Bitbucket."
    )
    docs_url = "https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html"
    max_body = 10 * 1024 * 1024
    actions = actions
    account_kinds = ACCOUNT_KINDS
    hooks = BitbucketDataCenterHooks()
    schemes = (
        HmacBody(
            key="hmac_sha256",
            label="Signed with a secret (SHA-256)",
            secret_help="Paste it into the field “Secret” of the webhook.",  # noqa: S106 - words, not a secret
            header="X-Hub-Signature",
            fallbacks=("X-Hub-Signature-256",),
        ),
        Basic(
            key="basic",
            label="User name and password",
            secret_help="Choose “Basic” as authentication and paste it as the password.",  # noqa: S106
        ),
        UrlOnly(key="url", label="Unsigned (webhook without a secret)"),
    )
    options = (
        Option(
            "base_url",
            "url",
            "Address of Bitbucket",
            help="https://bitbucket.example.com – used for links only. Many versions send no page addresses.",
        ),
        BRANCHES,
        REPOSITORIES,
        PROJECTS,
        BUILDS,
        IGNORE_BOTS,
        IGNORE_DRAFTS,
    )
    events = Events()

    def check_account(self, api: Api) -> Standing:
        return check_account(api)

    def explain(self, answer: ApiAnswer) -> str:
        return explain(answer)

    def handshake(self, http: Http, ctx: Context) -> Reply | None:
        """Answer “Test connection”, which most versions send without the signature."""
        signed = any(
            http.headers.get(name) for name in ("x-hub-signature", "x-hub-signature-256", "authorization")
        )
        if signed or len(http.body) > 200:
            return None
        key = http.headers.get("x-event-key", "").strip().lower()
        if key == "diagnostics:ping" or (
            not key and http.body.replace(b" ", b"").strip() == b'{"test":true}'
        ):
            return Reply(200, "The connector is ready.")
        return None

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        payload = read(http)
        ident = http.headers.get("x-request-id", "").strip() or http.headers.get("x-request-uuid", "").strip()
        key = http.headers.get("x-event-key", "").strip().lower() or payload.opt("$.eventKey").strip().lower()
        name = catalog_name(key or guess(payload))
        if not payload and name != "ping":
            raise PayloadError("empty_object", "The JSON object is empty. Check what calls this URL.")
        found = list(_split(name, native(payload)))
        for index, part in enumerate(found):
            yield RawEvent(name, f"{ident}:{index}" if ident and len(found) > 1 else ident, part)

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        return attributes(event)

    def screen(self, event: RawEvent, ctx: Context) -> str | None:
        return screened(attributes(event), ctx)

    def sample_http(self, event: str, body: bytes) -> Http:
        headers = {
            "content-type": "application/json; charset=utf-8",
            "x-event-key": KEYS.get(event, event.replace(".", ":")),
            "x-request-id": "6f1a0b2c-3d4e-4a57-9c43-0d7c6d1e5f0a",
            "user-agent": "Atlassian HttpClient 4.2.0 / Bitbucket-9.4.0 (9004000) / Default",
        }
        return Http(headers=Headers(headers), body=body)


for _module in (pull_requests, repositories):
    BitbucketDataCenter.events.include(_module.events)


def catalog_name(key: str) -> str:
    """Our name of Bitbucket's event key; unknown verbs keep their own word and meet a family's fallback."""
    if key in NAMES:
        return NAMES[key]
    family, *rest = key.split(":")
    family = FAMILIES.get(family, family)
    if rest[:1] == ["comment"] and family in ("pull_request", "repo"):
        family, rest = ("commit_comment" if family == "repo" else "pull_request_comment"), rest[1:]
    elif rest[:1] == ["reviewer"]:
        rest = rest[1:]
    return ".".join([family, *(part for part in ("_".join(rest),) if part)])


def _split(name: str, payload: Payload) -> Iterable[Payload]:
    """One part for each moved branch or tag, unless they are many. Listed commits belong to the only one."""
    changes = list(payload.each("$.changes"))
    if name != "repo.push" or not 1 < len(changes) <= APART:
        yield payload
        return
    rest = {
        key: value for key, value in payload.raw.items() if key not in ("commits", "toCommit", "changesets")
    }
    commits, _ = repositories.commits_of(payload)
    for change in changes:
        mine = [each.raw for each in commits if each.opt("$.id") == change.opt("$.toHash")]
        yield Payload({**rest, "changes": [change.raw], **({"toCommit": mine[0]} if mine else {})})


def native(payload: Payload) -> Payload:
    """The shapes of Stash and of the Post Webhooks plug-in, as today's servers would send them."""
    raw = dict(payload.raw)
    if "refChanges" in raw and "changes" not in raw:
        raw["changes"] = raw["refChanges"]
    if "pullrequest" in raw and "pullRequest" not in raw:
        raw["pullRequest"] = raw["pullrequest"]
    if payload.has("$.push.changes") and "changes" not in raw:
        raw["changes"] = [_plugin_change(each) for each in payload.each("$.push.changes")]
    return Payload(raw)


def _plugin_change(change: Payload) -> dict[str, object]:
    ref = change.sub("$.new") or change.sub("$.old")
    kind, name = ref.opt("$.type"), ref.opt("$.name")
    folder = "tags" if kind == "tag" else "heads"
    old, new = change.opt("$.old.target.hash") or ZERO, change.opt("$.new.target.hash") or ZERO
    return {
        "ref": {"id": f"refs/{folder}/{name}", "displayId": name, "type": kind.upper()},
        "fromHash": old,
        "toHash": new,
        "type": "DELETE" if not change.has("$.new") else "UPDATE" if change.has("$.old") else "ADD",
    }


def guess(payload: Payload) -> str:
    """The event key of a request that names it neither in the header nor in the body.

    Raises PayloadError when nothing tells.
    """
    if payload.flag("$.test"):
        return "diagnostics:ping"
    for path, key in (
        ("refChanges", "repo:refs_changed"),
        ("push", "repo:refs_changed"),
        ("secretLocations", "repo:secret_detected"),
        ("mirrorServer", "mirror:repo_synchronized"),
        ("buildStatus", "build:status"),
        ("build", "build:status"),
    ):
        if payload.has(f"$.{path}"):
            return key
    change = payload.sub("$.pullRequest") or payload.sub("$.pullrequest")
    if payload.has("$.comment"):
        verb = "edited" if payload.has("$.previousComment") else "added"
        return f"{'pr' if change else 'repo'}:comment:{verb}"
    if change:
        return _guess_change(payload, change)
    if payload.has("$.changes"):
        return "repo:refs_changed"
    if payload.has("$.old") and payload.has("$.new"):
        return "repo:modified" if payload.has("$.new.slug") else "project:modified"
    if payload.has("$.repository.origin"):
        return "repo:forked"
    if payload.has("$.repository"):
        return "repo:modified"
    raise PayloadError(
        "no_event", "The request has no X-Event-Key header. Let Bitbucket Data Center call the URL directly."
    )


def _guess_change(payload: Payload, change: Payload) -> str:
    if payload.has("$.addedReviewers") or payload.has("$.removedReviewers"):
        return "pr:reviewer:updated"
    if payload.has("$.participant"):
        status = payload.opt("$.participant.status").lower()
        return f"pr:reviewer:{status if status in ('approved', 'needs_work') else 'unapproved'}"
    if payload.has("$.previousTitle") or payload.has("$.previousTarget"):
        return "pr:modified"
    if payload.has("$.previousFromHash"):
        return "pr:from_ref_updated"
    state = change.opt("$.state").upper()
    return {"MERGED": "pr:merged", "DECLINED": "pr:declined"}.get(state, "pr:opened")


def attributes(event: RawEvent) -> dict[str, Attribute]:
    """What filters may ask about."""
    payload, change = event.payload, event.payload.sub("$.pullRequest")
    repository, user = place_of(payload), payload.sub("$.actor")
    moved: tuple[str, ...] = ()
    if event.name == "repo.push":
        moved = tuple(dict.fromkeys(change_ref(each)[1] for each in payload.each("$.changes", 500)))
    branch = ref_name(change.sub("$.toRef")) or short_ref(payload.first("$.buildStatus.ref", "$.build.ref"))
    state = ""
    if event.name == "build.status":
        state = payload.first("$.buildStatus.state", "$.build.state", "$.build.status", "$.state", "$.status")
    return {
        "repository": repository_name(repository),
        "repository_name": repository.first("$.slug", "$.name"),
        "project": project_key(repository) or payload.first("$.new.key", "$.project.key"),
        "project_name": repository.opt("$.project.name") or payload.first("$.new.name", "$.project.name"),
        "branch": branch or (moved[0] if moved else ""),
        "branches": moved,
        "author": user_name(user),
        "bot": is_bot(user),
        "draft": change.flag("$.draft"),
        "private": not repository.flag("$.public"),
        "state": change.opt("$.state").lower(),
        "build_state": state,
        "action": event.name.partition(".")[2],
    }
