"""What is read, added and changed past the ORM is what the ORM would have read, added and changed."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.connectors import services as connectors
from apps.core import rows
from apps.inbound.models import Event, InboundRequest

pytestmark = pytest.mark.django_db
BODY = b"\x00\xff not text"


@pytest.fixture
def request_row() -> InboundRequest:
    connector, _ = connectors.create_connector(name="Rows", source="github")
    return InboundRequest.objects.create(
        connector=connector, body=BODY, headers={"x-name": "naïve “ü”"}, received_at=timezone.now()
    )


def event(of: InboundRequest, source_id: str, index: int = 0) -> Event:
    return Event(
        connector=of.connector, request=of, index=index, source_event_id=source_id, type="push", title="50 % of “it”",
        outcome=Event.Outcome.MATCHED, trace=[{"steps": [1, None, True]}], attributes={"label": ["a", "b"]},
        received_at=of.received_at,
    )  # fmt: skip


def test_a_row_is_added_as_the_orm_would_and_has_its_key(request_row: InboundRequest) -> None:
    made = event(request_row, "one")
    assert rows.add(made)
    found = Event.objects.get(pk=made.pk)
    for field in Event._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(made, field.attname), field.name
    made.title = "changed by the ORM"
    made.save(update_fields=["title"])
    assert Event.objects.get().title == "changed by the ORM"


def test_a_row_whose_key_is_taken_is_left_when_that_is_wanted_and_refused_else(
    request_row: InboundRequest,
) -> None:
    assert rows.add(event(request_row, "one"), unless_there=True)
    again = event(request_row, "one", index=1)
    assert not rows.add(again, unless_there=True)
    assert again._state.adding
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.add(event(request_row, "one", index=2))
    assert Event.objects.count() == 1


def test_rows_are_read_with_all_their_kinds_of_values(request_row: InboundRequest) -> None:
    found = rows.read(InboundRequest, "WHERE id = %s", [request_row.pk])[0]
    expected = InboundRequest.objects.get(pk=request_row.pk)
    for field in InboundRequest._meta.concrete_fields:
        mine, theirs = getattr(found, field.attname), getattr(expected, field.attname)
        assert (bytes(mine) if field.attname == "body" else mine) == (
            bytes(theirs) if field.attname == "body" else theirs
        ), field.name
    assert rows.read(InboundRequest, "WHERE id = %s", [0]) == []


def test_some_columns_are_read_and_the_others_when_asked_for(request_row: InboundRequest) -> None:
    found = rows.read(InboundRequest, "WHERE id = %s", [request_row.pk], "id, status")[0]
    assert found.get_deferred_fields() >= {"body", "headers"}
    assert bytes(found.body) == BODY


def test_fields_are_changed_on_the_object_and_in_its_row_and_nowhere_else(
    request_row: InboundRequest,
) -> None:
    other = InboundRequest.objects.create(connector=request_row.connector, body=b"")
    moment = timezone.now() - dt.timedelta(hours=1)
    rows.change(request_row, status="processed", processed_at=moment, headers={"a": "%s ?"})
    assert (request_row.status, request_row.processed_at) == ("processed", moment)
    found = InboundRequest.objects.get(pk=request_row.pk)
    assert (found.status, found.processed_at, found.headers) == ("processed", moment, {"a": "%s ?"})
    other.refresh_from_db()
    assert (other.status, other.headers) == ("received", {})


@pytest.mark.django_db(transaction=True)
def test_threads_take_turns_but_not_in_a_transaction_for_whose_end_the_others_wait() -> None:
    connector, _ = connectors.create_connector(name="Rows", source="github")
    values = {
        "connector_id": connector.pk, "received_at": "2026-01-01 00:00:00", "created_at": "2026-01-01 00:00:00",
        "method": "POST", "headers": "{}", "query": "", "body": b"", "size": 0, "status": "received",
        "error_code": "", "error_message": "", "failures": 0, "replay": 0,
    }  # fmt: skip
    with rows._one_writer:  # as while another thread writes, which waits for this transaction
        with transaction.atomic():
            rows.insert("inbound_inboundrequest", {**values, "public_id": "first"})
        thread = threading.Thread(target=_insert, args=({**values, "public_id": "second"},))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        assert InboundRequest.objects.count() == 1
    thread.join(10)
    assert InboundRequest.objects.count() == 2


def _insert(values: dict[str, object]) -> None:
    rows.insert("inbound_inboundrequest", values)
    connection.close()
