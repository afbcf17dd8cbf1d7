"""SharePoint list webhooks and Microsoft Graph change notifications: thin news that something changed.

https://learn.microsoft.com/sharepoint/dev/apis/webhooks/overview-sharepoint-webhooks and
https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from apps.sources.sdk import (
    Api,
    ApiAnswer,
    Attribute,
    ClientState,
    Context,
    Events,
    Fact,
    Headers,
    Http,
    Link,
    Notification,
    Option,
    Payload,
    PayloadError,
    RawEvent,
    Reply,
    Severity,
    Source,
    Standing,
    UrlOnly,
    parse_json,
)

from . import items
from .api import ACCOUNT_KINDS, API_URL, check_account, explain
from .hooks import GraphHooks
from .resources import NOUNS, host_of, page, thing

MAX_TOKEN = 4_096  # characters of a validation token
CHANGES = {"created": "created", "updated": "changed", "deleted": "deleted"}
LIFECYCLE = {
    "reauthorizationRequired": ("lifecycle.reauthorization", "The subscription must be authorised again", Severity.WARNING),
    "subscriptionRemoved": ("lifecycle.removed", "Microsoft removed the subscription", Severity.ATTENTION),
    "missed": ("lifecycle.missed", "Notifications were missed", Severity.WARNING),
}  # fmt: skip
TITLES = {name: (title, severity) for name, title, severity in LIFECYCLE.values()}
QUIET = ("presence", "print", "mail", "contact", "user", "group", "conversation")


class SharePoint(Source):
    """Lists, libraries and everything that Microsoft Graph tells about."""

    slug = "sharepoint"
    name = "SharePoint"
    category = "Documents"
    summary = "Changes of lists and libraries, and change notifications of Microsoft Graph."
    docs_url = "https://learn.microsoft.com/graph/change-notifications-delivery-webhooks"
    schemes = (
        ClientState(
            key="client_state",
            label="By the clientState in each notification",
            secret_help="Give it as “clientState” when you make the subscription.",  # noqa: S106 - words
        ),
        UrlOnly(key="url", label="By the secret address alone"),
    )
    options = (
        Option("site_host", "text", "SharePoint host", help="contoso.sharepoint.com: makes links to sites."),
        Option("what", "text", "What it is about", help="Words for the cards: “Invoices library”."),
        Option("what_url", "url", "Its page", help="The address that the cards open."),
    )
    events = Events()
    account_kinds = ACCOUNT_KINDS
    api_url = API_URL
    hooks = GraphHooks()

    def check_account(self, api: Api) -> Standing:
        return check_account(api)

    def explain(self, answer: ApiAnswer) -> str:
        return explain(answer)

    def handshake(self, http: Http, ctx: Context) -> Reply | None:
        # Both ask with a token in the query and want it back, as plain text, within seconds.
        token = http.param("validationtoken")
        if token is None:
            return None
        if len(token) > MAX_TOKEN:
            return Reply(400, "The validation token is too long.")
        return Reply(200, token, headers=(("X-Content-Type-Options", "nosniff"),))

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        payload = Payload(parse_json(http.body))
        if not isinstance(payload.raw, dict) or not isinstance(payload.raw.get("value"), list):
            raise PayloadError("no_value", "The body has no list “value” of notifications.", path="$.value")
        for item in payload.each("$.value", 1_000):
            yield RawEvent(_name(item), item.opt("$.id"), item)

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        item = event.payload
        if item.has("$.item"):
            return items.attributes(item)
        return {
            "kind": thing(item).family,
            "change": item.opt("$.changeType"),
            "site": item.opt("$.siteUrl"),
            "resource": item.opt("$.resource"),
            "subscription": item.opt("$.subscriptionId"),
        }

    def redact(self, http: Http) -> Http:
        """Without the clientState, which is the secret, and without validation tokens."""
        try:
            body = json.loads(http.body)
        except (ValueError, RecursionError):
            return http
        if not isinstance(body, dict):
            return http
        body.pop("validationTokens", None)
        items = body.get("value")
        if isinstance(items, list):
            body["value"] = [
                {key: value for key, value in item.items() if key != "clientState"}
                if isinstance(item, dict)
                else item
                for item in items
            ]
        return replace(http, body=json.dumps(body).encode())

    def sample_http(self, event: str, body: bytes) -> Http:
        return Http(headers=Headers({"content-type": "application/json"}), body=body)


def _name(item: Payload) -> str:
    if item.has("$.item"):
        return items.name(item)
    cycle = item.opt("$.lifecycleEvent")
    if cycle:
        known = LIFECYCLE.get(cycle)
        return known[0] if known else f"lifecycle.{cycle.lower()[:40]}"
    change = CHANGES.get(item.opt("$.changeType").lower(), "changed")
    return f"{thing(item).family}.{change}"


def _named(item: Payload, ctx: Context) -> str:
    """The object's own words: what a rich notification brings, else what the operator called it."""
    data = item.sub("$.resourceData")
    return data.first("$.name", "$.subject", "$.displayName", "$.title") or ctx.text("what")


