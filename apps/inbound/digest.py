"""One digest card in place of many: after an outage, after quiet hours, above the noise budget.

What a digest covers is marked so, stands in the lists with its reason, and can be sent again. Urgent cards and
those that somebody asked for are never covered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from apps.cards import adaptive
from apps.cards.notification import Card
from apps.channels.models import Channel
from apps.deliveries import holding
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound import digest_card
from apps.inbound.digest_card import Why

FEWEST = 5  # stale cards; fewer are sent as they are
WORDS = {
    Why.OUTAGE: "It waited too long and is covered by a digest card. It can be sent again.",
    Why.QUIET: "It came in the quiet hours and is covered by the morning digest. It can be sent again.",
    Why.BUDGET: "It was above the channel's noise budget and is covered by a digest card. It can be sent again.",
}


def run(now: dt.datetime | None = None, busy: Collection[int] = ()) -> set[int]:
    """Hold, release and cover what is to be; returns the keys of channels that have something to send now.

    busy: keys of deliveries that are being posted just now; they are left alone.
    """
    now = now or timezone.now()
    quiet = _hold_in_quiet(now, busy)
    return _end_holds(now, busy, quiet) | _cover_stale(now, busy, quiet)


def _hold_in_quiet(now: dt.datetime, busy: Collection[int]) -> set[int]:
    """Let the backlog of channels wait whose quiet hours it is; returns the keys of these channels."""
    wanted = Channel.objects.filter(Q(quiet_start__isnull=False) | ~Q(quiet_whole_days=[]))
    ends = {channel: end for channel in wanted if (end := channel.quiet_until(now)) is not None}
    if not ends:
        return set()
    waiting = Delivery.objects.filter(
        channel__in=list(ends),
        status=Delivery.Status.PENDING,
        origin=Delivery.Origin.EVENT,
        exempt=False,
    )
    found = set(waiting.order_by().values_list("channel_id", "hold", "held_until").distinct())
    for channel, end in ends.items():
        known = {(hold, until) for key, hold, until in found if key == channel.pk}
        if known - {(Delivery.Hold.QUIET.value, end)}:
            holding.hold_backlog(channel, end, now, busy)
    return {channel.pk for channel in ends}


def _end_holds(now: dt.datetime, busy: Collection[int], quiet: set[int]) -> set[int]:
    """Quiet hours or an hour's budget are over: send what they held, or one digest of it."""
    made: set[int] = set()
    keys = set(holding.holding_channels()) - quiet
    if not keys:
        return made
    holding.keep_paused(keys, now)
    for channel in Channel.objects.filter(pk__in=keys, paused=False).select_related("team"):
        over = Q(hold=Delivery.Hold.QUIET) | Q(hold=Delivery.Hold.BUDGET, held_until__lte=now)
        if not channel.budget_per_hour and holding.release(
            holding.held(channel).filter(hold=Delivery.Hold.BUDGET), now
        ):
            made.add(channel.pk)  # the budget was taken away meanwhile
        rows = holding.held(channel).filter(over).exclude(pk__in=list(busy))
        was_quiet = rows.filter(hold=Delivery.Hold.QUIET).exists()
        if was_quiet and channel.quiet_then == Channel.Then.HOLD:
            rows = _release(channel, rows, now)
            made.add(channel.pk)
            was_quiet = False
        if _cover(channel, rows, Why.QUIET if was_quiet else Why.BUDGET, now):
            made.add(channel.pk)
    return made


def _release(channel: Channel, rows: QuerySet[Delivery], now: dt.datetime) -> QuerySet[Delivery]:
    """Send what quiet hours held, within the budget; returns what is above it."""
    held = rows.filter(hold=Delivery.Hold.QUIET)
    keys = list(held.values_list("pk", flat=True))
    allowed = holding.take_budget(channel, len(keys), now)
    if allowed:
        holding.release(held.filter(pk__lte=keys[allowed - 1]), now)
    return rows


def _cover_stale(now: dt.datetime, busy: Collection[int], quiet: set[int]) -> set[int]:
    made: set[int] = set()
    wanted = Channel.objects.filter(stale_after__gt=0, paused=False)
    least = wanted.aggregate(least=Min("stale_after"))["least"]
    if least is None:
        return made
    # One statement over what is pending, instead of one for each channel.
    old = Delivery.objects.filter(
        _older_than(now - dt.timedelta(minutes=least)), status=Delivery.Status.PENDING, hold=""
    )
    keys = set(old.order_by().values_list("channel_id", flat=True).distinct()[:1_000]) - quiet
    for channel in wanted.filter(pk__in=keys).select_related("team"):
        before = now - dt.timedelta(minutes=channel.stale_after)
        # What was held on purpose grows old only from then on.
        rows = holding.waiting(channel, busy).filter(
            Q(held_until__isnull=True) | Q(held_until__lt=before), _older_than(before), hold=""
        )
        if rows[:FEWEST].count() >= FEWEST and _cover(channel, rows, Why.OUTAGE, now):
            made.add(channel.pk)
    return made


def _older_than(moment: dt.datetime) -> Q:
    """Of what happened before that: as it came in, or as the source was asked for it later."""
    return Q(created_at__lt=moment) | Q(since__lt=moment)


@transaction.atomic
def _cover(channel: Channel, rows: QuerySet[Delivery], why: Why, now: dt.datetime) -> bool:
    last = rows.order_by("-pk").values_list("pk", flat=True).first()
    if last is None:
        return False
    covered = rows.filter(pk__lte=last).order_by()

    def make(digest: Delivery) -> Card:
        return adaptive.render(digest_card.note(channel, covered, why, digest, now))

    digest = deliveries.enqueue_made(channel, make, origin=Delivery.Origin.DIGEST)
    code = holding.BUDGET if why is Why.BUDGET else deliveries.DIGESTED
    holding.cover(covered, digest.pk, code, WORDS[why])
    return True
