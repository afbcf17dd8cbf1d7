"""Jira, Cloud and Data Center, of all ages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards.notification import Notification
from apps.sources.catalog.jira import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.source import Context, Understood
from apps.sources.testing import SourceConformance
from apps.sources.understand import understand_all


class TestJira(SourceConformance):
    source = SOURCE


ISSUE = {
    "key": "OPS-9",
    "self": "https://jira.example.com/jira/rest/api/2/issue/9",
    "fields": {"summary": "Disk is full", "project": {"key": "OPS", "name": "Operations"}, "labels": []},
}


def understood(body: Any, query: str = "", **options: Any) -> Understood:
    raw = b"" if body is None else json.dumps(body).encode()
    (found,) = understand_all(
        SOURCE, Http(headers=Headers({}), body=raw, query=query), Context(options=options)
    )
    return found


def note(body: Any, **options: Any) -> Notification:
    found = understood(body, **options).notification
    assert isinstance(found, Notification)
    return found


@pytest.mark.parametrize(
    "comment",
    [
        {"body": "hush", "visibility": {"type": "role", "value": "Developers"}},
        {"body": "hush", "jsdPublic": False},
        {"body": "hush", "properties": [{"key": "sd.public.comment", "value": {"internal": True}}]},
    ],
)
@pytest.mark.parametrize("event", ["comment_created", "comment_updated", "jira:issue_updated"])
def test_a_restricted_comment_never_leaves_unless_asked(event: str, comment: dict[str, object]) -> None:
    body = {"webhookEvent": event, "issue": ISSUE, "comment": comment}
    found = understood(body)
    assert found.outcome == "ignored"
    assert "hush" not in repr(found.notification)
    asked = understood(body, restricted_comments=True)
    assert asked.outcome == "ok"
    assert "hush" in repr(asked.notification)
    along = {
        **body,
        "webhookEvent": "jira:issue_updated",
        "changelog": {"items": [{"field": "status", "toString": "Done"}]},
    }
    assert "hush" not in repr(note(along))


def test_the_page_keeps_the_context_path_of_the_site() -> None:
    subject = note({"webhookEvent": "jira:issue_created", "issue": ISSUE}).subject
    assert subject is not None
    assert subject.url == "https://jira.example.com/jira/browse/OPS-9"


def test_the_gateway_of_atlassian_is_no_page_for_people() -> None:
    issue = {**ISSUE, "self": "https://api.atlassian.com/ex/jira/1234/rest/api/3/issue/9"}
    found = note({"webhookEvent": "jira:issue_created", "issue": issue})
    assert found.subject is None or "api.atlassian.com" not in found.subject.url


@pytest.mark.parametrize(
    "field, name",
    [
        ("status", "issue.transitioned"), ("assignee", "issue.assigned"), ("Sprint", "issue.sprint"),
        ("Link", "issue.linked"), ("Rank", "issue.ranked"), ("summary", "issue.updated"), ("Attachment", "issue.attached"),
    ],
)  # fmt: skip
def test_an_update_is_named_after_what_changed(field: str, name: str) -> None:
    items = [{"field": field, "fromString": "a", "toString": "b"}]
    body = {"webhookEvent": "jira:issue_updated", "issue": ISSUE, "changelog": {"items": items}}
    assert understood(body).event.name == name


def test_an_empty_body_is_read_from_the_address() -> None:
    found = understood(None, query="issue.key=OPS-9&event=jira:issue_created&token=hush")
    assert found.outcome == "ok"
    assert isinstance(found.notification, Notification)
    assert "OPS-9" in found.notification.title


def test_options_choose_projects_and_types() -> None:
    body = {"webhookEvent": "jira:issue_created", "issue": ISSUE}
    assert understood(body, projects=["WEB*"]).outcome == "ignored"
    assert understood(body, projects=["ops"]).outcome == "ok"
    assert understood(body, labels=["urgent"]).outcome == "ignored"
    assert (
        understood({"webhookEvent": "sprint_started", "sprint": {"name": "S"}}, types=["Bug"]).outcome == "ok"
    )


def test_an_event_of_tomorrow_still_makes_a_card() -> None:
    found = note({"webhookEvent": "jira:rocket_launched", "issue": ISSUE, "rocket": {"name": "Saturn"}})
    assert "Rocket launched" in found.title
