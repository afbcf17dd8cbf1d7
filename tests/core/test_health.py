"""Who counts as alive, whatever the clocks say."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.core import broker, health
from apps.core.board import Board, Cell, here
from apps.core.models import Heartbeat

pytestmark = [pytest.mark.django_db]


def beat(name: str, age: float) -> None:
    Heartbeat.beat(name, timezone.now() - dt.timedelta(seconds=age))


def readiness() -> tuple[int, str]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()["cluster"]


@pytest.mark.parametrize(
    ("age", "status"),
    [(3, 200), (44, 200), (50, 503), (3600, 503), (-3, 200), (-3600, 503)],
)
def test_ready_means_that_a_cluster_was_seen_lately(age: float, status: int) -> None:
    assert readiness()[0] == 503
    beat("cluster:here:7", age)
    assert readiness()[0] == status


def test_one_live_cluster_is_enough_and_the_frozen_one_is_named() -> None:
    beat("cluster:there:8", 600)
    beat(health.own_name(), 1)
    assert readiness() == (200, "ok")
    shown = Client().get("/metrics").content.decode()
    assert 'connectors_heartbeat_seconds{name="cluster:there:8"} 600' in shown
    assert "\nconnectors_clusters 1\n" in shown


def test_a_cluster_that_lives_while_nobody_sends_is_not_ready() -> None:
    beat(health.own_name(), 1)
    beat(health.SENDER, 120)
    status, words = readiness()
    assert status == 503
    assert "nobody sends" in words


def test_what_was_killed_long_ago_is_swept_and_what_ended_orderly_is_forgotten() -> None:
    beat("cluster:old:1", 4000)
    beat("cluster:here:2", 4)
    health.sweep()
    assert [each.host for each in health.clusters()] == ["here"]
    health.forget("cluster:here:2")
    assert health.clusters() == []


def test_a_board_counts_silence_from_the_start() -> None:
    board = Board()
    board.clear()
    assert board.silence(Cell.WORK) < 1
    assert not board.was_seen(Cell.WORK, 10)
    board.note(Cell.WORK)
    assert board.was_seen(Cell.WORK, 10)
    board[Cell.WORK] = time.monotonic() - 20
    board[Cell.BEGUN] = time.monotonic() - 100
    assert 19 < board.silence(Cell.WORK) < 21
    assert not board.was_seen(Cell.WORK, 10)


def test_the_standing_task_is_offered_while_nobody_is_at_it(settings: Any) -> None:
    here.clear()
    settings.FROZEN_AFTER = 40
    try:
        assert len(broker.standing()) == 1
        assert broker.standing() == []  # it was offered a moment ago
        here[Cell.OFFERED] = time.monotonic() - 6
        here[Cell.WORKER] = 5
        assert broker.standing() == []  # a worker is at it
        here[Cell.WORKER] = 0
        here[Cell.STOP] = 1
        assert broker.standing() == []  # the cluster stops
        here[Cell.STOP] = 0
        assert len(broker.standing()) == 1
    finally:
        here.clear()
