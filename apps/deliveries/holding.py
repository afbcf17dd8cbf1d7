"""What a channel's etiquette does to cards: held in quiet hours, kept within the noise budget, or muted.

A held card is pending with a later due time and says why. What ends the hold decides what becomes of it (see
`apps.inbound.digest`); should nothing end it, it goes out by itself a minute later, so that nothing is lost.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import QuerySet

from apps.channels import etiquette
from apps.channels.models import Channel
from apps.deliveries.models import Delivery

GRACE = dt.timedelta(minutes=1)  # in which the digest comes before the held cards would go by themselves
HOUR = dt.timedelta(hours=1)
# Error codes: why a card waits, or why it was not sent.
QUIET, BUDGET, MUTED = "quiet_hours", "budget", "muted"


def observe(row: Delivery, channel: Channel, now: dt.datetime) -> None:
    """Let a card of an event that is about to be stored wait, or not go, if the channel's etiquette says so."""
    if row.origin != Delivery.Origin.EVENT:
        return  # somebody asked for it
    if channel.is_muted(now):
        row.status = Delivery.Status.CANCELLED
        row.error_code, row.error_message = MUTED, mute_words(channel, now)
        return
    if etiquette.is_urgent(channel.urgent_severity, row.severity):
        return
    end = channel.quiet_until(now)
    if end is not None:
        _hold(row, Delivery.Hold.QUIET, end, QUIET, quiet_words(channel, end, now))
    elif not take_budget(channel, 1, now):
        end = (channel.budget_from or now) + HOUR
        _hold(row, Delivery.Hold.BUDGET, end, BUDGET, budget_words(channel, end, now))


def _hold(row: Delivery, hold: str, end: dt.datetime, code: str, words: str) -> None:
    row.hold, row.held_until, row.due_at = hold, end, end + GRACE
    row.error_code, row.error_message = code, words


def take_budget(channel: Channel, wanted: int, now: dt.datetime) -> int:
    """Take so many cards from the budget of this hour, which begins with its first card; returns how many it allows."""
    if not channel.budget_per_hour:
        return wanted
    if channel.budget_from is None or not channel.budget_from <= now < channel.budget_from + HOUR:
        channel.budget_from, channel.budget_used = now, 0
    allowed = min(wanted, max(0, channel.budget_per_hour - channel.budget_used))
    if allowed:
        channel.budget_used += allowed
        Channel.objects.filter(pk=channel.pk).update(
            budget_from=channel.budget_from, budget_used=channel.budget_used
        )
    return allowed


def quiet_words(channel: Channel, end: dt.datetime, now: dt.datetime) -> str:
    """Why a card waits in quiet hours."""
    then = (
        "it comes in the morning digest"
        if channel.quiet_then == Channel.Then.DIGEST
        else "it comes after them"
    )
    return f"Quiet hours of #{channel.name[:80]} until {etiquette.told(end, channel.time_zone, now)}; {then}."


def budget_words(channel: Channel, end: dt.datetime, now: dt.datetime) -> str:
    """Why a card waits above the noise budget."""
    cards = "1 card" if channel.budget_per_hour == 1 else f"{channel.budget_per_hour:,} cards"
    return (
        f"#{channel.name[:80]} takes {cards} an hour and has had them; it comes in the digest at "
        f"{etiquette.told(end, channel.time_zone, now)}."
    )


def mute_words(channel: Channel, now: dt.datetime) -> str:
    """Why a card is not sent to a muted channel."""
    until = etiquette.told(channel.muted_until or etiquette.FOREVER, channel.time_zone, now)
    return f"#{channel.name[:80]} is muted until {until}. The card was not sent; it can be sent again."


def held(channel: Channel) -> QuerySet[Delivery]:
    """The cards of a channel that its etiquette holds back, oldest first."""
    rows = Delivery.objects.filter(channel=channel, status=Delivery.Status.PENDING)
    return rows.exclude(hold=Delivery.Hold.NONE).order_by("id")


def holding_channels() -> list[int]:
    """The keys of channels with held cards. Reads a small index that holds nothing else."""
    rows = Delivery.objects.filter(status=Delivery.Status.PENDING).exclude(hold=Delivery.Hold.NONE)
    return list(rows.order_by().values_list("channel_id", flat=True).distinct())


def keep_paused(channel_keys: Iterable[int], now: dt.datetime) -> None:
    """A paused channel's held cards stay held, so that its digest comes first when it is resumed."""
    rows = Delivery.objects.filter(channel__in=list(channel_keys), status=Delivery.Status.PENDING)
    rows = rows.filter(channel__paused=True, due_at__lt=now + GRACE / 2).exclude(hold=Delivery.Hold.NONE)
    rows.update(due_at=now + GRACE)


def hold_backlog(channel: Channel, end: dt.datetime, now: dt.datetime, busy: Iterable[int] = ()) -> int:
    """Quiet has begun while cards were waiting, or its end was changed: they wait for the end; returns how many.

    busy: keys of deliveries that are on their way just now.
    """
    rows = waiting(channel, busy).exclude(hold=Delivery.Hold.QUIET, held_until=end)
    return rows.update(
        hold=Delivery.Hold.QUIET,
        held_until=end,
        due_at=end + GRACE,
        error_code=QUIET,
        error_message=quiet_words(channel, end, now),
    )


def waiting(channel: Channel, busy: Iterable[int] = ()) -> QuerySet[Delivery]:
    """The pending cards that the etiquette is about: made by events, not urgent, not asked for by anybody."""
    rows = Delivery.objects.filter(
        channel=channel, status=Delivery.Status.PENDING, origin=Delivery.Origin.EVENT, exempt=False
    )
    return rows.filter(severity__in=etiquette.severities_below(channel.urgent_severity)).exclude(
        pk__in=list(busy)
    )


def release(rows: QuerySet[Delivery], now: dt.datetime) -> int:
    """End the hold of these cards: they go out now, in their order."""
    keys = list(rows.values_list("pk", flat=True))
    done = 0
    for start in range(0, len(keys), 500):
        done += Delivery.objects.filter(pk__in=keys[start : start + 500]).update(
            hold=Delivery.Hold.NONE, due_at=now, error_code="", error_message=""
        )
    return done


def cover(rows: QuerySet[Delivery], digest_key: int, code: str, words: str) -> int:
    """Mark cards as covered by a digest card. They can be sent again one by one, or by a replay."""
    return rows.filter(status=Delivery.Status.PENDING).update(
        status=Delivery.Status.CANCELLED,
        digest_key=digest_key,
        error_code=code,
        error_message=words[:300],
    )


def mute(channel: Channel, until: dt.datetime | None, now: dt.datetime) -> int:
    """Send no event's card to a channel until a moment; what waits is not sent either. None ends the mute.

    Returns how many waiting cards it concerned. They are kept, marked, and can be sent again.
    """
    channel.muted_until = until
    channel.save(update_fields=["muted_until"])
    if until is None or until <= now:
        return 0
    rows = Delivery.objects.filter(
        channel=channel, status=Delivery.Status.PENDING, origin=Delivery.Origin.EVENT, exempt=False
    )
    return rows.update(
        status=Delivery.Status.CANCELLED, error_code=MUTED, error_message=mute_words(channel, now)
    )
