"""The first page: what came and went, what is slow or refused, what needs a person and where it is mended."""

from __future__ import annotations

import datetime as dt
from html import unescape
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.channels.models import Channel, Team, WebhookURL
from apps.connectors import services as connectors
from apps.connectors.health import health, span_words
from apps.connectors.models import Connector
from apps.core.models import Counter
from apps.deliveries.models import Attempt, Delivery
from connectors_site.pages import dashboard, figures
from tests.admin.test_roles import signed_in

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def channel() -> Channel:
    made = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    WebhookURL.objects.create(channel=made, url="https://x.example/", host="x.example")
    return made


@pytest.fixture
def connector(channel: Channel) -> Connector:
    made, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(made, channel)
    return made


def posts(channel: Channel, *times: int, code: str = "", at: dt.datetime = NOW) -> None:
    row = Delivery.objects.create(channel=channel, card="{}")
    for number, elapsed in enumerate(times):
        Attempt.objects.create(delivery=row, number=number, at=at, elapsed_ms=elapsed, code=code)


def test_the_channel_that_refuses_stands_before_the_slow_one_and_the_quick_one(channel: Channel) -> None:
    slow = Channel.objects.create(team=channel.team, name="Slow")
    bad = Channel.objects.create(team=channel.team, name="Bad")
    posts(channel, 90, 110)
    posts(slow, 2_500, 3_500)
    posts(bad, 50)
    posts(bad, 50, code="throttled")
    posts(channel, 99_999, at=NOW - dt.timedelta(days=2))
    found = figures.channels(NOW)
    assert [each["name"].rpartition("› ")[2] for each in found] == ["Bad", "Slow", "General"]
    assert [each["taken"] for each in found] == ["50 %", "100 %", "100 %"]
    assert [each["slow"] for each in found] == [False, True, False]


@pytest.mark.parametrize(
    "change, refused, words, needs",
    [
        ({"source": "gone"}, 0, "not installed any more", True),
        ({}, 3, "3 requests were refused", True),
        ({"paused": True}, 0, "Paused", True),
        ({"last_event_at": NOW - dt.timedelta(days=9)}, 0, "Quiet for 9 d", True),
        ({"last_event_at": NOW - dt.timedelta(hours=5)}, 0, "5 h ago", False),
        ({"created_at": NOW - dt.timedelta(hours=3)}, 0, "Nothing has come yet", True),
        ({"created_at": NOW}, 0, "Nothing has come yet", False),
    ],
)
def test_a_connectors_health_is_a_sentence(
    connector: Connector, change: dict[str, Any], refused: int, words: str, needs: bool
) -> None:
    for name, value in change.items():
        setattr(connector, name, value)
    found = health(connector, NOW, refused)
    assert (words in found.words, found.needs_person) == (True, needs)


def test_a_connector_without_subscription_goes_nowhere(connector: Connector) -> None:
    connector.subscriptions.all().delete()
    assert "no subscription" in health(connector, NOW).words


@pytest.mark.parametrize(
    "seconds, words", [(5, "5 s"), (300, "5 min"), (7_300, "2 h"), (180_000, "2 d"), (-4, "0 s")]
)
def test_a_span_is_said_roughly(seconds: int, words: str) -> None:
    assert span_words(dt.timedelta(seconds=seconds)) == words


def test_refused_requests_are_a_task_with_a_link(connector: Connector) -> None:
    Counter.bump("inbound.unverified", connector.public_id, 4)
    page = signed_in("viewer").get(reverse("admin:index")).content.decode()
    assert "4 requests were refused lately" in page
    assert reverse("admin:connectors_connector_change", args=[connector.pk]) in page


def test_the_figures_are_those_of_the_counters(connector: Connector) -> None:
    Counter.bump_many({("event", "matched"): 7, ("delivery", "accepted"): 9, ("delivery", "failed"): 1,
                       ("delivery", "retried"): 3})  # fmt: skip
    shown = {each["label"]: each["value"] for each in dashboard.context()["totals"]}
    assert shown["Events, 24 h"] == "7"
    assert shown["Acceptance"] == "90.0 %"
    assert shown["Tries repeated, 24 h"] == "3"
    page = unescape(signed_in("viewer").get(reverse("admin:index")).content.decode())
    assert "The chart as a table" in page


def test_the_page_asks_a_fixed_number_of_questions(
    connector: Connector, django_assert_max_num_queries: Any
) -> None:
    client = signed_in("viewer")
    for number in range(15):
        made, _ = connectors.create_connector(name=f"Number {number}", source="github")
        room = Channel.objects.create(team=Team.objects.get(), name=f"Room {number}")
        connectors.subscribe(made, room)
        posts(room, 10)
    with django_assert_max_num_queries(24):
        client.get(reverse("admin:index"))


@pytest.mark.parametrize("page", ["connectors_connector", "channels_channel", "commands_commandendpoint"])
def test_every_list_says_the_state_and_why(page: str, connector: Connector) -> None:
    listed = signed_in("viewer").get(reverse(f"admin:{page}_changelist"))
    assert listed.status_code == 200
    if not page.startswith("commands"):
        assert "Why" in listed.content.decode()
