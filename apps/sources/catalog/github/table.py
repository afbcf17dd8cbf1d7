"""Families whose cards differ only in where the object stands: one line of a table each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from apps.sources.sdk import Context, Events, Fact, Notification, RawEvent, Severity

from .common import action_of, body, changed, repository_url, tell, words

WARNING = frozenset(
    {
        "deleted",
        "removed",
        "blocked",
        "suspend",
        "suspended",
        "revoked",
        "cancelled",
        "disabled",
        "archived",
        "privatized",
    }
    | {
        "denied",
        "member_removed",
        "pending_cancellation",
        "removed_from_repository",
        "publicized",
        "transferred",
        "destroyed",
    }
)
GOOD = frozenset(
    {"created", "added", "published", "opened", "purchased", "approved", "enabled", "member_added"}
)


@dataclass(frozen=True, slots=True)
class Family:
    """One family of events.

    noun: what it is in a sentence. titles, urls: where its name and page stand, best first.
    page: its page under the repository when the payload names none. facts: {label: path}.
    text: where its description stands. actions: {action: label}; {} for a family without actions.
    A path may be several, divided by "|", best first. issue: where the address of the issue stands that it is about.
    calm: no action of it is good or bad news. spoken: its title is one of GitHub's constants ("ON_TRACK").
    """

    name: str
    noun: str
    group: str
    titles: tuple[str, ...]
    urls: tuple[str, ...] = ()
    page: str = ""
    facts: Mapping[str, str] | None = None
    text: str = ""
    actions: Mapping[str, str] | None = None
    defaults: tuple[str, ...] = ()
    phrases: Mapping[str, str] | None = None
    issue: str = ""
    calm: bool = False
    spoken: bool = False


def register(events: Events, family: Family) -> None:
    """Make the catalogue entries and the handler of a family."""

    def handler(event: RawEvent, ctx: Context) -> Notification:
        payload, action = event.payload, event.payload.opt("$.action")
        place = repository_url(payload)
        phrase = (family.phrases or {}).get(action) or f"{family.noun} {action_of(event)}".strip()
        facts = tuple(
            Fact(label, payload.first(*path.split("|"))) for label, path in (family.facts or {}).items()
        )
        severity = (
            Severity.WARNING if action in WARNING else Severity.GOOD if action in GOOD else Severity.NEUTRAL
        )
        severity = Severity.INFO if family.calm else severity
        what, url = payload.first(*family.titles), payload.first(*family.urls)
        issue = re.search(r"/(?:issues|pulls)/(\d+)$", payload.opt(family.issue)) if family.issue else None
        if issue and not what:
            what, url = f"#{issue[1]}", f"{place}/issues/{issue[1]}" if place else url
        if family.spoken:
            what = words(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", what).lower())
        return tell(
            event,
            phrase,
            what=what,
            url=url or (f"{place}/{family.page}" if place and family.page else ""),
            status=words(action) if action and not (family.phrases or {}).get(action) else "",
            severity=severity,
            text=body(payload, family.text) if family.text else "",
            facts=(*facts, *changed(payload)),
            button="Open repository" if family.calm else f"Open {family.noun.lower()}",
            thread=f"{family.name}-{payload.first(*family.titles)}",
        )

    if not family.actions:
        events.on(family.name, group=family.group, label=family.noun, default=bool(family.defaults))(handler)
        return
    names = {f"{family.name}.{action}": label for action, label in family.actions.items()}
    events.many(names, group=family.group, default=[f"{family.name}.{action}" for action in family.defaults])(
        handler
    )
    events.fallback(family.name)(handler)
