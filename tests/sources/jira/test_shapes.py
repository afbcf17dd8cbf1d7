"""What a card must say, whatever version of Jira sent it and whatever it left out."""

from __future__ import annotations

from typing import Any

import pytest

from .bodies import (
    CLOUD,
    GATEWAY,
    MIRA,
    MOVE,
    OLD_MIRA,
    PAGE,
    SERVER,
    THIN,
    change,
    issue,
    lines,
    note,
    outcome,
    update,
)

UPDATES: list[tuple[str, dict[str, Any], str, str, str]] = [
    # what is odd about it, body, event, words in the title, link
    ("several changes, the status among them", update(change("Link", None, "This blocks ORB-2"),
     change("status", "To Do", "In Review"), kind="issue_generic"), "issue.transitioned", "Issue is now In Review", PAGE),
    ("a link beside another field", update(change("Link", None, "This blocks ORB-2"), change("summary", "Old", "New")),
     "issue.updated", "Link and summary changed", PAGE),
    ("only a link", update(change("Link", None, "This blocks ORB-2")), "issue.linked", "Issue links changed", PAGE),
    ("a web link", update(change("RemoteIssueLink", None, "This links to Wiki")), "issue.linked", "links changed", PAGE),
    ("a sprint, with the rank that follows", update(change("Sprint", "S1", "S2", fieldId="customfield_10020"),
     change("Rank", "", "Ranked higher", fieldId="customfield_10019")), "issue.sprint", "Sprint", PAGE),
    ("assigned, says the type, with an empty change list", update(kind="issue_assigned", issue=issue(assignee=MIRA)),
     "issue.assigned", "Issue assigned to Mira Vale", PAGE),
    ("assigned to nobody, stated as null", update(kind="issue_assigned", issue=issue(assignee=None)),
     "issue.assigned", "Issue is no longer assigned", PAGE),
    ("assigned, and nothing says to whom", update(kind="issue_assigned"), "issue.assigned", "Assignee changed", PAGE),
    ("moved", update(change("project", "Alpha", "Orbit"), change("Key", "ALP-1", "ORB-41"), kind="issue_moved"),
     "issue.moved", "Issue moved from Alpha to Orbit", PAGE),
    ("an old server without a type, with a comment", update(kind=None, changelog=None, comment=THIN, site=SERVER),
     "comment.created", "Comment on bug: ORB-41 Antenna drifts", f"{SERVER}/browse/ORB-41?focusedCommentId=120"),
    ("an old server's edited comment", update(kind="issue_comment_edited", changelog=None, comment=THIN, site=SERVER),
     "comment.edited", "Comment edited on bug", f"{SERVER}/browse/ORB-41?focusedCommentId=120"),
    ("an old server's deleted comment", update(kind="issue_comment_deleted", changelog=None, site=SERVER),
     "comment.deleted", "Comment deleted from bug", f"{SERVER}/browse/ORB-41"),
    ("an old server's edited comment, told as a change", update(change("Comment", "hush", "new"), kind=None,
     comment=THIN, site=SERVER), "comment.edited", "Comment edited on bug", f"{SERVER}/browse/ORB-41?focusedCommentId=120"),
    ("an old server's deleted comment, told as a change", update(change("Comment", "hush", None), kind=None, site=SERVER),
     "comment.deleted", "Comment deleted from bug", f"{SERVER}/browse/ORB-41"),
    ("a workflow's post function", {"transition": MOVE, "comment": "", "user": OLD_MIRA, "issue": issue(SERVER),
     "timestamp": 1773479213000}, "issue.transitioned", "Issue is now Done: ORB-41", f"{SERVER}/browse/ORB-41"),
    ("archived", update(kind="issue_archived", changelog=None), "issue.updated", "Issue archived: ORB-41", PAGE),
    ("an event of a later version", {"webhookEvent": "jira:issue_starred", "user": MIRA, "issue": issue()},
     "other.issue_starred", "Issue starred: ORB-41", PAGE),
    ("an old server that says nothing but that it changed", update(kind=None, changelog=None, site=SERVER),
     "issue.updated", "Issue updated: ORB-41", f"{SERVER}/browse/ORB-41"),
    ("work logged", update(change("timespent", "3600", "9000"), change("WorklogId", None, "7"), kind="issue_work_logged",
     webhookEvent="jira:worklog_updated"), "worklog.created", "Work logged (1h 30m)", PAGE),
    ("work deleted", update(change("timespent", "3600", None), change("WorklogId", "7", None),
     kind="issue_worklog_deleted", webhookEvent="jira:worklog_updated"), "worklog.deleted", "deleted (1h)", PAGE),
    ("null instead of a change list", update(changelog={"items": None}), "issue.updated", "Issue updated", PAGE),
    ("Forge's name", {"eventType": "avi:jira:created:issue", "issue": issue()}, "issue.created", "Bug created", PAGE),
]  # fmt: skip


