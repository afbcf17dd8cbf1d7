"""Keeps waiting cards from waiting for an hour that comes twice: the clock was set back."""

from __future__ import annotations

import datetime as dt

from django.db.models import F, Q

from apps.deliveries.models import Delivery


def after_set_back(by: dt.timedelta, now: dt.datetime) -> int:
    """Move what waits along with the clock; returns how many cards.

    These are retries, and cards that were made at a moment which is in the future now. A card that waits for a
    time of the day goes on waiting for it.
    """
    waiting = Delivery.objects.filter(status=Delivery.Status.PENDING, due_at__gt=now)
    return waiting.filter(Q(attempts_made__gt=0) | Q(created_at__gt=now)).update(due_at=F("due_at") - by)


def at_start(now: dt.datetime) -> int:
    """The same when nobody was there to see the clock being set: what was made in the future is due."""
    waiting = Delivery.objects.filter(status=Delivery.Status.PENDING, due_at__gt=now)
    return waiting.filter(created_at__gt=now + dt.timedelta(seconds=5)).update(due_at=now)
