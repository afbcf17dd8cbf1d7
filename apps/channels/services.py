"""The only writers of teams, channels and webhook URLs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.conf import settings
from django.db.models import F, Max
from django.utils import timezone

from apps.channels.models import Channel, WebhookURL
from apps.channels.urls_teams import recognise
from apps.core import crypto
from apps.core.errors import ConfigurationError, TransportError

FAILURES_TO_OPEN = 5  # in a row, before the breaker opens
BREAKER_SECONDS = 60


def check_url(url: object) -> str:
    """The URL without surrounding space. Raises ConfigurationError that explains what is wrong with it."""
    found = recognise(url, settings.DESTINATION_ALLOW)
    if found.problem:
        raise ConfigurationError(found.problem, found.message)
    return str(url).strip()


def set_url(row: WebhookURL, url: object) -> None:
    """Put a URL into a row (not saved): checked, with its host and fingerprint, and its health reset."""
    value = check_url(url)
    found = recognise(value, settings.DESTINATION_ALLOW)
    row.url, row.host, row.kind = value, found.host[:255], found.kind
    row.fingerprint = crypto.keyring().fingerprint(value)
    row.state, row.state_reason, row.fail_streak, row.breaker_open_until = WebhookURL.State.OK, "", 0, None


def add_url(channel: Channel, url: object, priority: int | None = None) -> WebhookURL:
    """A new webhook URL, last in the channel's order unless `priority` is given. Raises ConfigurationError."""
    row = WebhookURL(channel=channel)
    set_url(row, url)
    last = channel.webhook_urls.aggregate(last=Max("priority"))["last"] or 0
    row.priority = priority if priority is not None else last + 1
    row.save()
    return row


def note_accepted(row_ids: Collection[int], now: dt.datetime | None = None) -> None:
    """Cards were taken: the URLs are healthy. One statement for all of them."""
    if not row_ids:
        return
    WebhookURL.objects.filter(pk__in=row_ids).exclude(state=WebhookURL.State.OFF).update(
        last_accepted_at=now or timezone.now(),
        fail_streak=0,
        breaker_open_until=None,
        state=WebhookURL.State.OK,
        state_reason="",
    )


def note_failed(row_id: int, error: TransportError, now: dt.datetime | None = None) -> None:
    """A card was not taken. Opens the breaker after several failures; marks a URL that needs a person."""
    now = now or timezone.now()
    rows = WebhookURL.objects.filter(pk=row_id).exclude(state=WebhookURL.State.OFF)
    if error.answer_status == 429:
        rows.update(last_failed_at=now)
        return
    if error.answer_status in (401, 403, 404, 410):
        rows.update(
            last_failed_at=now,
            fail_streak=F("fail_streak") + 1,
            state=WebhookURL.State.NEEDS_PERSON,
            state_reason=error.public_message[:300],
        )
        return
    if error.permanent:  # the card's fault, not the URL's
        rows.update(last_failed_at=now)
        return
    rows.update(last_failed_at=now, fail_streak=F("fail_streak") + 1)
    rows.filter(fail_streak__gte=FAILURES_TO_OPEN).exclude(state=WebhookURL.State.NEEDS_PERSON).update(
        state=WebhookURL.State.FAILING,
        state_reason=error.public_message[:300],
        breaker_open_until=now + dt.timedelta(seconds=BREAKER_SECONDS),
    )


def pause(channel: Channel, reason: str = "") -> None:
    """Let the channel's cards wait."""
    channel.paused, channel.paused_reason = True, reason[:300]
    channel.save(update_fields=["paused", "paused_reason"])


def resume(channel: Channel) -> None:
    """Let the waiting cards go."""
    channel.paused, channel.paused_reason = False, ""
    channel.save(update_fields=["paused", "paused_reason"])
