"""The only writers of deliveries, beside the sender that notes results."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.cards import adaptive
from apps.cards.notification import Card, Link, Notification, Severity
from apps.channels import services as channels
from apps.channels.models import Channel, WebhookURL
from apps.core import wake
from apps.core.errors import Conflict
from apps.deliveries.models import Delivery

TOPIC = "drain"
DIGEST_FIRST = dt.timedelta(seconds=30)  # longer than the digest's own round
# Error codes: what a digest card covers, and what somebody cancelled.
DIGESTED, TAKEN_BACK = "digest", "cancelled"


@dataclass(frozen=True, slots=True)
class Slow:
    """How a replay in bulk sends: after everything live, from `due_at` on, and findable by the replay's key."""

    replay_key: int
    due_at: dt.datetime

    def put(self, row: Delivery) -> None:
        """Make a delivery that is not saved yet part of the replay."""
        row.lane, row.replay_key, row.due_at = Delivery.Lane.REPLAY, self.replay_key, self.due_at


def build(
    channel_id: int,
    card: Card,
    *,
    event_key: int | None = None,
    event_public_id: str = "",
    subscription_key: int | None = None,
    origin: str = Delivery.Origin.EVENT,
    replay: int = 0,
    thread_key: str = "",
    since: dt.datetime | None = None,
) -> Delivery:
    """A delivery that is not saved yet, for callers that insert many at once.

    since: when what it tells came in, if that was so long ago that it is stale already.
    """
    times: dict[str, dt.datetime] = {}
    if since is not None:
        # The digest looks first: many old ones become one card.
        times = {"since": since, "due_at": timezone.now() + DIGEST_FIRST}
    return Delivery(
        **times,
        channel_id=channel_id,
        card=json.dumps(card.content, ensure_ascii=False, separators=(",", ":"))
        .encode("utf-8", "replace")
        .decode(),
        summary=card.summary[:300],
        severity=card.severity.value,
        event_key=event_key,
        event_public_id=event_public_id,
        subscription_key=subscription_key,
        origin=origin,
        replay=replay,
        thread_key=thread_key[:200],
    )


def enqueue(
    channel: Channel,
    card: Card,
    *,
    origin: str = Delivery.Origin.EVENT,
    thread_key: str = "",
    via: WebhookURL | None = None,
) -> Delivery:
    """Store a card for a channel and wake the sender once the transaction is committed.

    via: the webhook URL by which it goes and no other, as long as the channel has it.
    """
    delivery = build(channel.pk, card, origin=origin, thread_key=thread_key)
    delivery.webhook_url = via
    delivery.save()
    nudge()
    return delivery


def enqueue_made(channel: Channel, make: Callable[[Delivery], Card], *, origin: str) -> Delivery:
    """Like `enqueue`, for a card that links to its own delivery: `make` is given the row."""
    delivery = build(channel.pk, Card({}), origin=origin)
    delivery.save()
    made = build(channel.pk, make(delivery), origin=origin)
    delivery.card, delivery.summary, delivery.severity = made.card, made.summary, made.severity
    delivery.save(update_fields=["card", "summary", "severity"])
    nudge()
    return delivery


def send_test(channel: Channel, via: WebhookURL | None = None) -> Delivery:
    """Send the card that shows that a channel works. Webhook URLs that were given up are tried again.

    via: the webhook URL that is to be tested.
    """
    channels.try_again(channel)
    return enqueue(channel, test_card(str(channel)), origin=Delivery.Origin.TEST, via=via)


def test_card(place: str) -> Card:
    """The card that shows that a way into a channel works. place: the channel's name."""
    note = Notification(
        title="Teams Connectors can post here",
        severity=Severity.GOOD,
        status="Test",
        container=Link(place),
        text="This card was sent to test the channel. Nothing else needs to be done.",
    )
    return adaptive.render(note)


def nudge() -> None:
    """Wake the drain after the current transaction; harmless when nobody listens."""
    transaction.on_commit(lambda: wake.notify(TOPIC))


def retry(delivery: Delivery, slow: Slow | None = None) -> None:
    """Post a failed, cancelled or waiting delivery at the next occasion, with all its tries anew.

    Raises Conflict for one that was accepted: replay the event instead.
    """
    changed = (
        Delivery.objects.filter(pk=delivery.pk)
        .exclude(status=Delivery.Status.ACCEPTED)
        .update(
            status=Delivery.Status.PENDING,
            due_at=slow.due_at if slow else timezone.now(),
            lane=Delivery.Lane.REPLAY if slow else Delivery.Lane.LIVE,
            replay_key=slow.replay_key if slow else None,
            attempts_made=0,
            exempt=True,
            hold=Delivery.Hold.NONE,
            held_until=None,
            error_code="",
            error_message="",
        )
    )
    if not changed:
        raise Conflict("already_accepted", "Teams has accepted this card. Replay its event to send it again.")
    nudge()
    delivery.refresh_from_db()


@transaction.atomic
def send_again(
    delivery: Delivery, channel: Channel | None = None, slow: Slow | None = None
) -> Delivery | None:
    """The same card once more: a failed or cancelled delivery is tried anew, an accepted one is copied.

    channel: another channel for a copy. None is returned for one that is still on its way.
    """
    if channel is None and delivery.status in (Delivery.Status.FAILED, Delivery.Status.CANCELLED):
        retry(delivery, slow)
        return delivery
    if channel is None and delivery.status == Delivery.Status.PENDING:
        return None
    target = channel.pk if channel else delivery.channel_id
    same = Delivery.objects.filter(event_key=delivery.event_key, channel=target)
    number = (same.aggregate(most=Max("replay"))["most"] or 0) + 1 if delivery.event_key else 1
    copy = Delivery(
        channel_id=target,
        card=delivery.card,
        summary=delivery.summary,
        severity=delivery.severity,
        event_key=delivery.event_key,
        event_public_id=delivery.event_public_id,
        subscription_key=delivery.subscription_key,
        origin=Delivery.Origin.REPLAY,
        replay=number,
        thread_key=delivery.thread_key,
    )
    if slow is not None:
        slow.put(copy)
    copy.save()
    nudge()
    return copy


def cancel(delivery: Delivery) -> None:
    """Take a waiting delivery back. Raises Conflict when there is nothing to take back."""
    changed = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.PENDING).update(
        status=Delivery.Status.CANCELLED,
        error_code=TAKEN_BACK,
        error_message="Somebody cancelled it. It can be sent again.",
    )
    if not changed:
        raise Conflict("not_pending", "Only a waiting delivery can be cancelled.")
    delivery.refresh_from_db()
