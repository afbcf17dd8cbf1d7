"""Quiet hours and mutes: what is held, what comes through, and what the trace says about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from apps.channels.models import Channel, Team, WebhookURL
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.deliveries import holding, picking
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound import digest, pipeline, replays
from apps.inbound import services as inbound
from apps.inbound.models import Event

pytestmark = pytest.mark.django_db
NIGHT = dt.datetime(2026, 3, 9, 22, 0, tzinfo=dt.UTC)  # Monday, 23:00 in Berlin
MORNING = dt.datetime(2026, 3, 10, 6, 0, tzinfo=dt.UTC)  # Tuesday, 07:00


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NIGHT, tick=False) as travelled:
        yield travelled


@pytest.fixture
def channel(clock: Any) -> Channel:
    return Channel.objects.create(
        team=Team.objects.create(name="Platform"), name="ops", time_zone="Europe/Berlin",
        quiet_start=dt.time(22), quiet_end=dt.time(7), quiet_days=["mon", "tue", "wed", "thu", "fri"],
    )  # fmt: skip


@pytest.fixture
def connector(channel: Channel) -> Connector:
    made, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(made, channel, events=["*"])
    return made


def come(connector: Connector, *events: str) -> None:
    for event in events:
        inbound.run_sample(connector, event)
    pipeline.process_batch()


def due(channel: Channel, now: dt.datetime) -> list[int]:
    return [each.delivery_id for each in picking.oldest_due([channel.pk], now)]


def test_a_card_waits_for_the_morning_and_says_why(channel: Channel, connector: Connector) -> None:
    come(connector, "issues.opened")
    row = Delivery.objects.get()
    assert (row.status, row.error_code) == ("pending", "quiet_hours")
    assert row.error_message == (
        "Quiet hours of #ops until Tue 07:00 (Europe/Berlin); it comes in the morning digest."
    )
    assert due(channel, MORNING - dt.timedelta(minutes=1)) == []
    user = User.objects.create_user("viewer", password="a long password")
    user.groups.add(Group.objects.get(name="viewer"))
    client = Client()
    client.force_login(user)
    page = client.get(reverse("admin:trace", args=[Event.objects.get().public_id])).content.decode()
    assert "Quiet hours of #ops until Tue 07:00 (Europe/Berlin)" in page
    WebhookURL.objects.create(channel=channel, host="x.example", fingerprint="abc", url="https://x.example/")
    assert channel.state_words == "Quiet hours until Tue 07:00 (Europe/Berlin)."


def test_failures_come_at_once_and_so_does_what_somebody_asked_for(
    channel: Channel, connector: Connector
) -> None:
    come(connector, "workflow_run.completed__failure")
    assert Delivery.objects.get().hold == ""
    event = Event.objects.get()
    inbound.replay_event(event)
    deliveries.send_test(channel)
    assert set(Delivery.objects.values_list("hold", flat=True)) == {""}


def test_the_morning_brings_one_digest_of_all(channel: Channel, connector: Connector, clock: Any) -> None:
    come(connector, "issues.opened", "issues.opened", "push")
    assert digest.run() == set()
    clock.move_to(MORNING)
    assert digest.run() == {channel.pk}
    assert Delivery.objects.filter(status="cancelled", error_code="digest").count() == 3
    card = Delivery.objects.get(origin="digest")
    assert "3 events came in the quiet hours" in card.card
    assert due(channel, MORNING) == [card.pk]
    assert set(Delivery.objects.filter(status="cancelled").values_list("digest_key", flat=True)) == {card.pk}
    assert digest.run() == set()


def test_what_a_digest_covers_is_sent_again_together(
    channel: Channel, connector: Connector, clock: Any
) -> None:
    come(connector, "issues.opened", "push")
    clock.move_to(MORNING)
    digest.run()
    card = Delivery.objects.get(origin="digest")
    replays.start("deliveries", {"digest": card.public_id, "status": "cancelled"})
    replays.step()
    assert Delivery.objects.filter(status="pending").exclude(pk=card.pk).count() == 2
    digest.run()
    assert Delivery.objects.filter(status="cancelled").count() == 0


def test_a_channel_may_want_each_card_in_order(channel: Channel, connector: Connector, clock: Any) -> None:
    Channel.objects.update(quiet_then="hold", budget_per_hour=2)
    come(connector, "issues.opened", "push", "issues.opened", "push")
    assert "it comes after them" in Delivery.objects.first().error_message  # type: ignore[union-attr]
    clock.move_to(MORNING)
    assert digest.run() == {channel.pk}
    first, second = Delivery.objects.filter(status="pending", origin="event").order_by("pk")
    assert due(channel, MORNING) == [first.pk]
    assert second.error_message == ""
    # And no more than the budget allows.
    assert Delivery.objects.filter(error_code="budget", status="cancelled").count() == 2
    clock.move_to(MORNING + dt.timedelta(hours=3))
    assert digest.run() == set()  # what was held on purpose is not stale yet


def test_a_backlog_does_not_break_into_the_night(channel: Channel, connector: Connector, clock: Any) -> None:
    clock.move_to(NIGHT - dt.timedelta(hours=2))
    come(connector, "issues.opened", "push", "workflow_run.completed__failure")
    assert set(Delivery.objects.values_list("hold", flat=True)) == {""}
    on_its_way = Delivery.objects.order_by("pk").first()
    assert on_its_way
    clock.move_to(NIGHT)
    digest.run(busy=[on_its_way.pk])
    assert list(Delivery.objects.order_by("pk").values_list("hold", flat=True)) == ["", "quiet", ""]


def test_other_quiet_hours_count_at_once(channel: Channel, connector: Connector) -> None:
    come(connector, "issues.opened")
    Channel.objects.update(quiet_end=dt.time(9))
    digest.run()
    assert Delivery.objects.get().held_until == MORNING + dt.timedelta(hours=2)
    Channel.objects.update(quiet_start=None, quiet_end=None)
    assert digest.run() == {channel.pk}
    assert Delivery.objects.filter(status="pending").get().origin == "digest"


def test_a_paused_channel_gets_its_digest_when_it_is_resumed(
    channel: Channel, connector: Connector, clock: Any
) -> None:
    come(connector, "issues.opened")
    Channel.objects.update(paused=True)
    clock.move_to(MORNING + dt.timedelta(hours=1))
    assert digest.run() == set()
    Channel.objects.update(paused=False)
    assert due(channel, MORNING + dt.timedelta(hours=1)) == []
    assert digest.run() == {channel.pk}


def test_a_held_card_goes_out_by_itself_when_nothing_ends_the_hold(
    channel: Channel, connector: Connector
) -> None:
    come(connector, "issues.opened")
    assert due(channel, MORNING + holding.GRACE) == [Delivery.objects.get().pk]


def test_somebody_may_send_a_held_card_now(channel: Channel, connector: Connector) -> None:
    come(connector, "issues.opened")
    deliveries.retry(Delivery.objects.get())
    digest.run()
    assert due(channel, NIGHT) == [Delivery.objects.get().pk]


def test_a_muted_channel_gets_nothing_and_nothing_is_lost(
    channel: Channel, connector: Connector, clock: Any
) -> None:
    come(connector, "issues.opened")
    assert holding.mute(channel, NIGHT + dt.timedelta(hours=12), NIGHT) == 1
    come(connector, "workflow_run.completed__failure")
    rows = Delivery.objects.order_by("pk")
    assert [(row.status, row.error_code) for row in rows] == [("cancelled", "muted")] * 2
    assert "#ops is muted until Tue 11:00 (Europe/Berlin)" in rows[1].error_message
    deliveries.retry(rows[1])
    assert Delivery.objects.filter(status="pending").count() == 1
    clock.move_to(NIGHT + dt.timedelta(hours=12))
    come(connector, "push")
    assert Delivery.objects.latest("pk").status == "pending"
    holding.mute(channel, None, NIGHT)
    assert not Channel.objects.get().is_muted(NIGHT)
