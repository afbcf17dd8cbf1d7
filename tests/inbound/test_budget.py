"""A noise budget: so many cards an hour, and one digest of the rest that says what would make it quieter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.connectors.models import Connector, Subscription
from apps.deliveries.models import Delivery
from apps.inbound import digest, pipeline
from apps.inbound import services as inbound
from apps.inbound.models import Event

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as travelled:
        yield travelled


@pytest.fixture
def connector(clock: Any) -> Connector:
    team = Team.objects.create(name="Platform")
    channel = Channel.objects.create(team=team, name="ops", budget_per_hour=3, time_zone="Europe/Berlin")
    made, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(made, channel, events=["*"])
    return made


def come(connector: Connector, event: str, count: int = 1) -> None:
    for _ in range(count):
        inbound.run_sample(connector, event)
    pipeline.process_batch(100)


def test_what_is_above_the_budget_waits_for_the_end_of_the_hour(connector: Connector) -> None:
    come(connector, "issues.opened", 5)
    come(connector, "workflow_run.completed__failure", 2)
    assert list(Delivery.objects.order_by("pk").values_list("hold", flat=True)) == [
        "", "", "", "budget", "budget", "", "",
    ]  # fmt: skip
    row = Delivery.objects.filter(hold="budget").first()
    assert row
    assert row.error_message == (
        "#ops takes 3 cards an hour and has had them; it comes in the digest at Tue 14:00 (Europe/Berlin)."
    )


def test_the_end_of_the_hour_brings_one_digest_and_a_new_budget(connector: Connector, clock: Any) -> None:
    come(connector, "issues.opened", 5)
    clock.move_to(NOON + HOUR - dt.timedelta(seconds=1))
    assert digest.run() == set()
    clock.move_to(NOON + HOUR)
    assert digest.run() == {Channel.objects.get().pk}
    covered = Delivery.objects.filter(status="cancelled", error_code="budget")
    assert covered.count() == 2
    assert (
        "2 events came above the noise budget of 3 cards an hour"
        in Delivery.objects.get(origin="digest").card
    )
    come(connector, "issues.opened", 4)
    assert Delivery.objects.filter(hold="budget", status="pending").count() == 1


def test_the_digest_names_who_talks_most_and_what_would_help(connector: Connector, clock: Any) -> None:
    come(connector, "issues.opened", 30)
    for row in Event.objects.order_by("pk")[3:22]:
        row.actor, row.attributes = "dependabot[bot]", {**row.attributes, "author": "dependabot[bot]"}
        row.save()
    come(connector, "push", 4)
    clock.move_to(NOON + HOUR)
    digest.run()
    card = Delivery.objects.get(origin="digest").card
    assert "Who talked most" in card
    assert "Mute dependabot\\\\[bot\\\\]" in card or "Mute dependabot[bot]" in card
    assert "−61 %" in card
    assert "Leave out issues.opened of Repository" in card
    assert f"/admin/connectors/subscription/{Subscription.objects.get().pk}/change/" in card


def test_a_budget_that_is_taken_away_lets_everything_go(connector: Connector) -> None:
    come(connector, "issues.opened", 5)
    Channel.objects.update(budget_per_hour=0)
    assert digest.run() == {Channel.objects.get().pk}
    assert set(Delivery.objects.values_list("status", "hold")) == {("pending", "")}


def test_urgent_may_be_nothing_or_warnings_too(connector: Connector) -> None:
    Channel.objects.update(budget_per_hour=1, urgent_severity="none")
    come(connector, "workflow_run.completed__failure", 2)
    assert Delivery.objects.filter(hold="budget").count() == 1


def test_the_hour_that_ends_at_night_waits_for_the_morning(connector: Connector, clock: Any) -> None:
    come(connector, "issues.opened", 5)
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    Channel.objects.update(quiet_start=dt.time(13, 30), quiet_end=dt.time(15), quiet_days=days)
    Delivery.objects.filter(hold="").update(status="accepted")
    clock.move_to(NOON + HOUR)
    assert digest.run() == set()
    clock.move_to(NOON + 2 * HOUR)
    assert digest.run() == {Channel.objects.get().pk}
    assert Delivery.objects.filter(origin="digest").count() == 1


def test_the_links_of_a_digest_lead_to_what_it_covers(
    connector: Connector, clock: Any, admin_user: Any
) -> None:
    come(connector, "issues.opened", 5)
    clock.move_to(NOON + HOUR)
    digest.run()
    row = Delivery.objects.get(origin="digest")
    client = Client()
    client.force_login(admin_user)
    page = client.get(f"/admin/deliveries/delivery/?digest_key__exact={row.pk}").content.decode()
    assert page.count("above the channel") == 2
    page = client.get(
        f"/admin/replays/new/?kind=deliveries&digest={row.public_id}&status=cancelled"
    ).content.decode()
    assert "Send 2 deliveries again" in page
