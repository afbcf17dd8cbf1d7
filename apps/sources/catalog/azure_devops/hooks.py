"""Service hook subscriptions: one for each kind of event, together one hook of ours.

https://learn.microsoft.com/azure/devops/service-hooks/create-subscription
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any

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

from .names import VENDOR

PATH = "/_apis/hooks/subscriptions"
API = {"api-version": "5.0"}
TOKEN_HEADER = "X-Teams-Connectors-Token"  # noqa: S105 - a header's name
PREFERRED = {name: vendor for vendor, name in reversed(list(VENDOR.items()))}
PUBLISHERS = (("ms.vss-release", "rm"), ("ms.vss-pipeline", "pipelines"))
UNKNOWN = frozenset({"git.branch.download", "message.posted"})


class AzureHooks(Hooks):
    """The subscriptions of a project, or of all projects of the organisation."""

    places = (
        Option("project", "text", "Project", help="Its name; empty: all projects of the organisation."),
    )
    places_help = (
        "The account has to be a project administrator, or may “Edit subscriptions” and “View subscriptions”."
    )
    can_find_missed = True
    remembered = dt.timedelta(days=7)

    def events(self, selected: Sequence[str]) -> tuple[str, ...]:
        found: set[str] = set()
        for chosen in selected:
            name = chosen
            # git.pullrequest.updated.approved and the like are one event at the vendor.
            while name and name not in PREFERRED:
                name = name.rpartition(".")[0]
            if name and name not in UNKNOWN:
                found.add(PREFERRED[name])
        return tuple(sorted(found))

    def find(self, api: Api, place: Place, url: str) -> RemoteHook | None:
        rows = [each for each in api.get(PATH, **API).each("$.value", 5_000) if _url(each) == url]
        return _together(rows) if rows else None

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        project = _project(api, place)
        made: list[Payload] = []
        try:
            for event in plan.events:
                answer = api.call("POST", PATH, query=API, json=_body(event, project, plan))
                made.append(answer.payload())
        except ApiError:
            # All or none: half a hook would look whole.
            for each in made:
                api.call("DELETE", f"{PATH}/{segment(each.opt('$.id'))}", query=API, accept=(404,))
            raise
        return _together(made)

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        rows = []
        for number in hook_id.split(","):
            answer = api.call("GET", f"{PATH}/{segment(number)}", query=API, accept=(404,))
            if answer.status != 404:
                rows.append(answer.payload())
        return _together(rows, hook_id) if rows else None

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        """Change what is there, make what is missing, delete what is too much; the ids stay where they can."""
        project = _project(api, place)
        there: dict[str, Payload] = {}
        for each in api.get(PATH, **API).each("$.value", 5_000):
            if each.opt("$.id") in hook_id.split(",") or _url(each) == plan.url:
                if each.opt("$.eventType") in plan.events and each.opt("$.eventType") not in there:
                    there[each.opt("$.eventType")] = each
                else:
                    api.call("DELETE", f"{PATH}/{segment(each.opt('$.id'))}", query=API, accept=(404,))
        rows = []
        for event in plan.events:
            body = _body(event, project, plan)
            if event in there:
                number = there[event].opt("$.id")
                answer = api.call(
                    "PUT",
                    f"{PATH}/{segment(number)}",
                    query=API,
                    json={**body, "id": number, "status": "enabled"},
                )
            else:
                answer = api.call("POST", PATH, query=API, json=body)
            rows.append(answer.payload())
        return _together(rows)

    def delete(self, api: Api, place: Place, hook_id: str) -> None:
        for number in hook_id.split(","):
            api.call("DELETE", f"{PATH}/{segment(number)}", query=API, accept=(404,))

    def missed(
        self, api: Api, place: Place, hook_id: str, since: dt.datetime, until: dt.datetime
    ) -> Iterable[Missed]:
        found: list[Missed] = []
        for number in hook_id.split(","):
            path = f"{PATH}/{segment(number)}/notifications"
            query = {**API, "status": "completed", "result": "failed", "minCreatedDate": since.isoformat(),
                     "maxCreatedDate": until.isoformat(), "maxResults": 1_000}  # fmt: skip
            for each in api.get(path, **query).each("$.value", 1_000):
                detail = each
                if not each.has("$.details.event") and each.opt_int("$.id") is not None:
                    detail = api.get(f"{path}/{each.opt_int('$.id')}", **API)
                body = detail.sub("$.details.event").raw
                at = parse_time(each.opt("$.createdDate")) or until
                if isinstance(body, dict):
                    found.append(Missed(each.opt("$.eventId"), at, json.dumps(body).encode(), Headers()))
        yield from sorted(found, key=lambda each: each.at)


def _project(api: Api, place: Place) -> str:
    name = place.get("project", "").strip()
    return api.get(f"/_apis/projects/{segment(name)}", **API).text("$.id") if name else ""


def _body(event: str, project: str, plan: HookPlan) -> dict[str, Any]:
    inputs: dict[str, str] = {"url": plan.url, "resourceDetailsToSend": "all", "messagesToSend": "all",
                              "detailedMessagesToSend": "all"}  # fmt: skip
    if plan.secret and plan.scheme == "header":
        inputs["httpHeaders"] = f"{TOKEN_HEADER}:{plan.secret}"
    elif plan.secret:
        user, _, password = plan.secret.partition(":") if ":" in plan.secret else ("teams", "", plan.secret)
        inputs |= {"basicAuthUsername": user, "basicAuthPassword": password}
    publisher = next((name for start, name in PUBLISHERS if event.startswith(start)), "tfs")
    return {
        "publisherId": publisher, "eventType": event,
        "resourceVersion": "5.1-preview.1" if publisher == "pipelines" else "1.0",
        "consumerId": "webHooks", "consumerActionId": "httpRequest", "consumerInputs": inputs,
        "publisherInputs": {"projectId": project} if project else {},
    }  # fmt: skip


def _url(found: Payload) -> str:
    return found.opt("$.consumerInputs.url")


def _together(rows: Sequence[Payload], asked: str = "") -> RemoteHook:
    urls = [_url(each) for each in rows]
    usual = max(urls, key=urls.count, default="")
    states = {each.opt("$.status") or "enabled" for each in rows}
    bad = sorted(states - {"enabled", "onProbation"})
    trouble = (
        "Azure DevOps sends less because deliveries failed (on probation)" if "onProbation" in states else ""
    )
    return RemoteHook(
        id=asked or ",".join(each.opt("$.id") for each in rows),
        # One that posts elsewhere is shown, if there is any.
        url=next((url for url in urls if url != usual), usual),
        events=tuple(sorted(each.opt("$.eventType") for each in rows)),
        active=not bad,
        trouble=f"switched off: {', '.join(bad)}" if bad else trouble,
    )
