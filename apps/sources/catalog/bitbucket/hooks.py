"""Webhooks of repositories and workspaces.

https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/#api-repositories-workspace-repo-slug-hooks-post
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.sources.sdk import (
    ActionError,
    Api,
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
        return tuple(sorted(key for key, name in KNOWN.items() if name in selected))

    def find(self, api: Api, place: Place, url: str) -> RemoteHook | None:
        following = _path(place)
        for _ in range(PAGES):
            page = api.get(following)
            for each in page.each("$.values", 100):
                if each.opt("$.url") == url:
                    return _remote(each)
            following = page.opt("$.next")
            if not following:
                return None
        return None

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        return _remote(api.post(_path(place), _body(plan)))

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        answer = api.call("GET", _path(place, f"/{segment(hook_id)}"), accept=(404,))
        return None if answer.status == 404 else _remote(answer.payload())

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        return _remote(api.call("PUT", _path(place, f"/{segment(hook_id)}"), json=_body(plan)).payload())

    def delete(self, api: Api, place: Place, hook_id: str) -> None:
        api.call("DELETE", _path(place, f"/{segment(hook_id)}"), accept=(404,))


def _path(place: Place, rest: str = "") -> str:
    where = place.get("place", "").strip().strip("/")
    where = where.partition("://")[2].partition("/")[2] if "://" in where else where
    parts = where.split("/")
    if not 1 <= len(parts) <= 2 or any(part in ("", ".", "..") for part in parts):
        raise ActionError("bad_place", "Write the repository as workspace/name, or a workspace's name alone.")
    if len(parts) == 2:
        return f"/repositories/{segment(parts[0])}/{segment(parts[1])}/hooks{rest}"
    return f"/workspaces/{segment(parts[0])}/hooks{rest}"


def _body(plan: HookPlan) -> dict[str, object]:
    body: dict[str, object] = {
        "description": "Teams Connectors", "url": plan.url, "active": plan.active, "events": list(plan.events),
    }  # fmt: skip
    if plan.secret:
        body["secret"] = plan.secret
    return body


def _remote(found: Payload) -> RemoteHook:
    return RemoteHook(
        id=found.opt("$.uuid"),
        url=found.opt("$.url"),
        events=tuple(sorted(found.texts("$.events"))),
        active=found.flag("$.active", True),
        secret_set=found.flag("$.secret_set") if found.has("$.secret_set") else None,
    )
