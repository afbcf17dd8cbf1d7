"""Webhooks of repositories and projects.

https://developer.atlassian.com/server/bitbucket/rest/v906/api-group-repository/ and
https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from apps.sources.sdk import (
    ActionError,
    Api,
    HookPlan,
    Hooks,
    Option,
    Payload,
    Place,
    RemoteHook,
    parse_time,
    segment,
)

from .api import ask, listed, site_of

# Our names -> what a webhook may be asked for. Bitbucket refuses the whole webhook for a key that it does not know.
KEYS: dict[str, str] = {
    "repo.push": "repo:refs_changed", "repo.updated": "repo:modified", "repo.forked": "repo:forked",
    "repo.secret_detected": "repo:secret_detected", "commit_comment.created": "repo:comment:added",
    "commit_comment.updated": "repo:comment:edited", "commit_comment.deleted": "repo:comment:deleted",
    "mirror.synchronized": "mirror:repo_synchronized", "project.updated": "project:modified",
    "pull_request.created": "pr:opened", "pull_request.pushed": "pr:from_ref_updated",
    "pull_request.updated": "pr:modified", "pull_request.merged": "pr:merged",
    "pull_request.declined": "pr:declined", "pull_request.deleted": "pr:deleted",
    "pull_request.reviewers_updated": "pr:reviewer:updated", "pull_request.approved": "pr:reviewer:approved",
    "pull_request.unapproved": "pr:reviewer:unapproved",
    "pull_request.changes_requested": "pr:reviewer:needs_work",
    "pull_request_comment.created": "pr:comment:added", "pull_request_comment.updated": "pr:comment:edited",
    "pull_request_comment.deleted": "pr:comment:deleted",
}  # fmt: skip
PROJECT_ONLY = frozenset({"project:modified"})
# Newer than some servers that are still in use: left out when a server refuses the webhook.
NEWER = frozenset({"repo:secret_detected", "project:modified"})
# What is asked for. Everything else is left alone where a person ticked it: pr:to_ref_updated is documented, but
# refused by servers that were tried; plug-ins have events of their own.
MANAGED = frozenset(KEYS.values())
SIGNED = ("", "hmac_sha256")


class BitbucketDataCenterHooks(Hooks):
    """One webhook of a repository or of a project."""

    places = (
        Option(
            "place",
            "text",
            "Repository or project",
            help="OCTO/hello, ~ada/hello, or OCTO for all repositories of a project",
            required=True,
        ),
    )
    places_help = "The token needs the permission “Admin” for the repository or the project."

    def events(self, selected: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted({KEYS[name] for name in selected if name in KEYS}))

    def fit(self, place: Place, plan: HookPlan) -> HookPlan:
        if "/repos/" not in _path(place):
            return plan
        return replace(plan, events=tuple(key for key in plan.events if key not in PROJECT_ONLY))

    def find(self, api: Api, place: Place, url: str) -> RemoteHook | None:
        for each in listed(api, _path(place)):
            if each.opt("$.url") == url:
                return _remote(api, place, each)
        return None

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        return _write(api, place, "POST", _path(place), plan, ())

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        answer = ask(api, "GET", _path(place, hook_id), accept=(404,))
        if answer.status == 404:
            return None
        return _remote(api, place, answer.payload(), _last(api, place, hook_id))

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        path = _path(place, hook_id)
        there = ask(api, "GET", path).payload().texts("$.events")
        return _write(api, place, "PUT", path, plan, tuple(key for key in there if key not in MANAGED))

    def delete(self, api: Api, place: Place, hook_id: str) -> None:
        ask(api, "DELETE", _path(place, hook_id), accept=(404,))


def _path(place: Place, hook_id: str = "") -> str:
    """`OCTO/hello`, `OCTO`, or the address of a page of them."""
    where = place.get("place", "").strip().strip("/")
    if "://" in where:
        tail = where.partition("://")[2].split("/")
        start = next((index for index, part in enumerate(tail) if part in ("projects", "users")), len(tail))
        mark = "~" if tail[start : start + 1] == ["users"] else ""
        parts = [f"{mark}{part.removeprefix('~')}" if mark else part for part in tail[start + 1 : start + 2]]
        parts += tail[start + 3 : start + 4] if tail[start + 2 : start + 3] == ["repos"] else []
    else:
        parts = where.split("/")
    if not 1 <= len(parts) <= 2 or any(part in ("", ".", "..", "~") for part in parts):
        raise ActionError("bad_place", "Write the repository as PROJECT/name, or a project's key alone.")
    repository = f"/repos/{segment(parts[1])}" if len(parts) == 2 else ""
    hook = f"/{segment(hook_id)}" if hook_id else ""
    return f"/projects/{segment(parts[0])}{repository}/webhooks{hook}"


def _write(
    api: Api, place: Place, method: str, path: str, plan: HookPlan, kept: tuple[str, ...]
) -> RemoteHook:
    answer = ask(api, method, path, json=_body(plan, (*plan.events, *kept)), accept=(400,))
    if answer.status == 400:
        known = tuple(key for key in plan.events if key not in NEWER)
        answer = ask(api, method, path, json=_body(plan, known))
    return _remote(api, place, answer.payload())


def _body(plan: HookPlan, events: tuple[str, ...]) -> dict[str, object]:
    body: dict[str, object] = {
        "name": "Teams Connectors", "url": plan.url, "active": plan.active, "events": sorted(events),
        "sslVerificationRequired": True, "configuration": {},
    }  # fmt: skip
    if plan.secret and plan.scheme in SIGNED:
        body["configuration"] = {"secret": plan.secret}
    elif plan.secret and plan.scheme == "basic":
        body["credentials"] = {"username": "teams", "password": plan.secret}
    return body


def _last(api: Api, place: Place, hook_id: str) -> str:
    """What is wrong with the last delivery, or ""."""
    answer = ask(api, "GET", f"{_path(place, hook_id)}/latest", accept=(403, 404))
    if answer.status != 200 or not answer.body:
        return ""
    last = answer.payload()
    outcome = last.opt("$.result.outcome").upper()
    if outcome in ("", "SUCCESS"):
        return ""
    status, words = last.opt_int("$.result.statusCode"), last.opt("$.result.description")
    at = parse_time(last.opt_int("$.finish") or last.opt_int("$.start"))
    when = f" on {at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC" if at else ""
    return f"The last delivery failed{when}: {status or words[:120] or outcome.lower()}."


def _remote(api: Api, place: Place, found: Payload, trouble: str = "") -> RemoteHook:
    number = found.opt("$.id")
    where = _path(place).removesuffix("/webhooks")
    # Some versions show the secret, some only that there is a configuration: what is not shown may be there.
    told = found.has("$.configuration.secret") or found.has("$.credentials.username")
    return RemoteHook(
        id=number,
        url=found.opt("$.url"),
        events=tuple(sorted(key for key in found.texts("$.events") if key in MANAGED)),
        active=found.flag("$.active", True),
        secret_set=True if told else None,
        trouble=trouble,
        page=f"{site_of(api.base)}/plugins/servlet/webhooks{where}/details/{segment(number)}"
        if number
        else "",
    )
