"""Writes down what became of posts. One transaction for a batch of results."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, connection, transaction

from apps.channels import services as channels
from apps.channels.models import WebhookURL
from apps.channels.transport import NEEDS_PERSON, Accepted
from apps.core.errors import TransportError
from apps.core.models import Counter
from apps.deliveries import policy
from apps.deliveries.models import Attempt, Delivery


@dataclass(frozen=True, slots=True)
class Result:
    """One finished post."""

    delivery_id: int
    webhook_url_id: int  # 0: deleted meanwhile
    number: int
    at: dt.datetime
    outcome: Accepted | TransportError
    elapsed_ms: int
    started: float = 0.0  # monotonic


def write(
    results: list[Result],
    now: dt.datetime,
    *,
    other_way: frozenset[int] = frozenset(),
    healthy: frozenset[int] = frozenset(),
) -> None:
    """Store attempts, deliveries' states, the webhook URLs' health and the counters.

    healthy: ids of webhook URLs of which it is known, and written lately, that they work.
    other_way: ids of deliveries whose channel has another working webhook URL, to be tried at once.
    """
    if not results:
        return
    try:
        _write(results, now, other_way, healthy)
    except IntegrityError:
        # A channel or a webhook URL was deleted while its card was on its way.
        _write(_still_there(results), now, other_way, healthy)


def _still_there(results: list[Result]) -> list[Result]:
    deliveries = set(
        Delivery.objects.filter(pk__in=[each.delivery_id for each in results]).values_list("pk", flat=True)
    )
    urls = set(
        WebhookURL.objects.filter(pk__in=[each.webhook_url_id for each in results]).values_list(
            "pk", flat=True
        )
    )
    return [
        each if each.webhook_url_id in urls else replace(each, webhook_url_id=0)
        for each in results
        if each.delivery_id in deliveries
    ]


def _write(
    results: list[Result], now: dt.datetime, other_way: frozenset[int], healthy: frozenset[int]
) -> None:
    counts: dict[tuple[str, str], int] = {}
    with transaction.atomic():
        _note_attempts(results)
        taken = [result for result in results if isinstance(result.outcome, Accepted)]
        if taken:
            _accept(taken, now)
            counts[("delivery", "accepted")] = len(taken)
        channels.note_accepted({result.webhook_url_id for result in taken} - healthy, now)
        for result in results:
            if isinstance(result.outcome, Accepted):
                continue
            word = _settle(result, result.outcome, now, again=result.delivery_id in other_way)
            counts[("delivery", word)] = counts.get(("delivery", word), 0) + 1
        Counter.bump_many(counts, now)


# One statement for many rows each: the thread that runs them gives way to the posting ones at every statement.
_ATTEMPT = "(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
_ATTEMPT_COLUMNS = "delivery_id, number, at, webhook_url_id, elapsed_ms, status, code, message, ambiguous"


def _note_attempts(results: list[Result]) -> None:
    if not results:
        return
    values: list[Any] = []
    for result in results:
        moment = connection.ops.adapt_datetimefield_value(result.at)
        values += [
            result.delivery_id,
            result.number,
            moment,
            result.webhook_url_id or None,
            result.elapsed_ms,
        ]
        if isinstance(result.outcome, Accepted):
            values += [result.outcome.status, "", "", False]
        else:
            error = result.outcome
            values += [error.answer_status, error.code[:60], error.public_message[:300], error.ambiguous]
    table = Attempt._meta.db_table
    marks = ", ".join([_ATTEMPT] * len(results))
    with connection.cursor() as cursor:  # only our own table name goes into the text
        cursor.execute(f"INSERT INTO {table} ({_ATTEMPT_COLUMNS}) VALUES {marks}", values)  # noqa: S608


def _accept(results: list[Result], now: dt.datetime) -> None:
    """Mark many deliveries in one go. Guarded by the state: one that was cancelled meanwhile stays so."""
    values: list[Any] = [connection.ops.adapt_datetimefield_value(now)]
    for result in results:
        values += [result.delivery_id, result.number, result.webhook_url_id]
    table = Delivery._meta.db_table
    marks = ", ".join(["(%s, %s, %s)"] * len(results))
    with connection.cursor() as cursor:
        cursor.execute(  # only our own table name goes into the text
            f"UPDATE {table} SET status = 'accepted', accepted_at = %s, attempts_made = v.column2, "  # noqa: S608
            "webhook_url_id = NULLIF(v.column3, 0), error_code = '', error_message = '' "
            f"FROM (VALUES {marks}) AS v WHERE {table}.id = v.column1 AND {table}.status = 'pending'",
            values,
        )


def _settle(result: Result, error: TransportError, now: dt.datetime, *, again: bool) -> str:
    # Guarded by the state, as above.
    row = Delivery.objects.filter(pk=result.delivery_id, status=Delivery.Status.PENDING)
    channels.note_failed(result.webhook_url_id, error, now, spare=again)
    words = {"error_code": error.code[:60], "error_message": error.public_message[:300]}
    wait = policy.next_wait(result.number, error, random.random())  # noqa: S311 - jitter, not a secret
    url_is_gone = error.answer_status in NEEDS_PERSON
    if again and (url_is_gone or wait is not None):
        wait = 0.0
    if wait is None:
        row.update(status=Delivery.Status.FAILED, attempts_made=result.number, **words)
        return "failed"
    row.update(due_at=now + dt.timedelta(seconds=wait), attempts_made=result.number, **words)
    return "retried"
