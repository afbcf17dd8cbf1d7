"""Replay: a stored request or event once more, on purpose."""

from __future__ import annotations

from django.db import transaction

from apps.cards import adaptive
from apps.cards.notification import Card, Notification
from apps.channels.models import Channel
from apps.connectors import services as connectors
from apps.core.errors import Conflict
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound import pipeline
from apps.inbound.models import Event, InboundRequest
from apps.sources.understand import parse, understand


def replay_request(row: InboundRequest) -> None:
    """Process a stored request anew, with today's code and subscriptions.

    Events that exist keep their rows and are replayed; a request that made none is processed from the start.
    """
    events = list(row.events.exclude(outcome=Event.Outcome.DUPLICATE))
    if events and row.status == InboundRequest.Status.PROCESSED:
        for event in events:
            replay_event(event)
        return
    with transaction.atomic():
        row.events.all().delete()
        row.status, row.failures, row.replay = InboundRequest.Status.RECEIVED, 0, row.replay + 1
        row.error_code = row.error_message = ""
        row.save(update_fields=["status", "failures", "replay", "error_code", "error_message"])
        deliveries.nudge()


def card_of(event: Event) -> tuple[Card, str]:
    """The event's card as today's code makes it, and its thread key.

    Raises ConfigurationError when the event makes no card, PayloadError when it can't be read any more.
    """
    row = event.request
    source = event.connector.source_object()
    http = pipeline.http_of(row)
    ctx = connectors.context(event.connector, http.headers, row.received_at)
    found = parse(source, http, ctx)
    if event.index >= len(found):
        raise Conflict("event_gone", "The stored request has no such event any more.")
    item = understand(source, found[event.index], ctx)
    if item.notification is None:
        raise Conflict("no_card", item.reason or "This event makes no card.")
    if isinstance(item.notification, Notification):
        return adaptive.render(item.notification), item.notification.thread_key
    return item.notification, ""


@transaction.atomic
def replay_event(event: Event, channel: Channel | None = None) -> list[Delivery]:
    """Send the event again: to the channels that its connector's subscriptions choose now, or to `channel`.

    Each replay has a number of its own, so it can be told from the first send. Raises ConfigurationError
    when there is nothing to send.
    """
    locked = (
        Event.objects.select_for_update().select_related("connector", "request__connector").get(pk=event.pk)
    )
    card, thread = card_of(locked)
    locked.replays += 1
    locked.save(update_fields=["replays"])
    if channel is not None:
        row = deliveries.build(
            channel.pk,
            card,
            event_key=locked.pk,
            event_public_id=locked.public_id,
            origin=Delivery.Origin.REPLAY,
            replay=locked.replays,
            thread_key=thread,
        )
        row.save()
        deliveries.nudge()
        return [row]
    wanted = {entry["subscription"] for entry in locked.trace if entry.get("matched")}
    matched = list(locked.connector.subscriptions.filter(public_id__in=wanted))
    if not matched:
        raise Conflict(
            "no_subscription", "No subscription matches this event. Choose a channel to send it to."
        )
    pipeline.send(locked, card, matched, replay=locked.replays, thread_key=thread)
    return list(Delivery.objects.filter(event_key=locked.pk, replay=locked.replays))
