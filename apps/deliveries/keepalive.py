"""A small card now and then, so that Teams does not switch an idle workflow off."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.cards import adaptive
from apps.cards.notification import Link, Notification, Severity
from apps.channels.models import Channel, WebhookURL
from apps.deliveries import services
from apps.deliveries.models import Delivery

AGAIN = dt.timedelta(days=1)  # until the next try, when a card did not get through


def run(now: dt.datetime | None = None) -> set[int]:
    """Send a sign of life by each workflow that was idle for too long; returns the channels' keys.

    One query over the webhook URLs of channels that want it, never over deliveries.
    """
    now = now or timezone.now()
    idle = (
        WebhookURL.objects.filter(
            kind=WebhookURL.Kind.WORKFLOW, channel__keep_alive=True, channel__paused=False
        )
        .exclude(state__in=[WebhookURL.State.OFF, WebhookURL.State.NEEDS_PERSON])
        .annotate(used_at=Coalesce("last_accepted_at", "created_at"))
        .filter(used_at__lt=now - AGAIN)
        .select_related("channel__team")
        .defer("url", "secret", "previous_secret")
    )
    return {row.channel_id for row in idle if _is_due(row, row.channel, row.used_at, now) and _send(row, now)}


def _is_due(row: WebhookURL, channel: Channel, used_at: dt.datetime, now: dt.datetime) -> bool:
    if used_at > now - dt.timedelta(days=channel.keep_alive_days):
        return False
    if row.heartbeat_at is not None and row.heartbeat_at > now - AGAIN:
        return False
    return not channel.is_muted(now) and channel.quiet_until(now) is None


@transaction.atomic
def _send(row: WebhookURL, now: dt.datetime) -> bool:
    WebhookURL.objects.filter(pk=row.pk).update(heartbeat_at=now)
    days = row.channel.keep_alive_days
    note = Notification(
        "This channel is connected",
        status="Sign of life",
        severity=Severity.NEUTRAL,
        container=Link(str(row.channel)),
        text=f"Nothing was posted here by {row.host} for {days} days. Teams switches a workflow off after 90 days "
        "without a card, so this one keeps it on. Nothing needs to be done.",
    )
    services.enqueue(row.channel, adaptive.render(note), origin=Delivery.Origin.HEARTBEAT, via=row)
    return True
