"""Trello's webhooks: one action of one member on one model.

https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from apps.sources.sdk import (
    Api,
    ApiAnswer,
    Attribute,
    Context,
    Events,
    Headers,
    HmacUrlBody,
    Http,
    Option,
    Payload,
    PayloadError,
    RawEvent,
    Reply,
    Source,
    Standing,
    UrlOnly,
    parse_json,
)

from . import boards, events
from .actions import actions
from .api import ACCOUNT_KINDS, API_URL, check_account, explain, meaning
from .events import board
from .hooks import TrelloHooks
from .names import name_of


class Trello(Source):
    """Boards, lists and cards."""

    slug = "trello"
    name = "Trello"
    category = "Planning"
    summary = "Cards as they are made, moved, discussed and done; checklists, lists and boards."
    docs_url = "https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/"
    actions = actions
    account_kinds = ACCOUNT_KINDS
    api_url = API_URL
    hooks = TrelloHooks()
    schemes = (
        HmacUrlBody(
            key="trello",
            label="Signed with the app's secret",
            secret_help="The secret of the Power-Up whose API key makes the webhook.",  # noqa: S106 - words
            generates=False,
        ),
        UrlOnly(key="url", label="By the secret address alone"),
    )
    options = (
        Option("lists", "pattern", "Lists", help="Only cards in these lists: Doing, Review*."),
        Option(
            "labels",
            "pattern",
            "Only with a label",
            help="Cards with one of these labels, where Trello says.",
        ),
        Option(
            "ignore_members", "list", "Ignore members", help="Drop what these user names do (Butler, bots)."
        ),
    )
    events = Events()

    def check_account(self, api: Api) -> Standing:
        return check_account(api)

    def explain(self, answer: ApiAnswer) -> str:
        return explain(answer)

    def meaning(self, answer: ApiAnswer) -> int:
        return meaning(answer)

    def handshake(self, http: Http, ctx: Context) -> Reply | None:
        # Trello asks by HEAD before it makes the webhook, and wants 200.
        return Reply(200) if http.method in ("HEAD", "GET") else None

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        payload = Payload(parse_json(http.body))
        if not isinstance(payload.raw, dict) or not isinstance(payload.raw.get("action"), dict):
            raise PayloadError(
                "no_action", "The body has no “action”. Let Trello itself send to this URL.", path="$.action"
            )
        action = payload.sub("$.action")
        yield RawEvent(name_of(action), action.opt("$.id"), payload)

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        action = event.payload.sub("$.action")
        data = action.sub("$.data")
        place = board(event.payload)
        labels = [each.first("$.name", "$.color") for each in data.each("$.card.labels")]
        label = data.first("$.label.name", "$.text", "$.label.color")
        return {
            "board": place.title if place else "",
            "list": data.first("$.listAfter.name", "$.list.name"),
            "author": action.first("$.memberCreator.username", "$.memberCreator.fullName"),
            "labels": tuple(each for each in (*labels, label if data.has("$.label") else "") if each),
            "action": action.opt("$.type"),
        }

    def screen(self, event: RawEvent, ctx: Context) -> str | None:
        facts = self.attributes(event, ctx)
        lists, name = ctx.entries("lists"), str(facts["list"])
        if lists and name and not any(fnmatchcase(name.lower(), each.lower()) for each in lists):
            return f"The list {name} is not among the chosen lists."
        author = str(facts["author"]).lower()
        if author and author in [each.lower().lstrip("@") for each in ctx.entries("ignore_members")]:
            return f"What {author} does is ignored."
        labels = facts["labels"] if isinstance(facts["labels"], tuple) else ()
        wanted = ctx.entries("labels")
        if (
            wanted
            and labels
            and not any(fnmatchcase(one.lower(), each.lower()) for one in labels for each in wanted)
        ):
            return "It has none of the chosen labels."
        return None

    def acknowledge(self, http: Http) -> Reply:
        return Reply(200)

    def sample_http(self, event: str, body: bytes) -> Http:
        return Http(headers=Headers({"content-type": "application/json"}), body=body)


Trello.events.include(events.events)
Trello.events.include(boards.events)
SOURCE = Trello()
