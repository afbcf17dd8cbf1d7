"""Webhooks of projects and groups, and their events that failed.

https://docs.gitlab.com/api/project_webhooks/ and https://docs.gitlab.com/api/group_webhooks/
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from apps.sources.sdk import (
    ActionError,
    Api,
    ApiError,
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

from .api import site_of

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
# What is tried on a hook that GitLab switched off: a test that is answered well switches it on again. Those that
# nobody subscribed to come first, because a test looks like a true event.
TESTS = ("push_events", "tag_push_events", "issues_events", "merge_requests_events", "note_events")
LOG_PAGES = 20
SECRET_HEADERS = frozenset({"x-gitlab-token", "webhook-signature", "authorization"})


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
    remembered = dt.timedelta(days=7)

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
        for page in api.pages(_path(api, place), per_page=100):
            for each in page.each("$", 100):
                if each.opt("$.url") == url:
                    return _remote(api, place, each)
        return None

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        return _remote(api, place, api.post(_path(api, place), _body(place, plan)))

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        answer = api.call("GET", _path(api, place, hook_id), accept=(404,))
        return None if answer.status == 404 else _remote(api, place, answer.payload())

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        path = _path(api, place, hook_id)
        made = _remote(api, place, api.call("PUT", path, json=_body(place, plan)).payload())
        if made.active:
            return made
        for test in sorted(TESTS, key=lambda name: name in plan.events)[:3]:
            # 422: the project has nothing to make such an event of. 404: GitLab before 16.11 has no tests.
            answer = api.call("POST", f"{path}/test/{test}", json={}, accept=(400, 404, 422, 429))
            if answer.status != 422:
                break
        return self.read(api, place, hook_id) or made

    def delete(self, api: Api, place: Place, hook_id: str) -> None:
        api.call("DELETE", _path(api, place, hook_id), accept=(404,))

    def missed(
        self, api: Api, place: Place, hook_id: str, since: dt.datetime, until: dt.datetime
    ) -> Iterable[Missed]:
        """Events that got no good answer; GitLab 17.3 and later keep them for seven days, newest first."""
        found: list[Missed] = []
        following: str = _path(api, place, hook_id, "/events")
        query: dict[str, object] = {"per_page": 100}
        for _ in range(LOG_PAGES):
            answer = api.call("GET", following, query=query, accept=(404,))
            if answer.status == 404:
                raise ApiError(
                    "api_not_found",
                    "GitLab tells nothing about this webhook's events. It must still be there, and GitLab 17.3 or later.",
                    answer_status=404,
                )
            rows = list(answer.payload().each("$", 100))
            found += [each for row in rows if (each := _missed(row, until)) and since <= each.at <= until]
            oldest = parse_time(rows[-1].opt("$.created_at")) if rows else None
            following, query = next_link(answer.headers.get("link", "") or ""), {}
            if not following or (oldest and oldest < since):
                break
        yield from sorted(found, key=lambda each: each.at)


def _missed(row: Payload, until: dt.datetime) -> Missed | None:
    """An entry of the log as it would have come in; None when it was answered well."""
    status, body = row.opt("$.response_status"), row.sub("$.request_data").raw
    if (status.isdecimal() and 200 <= int(status) < 300) or not body:
        return None
    sent = row.sub("$.request_headers")
    headers = {key: sent.opt(f"$.{key}") for key in sent.keys("$") if key.lower() not in SECRET_HEADERS}
    known = Headers(headers)
    number = known.get("idempotency-key") or known.get("x-gitlab-event-uuid") or row.opt("$.id")
    # Versions before the log had times say nothing; what is known already is dropped later by its id.
    at = parse_time(row.opt("$.created_at")) or until
    return Missed(number, at, json.dumps(body, ensure_ascii=False).encode(), known)


def _path(api: Api, place: Place, hook_id: str = "", rest: str = "") -> str:
    group, path = place.get("kind") == "group", _where(api, place)
    hook = f"/{segment(hook_id)}" if hook_id else ""
    return f"/{'groups' if group else 'projects'}/{segment(path)}/hooks{hook}{rest}"


def _where(api: Api, place: Place) -> str:
    """The path or number of the project or group, also from its page's address."""
    path = place.get("path", "").strip()
    if "://" in path:
        site = f"{site_of(api.base)}/"
        path = path[len(site) :] if path.startswith(site) else path.partition("://")[2].partition("/")[2]
        path = re.split(r"/-/|[?#]", path)[0].removeprefix("groups/")
    path = path.strip("/").removesuffix("/-")
    if not path or (place.get("kind") != "group" and "/" not in path and not path.isdecimal()):
        raise ActionError("bad_place", "Write the project as group/project, or the group's path.")
    return path


def _body(place: Place, plan: HookPlan) -> dict[str, object]:
    body: dict[str, object] = {"url": plan.url, "name": "Teams Connectors", "enable_ssl_verification": True}
    if plan.secret and plan.scheme != "url":
        # A signing token is whsec_ and base64; everything else is the token in clear.
        body["signing_token" if plan.scheme == "signing_token" else "token"] = plan.secret
    group = place.get("kind") == "group"
    # The switches of confidential issues and notes are left as they are: what they send is for a person to decide.
    for switch in ALL:
        if group or switch not in GROUP_ONLY:
            body[switch] = switch in plan.events
    return body


def _remote(api: Api, place: Place, found: Payload) -> RemoteHook:
    number, group = found.opt("$.id"), place.get("kind") == "group"
    until = parse_time(found.opt("$.disabled_until"))
    # GitLab goes on saying “executable” for a while after it switched a hook off.
    resting = until is not None and until > dt.datetime.now(dt.UTC)
    off = resting or found.opt("$.alert_status", "executable") != "executable"
    trouble = ""
    if resting and until is not None:
        trouble = f"GitLab switched it off until {until:%Y-%m-%d %H:%M} UTC, because deliveries failed."
    elif off:
        trouble = "GitLab switched it off, because deliveries failed again and again."
    # GitLab 19 tells whether there is a secret, but never which.
    told = found.has("$.token_present") or found.has("$.signing_token_present")
    page = f"{site_of(api.base)}/{'groups/' if group else ''}{_where(api, place)}/-/hooks/{number}/edit"
    return RemoteHook(
        id=number,
        url=found.opt("$.url"),
        events=tuple(switch for switch in ALL if found.flag(f"$.{switch}")),
        active=not off,
        secret_set=found.flag("$.token_present") or found.flag("$.signing_token_present") if told else None,
        trouble=trouble,
        page="" if _where(api, place).isdecimal() else page,
    )
