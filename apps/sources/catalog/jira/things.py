"""Boards, filters, people, settings and apps: things that have a name and little else."""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Link, Notification, Payload, RawEvent, Severity

from .common import name_at, tell
from .places import board_page
from .site import base_of, page_url, profile

events = Events()
# Our name -> the words, the group in the form, and where the thing stands in the payload.
THINGS = {
    "board.created": ("Board created", "Boards", "board"), "board.updated": ("Board changed", "Boards", "board"),
    "board.deleted": ("Board deleted", "Boards", "board"),
    "board.configuration": ("Configuration of the board changed", "Boards", "configuration"),
    "user.created": ("User created", "Administration", "user"), "user.updated": ("User changed", "Administration", "user"),
    "user.deleted": ("User deleted", "Administration", "user"),
    "issuetype.created": ("Issue type created", "Administration", "issuetype"),
    "issuetype.updated": ("Issue type changed", "Administration", "issuetype"),
    "issuetype.deleted": ("Issue type deleted", "Administration", "issuetype"),
    "filter.created": ("Filter created", "Administration", "filter"),
    "filter.updated": ("Filter changed", "Administration", "filter"),
    "filter.deleted": ("Filter deleted", "Administration", "filter"),
    "setting.changed": ("Setting changed", "Administration", "property"),
    "setting.expression_failed": ("Jira expression failed", "Administration", "expression"),
    "app.enabled": ("App enabled", "Administration", "app"), "app.disabled": ("App disabled", "Administration", "app"),
    "app.blocked": ("App's access was blocked", "Administration", "app"),
}  # fmt: skip
OTHER_PLACES = {"issuetype": "issueType", "configuration": "board"}
SETTINGS = {
    "voting": "Voting", "watching": "Watching", "unassigned_issues": "Unassigned issues", "subtasks": "Sub-tasks",
    "attachments": "Attachments", "issuelinks": "Issue links", "timetracking": "Time tracking",
    "timetracking_provider": "Time tracking provider",
}  # fmt: skip


def thing(event: RawEvent, ctx: Context) -> Notification:
    """Anything that has a name and little else."""
    payload = event.payload
    title, _, key = THINGS[event.name]
    found = payload.sub(f"$.{key}") or payload.sub(f"$.{OTHER_PLACES.get(key, key)}")
    value = _value(payload)
    base, number = base_of(payload), found.opt("$.id")
    gone = event.name.endswith("deleted")
    bad = gone or event.name.endswith(("blocked", "failed"))
    return tell(
        event,
        title,
        what=_name(event, found, value),
        url="" if gone else _page(key, base, found),
        severity=Severity.WARNING if bad else Severity.NEUTRAL,
        container=Link(found.opt("$.location.displayName") or found.opt("$.location.name") or "Jira", base),
        # The user in an event about a user is the one it is about.
        anonymous=key == "user",
        thread=f"{key}-{number or found.first('$.accountId', '$.key', '$.name') or event.name}",
        button={"filter": "Open filter", "user": "Open profile"}.get(key, "Open board"),
        facts=(
            Fact("Type", found.opt("$.type").capitalize()),
            Fact("E-mail", found.opt("$.emailAddress")),
            Fact("Account id", "" if _name(event, found, value) else found.opt("$.accountId")),
            Fact("Owner", name_at(found, "$.owner")),
            Fact("Query", found.opt("$.jql")),
            Fact("Value", value),
            Fact("Description", found.opt("$.description")),
            Fact("Errors", ", ".join(payload.texts("$.errorMessages", 5))),
        ),
    )


def _name(event: RawEvent, found: Payload, value: str) -> str:
    payload = event.payload
    if event.name == "setting.changed":
        option = (
            payload.opt("$.webhookEvent")
            .removeprefix("jira:")
            .removeprefix("option_")
            .removesuffix("_changed")
        )
        words = SETTINGS.get(option) or option.replace("_", " ").capitalize()
        return f"{words} switched {value.lower()}" if value in ("On", "Off") else words
    if event.name == "setting.expression_failed":
        return payload.first("$.expression", "$.expression.value", "$.expression.key")
    name = found.first("$.displayName", "$.publicName", "$.name", "$.key")
    number = found.opt("$.id")
    return name or (f"#{number}" if number.isdigit() else number)


def _value(payload: Payload) -> str:
    for path in ("$.property.value", "$.value"):
        if payload.has(path):
            text = payload.opt(path) or str(payload.flag(path))
            return {"true": "On", "false": "Off"}.get(text.lower(), text)
    return ""


def _page(key: str, base: str, found: Payload) -> str:
    number = found.opt("$.id")
    if key in ("board", "configuration"):
        return board_page(base, number)
    if key == "filter":
        return page_url(found.opt("$.viewUrl")) or (
            f"{base}/issues/?filter={number}" if base and number else ""
        )
    return profile(base, found) if key == "user" else ""


for _event, (_label, _group, _) in THINGS.items():
    events.on(_event, group=_group, label=_label, default=False)(thing)
