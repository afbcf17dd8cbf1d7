"""Finding rows by what people have in their hands, each way by an index, so that a million rows do not matter."""

from __future__ import annotations

import datetime as dt

from apps.connectors.models import Connector
from apps.deliveries.models import Delivery
from apps.inbound.models import Event, InboundRequest

MOST = 50
SKEW = dt.timedelta(minutes=10)  # by which clocks of several machines may differ


def events_called(word: str) -> list[int]:
    """The keys of events with this id, found in a request with this id, or sent by their source under this id."""
    rows = Event.objects.order_by("-pk").values_list("pk", flat=True)
    own = rows.filter(public_id=word)[:1]
    if own:
        return list(own)
    request = InboundRequest.objects.filter(public_id=word).values_list("pk", flat=True).first()
    if request is not None:
        return list(rows.filter(request=request)[:MOST])
    if not word:
        return []
    # By connector, because so is the index; it leaves out duplicates and those without an id.
    known = list(Connector.objects.order_by().values_list("pk", flat=True))
    named = rows.filter(connector__in=known, source_event_id=word)
    return list(named.exclude(source_event_id="").exclude(outcome=Event.Outcome.DUPLICATE)[:MOST])


def deliveries_called(word: str) -> list[int]:
    """The keys of the delivery with this id, or of those of the event with this id."""
    rows = Delivery.objects.order_by("-pk").values_list("pk", flat=True)
    own = rows.filter(public_id=word)[:1]
    if own:
        return list(own)
    event = Event.objects.filter(public_id=word).values_list("pk", flat=True).first()
    return [] if event is None else list(rows.filter(event_key=event)[:MOST])


def first_delivery_since(moment: dt.datetime) -> int:
    """A key before which no delivery was made at or after `moment`.

    Deliveries get their keys in the order in which they are made, so the place is found by halving.
    """
    rows = Delivery.objects.order_by("pk").values_list("pk", "created_at")
    ends = rows.first(), rows.last()
    if ends[0] is None or ends[1] is None:
        return 0
    low, high, wanted = ends[0][0], ends[1][0] + 1, moment - SKEW
    while low < high:
        middle = (low + high) // 2
        found = rows.filter(pk__gte=middle).first()
        if found is None or found[1] >= wanted:
            high = middle
        else:
            low = found[0] + 1
    return int(low)