@pytest.mark.parametrize(
    "body, event, words, url", [row[1:] for row in UPDATES], ids=[row[0] for row in UPDATES]
)
def test_an_update_says_what_where_and_who(body: dict[str, Any], event: str, words: str, url: str) -> None:
    assert outcome(body).event.name == event
    found = note(body)
    assert words in found.title
    assert "ORB-41 Antenna drifts" in found.title
    assert found.container is not None
    assert found.container.title == "Orbit"
    assert found.subject is not None
    assert found.subject.url == url
    if "user" in body:
        assert found.actor is not None
        assert found.actor.name == "Mira Vale"
        assert found.actor.url.endswith(("/jira/people/5c", "/secure/ViewProfile.jspa?name=mvale"))


TEXT = "The dish turns to the east at dawn and nobody knows why it should do so at this time of the year. "
CHANGES: list[tuple[dict[str, Any], str]] = [
    (change("priority", "Low", "High", **{"from": "4", "to": "2"}), "Priority: Low → High"),
    (change("assignee", None, None, to="557058:0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f"), "Assignee changed"),
    (change("assignee", "Mira Vale", None, **{"from": "mvale"}), "Assignee: Mira Vale removed"),
    (change("Fix Version", None, "2.4", fieldId="fixVersions", to="10200"), "Fix versions: 2.4"),
    (change("Sprint", "S1", "S1, S2", **{"from": "1", "to": "1, 2"}), "Sprint: S1 → S1, S2"),
    (change("duedate", None, "2026-03-31 00:00:00.0", to="2026-03-31"), "Due: 31 Mar 2026"),
    (change("duedate", "2026-03-31 00:00:00.0", None), "Due: 31 Mar 2026 removed"),
    (change("timeoriginalestimate", "3600", "28800"), "Estimate: 1h → 1d"),
    (change("IssueParentAssociation", "ORB-1", "ORB-2", **{"from": "1", "to": "2"}), "Parent: ORB-1 → ORB-2"),
    (change("customfield_10077", "a", "b"), "Custom field: a → b"),
    (change("Risk", "low", "high", fieldId="customfield_10077", fieldtype="custom"), "Risk: low → high"),
    (change("Zusammenfassung", "a", "b", fieldId="summary"), "Zusammenfassung: a → b"),
    (change("Deploys", "{}", '{"pr": {"count": 1}}'), "Deploys changed"),
    (change("environment", None, "Ask [~accountid:5c]"), "Environment: Ask @Mira Vale"),
    (change("Reviewers", None, None, to="[10020, 10021]"), "Reviewers changed"),
    (change("description", f"{TEXT}Old end.", f"{TEXT}New end."),
     "Description: …time of the year. Old end. → …time of the year. New end."),
    (change("description", None, "*Bold*\nand [a link|https://orbit.example]"), "Description: Bold and a link"),
]  # fmt: skip


@pytest.mark.parametrize("item, line", CHANGES, ids=[row[1] for row in CHANGES])
def test_a_change_is_told_in_words(item: dict[str, Any], line: str) -> None:
    found = lines(note(update(item)))
    assert found == [line]


def test_long_texts_are_cut_down_on_both_sides() -> None:
    (line,) = lines(note(update(change("description", "x y " * 3000, "z w " * 3000))))
    assert len(line) < 250


