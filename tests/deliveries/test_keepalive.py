"""A sign of life for workflows that are idle for too long: off unless wanted, one a day at most."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.channels import services as channels
from apps.channels.models import Channel, Team, WebhookURL
from apps.deliveries import keepalive, picking
from apps.deliveries.models import Delivery

pytestmark = pytest.mark.django_db
URL = "https://a.b.environment.api.powerplatform.com/workflows/x/triggers/manual/paths/invoke?api-version=1&sig=s"
START = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as travelled:
        yield travelled


@pytest.fixture
def channel(clock: Any) -> Channel:
    made = Channel.objects.create(team=Team.objects.create(name="Platform"), name="ops", keep_alive=True)
    channels.add_url(made, URL)
    return made


def after(clock: Any, **span: float) -> set[int]:
    clock.move_to(START + dt.timedelta(**span))
    return keepalive.run()


def test_after_60_idle_days_one_card_is_sent(channel: Channel, clock: Any) -> None:
    assert after(clock, days=59) == set()
    assert after(clock, days=60) == {channel.pk}
    row = Delivery.objects.get()
    assert (row.origin, row.status) == ("heartbeat", "pending")
    assert "Nothing was posted here" in row.card
    assert after(clock, days=60, minutes=1) == set()
    channels.note_accepted({WebhookURL.objects.get().pk})
    assert after(clock, days=119) == set()
    assert after(clock, days=121) == {channel.pk}


def test_a_card_that_does_not_get_through_is_tried_again_the_next_day(channel: Channel, clock: Any) -> None:
    assert after(clock, days=60) == {channel.pk}
    assert after(clock, days=61, minutes=1) == {channel.pk}


def test_other_cards_count_and_every_workflow_has_its_own_days(channel: Channel, clock: Any) -> None:
    second = channels.add_url(channel, URL.replace("sig=s", "sig=t"))
    WebhookURL.objects.exclude(pk=second.pk).update(last_accepted_at=START + dt.timedelta(days=50))
    after(clock, days=60)
    row = Delivery.objects.get()
    assert row.webhook_url == second
    assert picking.oldest_due([channel.pk], timezone.now())[0].via == second.pk


@pytest.mark.parametrize(
    "changes",
    [
        {"keep_alive": False},
        {"paused": True},
        {"muted_until": dt.datetime(2027, 1, 1, tzinfo=dt.UTC)},
        {"quiet_whole_days": ["mon", "tue", "wed", "thu", "fri", "sat"]},
        {"keep_alive_days": 80},
    ],
)
def test_nothing_is_sent_to_who_does_not_want_it(
    channel: Channel, clock: Any, changes: dict[str, Any]
) -> None:
    Channel.objects.update(**changes)
    assert after(clock, days=60) == set()


def test_a_url_that_needs_a_person_and_an_endpoint_are_left_alone(channel: Channel, clock: Any) -> None:
    WebhookURL.objects.update(state="needs_person")
    assert after(clock, days=60) == set()
    WebhookURL.objects.update(state="ok", kind="endpoint")
    assert after(clock, days=60) == set()


def test_it_is_one_query_however_many_channels_there_are(
    channel: Channel, clock: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        channels.add_url(
            Channel.objects.create(team=channel.team, name=str(number), keep_alive=True),
            URL + str(number),
        )
    clock.move_to(START + dt.timedelta(days=30))
    with django_assert_num_queries(1):
        keepalive.run()
