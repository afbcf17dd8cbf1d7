"""SharePoint list webhooks and Microsoft Graph change notifications: thin news that something changed.

https://learn.microsoft.com/sharepoint/dev/apis/webhooks/overview-sharepoint-webhooks and
https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
"""

from __future__ import annotations

import json
import re
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
from .items import moment
from .resources import NOUNS, host_of, page, path_words, thing

MAX_TOKEN = 4_096  # characters of a validation token
CHANGES = {"created": "created", "updated": "changed", "deleted": "deleted"}
LIFECYCLE = {
    "reauthorizationRequired": ("lifecycle.reauthorization", "The subscription must be authorised again", Severity.WARNING),
    "subscriptionRemoved": ("lifecycle.removed", "Microsoft removed the subscription", Severity.ATTENTION),
    "missed": ("lifecycle.missed", "Notifications were missed", Severity.WARNING),
}  # fmt: skip
TITLES = {name: (title, severity) for name, title, severity in LIFECYCLE.values()}
NAMES = ("name", "subject", "displayName", "title")
_OPAQUE = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[\w=+-]{24,}")
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
        for item in _notifications(payload):
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
        body.pop("clientState", None)
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


def _notifications(payload: Payload) -> list[Payload]:
    """The notifications of a body. What relays pass on one by one stands there alone. Raises PayloadError."""
    raw = payload.raw
    if isinstance(raw, dict) and isinstance(raw.get("value"), list):
        return list(payload.each("$.value", 1_000))
    if payload.has("$.subscriptionId") and (payload.has("$.resource") or payload.has("$.lifecycleEvent")):
        return [payload]
    raise PayloadError("no_value", "The body has no list “value” of notifications.", path="$.value")


def _name(item: Payload) -> str:
    if item.has("$.item"):
        return items.name(item)
    if item.opt("$.changeType").lower().startswith("validation"):
        return "validation"
    cycle = item.opt("$.lifecycleEvent")
    if cycle:
        known = LIFECYCLE.get(cycle)
        return known[0] if known else f"lifecycle.{cycle.lower()[:40]}"
    change = CHANGES.get(item.opt("$.changeType").lower(), "changed")
    return f"{thing(item).family}.{change}"


def _named(item: Payload, ctx: Context) -> str:
    """The object's own words: what a rich notification brings, else what the operator called it."""
    data = item.sub("$.resourceData")
    return data.first(*(f"$.{key}" for key in NAMES)) or ctx.text("what")


def _said(item: Payload) -> list[Fact]:
    """What the notification itself says of the thing, which is little: availability, the number of members."""
    data = item.sub("$.resourceData")
    facts = []
    for key in data.keys("$")[:20]:
        value = data.raw[key]
        text = ("yes" if value else "no") if isinstance(value, bool) else data.opt(f"$.{key}")
        if key in NAMES or key == "id" or "@" in key or not text or _OPAQUE.fullmatch(text):
            continue
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).lower()
        facts.append(Fact(words[:1].upper() + words[1:60], moment(text)[:200]))
    members = data.raw.get("members@delta")
    if isinstance(members, list):
        gone = sum(1 for each in members if isinstance(each, dict) and "@removed" in each)
        counts = ((len(members) - gone, "added"), (gone, "removed"))
        facts.append(Fact("Members", ", ".join(f"{number} {word}" for number, word in counts if number)))
    return facts[:6]


def changed(event: RawEvent, ctx: Context) -> Notification:
    """Something was created, changed or deleted."""
    item = event.payload
    about, verb = thing(item), event.name.partition(".")[2]
    name, site = _named(item, ctx), item.opt("$.siteUrl")
    url = ctx.text("what_url") or page(item, host_of(ctx.text("site_host")))
    # Ids say nothing to people, so what has no name is told by the place that it is in.
    site_name = site.rstrip("/").rpartition("/")[2]
    where = ctx.text("what") or site_name or host_of(url)
    if not where and (site or item.has("$.webId")):
        where = "SharePoint"
    sealed = item.has("$.encryptedContent")
    return Notification(
        title=f"{about.noun} {verb}" + (f": {name}" if name else f" in {site_name}" if site_name else ""),
        status=verb.capitalize(),
        severity=Severity.WARNING if verb == "deleted" else Severity.INFO,
        text="The content is encrypted and is not read." if sealed else "",
        subject=Link(name or about.noun, url) if url or name else None,
        container=Link(where, url) if where else Link("Microsoft Graph"),
        facts=(
            Fact("Site", site if site.strip("/") else ""),
            Fact("Where", path_words(item.opt("$.resource"))),
            *_said(item),
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
            Fact("Where", path_words(item.opt("$.resource"))),
            Fact("Expires", moment(item.first("$.subscriptionExpirationDateTime", "$.expirationDateTime"))),
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
SharePoint.events.ignore("validation", reason="Microsoft only tried whether the address can be reached.")
SOURCE = SharePoint()
