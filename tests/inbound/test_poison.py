"""A request that kills whoever processes it must not hold up the others for ever."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.connectors import services as connectors
from apps.core.board import Cell, here
from apps.inbound import pipeline, services, tasks
from apps.inbound.models import InboundRequest
from apps.sources.http import Headers, Http

pytestmark = [pytest.mark.django_db(transaction=True)]


def test_a_request_that_killed_its_worker_three_times_is_given_up() -> None:
    connector, _ = connectors.create_connector(name="Hello", source="github")
    source, scheme = connector.source_object(), connectors.scheme_of(connector)
    http = Http(headers=Headers({"X-GitHub-Event": "ping"}), body=b"{}")
    services.store(connector, source, scheme, http, timezone.now())
    row = InboundRequest.objects.get()
    for failures in (1, 2, 3):
        assert row.status == "received"
        here[Cell.SUSPECT] = row.pk  # as the sentinel notes it
        pipeline.blame()
        row.refresh_from_db()
        assert row.failures == failures
    assert (row.status, row.error_code) == ("malformed", "internal")
    assert here[Cell.SUSPECT] == 0


def test_nobody_is_blamed_for_a_request_that_is_done() -> None:
    here[Cell.SUSPECT] = 12345
    tasks.drain(0.1)
    assert here[Cell.SUSPECT] == 0
