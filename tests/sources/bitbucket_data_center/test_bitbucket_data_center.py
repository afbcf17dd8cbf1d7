"""Bitbucket Data Center: the conformance suite, and what is particular to its payloads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards.notification import Notification
from apps.core.errors import PayloadError
from apps.sources.catalog.bitbucket_data_center import SOURCE
from apps.sources.catalog.bitbucket_data_center.source import KEYS, NAMES, catalog_name
from apps.sources.http import Headers, Http
from apps.sources.samples import sample
from apps.sources.source import Context, Understood
from apps.sources.testing import SourceConformance
from apps.sources.understand import understand_all

BASE = "https://git.harbor.example/projects/HAR/repos/lighthouse"


class TestBitbucketDataCenter(SourceConformance):
    source = SOURCE


def body(name: str) -> dict[str, Any]:
    found = sample(SOURCE, name)
    assert found is not None
    value: dict[str, Any] = json.loads(found.body)
    return value


def told(payload: object, key: str = "", **options: object) -> list[Understood]:
    headers = {"content-type": "application/json", "x-request-id": "r-1"}
    if key:
        headers["x-event-key"] = key
    http = Http(headers=Headers(headers), body=json.dumps(payload).encode())
    return list(understand_all(SOURCE, http, Context(options=options, headers=http.headers)))


def note(payload: object, key: str = "", **options: object) -> Notification:
    found = told(payload, key, **options)[0].notification
    assert isinstance(found, Notification)
    return found


def test_every_event_key_has_its_own_entry() -> None:
    assert all(name in SOURCE.events for name in NAMES.values())
    assert {spec.name for spec in SOURCE.events} == set(KEYS)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("pr:reviewer:changes_requested", "pull_request.changes_requested"),
        ("pr:auto_merge:requested", "pull_request.auto_merge_requested"),
        ("pr:comment:pinned", "pull_request_comment.pinned"),
        ("repo:comment:pinned", "commit_comment.pinned"),
        ("repo:archived", "repo.archived"),
        ("pr:reviewer:removed", "pull_request.removed"),
    ],
)
def test_keys_become_names_and_unheard_of_ones_still_make_cards(key: str, name: str) -> None:
    assert catalog_name(key) == name
    found = told(body("pull_request.created"), key)[0]
    assert found.event.name == name
    assert found.outcome == "ok"


def test_the_event_key_in_the_body_is_enough() -> None:
    found = told(body("pull_request.merged"))[0]
    assert found.event.name == "pull_request.merged"
    assert found.event.id == "r-1"


@pytest.mark.parametrize(
    "name",
    ["pull_request.merged", "pull_request.approved", "pull_request.changes_requested", "pull_request.reviewers_updated",
     "pull_request.pushed", "pull_request.updated", "pull_request.declined", "pull_request_comment.updated",
     "commit_comment.created", "repo.push", "repo.updated", "project.updated", "repo.forked", "repo.secret_detected",
     "mirror.synchronized", "build.status"],
)  # fmt: skip
def test_a_body_without_any_event_key_is_recognised(name: str) -> None:
    payload = body(name)
    payload.pop("eventKey", None)
    assert told(payload)[0].event.name == name


def test_pages_are_made_of_the_option_when_the_payload_has_none() -> None:
    bare = body("pull_request.created__without_links")
    assert note(bare).subject is not None
    without, given = note(bare).subject, note(bare, base_url="https://git.example.com/bitbucket/").subject
    assert without is not None
    assert given is not None
    assert without.url == ""
    assert given.url == "https://git.example.com/bitbucket/projects/PROJ/repos/repository/pull-requests/1"


def test_a_clone_address_tells_where_the_server_is() -> None:
    push = body("repo.push__without_links")
    clone = {"href": "https://admin@git.example.com/ctx/scm/proj/repository.git", "name": "http"}
    push["repository"]["links"] = {"clone": [clone]}
    found = note(push).container
    assert found is not None
    assert found.url == "https://git.example.com/ctx/projects/PROJ/repos/repository"


def test_a_personal_repository_lies_under_its_user() -> None:
    found = note(body("repo.forked"))
    assert found.container is not None
    assert found.container.url == "https://git.harbor.example/users/jonas/repos/lighthouse"
    assert found.title == "Repository HAR/lighthouse forked: ~JONAS/lighthouse"


def test_each_branch_of_a_push_is_an_event_with_the_commit_it_ends_at() -> None:
    found = told(body("repo.push__two_branches"), branches="main")
    assert [item.outcome for item in found] == ["ok", "ignored"]
    assert [item.event.id for item in found] == ["r-1:0", "r-1:1"]
    first = found[0].notification
    assert isinstance(first, Notification)
    assert first.title == "Commits pushed to main: Show the tide table on small screens"


def test_stash_and_the_plug_in_are_understood() -> None:
    assert note(body("repo.push__stash")).title == "1 commit pushed to main"
    merged = note(body("pull_request.merged__plugin"), "pullrequest:fulfilled")
    assert merged.title == "Pull request merged: #42 Add tide tables to the harbor page"
    assert merged.subject is not None
    assert merged.subject.url == f"{BASE}/pull-requests/42"
    deleted = body("repo.push__plugin")
    deleted["push"]["changes"][0]["new"] = None
    assert note(deleted, "repo:push").title == "Branch main deleted"


def test_a_finished_task_is_good_news_and_an_edited_one_is_not() -> None:
    task = body("pull_request_comment.updated__task_done")
    assert note(task).title.startswith("Task done on pull request: #42")
    task["comment"]["text"] = "Another text"
    assert note(task).title.startswith("Task edited on pull request")


def test_iso_times_are_read_like_milliseconds() -> None:
    change = body("pull_request.created")
    del change["date"]
    change["pullRequest"]["updatedDate"] = "2026-03-14T09:25:00+0000"
    moment = note(change).occurred_at
    assert moment is not None
    assert moment.isoformat() == "2026-03-14T09:25:00+00:00"


@pytest.mark.parametrize(
    ("headers", "text", "answered"),
    [
        ({"x-event-key": "diagnostics:ping"}, b'{"test":true}', True),
        ({"x-event-key": "diagnostics:ping"}, b"{}", True),
        ({}, b'{"test": true}', True),
        ({"x-event-key": "diagnostics:ping", "x-hub-signature": "sha256=00"}, b'{"test":true}', False),
        ({"authorization": "Basic eDp5"}, b'{"test":true}', False),
        ({"x-event-key": "repo:refs_changed"}, b'{"test":true}', False),
        ({}, b'{"test":false}', False),
    ],
)
def test_the_unsigned_connection_test_is_answered_and_nothing_else(
    headers: dict[str, str], text: bytes, answered: bool
) -> None:
    reply = SOURCE.handshake(Http(headers=Headers(headers), body=text), Context())
    assert (reply is not None) == answered
    if reply is not None:
        assert reply.status == 200


def test_a_signed_connection_test_makes_a_card() -> None:
    assert note({}, "diagnostics:ping").title == "Bitbucket is connected"


def test_an_empty_object_is_refused() -> None:
    with pytest.raises(PayloadError):
        told({}, "pr:opened")


def test_lone_surrogates_do_no_harm() -> None:
    push = body("repo.push__without_links")
    push["repository"]["slug"] = "a\ud800"
    push["changes"][0]["refId"] = push["changes"][0]["ref"]["id"] = "refs/heads/\udfff"
    assert told(push, base_url="https://git.example.com")[0].outcome == "ok"
