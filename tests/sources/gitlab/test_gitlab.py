"""GitLab: the conformance suite, and what is particular to GitLab."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards.notification import Notification
from apps.core.errors import PayloadError
from apps.sources.catalog.gitlab import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.samples import sample
from apps.sources.source import Context, Understood
from apps.sources.testing import NOW, SECRET, SourceConformance, request_for
from apps.sources.understand import understand_all


class TestGitLab(SourceConformance):
    source = SOURCE


def body_of(name: str) -> dict[str, Any]:
    found = sample(SOURCE, name)
    assert found is not None
    value = json.loads(found.body)
    assert isinstance(value, dict)
    return value


def read(body: object, options: dict[str, object] | None = None, /, **headers: str) -> Understood:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    http = Http(headers=Headers(given), body=json.dumps(body).encode())
    ctx = Context(options=options or {}, now=NOW, headers=http.headers)
    return next(understand_all(SOURCE, http, ctx))


def note_of(result: Understood) -> Notification:
    assert isinstance(result.notification, Notification), result.reason
    return result.notification


@pytest.mark.parametrize("name", ["issue.opened__confidential", "note.issue__internal"])
def test_what_is_confidential_reaches_a_channel_only_when_asked(name: str) -> None:
    assert read(body_of(name)).outcome == "ignored"
    assert "onfidential" in read(body_of(name)).reason
    assert read(body_of(name), {"confidential": True}).outcome == "ok"


def test_a_comment_on_a_confidential_issue_is_confidential_too() -> None:
    body = body_of("note.issue")
    body["issue"]["confidential"] = True
    assert read(body).outcome == "ignored"


def test_the_confidential_header_is_enough() -> None:
    assert read(body_of("issue.opened"), x_gitlab_event="Confidential Issue Hook").outcome == "ignored"


def test_a_template_without_object_kind_is_known_by_its_header() -> None:
    body = body_of("pipeline.failed")
    del body["object_kind"]
    assert read(body, x_gitlab_event="Pipeline Hook").event.name == "pipeline.failed"


@pytest.mark.parametrize(
    "name", ["push", "tag_push", "note.commit", "merge_request.merged", "job.failed", "issue.closed"]
)
def test_an_event_is_known_without_object_kind_and_header(name: str) -> None:
    body = body_of(name)
    for key in ("object_kind", "event_name", "event_type"):
        body.pop(key, None)
    assert read(body).event.name == name


def test_nothing_that_tells_the_event_is_malformed_with_advice() -> None:
    with pytest.raises(PayloadError, match="object_kind"):
        read({"text": "hello"})


def test_an_unknown_kind_is_told_in_general_words() -> None:
    result = read({"object_kind": "hologram", "object_attributes": {"title": "Shine", "action": "open"}})
    assert note_of(result).title == "Hologram open: Shine"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"idempotency_key": "one", "x_gitlab_event_uuid": "two"}, "one"),
        ({"webhook_id": "three"}, "three"),
        ({}, ""),
    ],
)
def test_deliveries_are_told_apart_by_the_best_id(headers: dict[str, str], expected: str) -> None:
    assert read(body_of("push"), **headers).event.id == expected


def test_hooks_that_share_an_event_uuid_are_not_taken_for_repeats() -> None:
    first = read(body_of("push"), x_gitlab_event_uuid="u").event.id
    assert first == read(body_of("push"), x_gitlab_event_uuid="u").event.id
    assert first != read(body_of("tag_push"), x_gitlab_event_uuid="u").event.id


def test_secret_and_signing_token_may_come_together() -> None:
    found = sample(SOURCE, "push")
    assert found is not None
    http = request_for(SOURCE, found)
    token, signing = SOURCE.schemes[0], SOURCE.schemes[1]
    both = signing.sign(token.sign(http, "shared", NOW), SECRET, NOW)
    assert token.verify(both, ["shared"], NOW) == 0
    assert signing.verify(both, [SECRET], NOW) == 0


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("push", {"branches": ["release/*"]}),
        ("pipeline.succeeded", {"only_failed": True}),
        ("job.running", {"only_failed": True}),
        ("merge_request.opened__draft", {"ignore_drafts": True}),
        ("issue.opened", {"labels": ["security"]}),
        ("issue.opened", {"exclude_labels": ["CHECK*"]}),
        ("push", {"projects": ["other/*"]}),
    ],
)
def test_options_drop_what_nobody_wants(name: str, options: dict[str, object]) -> None:
    assert read(body_of(name)).outcome == "ok"
    dropped = read(body_of(name), options)
    assert (dropped.outcome, dropped.code) == ("ignored", "option")


@pytest.mark.parametrize(
    ("username", "bot"),
    [
        ("project_204_bot_9f3c", True),
        ("group_9_bot", True),
        ("service_account_group_9_af", True),
        ("renovate-bot", True),
        ("abbot", False),
        ("mokafor", False),
    ],
)
def test_bots_are_known_by_their_names(username: str, bot: bool) -> None:
    body = body_of("issue.opened")
    body["user"]["username"] = username
    assert read(body).attributes["bot"] is bot
    assert (read(body, {"ignore_bots": True}).outcome == "ignored") is bot


def test_branches_count_for_the_target_of_a_merge_request() -> None:
    assert read(body_of("merge_request.opened")).attributes["branch"] == "main"


def test_a_server_below_a_path_keeps_it_in_links() -> None:
    body = body_of("issue.opened")
    body["project"]["web_url"] = "https://example.com/gitlab/orchard/webshop"
    actor = note_of(read(body)).actor
    assert actor is not None
    assert actor.url == "https://example.com/gitlab/mokafor"


def test_an_old_server_gets_links_without_the_dash() -> None:
    note = note_of(read(body_of("push__version_5")))
    assert note.subject is not None
    assert "/-/" not in note.subject.url
    assert "/compare/" in note.subject.url


def test_the_ssh_key_itself_is_not_shown() -> None:
    assert "AAAA" not in repr(note_of(read(body_of("key.created"))))


def test_uploads_lead_into_the_project() -> None:
    assert "/orchard/webshop/uploads/6f2a/basket.png" in str(note_of(read(body_of("issue.opened"))).text)


def test_a_reaction_on_a_design_names_the_picture() -> None:
    body = body_of("emoji.awarded")
    del body["issue"]
    body["object_attributes"]["awarded_on_url"] = None
    body["note"] |= {
        "noteable_type": "DesignManagement::Design",
        "url": None,
        "position": {"new_path": "designs/issue-1/pear.png"},
    }
    assert note_of(read(body)).title == "Reaction 👍 on a comment on design: pear.png"


def test_a_requirement_is_archived_and_reopened_by_an_update_of_its_state_alone() -> None:
    body = body_of("issue.updated")
    body["object_attributes"]["type"] = "Requirement"
    body["changes"] = {"state_id": {"previous": 1, "current": 2}}
    result = read(body)
    assert result.event.name == "issue.closed"
    assert note_of(result).title.startswith("Requirement closed: ")
    body["changes"] = {"state_id": {"previous": 2, "current": 1}}
    assert read(body).event.name == "issue.reopened"
    body["changes"] = {"state_id": {"previous": 1, "current": 1}}
    assert read(body).event.name == "issue.updated"


@pytest.mark.parametrize("where", ["note", "object_attributes"])
def test_a_design_without_a_page_of_its_own_is_found_by_its_file(where: str) -> None:
    body = body_of("note.design")
    position = {"new_path": "designs/issue-7/front door.png"}
    body["object_attributes"].update(url=None, position=position if where == "object_attributes" else None)
    if where == "note":
        body = {
            **body_of("emoji.awarded"),
            "note": {"note": "Hm", "noteable_type": "DesignManagement::Design"},
        }
        body.pop("issue", None)
        body["note"]["position"] = position
        body["object_attributes"].update(awarded_on_url=None, awardable_type="Note")
    found = note_of(read(body))
    assert found.subject is not None
    assert found.subject.url.endswith("/-/issues/7/designs/front%20door.png")


def test_a_comment_names_the_kind_of_work_it_is_on() -> None:
    body = body_of("note.issue")
    body["issue"]["type"] = "Incident"
    assert note_of(read(body)).title.startswith("Comment on incident: ")


def test_an_old_servers_visibility_is_a_word() -> None:
    body = {**body_of("project.created"), "project_visibility": "visibilitylevel|private"}
    assert "Private" in [fact.value for fact in note_of(read(body)).facts]


def test_who_wrote_a_releases_commit_is_not_said_to_have_published_it() -> None:
    body = body_of("release.created")
    body.pop("user", None)
    found = note_of(read(body))
    assert found.actor is None
    assert body["commit"]["author"]["name"] in [fact.value for fact in found.facts]


@pytest.mark.parametrize(
    ("event", "title"), [("project_unarchive", "Project unarchived"), ("group_archive", "Group archived")]
)
def test_archiving_is_told_in_the_past(event: str, title: str) -> None:
    body = {**body_of("project.archived"), "event_name": event, "name": "Web"}
    assert note_of(read(body)).title == f"{title}: Web"
