"""Which card goes next: a few statements for many channels at once, however much waits."""

from __future__ import annotations

import datetime as dt
import logging
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from apps.channels.models import Channel, WebhookURL
from apps.channels.pacing import Limits, Pacer
from apps.channels.services import BREAKER_SECONDS
from apps.core import rows
from apps.core.errors import ConfigurationError
from apps.deliveries.models import Attempt, Delivery

logger = logging.getLogger(__name__)
URLS_FRESH = 2.0  # seconds for which what is known of webhook URLs is used again
CHANNELS_FRESH = 0.25  # seconds between two looks at all channels while work is at hand
LONGEST_BREAKER = dt.timedelta(seconds=BREAKER_SECONDS + 5)
MOST_AN_HOUR = (
    5_000  # posts of a webhook URL whose last hour is read; a higher limit is paced by the shorter ones
)


# All but what is encrypted.
_WAY_COLUMNS = (
    "id, channel_id, kind, fingerprint, per_second, per_half_minute, per_minute, per_hour, breaker_open_until, "
    "blocked_until"
)


@dataclass(frozen=True, slots=True)
class Way:
    """One webhook URL of a channel, as the sender needs it.

    breaker_open_until: nothing goes this way before then, because it fails or has asked for a rest.
    """

    id: int
    url: str
    limits: Limits
    breaker_open_until: dt.datetime | None
    keys: tuple[str, ...] = ()  # of an endpoint: what its messages are signed with


@dataclass(frozen=True, slots=True)
class Due:
    """The oldest due card of a channel."""

    delivery_id: int
    channel_id: int
    attempts_made: int
    card: str
    public_id: str
    event: str
    summary: str
    via: int | None = None  # the webhook URL that was asked for


class Ways:
    """The usable webhook URLs of channels, in their order; read again every two seconds or when told.

    pacer: is told what an earlier sender posted, because the limits do not begin anew with each sender.
    """

    def __init__(self, pacer: Pacer | None = None) -> None:
        self._known: dict[int, tuple[float, list[Way]]] = {}
        self._urls: dict[tuple[int, str], str] = {}
        self._pacer = pacer
        self._remembered: set[int] = set()

    def forget(self, channel_id: int) -> None:
        """Something about the channel's URLs has changed."""
        self._known.pop(channel_id, None)

    def by(self, channel_id: int, way_id: int | None) -> Way | None:
        """The way of that id, even while it rests; None when it is off or none of the channel's."""
        found = (way for way in self._known.get(channel_id, (0.0, []))[1] if way.id == way_id)
        return next(found, None)

    def of(self, channel_ids: Collection[int], clock: float) -> dict[int, list[Way]]:
        """The ways of each channel. clock: monotonic seconds."""
        wanted = [
            each
            for each in channel_ids
            if each not in self._known or clock - self._known[each][0] > URLS_FRESH
        ]
        if wanted:
            self._read(wanted, clock)
        return {each: self._known[each][1] for each in channel_ids}

    def _read(self, channel_ids: list[int], clock: float) -> None:
        found: dict[int, list[Way]] = {each: [] for each in channel_ids}
        now = timezone.now()
        # Decrypting costs more than the query, and a fingerprint stands for one URL. Secrets of endpoints may change.
        bare = rows.read(
            WebhookURL,
            f"WHERE channel_id IN ({rows.marks(channel_ids)}) AND state IN (%s, %s) ORDER BY priority, id",
            [*channel_ids, WebhookURL.State.OK.value, WebhookURL.State.FAILING.value],
            _WAY_COLUMNS,
        )
        whole = self._whole(
            [
                row.pk
                for row in bare
                if (row.pk, row.fingerprint) not in self._urls or row.kind == WebhookURL.Kind.ENDPOINT
            ]
        )
        for row in bare:
            url = self._urls.get((row.pk, row.fingerprint))
            is_endpoint = row.kind == WebhookURL.Kind.ENDPOINT
            if url is None or (is_endpoint and row.pk not in whole):
                continue
            limits = Limits(row.per_second, row.per_half_minute, row.per_minute, row.per_hour)
            breaker = row.breaker_open_until
            if breaker is not None and breaker > now + LONGEST_BREAKER:
                breaker = None  # it never opens for so long: the clock was set back since
            rests = [each for each in (breaker, row.blocked_until) if each is not None]
            keys = whole[row.pk].keys(now) if is_endpoint else ()
            found[row.channel_id].append(Way(row.pk, url, limits, max(rests, default=None), keys))
        self._remember([way for ways in found.values() for way in ways], now, clock)
        for each, ways in found.items():
            self._known[each] = (clock, ways)
        if len(self._known) > 20_000:
            self._known.clear()
            self._known.update({each: (clock, ways) for each, ways in found.items()})

    def _whole(self, ids: list[int]) -> dict[int, WebhookURL]:
        """These rows with what is encrypted in them; their URLs are remembered."""
        if not ids:
            return {}
        if len(self._urls) > 20_000:
            self._urls.clear()
        try:
            whole = WebhookURL.objects.in_bulk(ids)
        except ConfigurationError as error:
            if len(ids) == 1:
                # Encrypted with a key that is not there. Its own cards wait, those of others must not.
                logger.error("webhook URL %s cannot be used: %s", ids[0], error.code)
                return {}
            return {key: row for each in ids for key, row in self._whole([each]).items()}
        for row in whole.values():
            self._urls[(row.pk, row.fingerprint)] = row.url
        return whole

    def _remember(self, ways: list[Way], now: dt.datetime, clock: float) -> None:
        """Tell the pacer about earlier posts, once for each webhook URL."""
        fresh = [way for way in ways if way.id not in self._remembered]
        if self._pacer is None or not fresh:
            return
        self._remembered.update(way.id for way in fresh)
        limits = {way.id: way.limits for way in fresh if way.limits.sustained}
        hourly = [key for key, each in limits.items() if 0 < each.per_hour <= MOST_AN_HOUR]
        others = [key for key in limits if key not in set(hourly)]
        for keys, seconds in ((hourly, 3600), (others, 60)):
            moments: dict[int, list[float]] = {}
            since = now - dt.timedelta(seconds=seconds)
            earlier = Attempt.objects.filter(webhook_url__in=keys, at__gt=since).order_by()
            for key, at in earlier.values_list("webhook_url_id", "at") if keys else ():
                if key is not None:
                    moments.setdefault(key, []).append(clock - (now - at).total_seconds())
            for key, found in moments.items():
                self._pacer.remember(key, limits[key], found)


