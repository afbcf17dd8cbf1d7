"""Bodies of Jira Cloud and of old servers, and what becomes of them."""

from __future__ import annotations

import json
from typing import Any

from apps.cards import adaptive
from apps.cards.notification import Notification
from apps.sources.catalog.jira import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.source import Context, Understood
from apps.sources.understand import understand_all

CLOUD = "https://orbit.atlassian.net"
SERVER = "http://jira.orbit.example:8080/jira"
GATEWAY = "https://api.atlassian.com/ex/jira/5f6c"
MIRA = {"self": f"{CLOUD}/rest/api/2/user?accountId=5c", "accountId": "5c", "displayName": "Mira Vale"}
OLD_MIRA = {"self": f"{SERVER}/rest/api/2/user?username=mvale", "name": "mvale", "displayName": "Mira Vale"}
THIN = {
    "self": f"{CLOUD}/rest/api/2/issue/10040/comment/120",
    "id": "120",
    "author": MIRA,
    "body": "Hi [~accountid:5c]",
}


MOVE = {
    "workflowId": 10927, "workflowName": "Orbit workflow", "transitionId": 21, "transitionName": "Finish",
    "from_status": "In Review", "to_status": "Done",
}  # fmt: skip


def issue(site: str = CLOUD, **fields: Any) -> dict[str, Any]:
    return {
        "id": "10040",
        "self": f"{site}/rest/api/2/issue/10040",
        "key": "ORB-41",
        "fields": {
            "summary": "Antenna drifts",
            "issuetype": {"name": "Bug"},
            "project": {"key": "ORB", "name": "Orbit", "projectTypeKey": "software"},
            "status": {"name": "In Review", "statusCategory": {"key": "indeterminate"}},
            **fields,
        },
    }


def change(field: str, old: str | None, new: str | None, **more: Any) -> dict[str, Any]:
    return {"field": field, "fromString": old, "toString": new, **more}


def update(
    *items: dict[str, Any], kind: str | None = "issue_updated", site: str = CLOUD, **more: Any
) -> dict[str, Any]:
    body = {
        "timestamp": 1773479213000, "webhookEvent": "jira:issue_updated", "issue_event_type_name": kind,
        "user": MIRA if site == CLOUD else OLD_MIRA, "issue": issue(site), "changelog": {"items": list(items)}, **more,
    }  # fmt: skip
    return {key: value for key, value in body.items() if value is not None}


def outcome(body: Any, query: str = "", **options: Any) -> Understood:
    raw = b"" if body is None else json.dumps(body).encode()
    (found,) = understand_all(
        SOURCE, Http(headers=Headers({}), body=raw, query=query), Context(options=options)
    )
    return found


def note(body: Any, query: str = "", **options: Any) -> Notification:
    found = outcome(body, query, **options)
    assert isinstance(found.notification, Notification), found.reason
    assert "/rest/" not in json.dumps(adaptive.render(found.notification).content)
    return found.notification


def lines(found: Notification) -> list[str]:
    return [str(item.text) for each in found.lists for item in each.items]


PAGE = f"{CLOUD}/browse/ORB-41"
