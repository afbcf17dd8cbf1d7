"""Webhooks of repositories and organisations, and the deliveries that GitHub made in vain.

https://docs.github.com/rest/repos/webhooks and https://docs.github.com/rest/orgs/webhooks
GitHub never delivers again by itself; what failed is kept for three days.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from apps.sources.sdk import (
    ActionError,
    Api,
    Headers,
    HookPlan,
    Hooks,
    Missed,
    Option,
    Payload,
    Place,
    RemoteHook,
    next_link,
    parse_time,
    segment,
)

APP = "app"
SEEN = 30  # pages of deliveries, a hundred each
# Our families whose vendor event has another name, and those that no webhook of a repository or organisation has.
OTHERS = {
    "user": "", "enterprise": "", "exemption_request_push_ruleset": "bypass_request_push_ruleset",
    "organization_custom_property": "", "organization_custom_property_values": "",
}  # fmt: skip
UNKNOWN = frozenset({
    "installation", "installation_repositories", "installation_target", "github_app_authorization",
    "marketplace_purchase", "sponsorship", "security_advisory", "ping", "content_reference", "repository_import",
    "project", "project_card", "project_column", "workflow_dispatch", "repository_dispatch",
})  # fmt: skip
ORGANISATION = frozenset({
    "organization", "membership", "org_block", "team", "custom_property", "projects_v2", "projects_v2_item",
    "projects_v2_status_update", "personal_access_token_request",
})  # fmt: skip


class GitHubHooks(Hooks):
    """One webhook of a repository or an organisation."""

    places = (
        Option(
            "place",
            "text",
            "Repository or organisation",
            help="octo/hello, or octo for a whole organisation",
            required=True,
        ),
    )
    places_help = (
        "The token needs “Webhooks: read and write” of the repository (classic: admin:repo_hook), or for an "
        "organisation “Webhooks” among the organisation permissions (classic: admin:org_hook)."
    )
    can_find_missed = True

    def events(self, selected: Sequence[str]) -> tuple[str, ...]:
        found = {OTHERS.get(name.partition(".")[0], name.partition(".")[0]) for name in selected}
        return tuple(sorted(found - UNKNOWN - {""}))

    def fit(self, place: Place, plan: HookPlan) -> HookPlan:
        if _is_app(place):
            return replace(plan, events=())  # chosen on the app's page at GitHub alone
        if "/" not in place.get("place", "").strip("/"):
            return plan
        # A repository refuses a hook that lists an organisation's events.
        return replace(plan, events=tuple(name for name in plan.events if name not in ORGANISATION))

    def find(self, api: Api, place: Place, url: str) -> RemoteHook | None:
        if _is_app(place):
            found = self.read(api, place, APP)
            return found if found and found.url == url else None
        for page in api.pages(_path(place), per_page=100):
            for each in page.each("$", 100):
                if each.opt("$.config.url") == url:
                    return _remote(each, place)
        return None

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        if _is_app(place):
            return self.update(api, place, APP, plan)
        return _remote(api.post(_path(place), {"name": "web", **_body(plan)}), place)

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        if _is_app(place):
            return _config(api.get("/app/hook/config"))
        answer = api.call("GET", _path(place, f"/{segment(hook_id)}"), accept=(404,))
        return None if answer.status == 404 else _remote(answer.payload(), place)

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        if _is_app(place):
            return _config(api.call("PATCH", "/app/hook/config", json=_body(plan)["config"]).payload())
        answer = api.call("PATCH", _path(place, f"/{segment(hook_id)}"), json=_body(plan))
        return _remote(answer.payload(), place)

    def delete(self, api: Api, place: Place, hook_id: str) -> None:
        if _is_app(place):
            return  # an app always has its webhook; another address takes its place
        api.call("DELETE", _path(place, f"/{segment(hook_id)}"), accept=(404,))

    def missed(
        self, api: Api, place: Place, hook_id: str, since: dt.datetime, until: dt.datetime
    ) -> Iterable[Missed]:
        """Deliveries that no try of theirs brought to us, oldest first."""
        failed: dict[str, Payload] = {}
        arrived: set[str] = set()
        root = "/app/hook" if _is_app(place) else _path(place, f"/{segment(hook_id)}")
        for each in self._deliveries(api, f"{root}/deliveries", since):
            guid, at = each.opt("$.guid"), parse_time(each.opt("$.delivered_at"))
            if not guid or at is None or at > until:
                continue
            if 200 <= (each.opt_int("$.status_code") or 0) < 300:
                arrived.add(guid)
            else:
                failed[guid] = each
        for guid, each in sorted(failed.items(), key=lambda pair: pair[1].opt("$.delivered_at")):
            number = each.opt_int("$.id")
            if guid in arrived or number is None:
                continue
            found = api.get(f"{root}/deliveries/{number}")
            sent = found.sub("$.request.headers").raw
            headers = {str(key): str(value) for key, value in sent.items()} if isinstance(sent, dict) else {}
            body = found.sub("$.request.payload").raw
            if body is None:
                continue
            raw = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
            headers |= {
                "X-GitHub-Event": each.opt("$.event"),
                "X-GitHub-Delivery": guid,
                "content-type": "application/json",
            }
            at = parse_time(each.opt("$.delivered_at")) or until
            yield Missed(guid, at, raw.encode(), Headers(headers))

    def _deliveries(self, api: Api, path: str, since: dt.datetime) -> Iterable[Payload]:
        """Newest first, down to `since`; the list is paged by a cursor in its Link header."""
        answer = api.call("GET", path, query={"per_page": 100})
        for _ in range(SEEN):
            last: dt.datetime | None = None
            for each in answer.payload().each("$", 100):
                last = parse_time(each.opt("$.delivered_at"))
                if last is None or last >= since:
                    yield each
            following = next_link(answer.headers.get("link") or "")
            if not following or (last is not None and last < since):
                return
            answer = api.call("GET", following)


def _is_app(place: Place) -> bool:
    return place.get("place", "").strip().lower() == APP


def _config(found: Payload) -> RemoteHook:
    """The webhook of a GitHub App. https://docs.github.com/rest/apps/webhooks"""
    return RemoteHook(id=APP, url=found.opt("$.url"), secret_set=bool(found.opt("$.secret")))


