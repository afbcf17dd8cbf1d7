"""Gitea passes the suite; what its versions, Forgejo and Gogs send differently is read alike."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards.notification import Notification
from apps.sources.catalog.forgejo import SOURCE as FORGEJO
from apps.sources.catalog.gitea import SOURCE
from apps.sources.catalog.gogs import SOURCE as GOGS
from apps.sources.http import Headers, Http
from apps.sources.source import Source
from apps.sources.testing import SourceConformance, outcomes

ADA = {"id": 1, "login": "ada", "email": "ada@git.example", "avatar_url": "https://git.example/a.png"}
BOB = {"id": 2, "login": "bob", "email": "bob@git.example", "avatar_url": ""}
PLACE = "https://git.example/ada/web"
REPOSITORY = {"id": 7, "name": "web", "full_name": "ada/web", "html_url": PLACE, "owner": ADA}
ISSUE = {"id": 9, "number": 3, "title": "Door squeaks", "body": "", "state": "open", "user": ADA}
CHANGE = {**ISSUE, "number": 4, "title": "Oil it", "html_url": f"{PLACE}/pulls/4", "merged": False}
ZERO, SHA = "0" * 40, "5e" * 20


class TestGitea(SourceConformance):
    source = SOURCE


def told(source: Source, kind: str, body: dict[str, Any], **headers: str) -> tuple[str, Notification]:
    """The event's name and its notification, as the server would send it."""
    given = {
        f"x-{source.slug}-event": kind,
        **{key.replace("_", "-"): value for key, value in headers.items()},
    }
    raw = {"repository": REPOSITORY, "sender": ADA, **body}
    (found,) = outcomes(source, Http(headers=Headers(given), body=json.dumps(raw).encode()))
    assert isinstance(found.notification, Notification), found.reason
    return found.event.name, found.notification


def test_a_review_with_comments_is_a_review_when_only_the_old_header_tells() -> None:
    review = {"type": "pull_request_review_comment", "content": "See the second file"}
    body = {"action": "reviewed", "number": 4, "pull_request": CHANGE, "review": review}
    name, found = told(SOURCE, "pull_request_comment", body)
    assert name == "pull_request_review.commented"
    assert found.title == "Review comment: #4 Oil it"
    assert found.text == "See the second file"


def test_a_comment_on_a_pull_request_leads_to_it_though_gogs_names_no_page() -> None:
    issue = {**ISSUE, "pull_request": {"merged": False, "merged_at": None}}
    comment = {"id": 5, "html_url": f"{PLACE}/pulls/3#issuecomment-5", "user": ADA, "body": "Hm",
               "created_at": "0001-01-01T00:00:00Z", "updated_at": "0001-01-01T00:00:00Z"}  # fmt: skip
    _, found = told(GOGS, "issue_comment", {"action": "created", "issue": issue, "comment": comment})
    assert found.title == "Comment on pull request: #3 Door squeaks"
    assert f"{PLACE}/pulls/3" in [link.url for link in found.links]
    assert found.occurred_at is None


@pytest.mark.parametrize(
    ("before", "after", "compare", "page"),
    [
        (ZERO, SHA, "", f"{PLACE}/src/new"),
        (ZERO, SHA, f"ada/web/compare/{ZERO}...{SHA}", f"{PLACE}/src/new"),
        (ZERO, SHA, f"{PLACE}/compare/{ZERO}...{SHA}", f"{PLACE}/src/new"),
        ("4d" * 20, SHA, "", f"{PLACE}/compare/4d4d4d4d4d4d...5e5e5e5e5e5e"),
        ("4d" * 20, SHA, f"{PLACE}/compare/4d4d...5e5e", f"{PLACE}/compare/4d4d...5e5e"),
        (SHA, ZERO, f"{PLACE}/compare/{SHA}...{ZERO}", PLACE),
    ],
)
def test_a_push_leads_to_a_page_that_is_there(before: str, after: str, compare: str, page: str) -> None:
    commits = [] if after == ZERO else [{"id": SHA, "message": "Oil", "author": {"name": "Ada"}}]
    body = {
        "ref": "refs/heads/new",
        "before": before,
        "after": after,
        "compare_url": compare,
        "commits": commits,
    }
    _, found = told(GOGS, "push", body)
    assert found.subject is not None
    assert found.subject.url == page
    assert ("Compare" in found.link_title) is ("/compare/" in page)