def changed(event: RawEvent, ctx: Context) -> Notification:
    """Something was created, changed or deleted."""
    item = event.payload
    about, verb = thing(item), event.name.partition(".")[2]
    name, site = _named(item, ctx), item.opt("$.siteUrl")
    url = ctx.text("what_url") or page(item, host_of(ctx.text("site_host")))
    shown = name or about.id[:60]
    where = ctx.text("what") or site.rstrip("/").rpartition("/")[2] or host_of(url)
    sealed = item.has("$.encryptedContent")
    return Notification(
        title=f"{about.noun} {verb}" + (f": {shown}" if shown else ""),
        status=verb.capitalize(),
        severity=Severity.WARNING if verb == "deleted" else Severity.INFO,
        text="The content is encrypted and is not read." if sealed else "",
        subject=Link(shown or about.noun, url) if url or shown else None,
        container=Link(where, url) if where else Link("Microsoft Graph"),
        facts=(
            Fact("Site", site),
            Fact("Resource", item.opt("$.resource")),
            Fact("Item", about.id if name else ""),
            Fact("Tenant", item.opt("$.tenantId")),
        ),
        thread_key=f"sharepoint:{item.opt('$.resource')}",
        link_title="Open",
    )


def lifecycle(event: RawEvent, ctx: Context) -> Notification:
    """Microsoft Graph says something about the subscription itself."""
    item = event.payload
    cycle = item.opt("$.lifecycleEvent")
    title, severity = TITLES.get(event.name, (f"Subscription: {cycle}", Severity.WARNING))
    advice = {
        "lifecycle.reauthorization": "Renew it, or notifications stop when its token expires.",
        "lifecycle.removed": "No more notifications come. Make the subscription again.",
        "lifecycle.missed": "Some changes were not told. Look at the resource itself.",
    }
    what = ctx.text("what")
    url = ctx.text("what_url") or page(item, host_of(ctx.text("site_host")))
    return Notification(
        title=f"{title}: {what}" if what else title,
        status="Needs a person",
        severity=severity,
        text=advice.get(event.name, ""),
        subject=Link(what or "Subscription", url) if url else None,
        container=Link(what or "Microsoft Graph", url),
        facts=(
            Fact("Subscription", item.opt("$.subscriptionId")),
            Fact("Resource", item.opt("$.resource")),
            Fact("Expires", item.first("$.subscriptionExpirationDateTime", "$.expirationDateTime")),
        ),
        thread_key=f"sharepoint:{item.opt('$.subscriptionId')}",
    )


for _family, _noun in NOUNS.items():
    SharePoint.events.many(
        {f"{_family}.{verb}": f"{_noun} {verb}" for verb in ("created", "changed", "deleted")},
        group=_noun,
        default=_family not in QUIET,
    )(changed)
items.register(SharePoint.events)
SharePoint.events.many({name: title for name, (title, _) in TITLES.items()}, group="Subscription")(lifecycle)
SharePoint.events.fallback("lifecycle")(lifecycle)
SOURCE = SharePoint()