def test_the_order_of_issues_is_no_news_even_with_the_id_of_its_field() -> None:
    rank = change("Rank", "", "Ranked lower", fieldId="customfield_10019", fieldtype="custom")
    assert outcome(update(rank)).outcome == "ignored"
    assert lines(note(update(rank, change("labels", "a", "a b")))) == ["Labels: a → a b"]


@pytest.mark.parametrize(
    "more, url",
    [
        ({"user": {**MIRA, "self": f"{CLOUD}/rest/api/3/user?accountId=5c"}}, PAGE),
        (
            {
                "user": {
                    **MIRA,
                    "self": None,
                    "avatarUrls": {"48x48": f"{CLOUD}/secure/useravatar?avatarId=1"},
                }
            },
            PAGE,
        ),
        ({"user": {**MIRA, "self": None, "avatarUrls": {"48x48": "https://avatars.example/1"}}}, ""),
        ({"user": {**MIRA, "self": f"{GATEWAY}/rest/api/3/user?accountId=5c"}}, ""),
        ({"user": None}, ""),
    ],
)
def test_behind_the_gateway_another_field_gives_the_site(more: dict[str, Any], url: str) -> None:
    body = {"webhookEvent": "jira:issue_created", "issue": issue(GATEWAY), **more}
    subject = note(body).subject
    assert (subject.url if subject else "") == url


def test_an_icon_gives_the_site_and_a_custom_field_or_text_does_not() -> None:
    kind = {"name": "Bug", "iconUrl": f"{CLOUD}/rest/api/2/universal_avatar/view/type/issuetype/avatar/1"}
    subject = note({"webhookEvent": "jira:issue_created", "issue": issue(GATEWAY, issuetype=kind)}).subject
    assert subject is not None
    assert subject.url == PAGE
    elsewhere = {"self": "https://other.example/rest/api/2/issue/1"}
    odd = issue(GATEWAY, customfield_1=elsewhere, description="https://other.example/browse/OTH-1")
    assert note({"webhookEvent": "jira:issue_created", "issue": odd}).subject is None


DESK = {"key": "HELP", "name": "Help", "projectTypeKey": "service_desk"}
REQUEST = {"requestType": {"id": "1"}, "_links": {"web": f"{SERVER}/servicedesk/customer/portal/1/HELP-1"}}


@pytest.mark.parametrize(
    "of", [issue(project=DESK), issue(project={"key": "HELP"}, customfield_10010=REQUEST)]
)
@pytest.mark.parametrize("mark", [{}, {"jsdPublic": None}, {"jsdPublic": "?"}, {"properties": []}])
@pytest.mark.parametrize("event", ["comment_created", "comment_deleted", "jira:issue_updated", ""])
def test_a_comment_of_a_service_desk_without_a_mark_is_told_without_its_text(
    event: str, mark: dict[str, Any], of: dict[str, Any]
) -> None:
    body = {"webhookEvent": event, "issue": of, "comment": {**THIN, "body": "hush", **mark}, "user": MIRA}
    found = outcome(body)
    assert "hush" not in repr(found.notification)
    assert "hush" in repr(note(body, restricted_comments=True))
    status = update(change("status", "a", "b"), issue=of, comment={**THIN, "body": "hush", **mark})
    assert "hush" not in repr(note(status))


@pytest.mark.parametrize(
    "mark",
    [
        {"jsdPublic": True},
        {"author": {**MIRA, "accountType": "customer"}},
        {"properties": [{"key": "sd.public.comment", "value": {"internal": False}}]},
    ],
)
def test_a_public_comment_of_a_service_desk_is_told_whole(mark: dict[str, Any]) -> None:
    body = {
        "webhookEvent": "comment_created",
        "issue": issue(project=DESK),
        "comment": {**THIN, "body": "hello", **mark},
    }
    assert "hello" in str(note(body).text)


@pytest.mark.parametrize("kind", ["role", "group"])
def test_work_for_some_people_only_is_not_told(kind: str) -> None:
    log = {
        "issueId": "1",
        "timeSpent": "1h",
        "comment": "hush",
        "visibility": {"type": kind, "value": "Staff"},
    }
    assert outcome({"webhookEvent": "worklog_created", "worklog": log}).outcome == "ignored"


