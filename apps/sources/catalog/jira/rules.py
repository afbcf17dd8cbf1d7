"""Bodies that an automation rule was told to send, and events that Jira added later."""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Link, Markdown, Notification, Payload, RawEvent

from .changes import change_list
from .comments import shared_text
from .common import facts_of, headline, issue_of, state, tell, text_of
from .site import browse, issue_page, page_url, project_page

events = Events()
KEYS = ("$.issue", "$.issueKey", "$.issue_key", "$.key", "$.ticket", "$.issuekey")
TITLES = ("$.title", "$.summary", "$.subject", "$.message", "$.text", "$.name")
TEXTS = ("$.description", "$.body", "$.comment", "$.message", "$.text")
ADDRESSES = ("$.url", "$.link", "$.issueUrl", "$.issue_url", "$.issueLink", "$.href")
PROJECTS = ("$.project.name", "$.project", "$.projectName", "$.project_name", "$.projectKey", "$.project_key")
TOLD = frozenset({"timestamp", "webhookEvent", "event", "self", "id", "token", "secret"})


@events.on("automation.message", group="Issues", label="Message of an automation rule")
def automation(event: RawEvent, ctx: Context) -> Notification:
    payload = event.payload
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


def _is_key(text: str) -> bool:
    name, dash, number = text.rpartition("-")
    return bool(dash and number.isdigit() and name[:1].isalpha() and name.replace("_", "").isalnum())


def _facts(payload: Payload, shown: set[str]) -> list[Fact]:
    facts = []
    for key in payload.keys("$")[:30]:
        value = payload.opt(f"$.{key}") or payload.first(
            f"$.{key}.displayName", f"$.{key}.name", f"$.{key}.value"
        )
        if value and value not in shown and key not in TOLD and "/rest/" not in value:
            facts.append(Fact(_words(key), value[:300]))
    return facts[:12]


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
        Fact(
            _words(key), payload.first(f"$.{key}.displayName", f"$.{key}.name", f"$.{key}.key", f"$.{key}.id")
        )
        for key in payload.keys("$")[:10]
        if key not in ("user", "issue", "comment", "changelog")
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
