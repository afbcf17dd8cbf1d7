"""Writes down what became of posts. One transaction for a batch of results."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from django.db import transaction

from apps.channels import services as channels
from apps.channels.transport import Accepted
from apps.core.errors import TransportError
from apps.core.models import Counter
from apps.deliveries import policy
from apps.deliveries.models import Attempt, Delivery


@dataclass(frozen=True, slots=True)
class Result:
    """One finished post."""

    delivery_id: int
    webhook_url_id: int
    number: int
    at: dt.datetime
    outcome: Accepted | TransportError
    elapsed_ms: int


def write(results: list[Result], now: dt.datetime, *, other_way: frozenset[int] = frozenset()) -> None:
    """Store attempts, deliveries' states, the webhook URLs' health and the counters.

    other_way: ids of deliveries whose channel has another working webhook URL, to be tried at once.
    """
    if not results:
        return
    counts: dict[tuple[str, str], int] = {}
    with transaction.atomic():
        Attempt.objects.bulk_create([_attempt(result) for result in results])
        for result in results:
            word = _settle(result, now, again=result.delivery_id in other_way)
            counts[("delivery", word)] = counts.get(("delivery", word), 0) + 1
        Counter.bump_many(counts, now)


def _attempt(result: Result) -> Attempt:
    row = Attempt(
        delivery_id=result.delivery_id,
        number=result.number,
        at=result.at,
        webhook_url_id=result.webhook_url_id,
        elapsed_ms=result.elapsed_ms,
    )
    if isinstance(result.outcome, Accepted):
        row.status = result.outcome.status
    else:
        error = result.outcome
        row.status, row.code, row.message = error.answer_status, error.code[:60], error.public_message[:300]
        row.ambiguous = error.ambiguous
    return row


def _settle(result: Result, now: dt.datetime, *, again: bool) -> str:
    # Guarded by the state: a delivery that was cancelled meanwhile stays cancelled.
    row = Delivery.objects.filter(pk=result.delivery_id, status=Delivery.Status.PENDING)
    if isinstance(result.outcome, Accepted):
        row.update(
            status=Delivery.Status.ACCEPTED,
            accepted_at=now,
            attempts_made=result.number,
            webhook_url_id=result.webhook_url_id,
            error_code="",
            error_message="",
        )
        channels.note_accepted(result.webhook_url_id, now)
        return "accepted"
    error = result.outcome
    channels.note_failed(result.webhook_url_id, error, now)
    words = {"error_code": error.code[:60], "error_message": error.public_message[:300]}
    wait = policy.next_wait(result.number, error, random.random())  # noqa: S311 - jitter, not a secret
    url_is_gone = error.answer_status in (401, 403, 404, 410)
    if again and (url_is_gone or wait is not None):
        wait = 0.0
    if wait is None:
        row.update(status=Delivery.Status.FAILED, attempts_made=result.number, **words)
        return "failed"
    row.update(due_at=now + dt.timedelta(seconds=wait), attempts_made=result.number, **words)
    return "retried"
