"""What a card must say, whichever resource version, edition and detail a subscription sends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards import adaptive
from apps.cards.notification import Notification
from apps.sources.catalog.azure_devops import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.source import Context
from apps.sources.understand import understand_all

CLOUD, OLD, SERVER = (
    "https://dev.azure.com/orbit",
    "https://orbit.visualstudio.com",
    "http://tfs.orbit.example:8080/tfs/Main",
)
PROJECT = "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c"
REPOSITORY = "278d5cd2-584d-4b63-824a-2ba458937249"
NEW, BEFORE = "33b55f7cb7e7e245323987634f960cf4a6e6bc74", "aad331d8d3b131fa9ae03cf5e53965b51942618a"
MIRA = {"displayName": "Mira Vale", "uniqueName": "mira@orbit.example"}
Body = dict[str, Any]


def event(kind: str, resource: Any, said: str, site: str = CLOUD, **more: Any) -> Body:
    containers = {"collection": {"id": "c", "baseUrl": f"{site}/"}, "project": {"id": PROJECT}}
    body = {
        "id": "03c164c2-8912-4d5e-8009-3707d5f83734", "eventType": kind, "publisherId": "tfs", "resource": resource,
        "message": {"text": said, "html": said, "markdown": said}, "detailedMessage": None, "resourceVersion": "1.0",
        "resourceContainers": containers, "createdDate": "2026-03-14T09:26:53.2813828Z", **more,
    }  # fmt: skip
    return {key: value for key, value in body.items() if value is not ...}


def note(body: Body) -> Notification:
    http = Http(headers=Headers({}), body=json.dumps(body).encode())
    (found,) = understand_all(SOURCE, http, Context())
    assert isinstance(found.notification, Notification), found.reason
    assert "/_apis/" not in json.dumps(adaptive.render(found.notification).content)
    return found.notification


def repository(site: str, project: bool = True, remote: bool = True) -> Body:
    found: Body = {"id": REPOSITORY, "name": "Dish", "url": f"{site}/_apis/git/repositories/{REPOSITORY}"}
    if project:
        found["project"] = {"id": PROJECT, "name": "Orbit Web", "state": "wellFormed"}
    if remote:
        found["remoteUrl"] = f"{site}/Orbit%20Web/_git/Dish"
    return found


def push(repo: Body, **more: Any) -> Body:
    moved = {"name": "refs/heads/main", "oldObjectId": BEFORE, "newObjectId": NEW}
    commit = {"commitId": NEW, "comment": "Tune the dish", "author": {"name": "Mira Vale"}}
    return {
        "commits": [commit],
        "refUpdates": [moved],
        "repository": repo,
        "pushedBy": MIRA,
        "pushId": 14,
        **more,
    }


def change(repo: Body, **more: Any) -> Body:
    return {
        "repository": repo, "pullRequestId": 7, "status": "active", "createdBy": MIRA, "title": "Widen the dish",
        "sourceRefName": "refs/heads/wide", "targetRefName": "refs/heads/main", "mergeStatus": "succeeded",
        "url": f"{CLOUD}/_apis/git/repositories/{REPOSITORY}/pullRequests/7", **more,
    }  # fmt: skip


FIELDS = {"System.TeamProject": "Orbit Web", "System.WorkItemType": "Bug", "System.Title": "Dish drifts",
          "System.State": "New", "System.CreatedBy": "Mira Vale <ORBIT\\mira>", "System.ChangedBy": "Mira Vale"}  # fmt: skip


def work(site: str, **fields: Any) -> Body:
    return {"id": 5, "rev": 1, "fields": {**FIELDS, **fields}, "url": f"{site}/_apis/wit/workItems/5"}


def revised(site: str, fields: Body, revision: bool = True) -> Body:
    found: Body = {
        "id": 2,
        "workItemId": 0,
        "fields": fields,
        "url": f"{site}/_apis/wit/workItems/5/updates/2",
    }
    return {**found, "revision": work(site)} if revision else found


BUILD = {
    "id": 9, "buildNumber": "20260314.1", "status": "completed", "result": "failed", "reason": "individualCI",
    "definition": {"id": 3, "name": "Dish CI", "project": {"id": PROJECT, "name": "Orbit Web"}}, "requestedFor": MIRA,
    "url": f"{CLOUD}/{PROJECT}/_apis/build/Builds/9",
}  # fmt: skip
XAML = {
    "id": 2, "buildNumber": "Dish_20141010.1", "status": "succeeded", "requests": [{"id": 1, "requestedFor": MIRA}],
    "definition": {"id": 2, "name": "Dish", "definitionType": "xaml"}, "sourceGetVersion": f"LG:refs/heads/main:{NEW}",
    "url": f"{OLD}/DefaultCollection/{PROJECT}/_apis/build/Builds/2",
}  # fmt: skip
RUN = {
    "run": {"id": 9, "name": "20260314.1", "state": "completed", "result": "failed",
            "_links": {"web": {"href": f"{CLOUD}/{PROJECT}/_build/results?buildId=9"}}},
    "pipeline": {"id": 3, "name": "Dish"}, "projectId": PROJECT,
}  # fmt: skip
DEPLOYED = {
    "environment": {"name": "Live", "status": "succeeded", "releaseDefinition": {"id": 1, "name": "Dish CD"},
                    "release": {"id": 4, "name": "Release-4", "url": f"{CLOUD}/Orbit%20Web/_apis/Release/releases/4"}},
    "project": {"id": "00000000-0000-0000-0000-000000000000", "name": "Orbit Web"},
}  # fmt: skip
NO_LINK = {"collection": {"id": "c"}, "project": {"id": PROJECT}}
PAGES = f"{CLOUD}/Orbit%20Web/_git/Dish"
EVENTS: list[tuple[str, Body, str, str, str, str]] = [
    # what is odd about it, body, title, place, link, who
    ("push", event("git.push", push(repository(CLOUD)), "x"), "1 commit pushed to main", "Orbit Web/Dish",
     f"{PAGES}?version=GBmain", "Mira Vale"),
    ("push of a server", event("git.push", push(repository(SERVER)), "x", SERVER), "1 commit pushed to main",
     "Orbit Web/Dish",
     f"{SERVER}/Orbit%20Web/_git/Dish?version=GBmain", "Mira Vale"),
    ("push without the repository's page", event("git.push", push(repository(OLD, remote=False)), "x", OLD),
     "1 commit pushed to main", "Orbit Web/Dish", f"{OLD}/Orbit%20Web/_git/Dish?version=GBmain", "Mira Vale"),
    ("push with null commits", event("git.push", push(repository(CLOUD), commits=None), "x"), "Branch main updated",
     "Orbit Web/Dish", f"{PAGES}?version=GBmain", "Mira Vale"),
    ("push without a resource", event("git.push", None, "Mira Vale pushed updates to Dish:main."),
     "Code pushed: Dish:main", "Dish",
     f"{CLOUD}/{PROJECT}/_git/Dish?version=GBmain", "Mira Vale"),
    ("push of which only a sentence is left", event("git.push", ..., "Mira Vale pushed updates to Dish:main.",
     resourceContainers=None), "Code pushed: Dish:main", "Dish", "", "Mira Vale"),
    ("pull request", event("git.pullrequest.created", change(repository(CLOUD), reviewers=None, description=None),
     "Mira Vale created pull request 7 (Widen the dish) in Dish"), "Pull request created: !7 Widen the dish",
     "Orbit Web/Dish",
     f"{PAGES}/pullrequest/7", "Mira Vale"),
    ("pull request without a resource", event("git.pullrequest.created", None,
     "Mira Vale created pull request 7 (Widen the dish) in Dish"), "Pull request created: !7 Widen the dish", "Dish",
     "", "Mira Vale"),
    ("a vote", event("git.pullrequest.updated", change(repository(CLOUD)),
     "Bo Lin approved pull request 7 (Widen the dish) in Dish"),
     "Pull request approved: !7 Widen the dish", "Orbit Web/Dish", f"{PAGES}/pullrequest/7", "Bo Lin"),
    ("work item of a server", event("workitem.created", work(SERVER), "x", SERVER), "Bug created: #5 Dish drifts",
     "Orbit Web",
     f"{SERVER}/Orbit%20Web/_workitems/edit/5", "Mira Vale"),
    ("work item changed", event("workitem.updated", revised(CLOUD, {"System.State": {"oldValue": "New",
     "newValue": "Active"},
     "System.ChangedBy": {"newValue": "Bo Lin"}}), "Bug #5 (Dish drifts) updated by Bo Lin."),
     "Bug moved to Active: #5 Dish drifts",
     "Orbit Web", f"{CLOUD}/Orbit%20Web/_workitems/edit/5", ""),
    ("work item changed, without the work item", event("workitem.updated", revised(CLOUD,
     {"System.AssignedTo": {"newValue": "Bo Lin <x@y.example>"}}, revision=False),
     "Bug #5 (Dish drifts) updated by Mira Vale."),
     "Bug assigned to Bo Lin: #5 Dish drifts", "orbit", f"{CLOUD}/{PROJECT}/_workitems/edit/5", "Mira Vale"),
    ("work item without a resource", event("workitem.created", None, "Bug #5 (Dish drifts) created by Mira Vale."),
     "Bug created: #5 Dish drifts", "orbit", f"{CLOUD}/{PROJECT}/_workitems/edit/5", "Mira Vale"),
    ("work item without addresses of containers", event("workitem.created", work(CLOUD), "x", resourceContainers=NO_LINK),
     "Bug created: #5 Dish drifts", "Orbit Web", f"{CLOUD}/Orbit%20Web/_workitems/edit/5", "Mira Vale"),
    ("build", event("build.complete", BUILD, "x"), "Build failed: Dish CI 20260314.1", "Orbit Web",
     f"{CLOUD}/Orbit%20Web/_build/results?buildId=9", "Mira Vale"),
    ("build of the oldest kind", event("build.complete", XAML, "x", OLD), "Build succeeded: Dish_20141010.1", "orbit",
     f"{OLD}/{PROJECT}/_build/results?buildId=2", "Mira Vale"),
    ("run", event("ms.vss-pipelines.run-state-changed-event", RUN, "Run 20260314.1 failed."),
     "Run failed: Dish 20260314.1", "orbit",
     f"{CLOUD}/{PROJECT}/_build/results?buildId=9", ""),
    ("deployment", event("ms.vss-release.deployment-completed-event", DEPLOYED, "x"),
     "Deployment succeeded: Release-4 → Live",
     "Orbit Web", f"{CLOUD}/Orbit%20Web/_release?releaseId=4", ""),
    ("deployment without a resource", event("ms.vss-release.deployment-completed-event", None,
     "Deployment of release Release-4 on stage Live succeeded."),
     "Deployment of release Release-4 on stage Live succeeded.", "orbit",
     f"{CLOUD}/{PROJECT}", ""),
    ("changeset", event("tfvc.checkin", {"changesetId": 18, "author": MIRA, "comment": "Tune", "url":
     f"{OLD}/DefaultCollection/_apis/tfvc/changesets/18"}, "x", OLD), "Changeset checked in: 18 Tune", "orbit",
     f"{OLD}/{PROJECT}/_versionControl/changeset/18", "Mira Vale"),
]  # fmt: skip


@pytest.mark.parametrize(
    "body, title, place, url, who", [row[1:] for row in EVENTS], ids=[row[0] for row in EVENTS]
)
def test_an_event_says_what_where_and_who(body: Body, title: str, place: str, url: str, who: str) -> None:
    found = note(body)
    assert found.title == title
    assert found.container is not None
    assert found.container.title == place
    if url:
        assert found.subject is not None
        assert found.subject.url.partition("&")[0] == url
    if who:
        assert found.actor is not None
        assert found.actor.name == who


@pytest.mark.parametrize("row", EVENTS, ids=[row[0] for row in EVENTS])
@pytest.mark.parametrize(
    "text", [None, {}, {"text": None, "html": None, "markdown": None}, "A bare sentence."]
)
def test_an_event_without_its_sentences_still_makes_a_card(
    row: tuple[str, Body, str, str, str, str], text: Any
) -> None:
    found = note({**row[1], "message": text, "detailedMessage": text})
    assert found.title
    if row[1].get("resource") and row[0] != "a vote" and "without the work item" not in row[0]:
        assert found.title == row[2]


def test_the_verb_of_a_sentence_is_found_behind_the_title_too() -> None:
    sentences = {
        "Mira Vale marked pull request 7 (Widen (and completed) the dish) as a draft in Dish": "drafted",
        "Mira Vale marked pull request 7 (Widen (and completed) the dish) as ready for review": "published",
        "Mira Vale updated the source branch of pull request 7 (Widen (and completed) the dish) in Dish": "pushed",
    }
    for said, kind in sentences.items():
        body = event(
            "git.pullrequest.updated", change(repository(CLOUD), title="Widen (and completed) the dish"), said
        )
        http = Http(headers=Headers({}), body=json.dumps(body).encode())
        (found,) = understand_all(SOURCE, http, Context())
        assert found.event.name == f"git.pullrequest.updated.{kind}"


def test_a_sentence_that_begins_with_the_pull_request_names_nobody() -> None:
    body = event(
        "git.pullrequest.updated",
        change(repository(CLOUD)),
        "Pull request 7 (Widen the dish) was updated in Dish",
    )
    assert note(body).actor is None


def test_mentions_in_comments_are_names_and_never_ids() -> None:
    bo = "0f0f0f0f-1111-2222-3333-444444444444"
    review = change(repository(CLOUD), reviewers=[{"id": bo, "displayName": "Bo Lin", "vote": 0}])
    text = f"@<{bo.upper()}> and @<9a9a9a9a-1111-2222-3333-444444444444> please look, x < y"
    comment = {"id": 1, "content": text, "author": MIRA, "commentType": "text"}
    kind = "ms.vss-code.git-pullrequest-comment-event"
    found = note(
        event(kind, {"comment": comment, "pullRequest": review}, "Mira Vale has commented on a pull request")
    )
    assert str(found.text).startswith("@Bo Lin and @someone please look, x ")
    opened = note(event("git.pullrequest.created", {**review, "description": f"For @<{bo}>"}, "x"))
    assert str(opened.text) == "For @Bo Lin"


def test_a_picture_in_a_work_item_is_named_where_only_the_api_would_show_it() -> None:
    html = f'<div>Look: <img src="{CLOUD}/{PROJECT}/_apis/wit/attachments/1?fileName=a.png" alt="a.png"> there</div>'
    found = note(event("workitem.created", work(CLOUD, **{"System.Description": html}), "x"))
    assert str(found.text) == "Look: (picture) there"


def test_a_ref_that_is_no_branch_and_no_tag_links_to_the_repository() -> None:
    moved = {"name": "refs/notes/commits", "oldObjectId": BEFORE, "newObjectId": NEW}
    found = note(event("git.push", push(repository(CLOUD), commits=[], refUpdates=[moved]), "x"))
    assert found.subject is not None
    assert found.subject.url == PAGES


def test_a_repository_without_a_resource_is_named_by_the_sentence_and_no_id() -> None:
    said = f"A new Git repository was created with name Big Dish and ID {REPOSITORY}."
    found = note(event("git.repo.created", None, said))
    assert found.title == "Repository created: Big Dish"
    assert REPOSITORY not in repr(found)
    unknown = note(
        event("git.repo.archived", ..., f"Repository archived and ID {REPOSITORY}.", eventType="x.y")
    )
    assert REPOSITORY not in repr(unknown)


def test_a_team_among_the_reviewers_is_named_even_by_its_address() -> None:
    team = {
        "uniqueName": f"vstfs:///Classification/TeamProject/{PROJECT}\\Web Team",
        "vote": 0,
        "isContainer": True,
    }
    found = note(event("git.pullrequest.created", change(repository(CLOUD), reviewers=[team]), "x"))
    assert [fact.value for fact in found.facts if fact.title == "Reviewers"] == ["Web Team"]


RELEASED = f"{CLOUD}/Orbit%20Web/_apis/Release/releases/5"
DETAILED = {
    "markdown": f"Release [Release-5]({RELEASED}) from [Dish CD]({CLOUD}/p) abandoned.\\r\\n<li>Build: 7 & 2 more<\\li>",
    "html": f"Release <a href='{RELEASED}'>Release-5</a> from <a href='{CLOUD}/p'>Dish CD</a> abandoned.\\r\\n<li>Build: 7",
    "text": "Release Release-5 from release pipeline Dish CD abandoned.\\r\\n<li>Build: 7 & 2 more<\\li>",
}


@pytest.mark.parametrize("form", [*DETAILED, "all"])
def test_microsofts_own_sentences_link_to_pages_only(form: str) -> None:
    detailed = DETAILED if form == "all" else {form: DETAILED[form]}
    body = event(
        "ms.vss-release.release-abandoned-event",
        None,
        "Release Release-5 abandoned.",
        detailedMessage=detailed,
    )
    found = note(body)
    assert found.title == "Release Release-5 abandoned."
    assert "Build: 7" in str(found.text)
    assert "\\" not in str(found.text)


@pytest.mark.parametrize("form", ["html", "text"])
def test_the_detailed_message_alone_tells_as_much(form: str) -> None:
    said = "Bo Lin approved pull request 7 (Widen the dish) in Dish"
    body = event(
        "git.pullrequest.updated", change(repository(CLOUD)), "", message=..., detailedMessage={form: said}
    )
    found = note(body)
    assert found.title == "Pull request approved: !7 Widen the dish"
    assert found.actor is not None
    assert found.actor.name == "Bo Lin"


def test_the_older_sentence_of_a_push_tells_who_pushed_where() -> None:
    found = note(event("git.push", None, "Mira Vale pushed updates to branch main of repository Dish."))
    assert found.title == "Code pushed: Dish:main"
    assert found.actor is not None
    assert found.actor.name == "Mira Vale"
    assert found.container is not None
    assert found.container.title == "Dish"


def test_a_bare_address_of_the_api_is_left_out_of_microsofts_sentences() -> None:
    detailed = {"text": f"Mira Vale created a new pull request\r\n\r\n- Merge commit: eef717({RELEASED})\r\n"}
    found = note(
        event(
            "git.pullrequest.created", None, "Mira Vale created a new pull request", detailedMessage=detailed
        )
    )
    assert "Merge commit: eef717" in str(found.text)


def test_a_branch_that_only_the_sentence_deletes_is_told_as_deleted() -> None:
    found = note(
        event("git.push", None, "Mira Vale deleted Dish:wide\r\n(https://dev.azure.com/orbit/_git/Dish)")
    )
    assert found.title == "Branch wide deleted"
    assert found.status == "Branch deleted"
    assert found.actor is not None
    assert found.actor.name == "Mira Vale"
    assert found.subject is not None
    assert "version=" not in found.subject.url
    made = note(event("git.push", None, "Mira Vale created Dish:wide"))
    assert made.title == "New branch wide"
    assert made.subject is not None
    assert made.subject.url.endswith("/_git/Dish?version=GBwide")
