"""What old servers, workflows and people who write rules by hand send, and what a card says of it."""

from __future__ import annotations

from typing import Any

import pytest

from apps.cards.notification import Card, Severity

from .bodies import (
    MIRA,
    MOVE,
    OLD_MIRA,
    PAGE,
    SERVER,
    change,
    issue,
    lines,
    note,
    outcome,
    update,
)


def test_a_comment_told_as_a_change_keeps_its_text_to_itself() -> None:
    beside = note(update(change("Comment", "hush", None), change("summary", "Old", "New")))
    assert lines(beside) == ["Comment changed", "Summary: Old → New"]
    alone = note(update(change("Comment", "hush", None), kind=None))
    assert "hush" not in repr(alone)
    assert lines(alone) == []


def test_a_workflows_post_function_says_from_where_to_where() -> None:
    found = note({"transition": MOVE, "comment": "", "user": OLD_MIRA, "issue": issue(SERVER)})
    assert found.status == "Done"
    assert lines(found) == ["Status: In Review → Done"]
    # The issue in such a payload is still where it was.
    assert all(fact.title != "Status" for fact in found.facts)


@pytest.mark.parametrize(
    "fields, severity",
    [
        ({"status": {"name": "Closed"}}, Severity.GOOD),
        ({"status": {"name": "Fermé"}, "resolution": {"name": "Fixed"}}, Severity.GOOD),
        ({"status": {"name": "Open"}, "resolution": None}, Severity.NEUTRAL),
    ],
)
def test_a_status_without_a_category_is_done_by_its_resolution_or_name(
    fields: Any, severity: Severity
) -> None:
    body = update(
        change("status", "Open", fields["status"]["name"]), issue=issue(SERVER, **fields), site=SERVER
    )
    assert note(body).severity is severity


def test_a_transition_is_coloured_by_where_it_leads() -> None:
    assert note({"transition": MOVE, "issue": issue(SERVER)}).severity is Severity.GOOD
    assert (
        note({"transition": {**MOVE, "to_status": "Testing"}, "issue": issue(SERVER)}).severity
        is Severity.INFO
    )


def test_an_issue_that_a_rule_wrote_flat_has_its_fields() -> None:
    written = {"key": "ORB-41", "summary": "Drifts", "issueType": "Task", "status": "Open", "priority": "High",
               "assignee": "Bo Lin", "labels": ["dish"], "dueDate": "2026-03-31"}  # fmt: skip
    found = note({"issue": written})
    assert found.status == "Open"
    assert {fact.title: fact.value for fact in found.facts if fact.value} == {
        "Type": "Task", "Priority": "High", "Status": "Open", "Assignee": "Bo Lin", "Labels": "dish", "Due": "31 Mar 2026",
    }  # fmt: skip


def test_a_project_restored_on_data_center_came_from_the_archive() -> None:
    body = {"webhookEvent": "project_restored", "project": {"key": "ORB", "name": "Orbit"}}
    assert note(body).title == "Project restored from the archive: Orbit (ORB)"


def test_whoever_is_only_an_account_id_gets_the_name_that_another_field_tells() -> None:
    found = note(update(change("summary", "a", "b"), user={"accountId": "5c"}, issue=issue(reporter=MIRA)))
    assert found.actor is not None
    assert found.actor.name == "Mira Vale"
    unknown = note(update(change("summary", "a", "b"), user={"accountId": "9z"}, issue=issue(reporter=MIRA)))
    assert unknown.actor is None


def test_what_a_sprint_was_is_compared_in_the_named_fields_only() -> None:
    new = {"id": 4, "name": "S4", "state": "active", "startDate": "2026-03-02T08:00:00.000Z"}
    started = note({"webhookEvent": "sprint_started", "sprint": new, "oldValue": {"state": "future"}})
    assert lines(started) == ["State: future → active"]
    whole = note(
        {
            "webhookEvent": "sprint_updated",
            "sprint": new,
            "oldValue": {"id": 4, "name": "S", "state": "active"},
        }
    )
    assert lines(whole) == ["Name: S → S4", "Start: – → 02 Mar 2026, 08:00 UTC"]


def test_a_link_to_a_sub_task_is_told_in_words() -> None:
    kind = {
        "name": "jira_subtask_link",
        "outwardName": "jira_subtask_outward",
        "inwardName": "jira_subtask_inward",
    }
    link = {"id": 1, "sourceIssueId": 10101, "destinationIssueId": 10102, "issueLinkType": kind}
    found = note({"webhookEvent": "issuelink_created", "issueLink": link})
    assert found.title == "Issues linked: #10101 has the sub-task #10102"
    assert "jira_" not in repr(found.facts)


def test_another_provider_of_time_tracking_is_a_changed_setting() -> None:
    body = {
        "webhookEvent": "option_timetracking_provider_changed",
        "property": {"key": "jira.timetracking.provider", "value": "Tempo"},
    }
    assert note(body).title == "Setting changed: Time tracking provider"
    assert outcome(body).event.name == "setting.changed"


