"""Bitbucket Cloud: the conformance suite, and what is particular to its payloads."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from apps.cards.notification import Notification
from apps.core.errors import PayloadError
from apps.sources.catalog.bitbucket import SOURCE
from apps.sources.catalog.bitbucket.common import is_api, page
from apps.sources.catalog.bitbucket.shared import build_state, count, duration
from apps.sources.catalog.bitbucket.source import catalog_name, event_key
from apps.sources.http import Headers, Http
from apps.sources.payload import Payload
from apps.sources.samples import sample
from apps.sources.source import Context, Understood
from apps.sources.testing import SourceConformance
from apps.sources.understand import understand_all

KEYS = """
repo:push repo:fork repo:updated repo:transfer repo:imported repo:created repo:deleted
repo:commit_comment_created repo:commit_status_created repo:commit_status_updated issue:created
issue:updated issue:comment_created pullrequest:created pullrequest:updated pullrequest:push
pullrequest:approved pullrequest:unapproved pullrequest:changes_request_created
pullrequest:changes_request_removed pullrequest:fulfilled pullrequest:rejected
pullrequest:comment_created pullrequest:comment_updated pullrequest:comment_deleted
pullrequest:comment_resolved pullrequest:comment_reopened project:updated
"""


class TestBitbucket(SourceConformance):
    source = SOURCE


def body(name: str) -> dict[str, Any]:
    found = sample(SOURCE, name)
    assert found is not None
    value: dict[str, Any] = json.loads(found.body)
    return value


def told(payload: object, key: str = "", **options: object) -> list[Understood]:
    headers = {"content-type": "application/json", "x-request-uuid": "r-1"}
    if key:
        headers["x-event-key"] = key
    http = Http(headers=Headers(headers), body=json.dumps(payload).encode())
    return list(understand_all(SOURCE, http, Context(options=options, headers=http.headers)))


def note(payload: object, key: str = "") -> Notification:
    found = told(payload, key)[0].notification
    assert isinstance(found, Notification)
    return found


def test_every_documented_event_key_has_its_own_entry() -> None:
    keys = KEYS.split()
    names = [catalog_name(key) for key in keys]
    assert all(name in SOURCE.events for name in names)
    assert [event_key(name) for name in names] == keys


def test_an_unheard_of_verb_still_makes_a_card() -> None:
    found = note(body("pull_request.created"), "pullrequest:converted_to_draft")
    assert found.title.startswith("Pull request converted to draft: #42")


def test_a_push_of_two_branches_makes_two_events_with_ids_of_their_own() -> None:
    found = told(body("repo.push__two_branches"), "repo:push")
    assert [item.event.id for item in found] == ["r-1:0", "r-1:1"]
    assert [item.attributes["branch"] for item in found] == ["main", "release/2.1"]


def test_the_branch_option_judges_each_branch_of_a_push() -> None:
    found = told(body("repo.push__two_branches"), "repo:push", branches="release/*")
    assert [item.outcome for item in found] == ["ignored", "ok"]


def test_a_push_of_many_tags_stays_one_card() -> None:
    found = told(body("repo.push__many_tags"), "repo:push")
    assert len(found) == 1
    assert found[0].attributes["bot"] is True


@pytest.mark.parametrize(
    ("option", "value", "outcome"),
    [
        ("builds", "finished", "ignored"),
        ("builds", "all", "ok"),
        ("repositories", "harbor/*", "ok"),
        ("repositories", "other", "ignored"),
        ("projects", "har", "ok"),
        ("projects", "PAY*", "ignored"),
    ],
)
def test_options_drop_what_they_say(option: str, value: str, outcome: str) -> None:
    found = told(body("commit_status.created"), "repo:commit_status_created", **{option: value})
    assert found[0].outcome == outcome


def test_only_failures_can_be_told() -> None:
    passed = told(body("commit_status.updated"), "repo:commit_status_updated", builds="failed")
    failed = told(body("commit_status.updated__failed"), "repo:commit_status_updated", builds="failed")
    assert (passed[0].outcome, failed[0].outcome) == ("ignored", "ok")


def test_drafts_and_bots_can_be_ignored() -> None:
    draft = told(body("pull_request.created__draft"), "pullrequest:created", ignore_drafts=True)
    bot = told(body("repo.push__many_tags"), "repo:push", ignore_bots=True)
    assert [draft[0].outcome, bot[0].outcome] == ["ignored", "ignored"]


def test_the_documentations_api_addresses_become_pages() -> None:
    change = {
        "repository": {
            "full_name": "team_name/repo_name",
            "links": {"html": {"href": "https://api.bitbucket.org/team_name/repo_name"}},
        },
        "actor": {
            "username": "emmap1",
            "display_name": "Emma",
            "links": {"html": {"href": "https://api.bitbucket.org/emmap1"}},
        },
        "pullrequest": {
            "id": 1,
            "title": "Title",
            "state": "OPEN|MERGED|DECLINED",
            "links": {"html": {"href": "https://api.bitbucket.org/pullrequest_id"}},
        },
        "comment": {
            "id": 17,
            "content": {"raw": "Text"},
            "links": {"html": {"href": "https://api.bitbucket.org/comment_id"}},
        },
    }
    found = note(change, "pullrequest:comment_created")
    assert found.subject is not None
    assert found.actor is not None
    assert found.container is not None
    assert found.subject.url == "https://bitbucket.org/team_name/repo_name/pull-requests/1#comment-17"
    assert found.actor.url == "https://bitbucket.org/emmap1/"
    assert found.container.url == "https://bitbucket.org/team_name/repo_name"


def test_an_api_address_alone_still_leads_to_a_page() -> None:
    thing = Payload(
        {"links": {"self": {"href": "https://api.bitbucket.org/2.0/repositories/a/b/pullrequests/3"}}}
    )
    assert page(thing) == "https://bitbucket.org/a/b/pull-requests/3"
    assert is_api("https://api.bitbucket.org/2.0/users/emma")
    assert not is_api("https://bitbucket.org/api-team/repo")


def test_mentioned_people_are_named() -> None:
    change = body("pull_request.created")
    change["pullrequest"]["description"] += " and @{557058:00000000-0000-4000-8000-000000000000}"
    text = str(note(change, "pullrequest:created").text)
    assert "@Priya Nair" in text
    assert "@someone" in text
    assert "712020" not in text


def test_the_old_post_service_is_still_understood() -> None:
    old = {
        "canon_url": "https://bitbucket.org",
        "user": "marcus",
        "repository": {"absolute_url": "/marcus/project-x/", "name": "Project X", "slug": "project-x"},
        "commits": [
            {"branch": None, "raw_node": "a" * 40, "message": "One\n", "raw_author": "M B <m@example.com>"},
            {"branch": "main", "raw_node": "b" * 40, "message": "Two\n", "author": "marcus"},
        ],
    }
    form = urlencode({"payload": json.dumps(old)}).encode()
    http = Http(headers=Headers({"content-type": "application/x-www-form-urlencoded"}), body=form)
    found = list(understand_all(SOURCE, http, Context()))
    assert len(found) == 1
    assert isinstance(found[0].notification, Notification)
    assert found[0].notification.title == "2 commits pushed to main"
    assert (
        found[0].notification.lists[0].items[0].url
        == f"https://bitbucket.org/marcus/project-x/commits/{'b' * 40}"
    )


def test_a_form_without_its_field_says_what_is_missing() -> None:
    http = Http(headers=Headers({"content-type": "application/x-www-form-urlencoded"}), body=b"a=b")
    with pytest.raises(PayloadError, match="payload"):
        list(understand_all(SOURCE, http, Context()))


def test_requests_without_their_event_header_are_recognised() -> None:
    for name in ("pull_request.created", "pull_request.merged", "pull_request.unapproved", "issue.updated",
                 "repo.push", "repo.forked", "commit_comment.created", "pull_request_comment.resolved"):  # fmt: skip
        assert told(body(name))[0].event.name == name


def test_a_data_center_payload_is_sent_to_the_right_source() -> None:
    with pytest.raises(PayloadError, match="Data Center"):
        told({"eventKey": "pr:opened", "pullRequest": {"id": 1}}, "pr:opened")


def test_lone_surrogates_do_no_harm() -> None:
    push = body("repo.push")
    push["push"]["changes"][0]["new"]["name"] = "feature/\ud800"
    push["repository"]["full_name"] = "a/\udfff"
    assert told(push, "repo:push")[0].outcome == "ok"


def test_a_missing_actor_is_no_problem() -> None:
    change = body("pull_request.merged")
    change["actor"] = None
    found = note(change, "pullrequest:fulfilled")
    assert found.actor is not None
    assert found.actor.name == "Emma Raymond"


def test_words_for_states_counts_and_times() -> None:
    assert [count(1, "commit"), count(2, "branch"), count(3, "reply")] == [
        "1 commit",
        "2 branches",
        "3 replies",
    ]
    assert [duration(41), duration(192), duration(7500), duration(None)] == [
        "41 s",
        "3 min 12 s",
        "2 h 5 min",
        "",
    ]
    assert build_state("STRANGE_ONE")[0] == "strange one"
    assert build_state("")[0] == "reported"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://bitbucket.org/a/b/pipelines/results/5", "https://bitbucket.org/a/b/pipelines/results/5"),
        (
            "https://api.bitbucket.org/2.0/repositories/%7Ba%7D/%7Bb%7D/pipelines/%7Bc%7D",
            "https://bitbucket.org/%7Ba%7D/%7Bb%7D/pipelines/results/318",
        ),
    ],
)
def test_a_pipelines_own_address_is_used_and_an_api_address_is_not(given: str, shown: str) -> None:
    trace = body("pipeline.run")
    found = trace["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]
    found[:] = [each for each in found if each["key"] != "pipeline.repository.full_name"]
    found.append({"key": "pipeline_run.url", "value": {"stringValue": given}})
    subject = note(trace, "pipeline:span_created").subject
    assert subject is not None
    assert subject.url == shown


def test_a_trace_without_spans_is_known_noise() -> None:
    assert told({"resourceSpans": [{"scopeSpans": []}]}, "pipeline:span_created")[0].outcome == "ignored"


def test_changes_without_a_link_are_compared_by_their_hashes() -> None:
    push = body("repo.push")
    del push["push"]["changes"][0]["links"]
    subject = note(push, "repo:push").subject
    assert subject is not None
    assert "/branches/compare/3f8a1c5e9b7d2046a8c1e3f5b7d9024681ace357..b1e6d0c4" in subject.url


def test_what_bitbucket_could_not_work_out_in_a_push_is_no_branch_without_a_name() -> None:
    moved = {"repository": {"full_name": "t/r"}, "push": {"changes": [{"old": None, "new": None}]}}
    assert note(moved, "repo:push").title == "Push to t/r"
