"""Bodies that an automation rule was told to send, and events that Jira added later."""

from __future__ import annotations

import re

from apps.sources.sdk import (
    Card,
    Context,
    Events,
    Fact,
    Link,
    Markdown,
    Notification,
    Payload,
    RawEvent,
    card_from_adaptive,
    card_from_attachment,
    card_from_messagecard,
    card_from_slack,
)

from .changes import change_list
from .comments import shared_text
from .common import facts_of, headline, issue_of, moment, names_at, state, tell, text_of
from .site import browse, issue_page, page_url, project_page

events = Events()
KEYS = ("$.issue", "$.issueKey", "$.issue_key", "$.key", "$.ticket", "$.issuekey")
TITLES = ("$.title", "$.summary", "$.subject", "$.message", "$.text", "$.name")
TEXTS = ("$.description", "$.body", "$.comment", "$.message", "$.text")
ADDRESSES = ("$.url", "$.link", "$.issueUrl", "$.issue_url", "$.issueLink", "$.href")
PROJECTS = ("$.project.name", "$.project", "$.projectName", "$.project_name", "$.projectKey", "$.project_key")
NAMED = ("displayName", "name", "value", "key", "id")
# Parts of an event that its card shows in their own places.
SHOWN = frozenset({"user", "actor", "initiator", "issue", "comment", "changelog", "transition", "timestamp",
                   "webhookEvent", "issue_event_type_name", "event", "eventType", "self", "key", "fields",
                   "matchedWebhookIds"})  # fmt: skip
_SLACK = re.compile(r"<https?://[^\s<>|]+\|[^<>]+>")
TOLD = frozenset(
    {"timestamp", "webhookEvent", "event", "self", "id", "token", "secret", "user", "actor", "initiator"}
)


@events.on("automation.message", group="Issues", label="Message of an automation rule")
def automation(event: RawEvent, ctx: Context) -> Notification | Card:
    payload = event.payload
    card = _card(payload, ctx)
    if card is not None:
        return card
    key = next((found for path in KEYS if _is_key(found := payload.opt(path))), "")
    title = payload.first(*TITLES)
    texts = (text_of(payload, path) for path in TEXTS if payload.opt(path) != title)
    text = next(filter(None, texts), Markdown(""))
    url = next((found for path in ADDRESSES if (found := page_url(payload.opt(path)))), "") or browse(
        payload, key
    )
    place = payload.first(*PROJECTS) or key.rpartition("-")[0]
    shown = {title, key, place, url, *(payload.opt(path) for path in TEXTS if text)}
    headline = title if key and key in title else f"{key} {title}".strip()
    return tell(
        event,
        headline or "Message of an automation rule",
        url=url,
        status=payload.first("$.status", "$.status.name"),
        text=text,
        container=Link(place, project_page(url, key)) if place else None,
        facts=tuple(_facts(payload, shown | {payload.opt("$.status")})),
        button="Open issue" if key else "Open page",
        thread=key,
    )


def _card(payload: Payload, ctx: Context) -> Card | None:
    """What a rule's own actions for Teams and Slack send to the address that stood there before. Raises PayloadError."""
    if payload.opt("$.@type") == "MessageCard":
        return card_from_messagecard(payload.raw, offer=ctx.offer)
    if payload.opt("$.type") == "AdaptiveCard":
        return card_from_adaptive(payload.raw)
    attached = next(payload.each("$.attachments", 1), None)
    if attached is not None and attached.has("$.contentType"):
        return card_from_attachment(attached.raw, offer=ctx.offer)
    if attached is not None or payload.count("$.blocks") or _SLACK.search(payload.opt("$.text")):
        return card_from_slack(payload.raw)
    return None


def _is_key(text: str) -> bool:
    name, dash, number = text.rpartition("-")
    return bool(dash and number.isdigit() and name[:1].isalpha() and name.replace("_", "").isalnum())


def _facts(payload: Payload, shown: set[str]) -> list[Fact]:
    facts = []
    for key in payload.keys("$")[:30]:
        value = _value(payload, key)
        if value and value not in shown and key not in TOLD and "/rest/" not in value:
            facts.append(Fact(_words(key), value[:300]))
    return facts[:12]


def _value(payload: Payload, key: str) -> str:
    """What stands there in one line: moments, yes and no, names of objects and of lists of them."""
    whole = payload.raw.get(key)
    if isinstance(whole, bool):
        return "Yes" if whole else "No"
    text = moment(payload.opt(f"$.{key}"))
    return text or payload.first(*(f"$.{key}.{name}" for name in NAMED)) or names_at(payload, f"$.{key}")


def _words(key: str) -> str:
    """`dueDate`, `due_date` -> `Due date`."""
    spaced = (
        "".join(f" {each.lower()}" if each.isupper() else each for each in key) if not key.isupper() else key
    )
    words = " ".join(spaced.replace("_", " ").replace("-", " ").split())[:60]
    return words[:1].upper() + words[1:]


@events.fallback("other")
def other(event: RawEvent, ctx: Context) -> Notification:
    payload = event.payload
    words = event.name.partition(".")[2].replace("_", " ").capitalize()
    issue = issue_of(payload)
    named = [
        Fact(_words(key), _value(payload, key)[:300])
        for key in payload.keys("$")[:10]
        if key not in SHOWN and "/rest/" not in _value(payload, key)
    ]
    return tell(
        event,
        words or "Something happened in Jira",
        what=headline(issue, payload),
        url=issue_page(payload, issue),
        status=state(issue)[0],
        text=shared_text(payload, ctx),
        facts=(*named, *facts_of(issue)[:4]),
        button="Open issue",
        changed=change_list(payload),
    )