def test_a_thing_without_a_place_is_in_no_thread_with_others() -> None:
    assert note({"webhookEvent": "attachment_created", "attachment": {"filename": "a.png"}}).thread_key == ""


RULES: list[tuple[dict[str, Any], str, str, str]] = [
    # body, title, place, link
    ({**issue(), "changelog": {"histories": None}}, "Bug: ORB-41 Antenna drifts", "Orbit", PAGE),
    ({"timestamp": 1, "issue": issue()}, "Bug: ORB-41 Antenna drifts", "Orbit", PAGE),
    ({"issue": "ORB-41", "summary": "Antenna drifts", "url": PAGE}, "ORB-41 Antenna drifts", "ORB", PAGE),
    (
        {"issueKey": "ORB-41", "title": "Antenna drifts", "project": "Orbit"},
        "ORB-41 Antenna drifts",
        "Orbit",
        "",
    ),
    ({"key": "ORB-41", "message": "ORB-41 is late", "link": issue()["self"]}, "ORB-41 is late", "ORB", ""),
    (
        {
            "event": "Issue created",
            "issue": {
                "key": "ORB-41",
                "summary": "Antenna drifts",
                "type": "Bug",
                "status": "Open",
                "url": PAGE,
            },
        },
        "Bug created: ORB-41 Antenna drifts",
        "ORB",
        PAGE,
    ),
    (
        {"issue": {"key": "ORB-41", "title": "Antenna drifts", "project": "Orbit"}},
        "Issue: ORB-41 Antenna drifts",
        "Orbit",
        "",
    ),
    ({"text": "The build is green", "webhook": {"a": 1}}, "The build is green", "", ""),
]


@pytest.mark.parametrize("body, title, place, url", RULES)
def test_a_rules_own_body_is_read_as_far_as_it_goes(
    body: dict[str, Any], title: str, place: str, url: str
) -> None:
    found = note(body)
    assert found.title == title
    assert (found.container.title if found.container else "") == place
    assert (found.subject.url if found.subject else "") == url


@pytest.mark.parametrize("name", ["issue", "issue.key", "issueKey", "issue_key", "key"])
def test_an_excluded_body_is_read_from_the_variables_in_the_address(name: str) -> None:
    found = note(None, f"{name}=ORB-41&user_id=mvale&user_key=mvale")
    assert "ORB-41" in found.title
    assert found.actor is not None
    assert found.actor.name == "mvale"


CARDS: list[tuple[dict[str, Any], str]] = [
    ({"@type": "MessageCard", "title": "ORB-41 drifts", "text": "**Mira** moved it"}, "ORB-41 drifts"),
    ({"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": {
        "type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": "ORB-41 is done"}]}}]},
     "ORB-41 is done"),
    ({"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": "ORB-41 is done"}]},
     "ORB-41 is done"),
    ({"text": f"<{PAGE}|ORB-41> is done", "channel": "#dishes"}, "ORB-41 is done"),
    ({"text": "News", "attachments": [{"title": "ORB-41 is done"}]}, "ORB-41 is done"),
]  # fmt: skip


@pytest.mark.parametrize("body, words", CARDS)
def test_what_a_rule_sent_to_teams_or_slack_before_is_shown_as_the_card_it_is(
    body: dict[str, Any], words: str
) -> None:
    found = outcome(body)
    assert found.outcome == "ok"
    assert isinstance(found.notification, Card)
    assert words in found.notification.summary + repr(found.notification.content)
    assert "@type" not in repr(found.notification.content)


def test_a_card_that_holds_nothing_is_still_a_message_of_a_rule() -> None:
    empty = {"type": "AdaptiveCard", "version": "1.4", "body": []}
    assert note(empty).title == "Message of an automation rule"


def test_a_rules_own_fields_are_readable_whatever_they_hold() -> None:
    body = {"key": "ORB-41", "points": 5, "done": True, "watchers": ["Mira", "Bo"], "team": {"id": "7"},
            "created": "2026-03-14T09:26:53.000+0100"}  # fmt: skip
    assert {fact.title: fact.value for fact in note(body).facts} == {
        "Points": "5", "Done": "Yes", "Watchers": "Mira, Bo", "Team": "7", "Created": "14 Mar 2026, 08:26 UTC",
    }  # fmt: skip


def test_an_event_that_only_a_rule_knows_shows_what_it_says() -> None:
    body = {"event": "Deployed", "issue": issue(), "actor": MIRA, "from": "Test", "to": "Live"}
    found = note(body)
    assert found.title == "Deployed: ORB-41 Antenna drifts"
    assert {"From": "Test", "To": "Live"}.items() <= {fact.title: fact.value for fact in found.facts}.items()
    assert found.actor is not None
    assert found.actor.name == "Mira Vale"
