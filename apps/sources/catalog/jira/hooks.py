"""Webhooks of Jira: those of an administrator, and the dynamic ones of an OAuth app, which live 30 days.

https://developer.atlassian.com/cloud/jira/platform/webhooks/ and
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-webhooks/
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace

from apps.sources.sdk import (
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
    parse_time,
    segment,
)

LEGACY, CURRENT, DYNAMIC = (
    "/rest/webhooks/1.0/webhook",
    "/rest/jira-webhook/1.0/webhooks",
    "/rest/api/2/webhook",
)
NAME = "Teams Connectors"
SECTION = "issue-related-events-section"
# Our family -> the vendor's event names behind it.
FAMILIES: dict[str, tuple[str, ...]] = {
    "issue.created": ("jira:issue_created",), "issue.deleted": ("jira:issue_deleted",),
    "issue": ("jira:issue_updated",),
    "comment.created": ("comment_created",), "comment.edited": ("comment_updated",), "comment.deleted": ("comment_deleted",),
    "worklog.created": ("worklog_created",), "worklog.changed": ("worklog_updated",),
    "worklog.deleted": ("worklog_deleted",),
    "attachment.created": ("attachment_created",), "attachment.deleted": ("attachment_deleted",),
    "link.created": ("issuelink_created",), "link.deleted": ("issuelink_deleted",),
    "sprint.created": ("sprint_created",), "sprint.updated": ("sprint_updated",), "sprint.deleted": ("sprint_deleted",),
    "sprint.started": ("sprint_started",), "sprint.closed": ("sprint_closed",),
    "version.created": ("jira:version_created",), "version.updated": ("jira:version_updated",),
    "version.deleted": ("jira:version_deleted",), "version.merged": ("jira:version_deleted",),
    "version.released": ("jira:version_released",), "version.unreleased": ("jira:version_unreleased",),
    "version.moved": ("jira:version_moved",), "project.created": ("project_created",),
    "project.updated": ("project_updated",), "project.deleted": ("project_deleted",),
    "project.trashed": ("project_soft_deleted",), "project.restored": ("project_restored_deleted",),
    "project.archived": ("project_archived",), "project.unarchived": ("project_restored_archived",),
    "board.created": ("board_created",), "board.updated": ("board_updated",), "board.deleted": ("board_deleted",),
    "board.configuration": ("board_configuration_changed",), "user.created": ("user_created",),
    "user.updated": ("user_updated",), "user.deleted": ("user_deleted",),
}  # fmt: skip
# What an OAuth app may listen to.
DYNAMIC_EVENTS = frozenset({
    "jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated",
    "comment_deleted", "issue_property_set", "issue_property_deleted", "sprint_created", "sprint_updated",
    "sprint_closed", "sprint_deleted", "sprint_started", "jira:version_released", "jira:version_unreleased",
    "jira:version_created", "jira:version_moved", "jira:version_updated", "jira:version_deleted",
})  # fmt: skip


class JiraHooks(Hooks):
    """One webhook of a site."""

    places = (
        Option("jql", "text", "Only issues that match (JQL)", help="project = WEB. Empty: all issues."),
        Option(
            "kind", "choice", "Kind", choices=(("admin", "Of an administrator"), ("dynamic", "Of an OAuth app, 30 days")),
            default="admin",
        ),
    )  # fmt: skip
    places_help = "The account needs the global permission “Administer Jira”; an OAuth app the scope manage:jira-webhook."
    lifetime = dt.timedelta(days=30)
    can_find_missed = True

    def events(self, selected: Sequence[str]) -> tuple[str, ...]:
        found: set[str] = set()
        for name in selected:
            found.update(FAMILIES.get(name) or FAMILIES.get(name.partition(".")[0]) or ())
        return tuple(sorted(found))

    def fit(self, place: Place, plan: HookPlan) -> HookPlan:
        if place.get("kind") != "dynamic":
            return plan
        # An app's requests carry the app's own proof; there is no secret to give.
        return replace(plan, secret="", events=tuple(name for name in plan.events if name in DYNAMIC_EVENTS))

    def find(self, api: Api, place: Place, url: str) -> RemoteHook | None:
        if place.get("kind") == "dynamic":
            return next((each for each in self._dynamic(api) if each.url in ("", url)), None)
        for each in api.get(_admin(api)).each("$", 500):
            if each.opt("$.url") == url:
                return _remote(each, api)
        return None

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        if place.get("kind") == "dynamic":
            return self._register(api, place, plan)
        where = _admin(api)
        return _remote(api.post(where, _body(where, place, plan)), api)

    def _register(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        wanted = {"jqlFilter": place.get("jql") or "project is not EMPTY", "events": list(plan.events)}
        answer = api.post(DYNAMIC, {"url": plan.url, "webhooks": [wanted]})
        for each in answer.each("$.webhookRegistrationResult"):
            number = each.opt_int("$.createdWebhookId")
            if number is not None:
                until = dt.datetime.now(dt.UTC) + self.lifetime
                return RemoteHook(str(number), plan.url, plan.events, expires_at=until)
            raise ApiError(
                "api_invalid", f"Jira refused the webhook: {' '.join(each.texts('$.errors', 3))[:300]}"
            )
        raise ApiError("api_unreadable", "Jira did not say what became of the webhook.")

    def _dynamic(self, api: Api) -> Iterable[RemoteHook]:
        start = 0
        while True:
            page = api.get(DYNAMIC, startAt=start, maxResults=100)
            values = list(page.each("$.values"))
            for each in values:
                yield RemoteHook(
                    str(each.opt_int("$.id") or ""),
                    each.opt("$.url"),
                    tuple(sorted(each.texts("$.events"))),
                    expires_at=_time(each, "$.expirationDate"),
                )
            start += len(values)
            if not values or page.flag("$.isLast", True):
                return

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        if place.get("kind") == "dynamic":
            return next((each for each in self._dynamic(api) if each.id == hook_id), None)
        where = f"{_admin(api)}/{segment(hook_id)}"
        answer = api.call("GET", where, accept=(404,))
        if answer.status == 404:
            return None
        return _remote(answer.payload(), api, _failures(api, where) if CURRENT in where else 0)

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        if place.get("kind") == "dynamic":
            self.delete(api, place, hook_id)
            return self._register(api, place, plan)
        path = f"{_admin(api)}/{segment(hook_id)}"
        return _remote(api.call("PUT", path, json=_body(path, place, plan)).payload(), api)

    def delete(self, api: Api, place: Place, hook_id: str) -> None:
        if place.get("kind") == "dynamic":
            api.call("DELETE", DYNAMIC, json={"webhookIds": [int(hook_id)]}, accept=(404,))
            return
        api.call("DELETE", f"{_admin(api)}/{segment(hook_id)}", accept=(404,))

    def renew(self, api: Api, place: Place, hook_id: str, now: dt.datetime) -> RemoteHook:
        answer = api.call("PUT", f"{DYNAMIC}/refresh", json={"webhookIds": [int(hook_id)]}).payload()
        found = self.read(api, place, hook_id)
        if found is None:
            raise ApiError("api_not_found", "The webhook ended before it could be renewed.")
        until = parse_time(answer.opt("$.expirationDate")) or found.expires_at
        return RemoteHook(found.id, found.url, found.events, expires_at=until)

    def missed(
        self, api: Api, place: Place, hook_id: str, since: dt.datetime, until: dt.datetime
    ) -> Iterable[Missed]:
        """What Jira gave up on in the last 72 hours, oldest first; only an app's own webhooks are listed there.

        The list is of the whole app, so what was meant for another address is passed over. Some apps may not ask.
        """
        own = self.read(api, place, hook_id) if place.get("kind") == "dynamic" else None
        if own is None:
            return
        after: object = int(since.timestamp() * 1000)
        for _ in range(20):
            answer = api.call(
                "GET", f"{DYNAMIC}/failed", query={"after": after, "maxResults": 100}, accept=(403,)
            )
            if answer.status == 403:
                return
            page = answer.payload()
            for each in page.each("$.values"):
                at = _time(each, "$.failureTime") or until
                meant = not own.url or each.opt("$.url", own.url) == own.url
                if meant and at <= until and each.opt("$.body"):
                    number = each.opt("$.id")
                    headers = Headers({"x-atlassian-webhook-identifier": number})
                    yield Missed(number, at, each.opt("$.body").encode(), headers)
            following = page.opt("$.next")
            if not following:
                return
            after = following.rpartition("after=")[2].partition("&")[0]


def _admin(api: Api) -> str:
    """Where this Jira keeps administrators' webhooks: Data Center 10 moved them."""
    return CURRENT if api.call("GET", LEGACY, accept=(404,)).status == 404 else LEGACY


