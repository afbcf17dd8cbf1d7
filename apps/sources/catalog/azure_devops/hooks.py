"""Service hook subscriptions: one for each kind of event, together one hook of ours.

https://learn.microsoft.com/azure/devops/service-hooks/create-subscription
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
        project = _project(api, place)
        rows = [each for each in _there(api, project) if _url(each) == url]
        return _together(rows, {}) if rows else None

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        project, offered = _project(api, place), _offered(api)
        made: list[Payload] = []
        try:
            refused = _each(api, _able(plan, offered), made, project, plan, {})
        except ApiError:
            # All or none: half a hook would look whole.
            for each in made:
                api.call("DELETE", f"{PATH}/{segment(each.opt('$.id'))}", query=API, accept=(404,))
            raise
        return _together(made, offered, refused=refused)

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        rows = []
        for number in hook_id.split(","):
            answer = api.call("GET", f"{PATH}/{segment(number)}", query=API, accept=(404,))
            if answer.status != 404:
                rows.append(answer.payload())
        return _together(rows, _offered(api), hook_id) if rows else None

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        """Change what is there, make what is missing, delete what is too much; the ids stay where they can."""
        project, offered = _project(api, place), _offered(api)
        there: dict[str, str] = {}
        for each in _there(api, project):
            number, event = each.opt("$.id"), _usual(each.opt("$.eventType"))
            if number in hook_id.split(",") or _url(each) == plan.url:
                if event in plan.events and event not in there:
                    there[event] = number
                else:
                    api.call("DELETE", f"{PATH}/{segment(number)}", query=API, accept=(404,))
        rows: list[Payload] = []
        refused = _each(api, _able(plan, offered), rows, project, plan, there)
        return _together(rows, offered, refused=refused)

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


def _there(api: Api, project: str) -> Iterator[Payload]:
    """The subscriptions for web hooks of one project, or those of the whole organisation."""
    query = {**API, "consumerId": "webHooks"}
    for each in api.get(PATH, **query).each("$.value", 5_000):
        if each.opt("$.publisherInputs.projectId") == project:
            yield each


def _project(api: Api, place: Place) -> str:
    name = place.get("project", "").strip()
    return api.get(f"/_apis/projects/{segment(name)}", **API).text("$.id") if name else ""


@dataclass(frozen=True, slots=True)
class _Offer:
    """An event as it is asked for: by whom it is published, its id there, and the version of its body."""

    publisher: str
    event: str
    version: str


def _offered(api: Api) -> dict[str, _Offer]:
    """What this organisation or server offers, by the id that we prefer; {} when it does not tell.

    Services and each Server know other events: https://learn.microsoft.com/rest/api/azure/devops/hooks/publishers/list
    """
    answer = api.call("GET", "/_apis/hooks/publishers", query=API, accept=(400, 403, 404))
    found: dict[str, _Offer] = {}
    if answer.status >= 400:
        return found
    for publisher in answer.payload().each("$.value", 100):
        for each in publisher.each("$.supportedEvents", 200):
            event, versions = each.opt("$.id"), each.texts("$.supportedResourceVersions", 20)
            wanted = _version(publisher.opt("$.id"))
            version = wanted if wanted in versions or not versions else versions[0]
            offer = _Offer(publisher.opt("$.id"), event, version)
            if event == _usual(event) or _usual(event) not in found:
                found[_usual(event)] = offer
    return found


def _able(plan: HookPlan, offered: Mapping[str, _Offer]) -> dict[str, _Offer]:
    """What can be asked for. Raises ApiError when that is nothing."""
    if not offered:
        publishers = {event: next((name for start, name in PUBLISHERS if event.startswith(start)), "tfs")
                      for event in plan.events}  # fmt: skip
        return {event: _Offer(name, event, _version(name)) for event, name in publishers.items()}
    found = {event: offered[event] for event in plan.events if event in offered}
    if not found:
        raise ApiError("api_not_found", "Azure DevOps offers none of the chosen events here. Choose others.")
    return found


def _version(publisher: str) -> str:
    return "5.1-preview.1" if publisher == "pipelines" else "1.0"


def _usual(event: str) -> str:
    """The id that we prefer among those that one event has had."""
    return PREFERRED.get(VENDOR.get(event.lower(), ""), event)


def _each(
    api: Api,
    wanted: Mapping[str, _Offer],
    rows: list[Payload],
    project: str,
    plan: HookPlan,
    there: Mapping[str, str],
) -> str:
    """Make or change one subscription for each event, and add it to `rows`. Returns what was refused, in words.

    One event that a project cannot have (TFVC without TFVC) does not spoil the others.
    """
    last: ApiError | None = None
    refused = []
    for event, offer in wanted.items():
        body = _body(offer, project, plan)
        number = there.get(event)
        try:
            if number:
                body |= {"id": number, "status": "enabled"}
                answer = api.call("PUT", f"{PATH}/{segment(number)}", query=API, json=body)
            else:
                answer = api.call("POST", PATH, query=API, json=body)
        except ApiError as error:
            if error.code != "api_invalid":
                raise
            last = error
            refused.append(f"{event} was refused. {error.public_message}")
        else:
            rows.append(answer.payload())
    if last is not None and not rows:
        raise last
    return " ".join(refused)


def _body(offer: _Offer, project: str, plan: HookPlan) -> dict[str, Any]:
    inputs: dict[str, str] = {"url": plan.url, "resourceDetailsToSend": "all", "messagesToSend": "all",
                              "detailedMessagesToSend": "all"}  # fmt: skip
    if plan.secret and plan.scheme == "header":
        inputs["httpHeaders"] = f"{TOKEN_HEADER}:{plan.secret}"
    elif plan.secret:
        user, _, password = plan.secret.partition(":") if ":" in plan.secret else ("teams", "", plan.secret)
        inputs |= {"basicAuthUsername": user, "basicAuthPassword": password}
    return {
        "publisherId": offer.publisher, "eventType": offer.event, "resourceVersion": offer.version,
        "consumerId": "webHooks", "consumerActionId": "httpRequest", "consumerInputs": inputs,
        "publisherInputs": {"projectId": project} if project else {},
    }  # fmt: skip


def _url(found: Payload) -> str:
    return found.opt("$.consumerInputs.url")


def _together(
    rows: Sequence[Payload], offered: Mapping[str, _Offer], asked: str = "", refused: str = ""
) -> RemoteHook:
    urls = [_url(each) for each in rows]
    usual = max(urls, key=urls.count, default="")
    states = {each.opt("$.status") or "enabled" for each in rows}
    bad = sorted(states - {"enabled", "onProbation"})
    trouble = (
        "Azure DevOps sends less because deliveries failed (on probation)." if "onProbation" in states else ""
    )
    return RemoteHook(
        id=asked or ",".join(each.opt("$.id") for each in rows),
        # One that posts elsewhere is shown, if there is any.
        url=next((url for url in urls if url != usual), usual),
        events=tuple(sorted(_usual(each.opt("$.eventType")) for each in rows)),
        lacking=tuple(sorted(set(PREFERRED.values()) - set(offered))) if offered else (),
        active=not bad,
        trouble=" ".join(
            each for each in (f"Switched off: {', '.join(bad)}." if bad else trouble, refused) if each
        ),
    )
