"""The only writers of teams, channels and webhook URLs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, Max, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.channels import signing
from apps.channels.models import Channel, WebhookURL
from apps.channels.transport import NEEDS_PERSON
from apps.channels.urls_teams import recognise, recognise_endpoint
from apps.core import crypto
from apps.core.errors import ConfigurationError, Conflict, TransportError

FAILURES_TO_OPEN = 5  # in a row, before the breaker opens
BREAKER_SECONDS = 60
SPARE_SECONDS = 20  # a URL that failed once rests so long when the channel has another one
REST_SECONDS = 60  # after a 429 that does not say for how long


def check_url(url: object) -> str:
    """The URL without surrounding space. Raises ConfigurationError that explains what is wrong with it."""
    found = recognise(url, settings.DESTINATION_ALLOW)
    if found.problem:
        raise ConfigurationError(found.problem, found.message)
    return str(url).strip()


def set_url(row: WebhookURL, url: object) -> None:
    """Put a URL into a row (not saved): checked, with its host and fingerprint, and its health reset.

    The row's kind says what the URL must be. An endpoint without a secret gets one.
    """
    if row.kind == WebhookURL.Kind.ENDPOINT:
        found = recognise_endpoint(url, settings.DESTINATION_ALLOW)
        if found.problem and not recognise(url, settings.DESTINATION_ALLOW).kind:
            raise ConfigurationError(found.problem, found.message)
        value = str(url).strip()
        row.secret = row.secret or signing.new_secret()
    else:
        value = check_url(url)
        found = recognise(value, settings.DESTINATION_ALLOW)
    row.url, row.host = value, (found.host or urlsplit(value).hostname or "")[:255]
    row.fingerprint = crypto.keyring().fingerprint(value)
    row.state, row.state_reason, row.fail_streak = WebhookURL.State.OK, "", 0
    row.breaker_open_until = row.blocked_until = row.failing_since = None


def add_url(
    channel: Channel,
    url: object,
    priority: int | None = None,
    kind: str = "workflow",
    limits: Mapping[str, int] | None = None,
) -> WebhookURL:
    """A new webhook URL, last in the channel's order unless `priority` is given. Raises ConfigurationError.

    kind: "workflow" (Teams) or "endpoint" (any HTTPS service; its new secret is in `row.secret`).
    limits: field -> number, such as {"per_second": 2}; what is left out is as Teams has it.
    """
    if kind not in WebhookURL.Kind.values:
        raise ConfigurationError("unknown_kind", f"“kind” is one of {', '.join(WebhookURL.Kind.values)}.")
    row = WebhookURL(channel=channel, kind=kind, **(limits or {}))
    set_url(row, url)
    last = channel.webhook_urls.aggregate(last=Max("priority"))["last"] or 0
    row.priority = priority if priority is not None else last + 1
    row.save()
    return row


def rotate_endpoint_secret(row: WebhookURL, keep_hours: float = 24) -> str:
    """A new secret for an endpoint, shown once; messages carry both signatures for `keep_hours`. Raises Conflict."""
    if row.kind != WebhookURL.Kind.ENDPOINT:
        raise Conflict("no_secret", "A Teams workflow has no secret: its URL is the credential.")
    row.previous_secret, row.previous_until = row.secret, timezone.now() + dt.timedelta(hours=keep_hours)
    row.secret = signing.new_secret()
    row.save(update_fields=["secret", "previous_secret", "previous_until"])
    return row.secret


def note_accepted(row_ids: Collection[int], now: dt.datetime | None = None) -> None:
    """Cards were taken: the URLs are healthy. One statement for all of them."""
    if not row_ids:
        return
    WebhookURL.objects.filter(pk__in=row_ids).exclude(state=WebhookURL.State.OFF).update(
        last_accepted_at=now or timezone.now(),
        fail_streak=0,
        breaker_open_until=None,
        failing_since=None,
        state=WebhookURL.State.OK,
        state_reason="",
    )


def note_failed(
    row_id: int, error: TransportError, now: dt.datetime | None = None, *, spare: bool = False
) -> None:
    """A card was not taken. Opens the breaker after several failures; marks a URL that needs a person.

    spare: the channel has another working URL, so this one rests at once and the card takes that way.
    """
    now = now or timezone.now()
    rows = WebhookURL.objects.filter(pk=row_id).exclude(state=WebhookURL.State.OFF)
    if error.permanent and error.answer_status not in NEEDS_PERSON:  # the card's fault, not the URL's
        rows.update(last_failed_at=now)
        return
    failed = {"last_failed_at": now, "failing_since": Coalesce(F("failing_since"), Value(now))}
    if error.answer_status == 429:
        rest = REST_SECONDS if error.retry_after is None else error.retry_after
        rows.update(**failed, blocked_until=now + dt.timedelta(seconds=rest))
        return
    failed["fail_streak"] = F("fail_streak") + 1
    if error.answer_status in NEEDS_PERSON:
        state, reason = WebhookURL.State.NEEDS_PERSON, error.public_message[:300]
        rows.update(**failed, state=state, state_reason=reason)
        return
    if spare:
        failed["blocked_until"] = now + dt.timedelta(seconds=SPARE_SECONDS)
    rows.update(**failed)
    rows.filter(fail_streak__gte=FAILURES_TO_OPEN).exclude(state=WebhookURL.State.NEEDS_PERSON).update(
        state=WebhookURL.State.FAILING,
        state_reason=error.public_message[:300],
        breaker_open_until=now + dt.timedelta(seconds=BREAKER_SECONDS),
    )


def try_again(channel: Channel) -> int:
    """Somebody has mended the channel's workflows: use those again that were given up. Returns how many."""
    rows: QuerySet[WebhookURL] = channel.webhook_urls.filter(
        state__in=[WebhookURL.State.NEEDS_PERSON, WebhookURL.State.FAILING]
    )
    return rows.update(
        state=WebhookURL.State.OK, state_reason="", fail_streak=0, breaker_open_until=None, blocked_until=None
    )


def pause(channel: Channel, reason: str = "") -> None:
    """Let the channel's cards wait."""
    channel.paused, channel.paused_reason = True, reason[:300]
    channel.save(update_fields=["paused", "paused_reason"])


def resume(channel: Channel) -> None:
    """Let the waiting cards go."""
    channel.paused, channel.paused_reason = False, ""
    channel.save(update_fields=["paused", "paused_reason"])