def test_a_mention_shows_a_name_and_never_an_account_id() -> None:
    text = str(
        note(
            {
                "webhookEvent": "comment_created",
                "comment": {**THIN, "body": "[~accountid:5c] [~accountid:9f] [~bo]"},
            }
        ).text
    )
    assert "@Mira Vale" in text
    assert "@someone" in text
    assert "@bo" in text
    assert "5c" not in text


LINK = {
    "sourceIssueId": 11,
    "destinationIssueId": 12,
    "issueLinkType": {"name": "Blocks", "outwardName": "blocks"},
}
SPRINT = {
    "id": 5,
    "self": f"{CLOUD}/rest/agile/1.0/sprint/5",
    "name": "Sprint 5",
    "originBoardId": 3,
    "state": "active",
}
VERSION = {"id": "7", "self": f"{CLOUD}/rest/api/2/version/7", "name": "2.3", "projectId": 100}
FILE = {"id": "9", "self": f"{CLOUD}/rest/api/2/attachment/9", "filename": "a b.png", "author": MIRA,
        "content": f"{CLOUD}/rest/api/2/attachment/content/9"}  # fmt: skip
BOARD = {"id": 3, "name": "Orbit board", "self": f"{CLOUD}/rest/agile/1.0/board/3/configuration"}
THINGS: list[tuple[str, dict[str, Any], str, str, str]] = [
    # webhookEvent, the rest, title, place, link
    ("comment_created", {"comment": THIN}, "Comment on issue: #10040", "orbit.atlassian.net",
     f"{CLOUD}/secure/ViewIssue.jspa?id=10040&focusedCommentId=120"),
    ("worklog_created", {"worklog": {"self": f"{CLOUD}/rest/api/2/issue/14/worklog/6", "issueId": "14",
     "timeSpentSeconds": 5400, "author": MIRA}}, "Work logged (1h 30m): #14", "orbit.atlassian.net",
     f"{CLOUD}/secure/ViewIssue.jspa?id=14"),
    ("jira:issue_updated", {}, "Issue updated", "", ""),
    ("comment_created", {"comment": {"body": "Hi"}}, "Comment on issue", "", ""),
    ("sprint_started", {}, "Sprint started", "", ""),
    ("worklog_deleted", {"worklog": {"id": "6", "issueId": "14"}}, "Logged work deleted: #14", "", ""),
    ("attachment_created", {"attachment": FILE}, "File attached: a b.png", "orbit.atlassian.net",
     f"{CLOUD}/secure/attachment/9/a%20b.png"),
    ("attachment_created", {"attachment": FILE, "issue": issue()},
     "File attached: a b.png · ORB-41 Antenna drifts", "Orbit", PAGE),
    ("attachment_deleted", {"attachment": FILE}, "File removed: a b.png", "orbit.atlassian.net", CLOUD),
    ("issuelink_deleted", {"issueLink": LINK}, "Link of issues removed: #11 blocks #12", "", ""),
    ("jira:version_deleted", {"version": VERSION, "mergedTo": {"id": "8", "name": "2.4"}}, "Version merged: 2.3 into 2.4",
     "Project 100", f"{CLOUD}/secure/ReleaseNote.jspa?projectId=100&version=8"),
    ("jira:version_deleted", {"version": VERSION}, "Version deleted: 2.3", "Project 100",
     f"{CLOUD}/secure/BrowseProject.jspa?id=100"),
    ("jira:version_released", {"version": {**VERSION, "project": "ORB", "releaseDate": "2026-03-31"}},
     "Version released: 2.3", "ORB", f"{CLOUD}/projects/ORB/versions/7"),
    ("sprint_started", {"sprint": SPRINT}, "Sprint started: Sprint 5", "Board 3",
     f"{CLOUD}/secure/RapidBoard.jspa?rapidView=3"),
    ("sprint_deleted", {"sprint": {"id": 5}}, "Sprint deleted: #5", "", ""),
    ("board_configuration_changed", {"configuration": BOARD}, "Configuration of the board changed: Orbit board", "Jira",
     f"{CLOUD}/secure/RapidBoard.jspa?rapidView=3"),
    ("user_created", {"user": MIRA}, "User created: Mira Vale", "Jira", f"{CLOUD}/jira/people/5c"),
    ("user_created", {"user": {"self": f"{SERVER}/rest/api/2/user?key=mv", "name": "mv", "key": "mv"}},
     "User created: mv", "Jira", f"{SERVER}/secure/ViewProfile.jspa?name=mv"),
    ("user_deleted", {"user": {"accountId": "5c:9"}}, "User deleted", "Jira", ""),
    ("filter_updated", {"filter": {"id": "4", "self": f"{CLOUD}/rest/api/2/filter/4", "name": "Mine"}},
     "Filter changed: Mine", "Jira", f"{CLOUD}/issues/?filter=4"),
    ("project_soft_deleted", {"project": {"self": f"{CLOUD}/rest/api/2/project/1", "key": "ORB", "name": "Orbit"}},
     "Project moved to trash: Orbit (ORB)", "Orbit", CLOUD),
    ("project_restored_archived", {"project": {"self": f"{CLOUD}/rest/api/2/project/1", "key": "ORB", "name": "Orbit"}},
     "Project restored from the archive: Orbit (ORB)", "Orbit", f"{CLOUD}/browse/ORB"),
    ("issuetype_created", {"issueType": {"self": f"{CLOUD}/rest/api/2/issuetype/1", "name": "Risk"}},
     "Issue type created: Risk", "Jira", CLOUD),
    ("option_voting_changed", {"property": {"key": "jira.option.voting", "value": "false"}},
     "Setting changed: Voting switched off", "Jira", ""),
    ("option_timetracking_changed", {"property": {"value": True}}, "Setting changed: Time tracking switched on", "Jira", ""),
    ("issue_property_set", {"issue": {"id": "10040", "self": issue()["self"]}, "property": {"key": "score"}},
     "Issue property set: score · #10040", "orbit.atlassian.net", f"{CLOUD}/secure/ViewIssue.jspa?id=10040"),
    ("jira_expression_evaluation_failed", {"expression": "issue.x", "errorMessages": ["No x"]},
     "Jira expression failed: issue.x", "Jira", ""),
    ("jira:issue_deleted", {"issue": issue(), "user": MIRA}, "Issue deleted: ORB-41 Antenna drifts", "Orbit",
     f"{CLOUD}/browse/ORB"),
    ("jira:issue_created", {"issue": {"key": "ORB-41", "fields": {"summary": "Antenna drifts", "project": "Orbit",
     "issuetype": "Bug", "status": "Open"}}}, "Bug created: ORB-41 Antenna drifts", "Orbit", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    "event, rest, title, place, url", THINGS, ids=[f"{row[0]}-{row[2]}" for row in THINGS]
)
def test_a_thin_body_still_says_what_and_where(
    event: str, rest: dict[str, Any], title: str, place: str, url: str
) -> None:
    found = note({"timestamp": 1773479213000, "webhookEvent": event, **rest})
    assert found.title == title
    assert (found.container.title if found.container else "") == place
    assert (found.subject.url if found.subject else "") == url


@pytest.mark.parametrize(
    "event, key", [("comment", "author"), ("worklog", "updateAuthor"), ("attachment", "author")]
)
def test_who_wrote_a_thing_is_not_said_to_have_deleted_it(event: str, key: str) -> None:
    found = note({"webhookEvent": f"{event}_deleted", event: {"id": "1", key: MIRA}})
    assert found.actor is None
    assert "Mira Vale" in repr(found.facts)


def test_who_created_an_issue_is_not_said_to_have_changed_it() -> None:
    body = update(change("summary", "a", "b"), issue=issue(creator=MIRA))
    del body["user"]
    assert note(body).actor is None
    made = note({"webhookEvent": "jira:issue_created", "issue": issue(creator=MIRA)})
    assert made.actor is not None
    assert made.actor.name == "Mira Vale"