def test_who_got_an_issue_and_which_milestone_it_is_in_stand_in_the_title() -> None:
    issue = {**ISSUE, "assignee": BOB, "assignees": [BOB], "milestone": {"id": 1, "title": "v2"}}
    assert (
        told(SOURCE, "issues", {"action": "assigned", "issue": issue})[1].title
        == "bob assigned to issue: #3 Door squeaks"
    )
    assert (
        told(SOURCE, "issues", {"action": "milestoned", "issue": issue})[1].title
        == "Issue added to v2: #3 Door squeaks"
    )
    several = {**issue, "assignees": [ADA, BOB]}
    assert (
        told(SOURCE, "issues", {"action": "assigned", "issue": several})[1].title
        == "Issue assigned: #3 Door squeaks"
    )


def test_a_workflows_run_says_when_and_how_long() -> None:
    run = {"id": 10, "run_number": 7, "display_title": "Oil it", "status": "completed", "conclusion": "failure",
           "html_url": f"{PLACE}/actions/runs/7", "head_branch": "main", "head_sha": SHA,
           "started_at": "2024-05-01T10:00:00Z", "completed_at": "2024-05-01T10:02:05Z"}  # fmt: skip
    body = {"action": "completed", "workflow": {"name": "ci.yaml"}, "workflow_run": run}
    _, found = told(SOURCE, "", body, x_gitea_event_type="workflow_run")
    assert "2 min 5 s" in [fact.value for fact in found.facts]
    assert found.occurred_at is not None


def test_a_job_that_has_not_begun_did_not_take_since_1970() -> None:
    job = {"id": 1, "name": "build", "status": "queued", "conclusion": "", "head_branch": "main",
           "started_at": "1970-01-01T00:00:00Z", "completed_at": "1970-01-01T00:00:00Z"}  # fmt: skip
    _, found = told(SOURCE, "", {"action": "queued", "workflow_job": job}, x_gitea_event_type="workflow_job")
    assert found.occurred_at is None
    assert not any(fact.value for fact in found.facts if fact.title == "Took")


def test_a_package_without_a_repository_belongs_to_its_organisation() -> None:
    package = {"id": 1, "type": "npm", "name": "oil", "version": "1.2.3", "creator": ADA, "repository": None,
               "html_url": "https://git.example/acme/-/packages/npm/oil/1.2.3"}  # fmt: skip
    team = {"id": 4, "name": "acme", "username": "acme", "avatar_url": "https://git.example/t.png"}
    body = {"action": "created", "package": package, "repository": None, "organization": team}
    _, found = told(SOURCE, "", body, x_gitea_event_type="package")
    assert found.container is not None
    assert (found.container.title, found.container.url) == ("acme", "https://git.example/acme")
    assert found.actor is not None
    assert found.actor.url == "https://git.example/ada"


@pytest.mark.parametrize(
    ("ref", "title", "page"),
    [("main", "Branch", f"{PLACE}/src/branch/main"), ("#4", "Pull request", f"{PLACE}/pulls/4")],
)
def test_a_run_of_forgejos_actions_names_its_branch_or_pull_request(ref: str, title: str, page: str) -> None:
    run = {"id": 21, "title": "Oil it", "repository": REPOSITORY, "workflow_id": "ci.yml", "index_in_repo": 7,
           "trigger_user": ADA, "event": "pull_request", "commit_sha": SHA, "prettyref": ref, "status": "failure",
           "started": "2024-05-01T10:00:00Z", "stopped": "2024-05-01T10:00:40Z",
           "html_url": f"{PLACE}/actions/runs/7"}  # fmt: skip
    body = {"action": "failure", "run": run, "prior_status": "running", "repository": None, "sender": None}
    _, found = told(FORGEJO, "action_run_failure", body)
    shown = {fact.title: (fact.value, fact.url) for fact in found.facts}
    assert shown[title] == (ref, page)
    assert shown["Started by"][0] == "Pull request"
    assert shown["Took"][0] == "40 s"
    assert "Before" not in shown
    assert found.actor is not None
    assert found.actor.url == "https://git.example/ada"


def test_a_run_that_ended_otherwise_is_told_in_forgejos_word() -> None:
    run = {
        "id": 21,
        "title": "Oil it",
        "repository": REPOSITORY,
        "workflow_id": "ci.yml",
        "status": "cancelled",
    }
    body = {"action": "cancelled", "run": run, "prior_status": "running", "repository": None}
    name, found = told(FORGEJO, "action_run_cancelled", body)
    assert (name, found.title, found.status) == ("action_run.cancelled", "Run cancelled: Oil it", "Cancelled")
