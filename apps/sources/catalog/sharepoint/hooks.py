"""Subscriptions of Microsoft Graph for a library or a list, and what changed there by delta query.

https://learn.microsoft.com/graph/api/subscription-post-subscriptions,
https://learn.microsoft.com/graph/api/driveitem-delta and https://learn.microsoft.com/graph/api/listitem-delta
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from urllib.parse import unquote, urlsplit

from apps.sources.sdk import (
    Api,
    ApiError,
    Changes,
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

# Lists and drives may live 42,300 minutes; https://learn.microsoft.com/graph/change-notifications-overview
LIFETIME = dt.timedelta(minutes=42_000)
PAGE = 200
ITEMS, FIELDS = "/items/delta", "$expand=fields"
ASKED = 100  # list items of a page that are asked for one by one


class GraphHooks(Hooks):
    """One subscription on a document library or a list of a site."""

    places = (
        Option(
            "site", "url", "Site",
            help="The site's address in the browser: https://contoso.sharepoint.com/sites/Finance", required=True,
        ),
        Option(
            "kind", "choice", "What", choices=(("library", "A document library"), ("list", "A list")), default="library"
        ),
        Option("name", "text", "Its name", help="As the site shows it; empty: the site's own library, “Documents”."),
    )  # fmt: skip
    places_help = (
        "The account needs the application permission Sites.Read.All, and for the subscription Files.ReadWrite.All (a "
        "library) or Sites.ReadWrite.All (a list); or Sites.Selected with “write” for this site."
    )
    lifetime = LIFETIME
    can_read_changes = True

    def events(self, selected: Sequence[str]) -> tuple[str, ...]:
        # Lists and drives know this one kind alone; what happened is read afterwards.
        return ("updated",)

    def announces(self, name: str) -> str:
        if name == "lifecycle.reauthorization":
            return "renew"
        if name == "lifecycle.removed":
            return "mend"
        if name == "lifecycle.missed":
            return "changes"
        return "changes" if name.partition(".")[0] in ("drive", "list", "item") else ""

    def find(self, api: Api, place: Place, url: str) -> RemoteHook | None:
        # A connector may have several: one for each library or list.
        wanted = resource(api, place).strip("/").lower()
        for page in _pages(api, "/subscriptions"):
            for each in page.each("$.value"):
                if (
                    each.opt("$.notificationUrl") == url
                    and each.opt("$.resource").strip("/").lower() == wanted
                ):
                    return _remote(each)
        return None

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        body = {
            "changeType": "updated",
            "notificationUrl": plan.url,
            "lifecycleNotificationUrl": plan.url,
            "resource": resource(api, place),
            "expirationDateTime": _until(dt.datetime.now(dt.UTC)),
            "clientState": plan.secret[:128],
        }
        return _remote(api.post("/subscriptions", body))

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        answer = api.call("GET", f"/subscriptions/{segment(hook_id)}", accept=(404,))
        return None if answer.status == 404 else _remote(answer.payload())

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        # Only URL and expiry of a subscription can be changed, so another secret needs another subscription.
        self.delete(api, place, hook_id)
        return self.create(api, place, plan)

    def delete(self, api: Api, place: Place, hook_id: str) -> None:
        api.call("DELETE", f"/subscriptions/{segment(hook_id)}", accept=(404,))

    def renew(self, api: Api, place: Place, hook_id: str, now: dt.datetime) -> RemoteHook:
        path = f"/subscriptions/{segment(hook_id)}"
        return _remote(api.call("PATCH", path, json={"expirationDateTime": _until(now)}).payload())

    def changes(self, api: Api, place: Place, cursor: str) -> Changes:
        where = resource(api, place) if not cursor else ""
        try:
            page = _delta(api, cursor or _start(where))
        except ApiError as error:
            if error.answer_status != 410 and not (error.answer_status == 404 and cursor):
                raise
            # The stored place in the row of changes is too old: go on from now, and say that some were missed.
            page = _delta(api, _start(resource(api, place)))
            lost: dict[str, object] = {"lifecycleEvent": "missed", "resource": resource(api, place)}
            return Changes((_missed(lost, "", dt.datetime.now(dt.UTC)),), _next(page))
        items = [] if not cursor else [found for each in _whole(api, cursor, page) if (found := _item(each))]
        items.sort(key=lambda each: each.at)
        return Changes(tuple(items), _next(page), more=bool(_odata(page, "nextLink")))


def resource(api: Api, place: Place) -> str:
    """The resource path of a library or list, found by the names that people know."""
    parts = urlsplit(place.get("site", ""))
    path = unquote(parts.path).rstrip("/")
    for mark in ("/Forms/", "/Lists/", "/Shared Documents", "/SitePages", "/_layouts"):
        path = path.partition(mark)[0]
    address = f"/sites/{parts.hostname}:{path}" if path else f"/sites/{parts.hostname}"
    site = api.get(address).text("$.id")
    name = place.get("name", "").strip().lower()
    if place.get("kind") == "list":
        for page in _pages(api, f"/sites/{site}/lists?$top={PAGE}"):
            for each in page.each("$.value"):
                if name in (
                    each.opt("$.displayName").lower(),
                    each.opt("$.name").lower(),
                    each.opt("$.id").lower(),
                ):
                    return f"/sites/{site}/lists/{each.text('$.id')}"
        raise ApiError(
            "api_not_found", f"The site has no list “{place.get('name', '')}” that the account may see."
        )
    if not name:
        return f"/drives/{api.get(f'/sites/{site}/drive').text('$.id')}/root"
    for page in _pages(api, f"/sites/{site}/drives?$top={PAGE}"):
        for each in page.each("$.value"):
            if name in (each.opt("$.name").lower(), each.opt("$.id").lower()):
                return f"/drives/{each.text('$.id')}/root"
    raise ApiError(
        "api_not_found", f"The site has no library “{place.get('name', '')}” that the account may see."
    )


def _pages(api: Api, path: str) -> list[Payload]:
    """A list with its further pages, 20 at most."""
    found = [api.get(path)]
    while len(found) < 20:
        following = _odata(found[-1], "nextLink")
        if not following:
            break
        found.append(api.get(following))
    return found


def _odata(page: Payload, key: str) -> str:
    raw = page.raw
    value = raw.get(f"@odata.{key}") if isinstance(raw, dict) else None
    return value if isinstance(value, str) else ""


def _next(page: Payload) -> str:
    """Where the next reading goes on. Raises ApiError when Graph did not say."""
    found = _odata(page, "nextLink") or _odata(page, "deltaLink")
    if not found:
        raise ApiError("api_unreadable", "Microsoft Graph gave no link to go on reading changes from.")
    return found


def _start(where: str) -> str:
    if where.startswith("/drives/"):
        return f"{where}/delta?token=latest"
    return f"{where}{ITEMS}?token=latest&{FIELDS}"


def _delta(api: Api, address: str) -> Payload:
    if ITEMS in address and "expand=fields" not in unquote(address):
        address += f"{'&' if '?' in address else '?'}{FIELDS}"
    # Else every folder above a changed file would be told as changed too.
    return api.call("GET", address, headers={"deltaExcludeParent": "true"}).payload()


def _whole(api: Api, address: str, page: Payload) -> Iterator[Payload]:
    """The items of a page. Of list items a delta does not tell who changed them, so those are asked for one by one.

    The last row about an item counts: a page may have several.
    """
    rows = {each.opt("$.id"): each for each in page.each("$.value", 5_000)}
    place, mark, _ = address.partition(ITEMS)
    for asked, (number, each) in enumerate(rows.items()):
        if (
            not mark
            or not number
            or asked >= ASKED
            or each.has("$.deleted")
            or each.has("$.lastModifiedBy.user")
        ):
            yield each
            continue
        answer = api.call("GET", f"{place}/items/{segment(number)}?{FIELDS}", accept=(404,))
        yield Payload({**_object(each), **_object(answer.payload())}) if answer.status == 200 else each


def _object(found: Payload) -> dict[str, object]:
    return found.raw if isinstance(found.raw, dict) else {}


def _until(now: dt.datetime) -> str:
    return (now + LIFETIME).strftime("%Y-%m-%dT%H:%M:%SZ")


def _remote(found: Payload) -> RemoteHook:
    return RemoteHook(
        id=found.text("$.id"),
        url=found.opt("$.notificationUrl"),
        events=tuple(sorted(found.opt("$.changeType").replace(" ", "").split(","))),
        expires_at=parse_time(found.opt("$.expirationDateTime")),
    )


def _item(found: Payload) -> Missed | None:
    """One changed item as the notification that Graph might have sent."""
    if found.has("$.root") or not found.opt("$.id"):
        return None
    deleted = found.has("$.deleted")
    created, changed = found.opt("$.createdDateTime"), found.opt("$.lastModifiedDateTime")
    kind = "deleted" if deleted else "created" if created and created == changed else "updated"
    mark = found.first("$.eTag", "$.cTag", "$.lastModifiedDateTime", default="deleted")
    at = parse_time(changed) or dt.datetime.now(dt.UTC)
    return _missed({"changeType": kind, "item": found.raw}, f"{found.opt('$.id')}:{kind}:{mark}", at)


def _missed(value: dict[str, object], number: str, at: dt.datetime) -> Missed:
    body = {"value": [{**value, "id": number}]}
    return Missed(number, at, json.dumps(body, ensure_ascii=False).encode(), Headers())
