"""What may go wrong around the sender: names that do not resolve, clocks that are set, rows that vanish, a database
that is away for a moment."""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone

from apps.cards import adaptive
from apps.cards.notification import Notification
from apps.channels import services as channels
from apps.channels.models import Channel, Team, WebhookURL
from apps.channels.transport import Accepted
from apps.core.clock import Steps
from apps.deliveries import due, owner, results, services
from apps.deliveries.models import Attempt, Delivery
from apps.deliveries.results import Result
from apps.inbound import pipeline, tasks
from bench.http import Sink

pytestmark = [pytest.mark.django_db(transaction=True)]
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink()
    with found.in_background():
        yield found


@pytest.fixture
def channel(sink: Sink, settings: Any) -> Channel:
    settings.DESTINATION_ALLOW = ["127.0.0.1/32", "teams.example"]
    made = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    channels.add_url(made, f"http://127.0.0.1:{sink.port}/a")
    return made


def waiting(channel: Channel, title: str = "Hello") -> Delivery:
    return services.enqueue(channel, adaptive.render(Notification(title)))


def drain_until(delivery: Delivery, attempts: int) -> None:
    """Drain as briefly as may be, and as long as a busy machine needs."""
    for _ in range(40):
        tasks.drain(0.1)
        delivery.refresh_from_db()
        if delivery.attempts_made >= attempts:
            return


