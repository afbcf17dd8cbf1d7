"""Which events or deliveries a replay is about: filters as programs and people give them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet

from apps.core.errors import ConfigurationError
from apps.core.moments import moment
from apps.deliveries.models import Delivery
from apps.inbound.models import Event, Replay

MOST = 1_000_000  # rows counted
EVENT_FILTERS = ("connector", "type", "outcome", "channel", "since", "until")
DELIVERY_FILTERS = ("connector", "type", "channel", "status", "code", "event", "digest", "since", "until")


def rows_of(kind: str, filters: object) -> QuerySet[Any]:
    """What the filters find. Raises ConfigurationError for one that is unknown or unreadable."""
    if not isinstance(filters, dict):
        raise ConfigurationError("bad_filters", f"“{kind}” is an object of filters; {{}} means all.")
    events = kind == Replay.Kind.EVENTS
    known = EVENT_FILTERS if events else DELIVERY_FILTERS
    rows: QuerySet[Any] = Event.objects.all() if events else Delivery.objects.all()
    for name, value in filters.items():
        if name not in known:
            raise ConfigurationError("bad_filters", f"There is no filter “{name}”. Use {', '.join(known)}.")
        if not isinstance(value, str) or not value or len(value) > 200:
            raise ConfigurationError("bad_filters", f"The filter “{name}” must be a text.")
        rows = rows.filter(_event(name, value) if events else _delivery(name, value))
    return rows


def count(kind: str, filters: object) -> int:
    """How many rows the filters find, up to a million. Raises ConfigurationError."""
    return int(rows_of(kind, filters).order_by()[:MOST].count())


def _event(name: str, value: str) -> Q:
    match name:
        case "connector":
            return Q(connector__public_id=value)
        case "type":
            return _of_type(value)
        case "outcome":
            _one_of(name, value, Event.Outcome.values)
            return Q(outcome=value)
        case "channel":
            keys = Delivery.objects.filter(channel__public_id=value, event_key__isnull=False)
            return Q(pk__in=keys.values("event_key"))
        case "since":
            return Q(received_at__gte=_moment(name, value))
        case _:
            return Q(received_at__lt=_moment(name, value))


def _delivery(name: str, value: str) -> Q:
    match name:
        case "connector":
            return Q(event_key__in=Event.objects.filter(connector__public_id=value).values("pk"))
        case "type":
            return Q(event_key__in=Event.objects.filter(_of_type(value)).values("pk"))
        case "channel":
            return Q(channel__public_id=value)
        case "status":
            _one_of(name, value, Delivery.Status.values)
            return Q(status=value)
        case "code":
            return Q(error_code=value)
        case "event":
            return Q(event_public_id=value)
        case "digest":
            return Q(digest_key__in=Delivery.objects.filter(public_id=value).values("pk"))
        case "since":
            return Q(created_at__gte=_moment(name, value))
        case _:
            return Q(created_at__lt=_moment(name, value))


def _of_type(value: str) -> Q:
    """A type and those below it: “issues” also means “issues.opened”."""
    name = value.removesuffix(".*").removesuffix(".")
    return Q(type=name) | Q(type__startswith=f"{name}.")


def _one_of(name: str, value: str, known: list[str]) -> None:
    if value not in known:
        raise ConfigurationError("bad_filters", f"The filter “{name}” is one of {', '.join(known)}.")


def _moment(name: str, value: str) -> dt.datetime:
    found = moment(value)
    if found is None:
        raise ConfigurationError("bad_filters", f"“{name}” is a time such as 2026-03-14T09:00:00Z.")
    return found
