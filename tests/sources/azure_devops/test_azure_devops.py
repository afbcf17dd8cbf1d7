"""Azure DevOps: the conformance suite, and what is particular to its payloads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards.notification import Notification
from apps.core.errors import PayloadError
from apps.sources.catalog.azure_devops import SOURCE
from apps.sources.catalog.azure_devops.common import duration, person, short_ref, words
from apps.sources.catalog.azure_devops.fields import label, shown
from apps.sources.catalog.azure_devops.names import VENDOR
from apps.sources.http import Headers, Http
from apps.sources.samples import sample, samples
from apps.sources.source import Context, Understood
from apps.sources.testing import SourceConformance
from apps.sources.understand import understand_all


class TestAzureDevOps(SourceConformance):
    source = SOURCE


def body(name: str) -> dict[str, Any]:
    found = sample(SOURCE, name)
    assert found is not None
    value: dict[str, Any] = json.loads(found.body)
    return value


def told(payload: object, **options: object) -> list[Understood]:
    http = Http(headers=Headers({"content-type": "application/json"}), body=json.dumps(payload).encode())
    return list(understand_all(SOURCE, http, Context(options=options, headers=http.headers)))


def note(payload: object) -> Notification:
    found = told(payload)[0].notification
    assert isinstance(found, Notification)
    return found


def facts(payload: object) -> dict[str, str]:
    return {fact.title: str(fact.value) for fact in note(payload).facts if fact.value}


@pytest.mark.parametrize(("kind", "name"), sorted(VENDOR.items()))
def test_every_event_type_of_the_vendor_makes_a_card_even_without_anything_else(kind: str, name: str) -> None:
    (found,) = told({"eventType": kind})
    assert found.outcome == "ok"
    assert found.event.name == name
    assert isinstance(found.notification, Notification)
    assert found.notification.title


@pytest.mark.parametrize("name", sorted(one.name for one in samples(SOURCE)))
@pytest.mark.parametrize("level", ["none", "absent", "silent"])
def test_no_detail_level_costs_the_card(name: str, level: str) -> None:
    payload = body(name)
    if level == "absent":
        payload.pop("resource", None)
    else:
        payload["resource"] = None
    if level == "silent":
        payload |= {"message": None, "detailedMessage": None, "resourceContainers": None}
    (found,) = told(payload)
    assert found.outcome == "ok"
    assert isinstance(found.notification, Notification)
    assert "None" not in found.notification.title


def test_minimal_detail_takes_the_title_from_the_sentence() -> None:
    card = note(body("workitem.created__minimal"))
    assert card.title == "Bug created: #731 Lamp stays bright after sunrise"
    assert card.actor is not None
    assert card.actor.name == "Mira Osei"
    assert card.subject is not None
    assert card.subject.url.endswith("/_workitems/edit/731")


def test_a_moved_work_item_says_where_to_and_lists_old_and_new() -> None:
    payload = body("workitem.updated")
    assert note(payload).title == "Bug moved to Active: #731 Lamp stays bright after sunrise"
    told_facts = facts(payload)
    assert told_facts["State"] == "New → Active"
    assert told_facts["Assigned to"] == "none → Tomás Lindqvist"
    assert told_facts["Story points"] == "3 → 5"
    assert "Rev" not in told_facts
    assert "Iteration id" not in told_facts


def test_an_update_is_not_mistaken_for_the_work_item() -> None:
    payload = body("workitem.updated")
    payload["resource"] |= {"workItemId": 0}
    assert note(payload).title.endswith("#731 Lamp stays bright after sunrise")
    payload["resource"] = {"id": 4, "url": "https://dev.azure.com/o/_apis/wit/workItems/731/updates/4"}
    payload["message"] = None
    assert "#731" in note(payload).title


def test_identities_come_as_objects_and_as_text() -> None:
    assert person({"displayName": "Ana Lee", "uniqueName": "ana@x.example"}) == "Ana Lee"
    assert person("Ana Lee <ana@x.example>") == "Ana Lee"
    assert person("Ana Lee <CORP\\ana>") == "Ana Lee"
    assert person("Ana Lee") == "Ana Lee"
    assert person({"id": "7"}) == person(None) == person(7) == ""


def test_field_names_and_values_are_made_readable() -> None:
    assert label("Microsoft.VSTS.Scheduling.StoryPoints") == "Story points"
    assert label("System.AssignedTo") == "Assigned to"
    assert label("Custom.TowerNumber") == "Tower number"
    assert label("Custom.7f1c2a10-33aa-4b1e-9d00-000000000001") == "Custom field"
    assert label("WEF_EB32_Kanban.Column") == "Board column"
    assert shown(5.0) == "5"
    assert shown(True) == "yes"
    assert shown("2026-03-20T00:00:00Z") == "2026-03-20"
    assert shown("<p>a &amp; <b>b</b></p>") == "a & b"
    assert words("partiallySucceeded") == "partially succeeded"
    assert short_ref("refs/pull/12/merge") == "pull request 12"
    assert duration(7500) == "2 h 5 min"


@pytest.mark.parametrize(
    ("base", "page"),
    [
        ("https://dev.azure.com/acme/", "https://dev.azure.com/acme/Web"),
        ("https://acme.visualstudio.com/DefaultCollection/", "https://acme.visualstudio.com/Web"),
        (
            "https://tfs.acme.example/tfs/DefaultCollection/",
            "https://tfs.acme.example/tfs/DefaultCollection/Web",
        ),
        ("http://tfs:8080/tfs/Main", "http://tfs:8080/tfs/Main/Web"),
    ],
)
def test_pages_are_derived_for_the_cloud_and_for_servers(base: str, page: str) -> None:
    api = f"{base.rstrip('/')}/Web/_apis/wit/workItems/5"
    fields = {"System.TeamProject": "Web", "System.WorkItemType": "Bug", "System.Title": "T"}
    payload = {"eventType": "workitem.created", "resource": {"id": 5, "fields": fields, "url": api}}
    card = note(payload)
    assert card.subject is not None
    assert card.subject.url == f"{page}/_workitems/edit/5"
    payload["resourceContainers"] = {"collection": {"id": "x", "baseUrl": base}}
    assert note(payload).subject == card.subject


def test_a_release_address_leads_to_the_page_not_to_the_release_host() -> None:
    payload = body("release.created")
    del payload["resource"]["release"]["_links"], payload["resourceContainers"]
    card = note(payload)
    assert card.subject is not None
    assert card.subject.url == (
        "https://dev.azure.com/harborlight/Lighthouse/_release?releaseId=88&_a=release-summary"
    )


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("Ana approved pull request 2 (Reject the abandoned) in completed-repo", "approved"),
        ("Ana has approved and left suggestions on pull request 2 (x) in y", "approved"),
        ("Ana is waiting for the author on pull request 2 (x) in y", "waiting"),
        ("Ana rejected pull request 2 (x) in y", "rejected"),
        ("Ana updated the source branch of pull request 2 (approved) in y", "pushed"),
        ("Ana changed the reviewer list on pull request 2 (x) in y", "reviewers"),
        ("Ana marked the pull request as completed", "completed"),
        ("Ana voted on pull request 2 (x) in y", "voted"),
        ("Ana reset their vote on pull request 2 (x) in y", "voted"),
        ("Ana has changed the reviewer list on pull request 2 (x in y)", "reviewers"),
        ("Ana published pull request 2 (x) in y", "published"),
        ("Ana did something new to pull request 2 (x) in y", "updated"),
    ],
)
def test_updates_of_a_pull_request_are_told_apart_by_the_sentence(sentence: str, name: str) -> None:
    payload = body("git.pullrequest.updated")
    payload["message"] = {"text": sentence}
    assert told(payload)[0].event.name.rpartition(".")[2] == name


def test_an_end_is_seen_also_in_another_language() -> None:
    payload = body("git.pullrequest.updated.abandoned")
    payload["message"] = {"text": "Mira Osei a abandonné la demande de tirage 214"}
    assert told(payload)[0].event.name == "git.pullrequest.updated.abandoned"


def test_a_forced_push_is_marked_by_the_flag_or_by_the_sentence() -> None:
    payload = body("git.push")
    payload["resource"]["refUpdates"][0]["forced"] = True
    assert note(payload).status == "Force push"
    assert note(body("git.push__forced")).status == "Force push"


def test_an_unknown_event_type_is_told_in_the_vendor_s_words() -> None:
    (found,) = told(
        {"eventType": "ms.acme.lamp-lit-event", "message": {"markdown": "**Lamp** [7](https://x) lit"}}
    )
    assert isinstance(found.notification, Notification)
    assert found.event.name.startswith("other.")
    assert found.notification.title == "Lamp 7 lit"


def test_several_events_in_one_request_are_all_read() -> None:
    assert [item.event.name for item in told([body("git.push"), body("build.complete")])] == [
        "git.push",
        "build.complete",
    ]


def test_the_id_is_the_event_s_and_blackened_ids_do_not_count() -> None:
    payload = body("git.push")
    assert told(payload)[0].event.id == payload["id"]
    payload["id"] = "00000000-0000-0000-0000-000000000000"
    assert told(payload)[0].event.id == ""


@pytest.mark.parametrize("payload", [{}, [], {"text": "hello"}, [7]])
def test_what_is_no_service_hook_is_refused(payload: object) -> None:
    with pytest.raises(PayloadError):
        told(payload)


@pytest.mark.parametrize(
    ("name", "option", "value", "outcome"),
    [
        ("git.push", "branches", "release/*", "ignored"),
        ("git.push", "branches", "main", "ok"),
        ("git.push__several_refs", "branches", "release/*", "ok"),
        ("git.pullrequest.created", "branches", "main", "ok"),
        ("git.pullrequest.created__draft", "ignore_drafts", True, "ignored"),
        ("git.pullrequest.created", "ignore_drafts", True, "ok"),
        ("workitem.created", "projects", "Light*", "ok"),
        ("workitem.created", "projects", "Other", "ignored"),
        ("workitem.created", "area_paths", "Lighthouse", "ok"),
        ("workitem.created", "area_paths", "Lighthouse\\Horn", "ignored"),
        ("workitem.created", "work_item_types", "task", "ignored"),
        ("workitem.created__minimal", "work_item_types", "bug", "ok"),
        ("build.complete", "results", "failed", "ignored"),
        ("build.complete__failed", "results", "failed", "ok"),
        ("build.complete__no_resource", "results", "failed", "ok"),
        ("pipeline.run.started", "results", "finished", "ignored"),
        ("pipeline.approval_pending", "results", "failed", "ok"),
        ("release.deployment_completed", "results", "failed", "ignored"),
        ("release.deployment_completed__rejected", "results", "failed", "ok"),
        ("git.push", "repositories", "bea*", "ok"),
        ("git.push", "repositories", "lamp", "ignored"),
    ],
)
def test_options_drop_what_they_say(name: str, option: str, value: object, outcome: str) -> None:
    assert told(body(name), **{option: value})[0].outcome == outcome


def test_names_and_titles_with_brackets_are_told_apart() -> None:
    sentence = "User Story #9 (Lamp (old)) commented on by Ana Lee (Guest)."
    card = note({"eventType": "workitem.commented", "message": {"text": sentence}})
    assert card.title == "User Story commented on: #9 Lamp (old)"
    assert card.actor is not None
    assert card.actor.name == "Ana Lee (Guest)"


def test_comments_come_as_html_and_as_markdown() -> None:
    payload = body("workitem.commented")
    payload["resource"]["fields"]["System.History"] = "**late** <https://tides.example/7>"
    assert str(note(payload).text).startswith("**late**")
    payload["resource"]["fields"]["System.History"] = "<div>very <b>late</b></div>"
    assert "late" in str(note(payload).text)
    assert "<" not in str(note(payload).text)


def test_no_page_is_made_up_where_the_project_is_not_known() -> None:
    run = {"id": 30, "name": "20260314.1", "state": "completed", "result": "failed"}
    payload = {
        "eventType": "ms.vss-pipelines.run-state-changed-event",
        "resource": {"run": run, "pipeline": {"id": 3, "name": "p"}},
        "resourceContainers": {"account": {"baseUrl": "https://dev.azure.com/acme/"}},
    }
    card = note(payload)
    assert card.title == "Run failed: p 20260314.1"
    assert card.subject is not None
    assert card.subject.url == "https://dev.azure.com/acme"


@pytest.mark.parametrize(
    "message",
    [
        {
            "text": "Bug #5 (Salt & pepper) created by Ana Lee.\r\n(https://dev.azure.com/acme/web/wi.aspx?id=5)"
        },
        {
            "html": '<a href="https://dev.azure.com/acme/web/wi.aspx?id=5">Bug #5</a> (Salt &amp; pepper) created by Ana Lee'
        },
        {
            "markdown": "[Bug #5](https://dev.azure.com/acme/web/wi.aspx?id=5) (Salt & pepper) created by Ana Lee."
        },
        "Bug #5 (Salt & pepper) created by Ana Lee.",
    ],
)
def test_the_sentence_is_understood_in_each_of_its_forms(message: object) -> None:
    card = note({"eventType": "workitem.created", "message": message})
    assert card.title == "Bug created: #5 Salt & pepper"
    assert card.actor is not None
    assert card.actor.name == "Ana Lee"
