"""Webhooks of repositories and workspaces.

https://developer.atlassian.com/cloud/bitbucket/rest/api-group-webhooks/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.sources.sdk import (
    ActionError,
    Api,
    ApiError,
    HookPlan,
    Hooks,
    Option,
    Payload,
    Place,
    RemoteHook,
    segment,
)

from .names import KNOWN

PAGES = 20
# Bitbucket's issue tracker ended in August 2026.
ENDED = frozenset({"issue:created", "issue:updated", "issue:comment_created"})
# What is asked for. Everything else (OTEL traces) is left alone where a person ticked it.
MANAGED = frozenset(KNOWN) - ENDED


class BitbucketHooks(Hooks):
    """One webhook of a repository or a workspace."""

    places = (
        Option(
            "place",
            "text",
            "Repository or workspace",
            help="octo/hello, or octo for a whole workspace",
            required=True,
        ),
    )
    places_help = "The token needs the scopes to read and write webhooks, and its owner has to be an administrator there."

    def events(self, selected: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted(key for key, name in KNOWN.items() if name in selected and key in MANAGED))

    def find(self, api: Api, place: Place, url: str) -> RemoteHook | None:
        for each in _listed(api, f"{_path(place)}?pagelen=100"):
            if each.opt("$.url") == url:
                return _remote(place, each)
        return None

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        return _remote(place, api.post(_path(place), _body(plan, _sendable(api, place, plan.events))))

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        answer = api.call("GET", _path(place, hook_id), accept=(404,))
        return None if answer.status == 404 else _remote(place, answer.payload())

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        path = _path(place, hook_id)
        kept = [key for key in api.get(path).texts("$.events") if key not in MANAGED]
        body = _body(plan, [*_sendable(api, place, plan.events), *kept])
        return _remote(place, api.call("PUT", path, json=body).payload())

    def delete(self, api: Api, place: Place, hook_id: str) -> None:
        api.call("DELETE", _path(place, hook_id), accept=(404,))


def _listed(api: Api, path: str) -> Iterator[Payload]:
    for _ in range(PAGES):
        page = api.get(path)
        yield from page.each("$.values", 100)
        path = page.opt("$.next")
        if not path:
            return


def _sendable(api: Api, place: Place, events: Sequence[str]) -> list[str]:
    """Those of `events` that Bitbucket knows there: it refuses the whole webhook for one that it does not know.

    What is left out shows as a difference.
    """
    subject = "repository" if _path(place).startswith("/repositories/") else "workspace"
    try:
        known = {each.opt("$.event") for each in _listed(api, f"/hook_events/{subject}?pagelen=100")}
    except ApiError as error:
        if error.temporary or error.code == "api_unauthorized":
            raise
        known = set()
    return [key for key in events if key in known] if known & set(events) else list(events)


def _where(place: Place) -> list[str]:
    """`["octo", "hello"]`, or `["octo"]` for a workspace."""
    where = place.get("place", "").strip().strip("/")
    if "://" in where:
        where = "/".join(where.partition("://")[2].split("?")[0].split("/")[1:3])
    parts = where.split("/")
    if not 1 <= len(parts) <= 2 or any(part in ("", ".", "..") for part in parts):
        raise ActionError("bad_place", "Write the repository as workspace/name, or a workspace's name alone.")
    return parts[:1] if parts[1:] == ["workspace"] else parts


def _path(place: Place, hook_id: str = "") -> str:
    hook = f"/{segment(hook_id)}" if hook_id else ""
    parts = [segment(part) for part in _where(place)]
    kind = "repositories" if len(parts) == 2 else "workspaces"
    return f"/{kind}/{'/'.join(parts)}/hooks{hook}"


def _body(plan: HookPlan, events: Sequence[str]) -> dict[str, object]:
    body: dict[str, object] = {
        "description": "Teams Connectors", "url": plan.url, "active": plan.active, "events": sorted(events),
        "skip_cert_verification": False,
    }  # fmt: skip
    if plan.secret:
        body["secret"] = plan.secret
    return body


def _remote(place: Place, found: Payload) -> RemoteHook:
    parts = [segment(part) for part in _where(place)]
    tail = "admin/webhooks" if len(parts) == 2 else "workspace/settings/webhooks"
    return RemoteHook(
        id=found.opt("$.uuid"),
        url=found.opt("$.url"),
        events=tuple(sorted(key for key in found.texts("$.events") if key in MANAGED)),
        active=found.flag("$.active", True),
        secret_set=found.flag("$.secret_set") if found.has("$.secret_set") else None,
        page=f"https://bitbucket.org/{'/'.join(parts)}/{tail}",
    )
