"""Trello's webhooks, and the recent actions of a board for what was missed.

https://developer.atlassian.com/cloud/trello/rest/api-group-webhooks/
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence

from apps.sources.sdk import (
    Api,
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

from .api import OWN

PAGE, PAGES = 1_000, 10


class TrelloHooks(Hooks):
    """One webhook on a board. It tells everything about it; which events make cards is chosen here alone."""

    places = (
        Option(
            "board",
            "text",
            "Board",
            help="Its address or the short name in it: https://trello.com/b/xYz98765",
            required=True,
        ),
    )  # fmt: skip
    places_help = (
        "Give the connector the secret of the Power-Up whose API key the account uses, else nothing verifies."
    )
    can_find_missed = True
    remembered = dt.timedelta(days=7)

    def events(self, selected: Sequence[str]) -> tuple[str, ...]:
        return ()

    def find(self, api: Api, place: Place, url: str) -> RemoteHook | None:
        # A webhook belongs to the token that made it.
        mine = [
            each for each in api.get(f"{OWN}/webhooks").each("$", 2_000) if each.opt("$.callbackURL") == url
        ]
        if not mine:
            return None
        # A connector may have several boards.
        board = _board(api, place).text("$.id")
        return next((_remote(each) for each in mine if each.opt("$.idModel") == board), None)

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        form = {
            "callbackURL": plan.url,
            "idModel": _board(api, place).text("$.id"),
            "description": "Teams Connectors",
        }
        return _remote(api.call("POST", "/webhooks", form=form).payload())

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        answer = api.call("GET", f"/webhooks/{segment(hook_id)}", accept=(400, 404))
        return None if answer.status >= 400 else _remote(answer.payload())

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        form = {"callbackURL": plan.url, "idModel": _board(api, place).text("$.id"), "active": "true"}
        return _remote(api.call("PUT", f"/webhooks/{segment(hook_id)}", form=form).payload())

    def delete(self, api: Api, place: Place, hook_id: str) -> None:
        api.call("DELETE", f"/webhooks/{segment(hook_id)}", accept=(400, 404))

    def missed(
        self, api: Api, place: Place, hook_id: str, since: dt.datetime, until: dt.datetime
    ) -> Iterable[Missed]:
        """All actions of the board in that time; those that came in are known by their ids and dropped."""
        board = _board(api, place)
        before: str | None = until.isoformat()
        told: list[Missed] = []
        for _ in range(PAGES):
            query = {"since": since.isoformat(), "before": before, "limit": PAGE, "filter": "all"}
            page = api.get(f"/boards/{segment(board.text('$.id'))}/actions", **query)
            found = list(page.each("$", PAGE))
            for each in found:
                body = {"action": each.raw, "model": board.raw}
                at = parse_time(each.opt("$.date")) or until
                told.append(Missed(each.opt("$.id"), at, json.dumps(body, ensure_ascii=False).encode()))
            before = found[-1].opt("$.date") if len(found) == PAGE else None
            if not before:
                break
        yield from reversed(told)  # Trello tells the newest first


def _board(api: Api, place: Place) -> Payload:
    given = place.get("board", "").strip()
    short = given.partition("/b/")[2].partition("/")[0] or given
    return api.get(f"/boards/{segment(short)}", fields="id,name,desc,closed,url,shortUrl,shortLink")


def _remote(found: Payload) -> RemoteHook:
    failures = found.opt_int("$.consecutiveFailures") or 0
    since = parse_time(found.opt("$.firstConsecutiveFailDate"))
    return RemoteHook(
        id=found.text("$.id"),
        url=found.opt("$.callbackURL"),
        active=found.flag("$.active", True),
        trouble=f"{failures} deliveries in a row failed{f', since {since:%Y-%m-%d %H:%M} UTC' if since else ''}"
        if failures
        else "",
    )
