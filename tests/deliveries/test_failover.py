"""A channel with several webhook URLs: it moves on, comes back by itself, and asks for a person once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from apps.cards.notification import Card
from apps.channels import services as channels
from apps.channels import transport
from apps.channels.models import Channel, Team, WebhookURL
from apps.channels.pacing import Pacer
from apps.channels.transport import Accepted
from apps.core import wake
from apps.core.errors import TransportError
from apps.deliveries import services as deliveries
from apps.deliveries.models import Attempt, Delivery
from apps.deliveries.picking import Ways
from apps.deliveries.sender import Sender
from connectors_site.pages import dashboard

pytestmark = pytest.mark.django_db(transaction=True)
URL = "https://a.b.environment.api.powerplatform.com/workflows/x/triggers/manual/paths/invoke?api-version=1&sig="
NOW = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC)


class Teams:
    """What each webhook URL answers; an error is raised, everything else is taken."""

    def __init__(self) -> None:
        self.answers: dict[str, TransportError] = {}
        self.calls: list[str] = []

    def send(self, url: str, body: bytes) -> Accepted:
        name = url[-1]
        self.calls.append(name)
        if name in self.answers:
            raise self.answers[name]
        return Accepted(202, 3)


@pytest.fixture
def teams(monkeypatch: pytest.MonkeyPatch) -> Teams:
    made = Teams()
    monkeypatch.setattr(transport, "send", made.send)
    return made


@pytest.fixture
def channel() -> Channel:
    made = Channel.objects.create(team=Team.objects.create(name="Platform"), name="ops")
    channels.add_url(made, URL + "a")
    channels.add_url(made, URL + "b")
    return made


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=True) as travelled:
        yield travelled


def post(seconds: float = 0.4) -> None:
    """What a drain does, without the drain."""
    sender = Sender(2)
    try:
        with wake.Listener("test") as listener:
            sender.run(seconds=seconds, before=lambda: 0, listener=listener, stop=lambda: False)
    finally:
        sender.close()


def a() -> WebhookURL:
    return WebhookURL.objects.order_by("priority")[0]


def test_one_failure_is_enough_to_take_the_other_way_and_the_first_comes_back(
    teams: Teams, channel: Channel, clock: Any
) -> None:
    teams.answers["a"] = transport.judge(503)
    deliveries.send_test(channel)
    post()
    assert teams.calls == ["a", "b"]
    assert Delivery.objects.get().status == "accepted"
    assert a().state == "ok"  # one failure is no verdict
    del teams.answers["a"]
    clock.move_to(NOW + dt.timedelta(seconds=25))
    deliveries.enqueue(channel, Card({}))
    post()
    assert teams.calls == ["a", "b", "a"]


def test_the_breaker_opens_probes_with_one_card_and_closes(
    teams: Teams, channel: Channel, clock: Any
) -> None:
    WebhookURL.objects.filter(pk=a().pk).update(fail_streak=4)
    teams.answers["a"] = transport.judge(500)
    deliveries.enqueue(channel, Card({}))
    post()
    assert (a().state, a().fail_streak, channel.state) == ("failing", 5, "degraded")
    for _ in range(3):
        deliveries.enqueue(channel, Card({}))
    post()
    assert teams.calls == ["a", "b", "b", "b", "b"]  # nothing tries the broken one
    clock.move_to(NOW + dt.timedelta(seconds=70))
    for _ in range(3):
        deliveries.enqueue(channel, Card({}))
    post(0.8)
    assert teams.calls[5:] == ["a", "b", "b", "b"]  # half open: one probe, then shut again
    del teams.answers["a"]
    clock.move_to(NOW + dt.timedelta(seconds=140))
    deliveries.enqueue(channel, Card({}))
    post()
    assert teams.calls[9:] == ["a"]
    assert (a().state, a().fail_streak, a().breaker_open_until) == ("ok", 0, None)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_url_that_is_gone_asks_for_a_person_once(teams: Teams, channel: Channel, status: int) -> None:
    teams.answers["a"] = transport.judge(status)
    for _ in range(3):
        deliveries.enqueue(channel, Card({}))
    post()
    assert teams.calls == ["a", "b", "b", "b"]
    assert a().state == "needs_person"
    told = [each for each in dashboard.context()["todo"] if "Platform › ops" in each["text"]]
    assert len(told) == 1
    assert f"/channel/{channel.pk}/change/" in told[0]["link"]
    assert a().state_reason in told[0]["text"]


def test_a_test_card_tries_a_url_again_that_somebody_has_mended(teams: Teams, channel: Channel) -> None:
    WebhookURL.objects.filter(pk=a().pk).update(state="needs_person", fail_streak=9)
    deliveries.send_test(channel)
    post()
    assert teams.calls == ["a"]
    assert a().state == "ok"
    deliveries.send_test(channel, via=WebhookURL.objects.order_by("priority")[1])
    post()
    assert teams.calls == ["a", "b"]


def test_a_test_of_one_webhook_url_takes_no_other_way(teams: Teams, channel: Channel) -> None:
    WebhookURL.objects.filter(pk=a().pk).update(breaker_open_until=timezone.now() + dt.timedelta(seconds=50))
    teams.answers["a"] = transport.judge(503)
    tested = deliveries.send_test(channel, via=a())
    post()
    assert teams.calls == ["a"]
    tested.refresh_from_db()
    assert tested.status == "pending"  # and it is tried again later, there
    teams.answers["a"] = transport.judge(404)
    Delivery.objects.update(due_at=timezone.now())
    post()
    tested.refresh_from_db()
    assert (teams.calls, tested.status) == (["a", "a"], "failed")


def test_retry_after_holds_for_the_next_sender_too(teams: Teams, channel: Channel, clock: Any) -> None:
    WebhookURL.objects.exclude(pk=a().pk).update(state="off")
    teams.answers["a"] = transport.judge(429, "300")
    deliveries.enqueue(channel, Card({}))
    post()
    assert a().blocked_until is not None
    assert 290 < (a().blocked_until - timezone.now()).total_seconds() <= 300  # type: ignore[operator]
    Delivery.objects.update(due_at=timezone.now())
    deliveries.enqueue(channel, Card({}))
    post()
    assert teams.calls == ["a"]


def test_the_limits_do_not_begin_anew_with_the_next_sender(channel: Channel) -> None:
    WebhookURL.objects.filter(pk=a().pk).update(per_hour=5)
    delivery = deliveries.enqueue(channel, Card({}))
    Attempt.objects.bulk_create(
        Attempt(
            delivery=delivery, number=number, at=timezone.now() - dt.timedelta(minutes=30), webhook_url=a()
        )
        for number in range(5)
    )
    pacer = Pacer()
    way = Ways(pacer).of([channel.pk], 10_000.0)[channel.pk][0]
    assert 11_790 < pacer.free_at(way.id, way.limits, 10_000.0) < 11_810