class Channels:
    """The channels that have something due, each served in turn."""

    def __init__(self) -> None:
        self._queue: deque[int] = deque()
        self._inside: set[int] = set()
        self._looked = -1e9

    def put(self, channel_id: int) -> None:
        """The channel may have more."""
        if channel_id not in self._inside:
            self._inside.add(channel_id)
            self._queue.append(channel_id)

    def take(self, count: int, skip: Collection[int], now: dt.datetime, clock: float) -> list[int]:
        """Up to `count` channels that are not in `skip`; the database is asked when none is at hand."""
        if not self._queue or clock - self._looked > CHANNELS_FRESH:
            self._looked = clock
            self._look(now)
        taken: list[int] = []
        for _ in range(len(self._queue)):
            if len(taken) >= count:
                break
            channel_id = self._queue.popleft()
            self._inside.discard(channel_id)
            if channel_id not in skip:
                taken.append(channel_id)
        return taken

    def _look(self, now: dt.datetime) -> None:
        for row in _rows(_DUE_CHANNELS, [_moment(now)]):
            self.put(row[0])


# Plain SQL, because these run many times a second; the partial index on what is pending serves both.
_DUE_CHANNELS = f"""
SELECT c.id FROM {Channel._meta.db_table} c WHERE NOT c.paused AND EXISTS (
  SELECT 1 FROM {Delivery._meta.db_table} d WHERE d.channel_id = c.id AND d.status = 'pending' AND d.due_at <= %s)
ORDER BY c.id"""  # noqa: S608 - our own table names
_OLDEST = f"""
SELECT d.id, d.channel_id, d.attempts_made, d.card, d.public_id, d.event_public_id, d.summary, d.webhook_url_id
FROM {Delivery._meta.db_table} d WHERE d.id IN (
  SELECT (SELECT e.id FROM {Delivery._meta.db_table} e
          WHERE e.channel_id = c.id AND e.status = 'pending' AND e.due_at <= %s ORDER BY e.lane, e.id LIMIT 1)
  FROM {Channel._meta.db_table} c WHERE c.id IN (MARKS) AND NOT c.paused)"""  # noqa: S608


def _rows(sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _moment(now: dt.datetime) -> object:
    return connection.ops.adapt_datetimefield_value(now)


def oldest_due(channel_ids: Iterable[int], now: dt.datetime) -> list[Due]:
    """The oldest due card of each of the channels, live ones first; paused channels have none."""
    keys = list(channel_ids)
    if not keys:
        return []
    marks = ", ".join(["%s"] * len(keys))
    return [Due(*row) for row in _rows(_OLDEST.replace("MARKS", marks), [_moment(now), *keys])]