def _failures(api: Api, where: str) -> int:
    """How many deliveries failed lately, as Data Center counts them."""
    answer = api.call("GET", f"{where}/statistics", accept=(204, 400, 403, 404))
    counts = answer.payload().sub("$.counts") if answer.status == 200 else Payload({})
    return (counts.opt_int("$.failures") or 0) + (counts.opt_int("$.errors") or 0)


def _body(where: str, place: Place, plan: HookPlan) -> dict[str, object]:
    body: dict[str, object] = {
        "name": NAME, "url": plan.url, "events": list(plan.events), "excludeBody": False,
        "filters": {SECTION: place.get("jql", "")},
    }  # fmt: skip
    if CURRENT in where:
        # Here a secret beside the others would be passed over, and nothing would be signed.
        signed = {"SECRET": plan.secret} if plan.secret else {}
        return {**body, "active": True, "configuration": {"EXCLUDE_BODY": "false", **signed}}
    return {**body, "enabled": True, **({"secret": plan.secret} if plan.secret else {})}


def _remote(found: Payload, api: Api, failed: int = 0) -> RemoteHook:
    number = found.opt("$.self").rstrip("/").rpartition("/")[2] or str(
        found.opt_int("$.id") or found.opt("$.id")
    )
    active = found.flag("$.enabled", True) and found.flag("$.active", True)
    failures = failed or found.opt_int("$.statistics.counts.failures")
    return RemoteHook(
        id=number,
        url=found.opt("$.url"),
        events=tuple(sorted(found.texts("$.events"))),
        active=active,
        secret_set=found.flag("$.isSigned") if found.has("$.isSigned") else None,
        trouble=f"{failures} deliveries failed lately" if failures else "",
        page=f"{api.base}/plugins/servlet/webhooks",
    )


def _time(found: Payload, path: str) -> dt.datetime | None:
    """A time that Jira gives in milliseconds, or as text."""
    number = found.opt_int(path)
    if number is not None and number > 10_000_000_000:
        return dt.datetime.fromtimestamp(number / 1000, dt.UTC)
    return parse_time(found.opt(path))