def _path(place: Place, rest: str = "") -> str:
    where = place.get("place", "").strip().strip("/")
    where = where.partition("://")[2].partition("/")[2] if "://" in where else where
    parts = where.split("/")
    if not 1 <= len(parts) <= 2 or any(part in ("", ".", "..") for part in parts):
        raise ActionError("bad_place", "Write the repository as owner/name, or an organisation's name alone.")
    if len(parts) == 2:
        return f"/repos/{segment(parts[0])}/{segment(parts[1])}/hooks{rest}"
    return f"/orgs/{segment(parts[0])}/hooks{rest}"


def _body(plan: HookPlan) -> dict[str, object]:
    config: dict[str, object] = {"url": plan.url, "content_type": "json", "insecure_ssl": "0"}
    if plan.secret:
        config["secret"] = plan.secret
    return {"active": True, "events": list(plan.events), "config": config}


def _remote(found: Payload, place: Place) -> RemoteHook:
    status, message = found.opt_int("$.last_response.code"), found.opt("$.last_response.message")
    trouble = f"the last delivery was answered {status or 'not at all'}" if status and status >= 400 else ""
    if not status and found.opt("$.last_response.status") not in ("", "unused", "active"):
        trouble = f"the last delivery failed: {message}"
    number = str(found.opt_int("$.id") or "")
    where = place.get("place", "").strip("/")
    site = found.opt("$.url").partition("/repos/")[0].partition("/orgs/")[0]
    home = "https://github.com" if site in ("", "https://api.github.com") else site.removesuffix("/api/v3")
    page = f"{home}/{where}/settings/hooks/{number}"
    return RemoteHook(
        id=number,
        url=found.opt("$.config.url"),
        events=tuple(sorted(found.texts("$.events"))),
        active=found.flag("$.active", True),
        secret_set=bool(found.opt("$.config.secret")),
        trouble=trouble,
        page=page if "/" in where else f"{home}/organizations/{where}/settings/hooks/{number}",
    )