def test_a_name_that_does_not_resolve_is_tried_again_until_it_does(
    channel: Channel, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = channel.webhook_urls.get()
    channels.set_url(row, f"http://teams.example:{sink.port}/a")
    row.save()

    def down(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr("apps.core.http.socket.getaddrinfo", down)
    delivery = waiting(channel)
    for number in range(1, 8):  # through the breaker, and far beyond any one outage
        Delivery.objects.update(due_at=timezone.now())
        WebhookURL.objects.update(breaker_open_until=None)
        Attempt.objects.update(at=timezone.now() - dt.timedelta(minutes=5))  # else it is paced
        drain_until(delivery, attempts=number)
        assert (delivery.status, delivery.attempts_made, delivery.error_code) == (
            "pending",
            number,
            "dns_error",
        )
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", sink.port))]
    monkeypatch.setattr("apps.core.http.socket.getaddrinfo", lambda *_, **__: answer)
    Delivery.objects.update(due_at=timezone.now())
    WebhookURL.objects.update(breaker_open_until=None)
    drain_until(delivery, attempts=8)
    assert delivery.status == "accepted"
    assert len(sink.arrivals) == 1


def test_a_clock_that_is_set_is_noticed_and_a_slow_correction_is_not() -> None:
    start = timezone.now()
    with time_machine.travel(start) as traveller:
        steps = Steps()
        assert steps.take() == 0
        traveller.shift(2)
        assert steps.take() == 0
        traveller.shift(3600)
        assert steps.take() == pytest.approx(3602, abs=1)
        assert steps.take() == 0
        traveller.shift(-3600)
        assert steps.take() == pytest.approx(-3600, abs=1)


def test_nothing_waits_for_an_hour_when_the_clock_is_set_back_by_one(channel: Channel) -> None:
    now = timezone.now()
    fresh, retried, held = (waiting(channel, title) for title in ("fresh", "retried", "held until morning"))
    Delivery.objects.filter(pk=fresh.pk).update(created_at=now + HOUR, due_at=now + HOUR)
    Delivery.objects.filter(pk=retried.pk).update(
        created_at=now - HOUR, attempts_made=1, due_at=now + HOUR + dt.timedelta(seconds=5)
    )
    Delivery.objects.filter(pk=held.pk).update(created_at=now - HOUR, due_at=now + 8 * HOUR)
    assert due.after_set_back(HOUR, now) == 2
    for row in (fresh, retried, held):
        row.refresh_from_db()
    assert fresh.due_at == now
    assert retried.due_at == now + dt.timedelta(seconds=5)
    assert held.due_at == now + 8 * HOUR


@pytest.mark.parametrize("hours", [1, -1])
def test_cards_go_out_while_the_clock_is_set(
    channel: Channel, sink: Sink, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    monkeypatch.setattr(tasks, "BEAT", 0.1)
    real = pipeline.process_batch
    turns = 0
    with time_machine.travel(timezone.now()) as traveller:

        def process_batch() -> Any:
            nonlocal turns
            turns += 1
            if turns == 1:
                waiting(channel, "before")
            if turns == 2:
                waiting(channel, "at that moment")
                traveller.shift(dt.timedelta(hours=hours))
            if turns == 3:
                waiting(channel, "after")
            return real()

        monkeypatch.setattr(pipeline, "process_batch", process_batch)
        tasks.drain(3)
    assert len(sink.arrivals) == 3


def test_a_card_from_a_clock_that_was_ahead_goes_out_at_the_start(channel: Channel, sink: Sink) -> None:
    delivery = waiting(channel)
    ahead = timezone.now() + HOUR
    Delivery.objects.filter(pk=delivery.pk).update(created_at=ahead, due_at=ahead)
    WebhookURL.objects.update(breaker_open_until=ahead)
    tasks.drain(0.5)
    assert len(sink.arrivals) == 1


def test_results_of_what_was_deleted_meanwhile_do_not_undo_the_others(channel: Channel) -> None:
    url = channel.webhook_urls.get()
    kept, bare, gone = waiting(channel), waiting(channel), waiting(channel)
    deleted = channels.add_url(channel, "http://127.0.0.1:9/b")
    taken = Accepted(202, 1)
    now = timezone.now()
    noted = [
        Result(kept.pk, url.pk, 1, now, taken, 1),
        Result(bare.pk, deleted.pk, 1, now, taken, 1),
        Result(gone.pk, url.pk, 1, now, taken, 1),
    ]
    gone.delete()
    deleted.delete()
    results.write(noted, now)
    assert list(Delivery.objects.order_by("pk").values_list("status", flat=True)) == ["accepted", "accepted"]
    assert set(Attempt.objects.values_list("delivery_id", "webhook_url_id")) == {
        (kept.pk, url.pk),
        (bare.pk, None),
    }


def test_a_result_is_kept_until_the_database_takes_it(
    channel: Channel, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = waiting(channel)
    real = results.write
    failures = iter(range(2))

    def write(*values: Any, **more: Any) -> None:
        if next(failures, None) is not None:
            raise OperationalError("the disk is full")
        real(*values, **more)

    monkeypatch.setattr("apps.deliveries.sender.write", write)
    monkeypatch.setattr("apps.deliveries.sender.RESCUE_STEP", 0.05)
    assert tasks.stand() == "broke off"
    monkeypatch.undo()
    tasks.drain(0.3)
    delivery.refresh_from_db()
    assert delivery.status == "accepted"
    assert len(sink.arrivals) == 1


def test_a_webhook_url_that_cannot_be_decrypted_holds_up_nobody_else(channel: Channel, sink: Sink) -> None:
    broken = Channel.objects.create(team=channel.team, name="Broken")
    row = channels.add_url(broken, "http://127.0.0.1:9/b")
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {WebhookURL._meta.db_table} SET url = 'gAAAAA-of-another-key' WHERE id = %s", [row.pk]
        )
    stuck, fine = waiting(broken), waiting(channel)
    tasks.drain(0.4)
    stuck.refresh_from_db()
    fine.refresh_from_db()
    assert (stuck.status, fine.status) == ("pending", "accepted")


def test_only_one_sends_and_a_file_of_nobody_evicts_nobody() -> None:
    with owner.OwnerLock() as held, owner.OwnerLock() as second:
        assert held
        assert not second
        assert not owner.evict()  # it would be this very process
    owner._path().write_text("1 12345 pid:[1]")
    assert not owner.evict()
