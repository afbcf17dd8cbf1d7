"""Messages as particular tools write them: what a person needs stands on the card."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards.notification import Notification
from apps.sources.catalog.incoming_webhook import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.testing import outcomes

from .test_answers import shown


def http(body: Any) -> Http:
    return Http(headers=Headers({"content-type": "application/json"}), body=json.dumps(body).encode())


def generic(body: Any) -> Notification:
    (found,) = outcomes(SOURCE, http(body))
    assert found.event.name == "generic"
    assert isinstance(found.notification, Notification)
    return found.notification


def test_a_link_written_as_for_slack_in_a_jenkins_card_is_a_link() -> None:
    card = shown(
        http(
            {
                "summary": "App #4",
                "text": "started App 4 (<https://ci.example/job/4/|Open>)",
                "sections": [
                    {
                        "facts": [
                            {"name": "Message", "value": "see <https://ci.example/log?a=1&amp;b=2|the *log*>"}
                        ]
                    }
                ],
            }
        )
    )
    assert "started App 4 ([Open](https://ci.example/job/4/))" in card
    assert "(https://ci.example/log?a=1&b=2)" in card
    assert "%7C" not in card


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("done <t:1700000000:R>", "done 14 Nov 2023, 22:13 UTC"),
        ("<@!81384788765712384> broke <#103735883630395392>", "@someone broke #channel"),
        ("it is <a:party:41771983429993937> time", "it is :party: time"),
        ("the ||key|| is </deploy:1234567890>", "the key is /deploy"),
        ("<t:999999999999>", "<t:999999999999>"),
    ],
)  # fmt: skip
def test_discords_marks_do_not_show_their_numbers(written: str, read: str) -> None:
    assert read in shown(http({"username": "CI", "content": written}))
    assert read in shown(http({"embeds": [{"title": "T", "description": written}]}))


@pytest.mark.parametrize(
    "when", ["2024-05-01T10:00:00.000Z", "2024-05-01T12:00:00+02:00", "2024-05-01T10:00"]
)
def test_an_embeds_time_stands_in_its_footer(when: str) -> None:
    card = shown(http({"embeds": [{"title": "T", "footer": {"text": "bot"}, "timestamp": when}]}))
    assert "bot · 01 May 2024, 10:00 UTC" in card


@pytest.mark.parametrize("when", ["soon", 5, None, "9999-99-99T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_an_unusable_time_of_an_embed_is_left_out(when: object) -> None:
    assert "UTC" not in shown(http({"embeds": [{"title": "T", "timestamp": when}]}))


@pytest.mark.parametrize(
    ("condition", "severity", "feels"),
    [
        ("Fired", "Sev0", "attention"),
        ("Fired", "Sev2", "warning"),
        ("Fired", "Sev4", "info"),
        ("Resolved", "Sev0", "good"),
    ],
)
def test_an_azure_monitor_alert_is_as_bad_as_its_severity(condition: str, severity: str, feels: str) -> None:
    essentials = {"alertRule": "CPU of shop", "severity": severity, "monitorCondition": condition}
    found = generic({"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": essentials}})
    assert (found.title, found.status, found.severity) == ("CPU of shop", condition, feels)


def test_an_alarm_that_amazon_sns_sends_as_text_in_the_message_is_read() -> None:
    inner = json.dumps({"AlarmName": "cpu", "NewStateValue": "ALARM", "NewStateReason": "Threshold crossed"})
    found = generic({"Type": "Notification", "Subject": "ALARM: cpu in EU", "Message": inner})
    assert (found.title, found.severity) == ("ALARM: cpu in EU", "attention")
    assert "Threshold crossed" in [fact.value for fact in found.facts]
    assert "{" not in found.text


def test_what_only_looks_like_an_object_stays_a_text() -> None:
    assert "{not json" in generic({"title": "T", "note": "{not json"}).facts[0].value


def test_datadogs_fence_around_markdown_is_taken_away() -> None:
    assert generic({"title": "CPU", "body": "%%%\n**High**\n%%%"}).text == "**High**"


def test_a_list_of_objects_is_told_line_by_line() -> None:
    findings = [
        {"name": "CVE-1", "severity": "high", "url": "https://scan.example/1"},
        {"message": "Second"},
        {},
    ]
    found = generic({"title": "Scan done", "findings": findings, "tags": ["a"], "empty": [{}]})
    (listed,) = found.lists
    assert (listed.title, listed.total) == ("Findings", 3)
    assert [(item.text, item.url, item.trail) for item in listed.items] == [
        ("CVE-1", "https://scan.example/1", "high"),
        ("Second", "", ""),
    ]


def test_a_card_of_google_chat_is_told_by_its_words() -> None:
    widgets = [
        {"decoratedText": {"topLabel": "Branch", "text": "main"}},
        {"textParagraph": {"text": "<b>broken</b>"}},
        {
            "buttonList": {
                "buttons": [{"text": "Open", "onClick": {"openLink": {"url": "https://ci.example/1"}}}]
            }
        },
    ]
    card = {"header": {"title": "Build failed"}, "sections": [{"widgets": widgets}]}
    found = generic({"cardsV2": [{"cardId": "a1b2", "card": card}]})
    assert found.title == "Build failed"
    assert found.subject is not None
    assert found.subject.url == "https://ci.example/1"
    assert "main" in found.text
    assert "broken" in found.text
    assert "<" not in found.text
    assert "a1b2" not in found.text


def test_a_short_message_is_the_title_rather_than_somebodys_name() -> None:
    found = generic({"alert": {"message": "Database is down", "username": "ada", "priority": "P1"}})
    assert (found.title, found.severity) == ("Database is down", "attention")
    assert found.text == ""


def test_the_page_beside_the_title_is_opened_and_not_that_of_the_person() -> None:
    agent = {"summary": "Ada", "html_url": "https://pages.example/users/ada"}
    data = {
        "title": "Database is down",
        "html_url": "https://pages.example/incidents/7",
        "status": "triggered",
    }
    found = generic({"event": {"agent": agent, "data": data}})
    assert found.subject is not None
    assert (found.subject.title, found.subject.url) == (
        "Database is down",
        "https://pages.example/incidents/7",
    )


def test_a_state_that_says_nothing_takes_its_colour_from_the_impact() -> None:
    assert generic({"name": "API", "status": "investigating", "impact": "critical"}).severity == "attention"
    assert generic({"name": "API", "status": "resolved", "impact": "critical"}).severity == "good"


def test_an_analysis_that_ended_well_with_a_failed_quality_gate_is_bad_news() -> None:
    body = {
        "status": "SUCCESS",
        "project": {"name": "Shop"},
        "qualityGate": {"name": "Ours", "status": "ERROR"},
    }
    found = generic(body)
    assert (found.title, found.status, found.severity) == ("Shop", "Error", "attention")


@pytest.mark.parametrize(
    ("key", "value", "shown_as"),
    [
        ("createdAt", 1700000000000, "14 Nov 2023, 22:13 UTC"),
        ("pushed_at", 1700000000, "14 Nov 2023, 22:13 UTC"),
        ("build_number", 1700000000, "1700000000"),
        ("update_time", 12, "12"),
    ],
)
def test_seconds_since_1970_are_shown_as_a_time(key: str, value: int, shown_as: str) -> None:
    assert f'"value": "{shown_as}"' in shown(http({"title": "T", key: value}))


def test_discords_components_give_their_words_pictures_and_pages() -> None:
    row = {"type": 1, "components": [{"type": 2, "style": 5, "label": "Log", "url": "https://ci.example/log"},
                                     {"type": 2, "style": 1, "label": "Dead", "custom_id": "x"}]}  # fmt: skip
    words = {"type": 9, "components": [{"type": 10, "content": "**Broken** by <@81384788765712384>"}],
             "accessory": {"type": 11, "media": {"url": "https://ci.example/i.png"}, "description": "chart"}}  # fmt: skip
    card = shown(
        http({"username": "CI", "flags": 32768, "components": [{"type": 17, "components": [words, row]}]})
    )
    assert "**Broken** by @someone" in card
    assert "https://ci.example/log" in card
    assert '"altText": "chart"' in card
    assert "Dead" not in card
