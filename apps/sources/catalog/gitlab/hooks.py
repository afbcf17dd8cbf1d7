"""Webhooks of projects and groups, and their events that failed.

https://docs.gitlab.com/api/project_webhooks/ and https://docs.gitlab.com/api/group_webhooks/
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from apps.sources.sdk import (
    Api,
    Headers,
    HookPlan,
    Hooks,
    Missed,
    Option,
    Payload,
    Place,
    RemoteHook,
    parse_time,
    segment,
)

# Our family -> the switches of a hook.
SWITCHES: dict[str, tuple[str, ...]] = {
    "merge_request": ("merge_requests_events",), "issue": ("issues_events",), "work_item": ("issues_events",),
    "milestone": ("milestone_events",), "note": ("note_events",), "emoji": ("emoji_events",), "push": ("push_events",),
    "tag_push": ("tag_push_events",), "release": ("releases_events",), "wiki_page": ("wiki_page_events",),
    "pipeline": ("pipeline_events",), "job": ("job_events",), "deployment": ("deployment_events",),
    "feature_flag": ("feature_flag_events",), "vulnerability": ("vulnerability_events",),
    "access_token": ("resource_access_token_events",), "deploy_token": ("resource_deploy_token_events",),
    "member": ("member_events",), "subgroup": ("subgroup_events",), "project": ("project_events",),
}  # fmt: skip
GROUP_ONLY = frozenset({"member_events", "subgroup_events", "project_events"})
ALL = tuple(sorted({switch for names in SWITCHES.values() for switch in names}))
# Events of confidential issues and notes are another switch; they leave only when somebody turns that on there.
NEVER = ("confidential_issues_events", "confidential_note_events")


class GitLabHooks(Hooks):
    """One webhook of a project or group."""

    places = (
        Option(
            "kind", "choice", "Where", default="project", choices=(("project", "A project"), ("group", "A group (Premium)"))
        ),
        Option("path", "text", "Its path", help="octo/hello, or the group octo", required=True),
    )  # fmt: skip
    places_help = (
        "The token needs the scope api and the role Maintainer of the project, or Owner of the group."
    )
    can_find_missed = True

    def events(self, selected: Sequence[str]) -> tuple[str, ...]:
        found: set[str] = set()
        for name in selected:
            found.update(SWITCHES.get(name.partition(".")[0], ()))
        return tuple(sorted(found))

    def fit(self, place: Place, plan: HookPlan) -> HookPlan:
        if place.get("kind") == "group":
            return plan
        return replace(plan, events=tuple(name for name in plan.events if name not in GROUP_ONLY))

    def find(self, api: Api, place: Place, url: str) -> RemoteHook | None:
        for page in api.pages(_path(place), per_page=100):
            for each in page.each("$", 100):
                if each.opt("$.url") == url:
                    return _remote(each)
        return None

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        return _remote(api.post(_path(place), _body(place, plan)))

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        answer = api.call("GET", _path(place, f"/{segment(hook_id)}"), accept=(404,))
        return None if answer.status == 404 else _remote(answer.payload())

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        path = _path(place, f"/{segment(hook_id)}")
        made = _remote(api.call("PUT", path, json=_body(place, plan)).payload())
        if made.active:
            return made
        # A test that is answered well switches a hook on again that GitLab had switched off.
        api.call("POST", f"{path}/test/push_events", json={}, accept=(400, 404, 422, 429))
        return self.read(api, place, hook_id) or made

    def delete(self, api: Api, place: Place, hook_id: str) -> None:
        api.call("DELETE", _path(place, f"/{segment(hook_id)}"), accept=(404,))

    def missed(
        self, api: Api, place: Place, hook_id: str, since: dt.datetime, until: dt.datetime
    ) -> Iterable[Missed]:
        """Events that got no good answer; GitLab 17.3 and later keep them for seven days."""
        found: list[Missed] = []
        path = _path(place, f"/{segment(hook_id)}/events")
        for page in api.pages(path, per_page=100):
            rows = list(page.each("$", 100))
            for each in rows:
                at = parse_time(each.opt("$.created_at")) or until
                status = each.opt("$.response_status")
                if not since <= at <= until or (status.isdecimal() and 200 <= int(status) < 300):
                    continue
                sent = each.sub("$.request_headers").raw
                headers = (
                    {str(key): str(value) for key, value in sent.items()} if isinstance(sent, dict) else {}
                )
                headers = {key: value for key, value in headers.items() if key.lower() != "x-gitlab-token"}
                number = (
                    headers.get("X-Gitlab-Event-UUID")
                    or headers.get("Idempotency-Key")
                    or f"{each.opt_int('$.id')}"
                )
                body = each.sub("$.request_data").raw
                if isinstance(body, dict):
                    found.append(
                        Missed(number, at, json.dumps(body, ensure_ascii=False).encode(), Headers(headers))
                    )
            if rows and (parse_time(rows[-1].opt("$.created_at")) or until) < since:
                break
        yield from sorted(found, key=lambda each: each.at)


def _path(place: Place, rest: str = "") -> str:
    path = place.get("path", "").strip()
    path = path.partition("://")[2].partition("/")[2] if "://" in path else path
    kind = "groups" if place.get("kind") == "group" else "projects"
    return f"/{kind}/{segment(path.strip('/').removesuffix('/-'))}/hooks{rest}"


def _body(place: Place, plan: HookPlan) -> dict[str, object]:
    body: dict[str, object] = {"url": plan.url, "name": "Teams Connectors", "enable_ssl_verification": True}
    if plan.secret and plan.scheme != "url":
        # A signing token is whsec_ and base64; everything else is the token in clear.
        body["signing_token" if plan.scheme == "signing_token" else "token"] = plan.secret
    group = place.get("kind") == "group"
    for switch in ALL:
        if group or switch not in GROUP_ONLY:
            body[switch] = switch in plan.events
    return body


def _remote(found: Payload) -> RemoteHook:
    status = found.opt("$.alert_status") or "executable"
    until = found.opt("$.disabled_until")
    trouble = ""
    if status != "executable":
        trouble = (
            f"GitLab switched it off until {until}" if until else "GitLab switched it off after failures"
        )
    return RemoteHook(
        id=str(found.opt_int("$.id") or ""),
        url=found.opt("$.url"),
        events=tuple(switch for switch in ALL if found.flag(f"$.{switch}")),
        active=status == "executable",
        secret_set=None,
        trouble=trouble,
    )
