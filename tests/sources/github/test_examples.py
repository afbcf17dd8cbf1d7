"""Every example of the vendor's own collection makes a good card."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from apps.cards import adaptive, limits
from apps.cards.notification import Notification
from apps.sources.catalog.github import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.source import Context
from apps.sources.testing import mutations, outcomes
from apps.sources.understand import understand_all

FOLDER = Path(__file__).parents[3] / "node_modules/@octokit/webhooks-examples"
FILE = FOLDER / "api.github.com/index.json"
WITHOUT_PAGE = frozenset({"marketplace_purchase"})  # GitHub names no page for them


def examples() -> list[tuple[str, dict[str, Any]]]:
    if not FILE.is_file():
        return []
    # github.com and the GitHub Enterprise Server versions: older shapes of the same events.
    return [
        (each["name"], payload)
        for file in sorted(FOLDER.glob("*/index.json"))
        for each in json.loads(file.read_text())
        for payload in each["examples"]
    ]


def request(name: str, payload: object) -> Http:
    headers = {"X-GitHub-Event": name, "X-GitHub-Delivery": "d-1", "Content-Type": "application/json"}
    return Http(headers=Headers(headers), body=json.dumps(payload).encode())


def test_the_collection_is_there() -> None:
    if not FILE.is_file() and not os.environ.get("CI"):
        pytest.skip("run “make test” to install the examples")
    assert len(examples()) > 300


def test_every_example_makes_a_card_that_says_what_where_and_who() -> None:
    for name, payload in examples():
        (item,) = outcomes(SOURCE, request(name, payload))
        note = item.notification
        if name in SOURCE.events.ignored:
            assert item.outcome == "ignored"
            continue
        assert isinstance(note, Notification), (name, item.outcome, item.reason)
        assert item.event.name in SOURCE.events, name
        card = adaptive.render(note)
        assert limits.check(card.content) == [], name
        assert note.title
        if payload.get("repository"):
            assert note.container is not None, name
            assert note.container.title == payload["repository"]["full_name"]
        if payload.get("sender"):
            assert note.actor is not None, name
            assert note.actor.name
        if name not in WITHOUT_PAGE:
            assert note.subject is not None, name
            assert note.subject.url.startswith(("https://", "http://")), name


def test_an_object_opens_its_own_page() -> None:
    places = {
        "pull_request": "pull_request",
        "issues": "issue",
        "release": "release",
        "discussion": "discussion",
    }
    for name, payload in examples():
        if name in places:
            (item,) = outcomes(SOURCE, request(name, payload))
            assert isinstance(item.notification, Notification)
            assert item.notification.subject is not None
            assert item.notification.subject.url == payload[places[name]]["html_url"]
            assert (
                payload[places[name]].get("title") or payload[places[name]].get("name") or ""
            ) in item.notification.title


def test_no_field_that_is_missing_or_odd_breaks_a_card() -> None:
    seen: set[str] = set()
    for name, payload in examples():
        if name in seen:
            continue
        seen.add(name)
        for place, changed in mutations(payload, limit=60):
            for item in outcomes(SOURCE, request(name, changed)):
                assert item.code != "source_failed", (name, place, item.reason)
                if isinstance(item.notification, Notification):
                    assert adaptive.render(item.notification).summary


@pytest.mark.parametrize(
    "name", ["pull_request", "issues", "push", "release", "issue_comment", "workflow_run"]
)
def test_the_family_is_recognised_without_its_header(name: str) -> None:
    for family, payload in examples():
        if family == name:
            (item,) = outcomes(SOURCE, Http(body=json.dumps(payload).encode()))
            assert item.event.name.startswith(name)


def test_a_form_encoded_hook_is_read() -> None:
    payload = {"zen": "Keep it small.", "hook": {"events": ["*"]}, "repository": {"full_name": "octo/hello"}}
    http = Http(
        headers=Headers({"X-GitHub-Event": "ping", "Content-Type": "application/x-www-form-urlencoded"}),
        body=urlencode({"payload": json.dumps(payload)}).encode(),
    )
    (item,) = outcomes(SOURCE, http)
    assert isinstance(item.notification, Notification)
    assert item.notification.title == "GitHub is connected"


CHANGE: dict[str, Any] = {
    "action": "opened",
    "number": 7,
    "pull_request": {
        "number": 7, "title": "Paint it", "draft": True, "base": {"ref": "main"}, "head": {"ref": "paint"},
        "labels": [{"name": "art"}], "html_url": "https://git.example/octo/hello/pull/7",
    },
    "repository": {"full_name": "octo/hello", "html_url": "https://git.example/octo/hello", "private": True},
    "sender": {"login": "renovate[bot]", "type": "Bot"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, True),
        ({"branches": ["release/*"]}, False),
        ({"branches": ["ma*"]}, True),
        ({"ignore_bots": True}, False),
        ({"ignore_drafts": True}, False),
        ({"labels": ["ART"]}, True),
        ({"labels": ["bug"]}, False),
        ({"exclude_labels": ["art"]}, False),
        ({"private_repositories": "exclude"}, False),
        ({"private_repositories": "only"}, True),
    ],
)
def test_options_drop_what_is_not_wanted_and_say_why(options: dict[str, object], told: bool) -> None:
    http = request("pull_request", CHANGE)
    (item,) = understand_all(SOURCE, http, Context(options=options, headers=http.headers))
    assert (item.outcome == "ok") is told
    assert told or item.reason


def test_an_action_that_nobody_named_yet_still_makes_a_card() -> None:
    (item,) = outcomes(SOURCE, request("pull_request", {**CHANGE, "action": "frobnicated"}))
    assert isinstance(item.notification, Notification)
    assert "frobnicated" in item.notification.title


def test_an_unknown_family_is_unsupported_and_not_malformed() -> None:
    (item,) = outcomes(SOURCE, request("time_travel", {"action": "begun"}))
    assert item.outcome == "unsupported"
