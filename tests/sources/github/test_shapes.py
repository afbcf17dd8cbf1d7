"""Older and newer shapes of GitHub's payloads, and the events that few have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.cards.notification import Notification
from apps.sources.catalog.github import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.testing import outcomes

OPENAPI = Path(__file__).parents[3] / "node_modules/@octokit/openapi/generated"
# Whose action is called otherwise than the document calls the event.
OTHERWISE = {"custom-property-promoted-to-enterprise"}
ADA = {"login": "ada", "html_url": "https://git.example/ada", "type": "User"}
REPOSITORY = {"name": "web", "full_name": "ada/web", "html_url": "https://git.example/ada/web", "owner": ADA}


def told(family: str, body: dict[str, Any]) -> Notification:
    raw = {"repository": REPOSITORY, "sender": ADA, **body}
    http = Http(headers=Headers({"x-github-event": family}), body=json.dumps(raw).encode())
    (found,) = outcomes(SOURCE, http)
    assert isinstance(found.notification, Notification), found.reason
    return found.notification


@pytest.mark.skipif(not OPENAPI.is_dir(), reason="run “make test” to install the documents")
@pytest.mark.parametrize("edition", ["api.github.com", "ghes-3.19"])
def test_every_event_of_githubs_own_documents_is_in_the_catalogue(edition: str) -> None:
    document = json.loads((OPENAPI / f"{edition}.json").read_text())
    hooks = document.get("webhooks") or document.get("x-webhooks")
    missing = []
    for key, hook in hooks.items():
        family = hook["post"]["x-github"]["subcategory"].replace("-", "_")
        action = key.removeprefix(family.replace("_", "-")).strip("-").replace("-", "_")
        name = f"{family}.{action}" if action else family
        known = name in SOURCE.events or family in SOURCE.events or SOURCE.events.ignore_reason(family)
        missing += [] if known or key in OTHERWISE else [key]
    assert len(hooks) > 200
    assert missing == []


@pytest.mark.parametrize(
    ("family", "action", "answer", "title", "feels"),
    [
        ("bypass_request_push_ruleset", "created", "", "Push bypass request: Mail key", "warning"),
        (
            "bypass_request_secret_scanning",
            "response_submitted",
            "approved",
            "Push protection bypass request approved: Mail key",
            "good",
        ),
        (
            "dismissal_request_dependabot",
            "response_submitted",
            "rejected",
            "Dependabot dismissal request rejected: Mail key",
            "attention",
        ),
        (
            "dismissal_request_code_scanning",
            "cancelled",
            "",
            "Code scanning dismissal request cancelled: Mail key",
            "neutral",
        ),
        (
            "dismissal_request_secret_scanning",
            "response_dismissed",
            "dismissed",
            "Secret scanning dismissal request waits again: Mail key",
            "neutral",
        ),
        (
            "dismissal_request_code_scanning",
            "escalated_to_team",
            "",
            "Code scanning dismissal request escalated to team: Mail key",
            "neutral",
        ),
    ],
)
def test_a_request_to_get_around_a_rule_says_what_for_and_how_it_ended(
    family: str, action: str, answer: str, title: str, feels: str
) -> None:
    request = {"number": 4, "requester_login": "bob", "status": "pending", "requester_comment": "Only a test",
               "metadata": {"label": "Mail key", "reason": "false positive"}}  # fmt: skip
    body: dict[str, Any] = {"action": action, "exemption_request": request}
    if answer:
        body["exemption_response"] = {"reviewer_login": "cy", "status": answer, "reviewer_comment": "Well"}
    found = told(family, body)
    assert (found.title, found.severity) == (title, feels)
    assert found.text == ("Well" if answer else "Only a test")
    assert ("Asked by", "bob") in [(fact.title, fact.value) for fact in found.facts]


def test_the_oldest_push_names_its_repository_in_full() -> None:
    old = {
        "name": "web",
        "url": "https://git.example/ada/web",
        "owner": {"name": "ada", "email": "ada@git.example"},
    }
    commits = [{"id": "5e" * 20, "message": "Oil", "author": {"name": "Ada"}}]
    body = {"ref": "refs/heads/main", "before": "4d" * 20, "after": "5e" * 20, "repository": old,
            "sender": None, "pusher": {"name": "ada"}, "commits": commits}  # fmt: skip
    found = told("push", body)
    assert found.container is not None
    assert (found.container.title, found.container.url) == ("ada/web", "https://git.example/ada/web")


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("https://api.github.com/orgs/acme", "https://github.com/acme"),
        ("https://api.acme.ghe.com/orgs/acme", "https://acme.ghe.com/acme"),
        ("https://ghe.example/api/v3/orgs/acme", "https://ghe.example/acme"),
        ("https://elsewhere.example/acme", ""),
    ],
)
def test_an_organisations_page_is_found_from_the_address_of_its_api(address: str, page: str) -> None:
    body = {"action": "renamed", "repository": None, "organization": {"login": "acme", "url": address}}
    found = told("organization", body)
    assert found.container is not None
    assert found.container.url == page


def test_a_repository_of_which_only_the_apis_address_is_known_is_not_linked() -> None:
    body = {"action": "opened", "issue": {"number": 1, "title": "Hm"},
            "repository": {"full_name": "ada/web", "url": "https://api.github.com/repos/ada/web"}}  # fmt: skip
    found = told("issues", body)
    assert found.subject is None or "api" not in found.subject.url


def test_a_project_card_of_an_issue_leads_to_the_issue() -> None:
    card = {"note": None, "column_id": 8, "content_url": "https://api.github.com/repos/ada/web/issues/12"}
    found = told("project_card", {"action": "created", "project_card": card})
    assert found.title == "Project card created: #12"
    assert found.subject is not None
    assert found.subject.url == "https://git.example/ada/web/issues/12"


@pytest.mark.parametrize(
    ("validity", "feels"), [("active", "attention"), ("inactive", "good"), (None, "attention")]
)
def test_a_secret_that_was_found_to_work_is_no_good_news(validity: str | None, feels: str) -> None:
    alert = {"number": 1, "secret_type_display_name": "Mail key", "state": "open", "validity": validity}
    assert told("secret_scanning_alert", {"action": "validated", "alert": alert}).severity == feels


def test_what_is_over_shows_how_it_ended_and_not_how_bad_it_was() -> None:
    alert = {"number": 1, "state": "fixed", "rule": {"severity": "error", "description": "Hole"}}
    found = told("code_scanning_alert", {"action": "fixed", "alert": alert})
    assert (found.status, found.severity) == ("Fixed", "good")
    assert ("Severity", "Error") in [(fact.title, fact.value) for fact in found.facts]


def test_a_checks_summary_is_read_as_the_markdown_it_is() -> None:
    check = {"name": "lint", "status": "completed", "conclusion": "failure",
             "output": {"title": "1 error", "summary": "<details>\n\n**Broken** in `a.py`\n\n</details>"}}  # fmt: skip
    text = told("check_run", {"action": "completed", "check_run": check}).text
    assert "**Broken**" in text
    assert "<details>" not in text


@pytest.mark.parametrize(
    ("family", "body", "title"),
    [
        (
            "check_suite",
            {"action": "requested", "check_suite": {"status": "queued", "head_branch": "main"}},
            "Checks are queued: main",
        ),
        (
            "check_suite",
            {"action": "completed", "check_suite": {"conclusion": "cancelled", "head_branch": "main"}},
            "Checks were cancelled: main",
        ),
        (
            "projects_v2_item",
            {"action": "edited", "projects_v2_item": {"content_type": "DraftIssue"}},
            "Project item edited: Draft issue",
        ),
        (
            "projects_v2_status_update",
            {"action": "created", "projects_v2_status_update": {"status": "ON_TRACK"}},
            "Project status update created: On track",
        ),
        (
            "pull_request",
            {"action": "stacked", "number": 3, "pull_request": {"number": 3, "title": "Oil"}},
            "Pull request put into a stack: #3 Oil",
        ),
        ("repository_import", {"status": "failure"}, "Repository import failed: ada/web"),
        (
            "release",
            {"action": "released", "release": {"tag_name": "v2", "prerelease": False}},
            "Release is the full version: v2",
        ),
    ],
)
def test_titles_are_sentences_of_people(family: str, body: dict[str, Any], title: str) -> None:
    assert told(family, body).title == title


@pytest.mark.parametrize(
    ("family", "ref"),
    [
        ("push", "refs/heads/gh-readonly-queue/main/pr-4-5e5e"),
        ("create", "gh-readonly-queue/main/pr-4-5e5e"),
        ("delete", "gh-readonly-queue/main/pr-4-5e5e"),
    ],
)
def test_the_branches_of_the_merge_queue_are_noise(family: str, ref: str) -> None:
    body = {"ref": ref, "ref_type": "branch", "repository": REPOSITORY, "sender": ADA, "commits": []}
    http = Http(headers=Headers({"x-github-event": family}), body=json.dumps(body).encode())
    (found,) = outcomes(SOURCE, http)
    assert (found.outcome, found.code) == ("ignored", "nothing_to_tell")
    assert "merge queue" in found.reason


def test_a_projects_field_is_told_once() -> None:
    change = {"field_name": "Status", "from": {"name": "To do"}, "to": {"name": "Done"}}
    body = {
        "action": "edited",
        "projects_v2_item": {"content_type": "Issue"},
        "changes": {"field_value": change},
    }
    found = told("projects_v2_item", body)
    assert [(fact.title, fact.value) for fact in found.facts if fact.value] == [
        ("Field", "Status"),
        ("From", "To do"),
        ("To", "Done"),
    ]


def test_a_push_that_only_takes_commits_away_can_be_compared() -> None:
    body = {"ref": "refs/heads/main", "before": "4d" * 20, "after": "5e" * 20, "forced": True, "commits": [],
            "compare": "https://git.example/ada/web/compare/4d4d...5e5e"}  # fmt: skip
    found = told("push", body)
    assert (found.title, found.link_title) == ("Force-push to main", "Compare changes")
