"""The writers of inbound requests: storing, samples, and replay (once more, on purpose)."""

from __future__ import annotations

import datetime as dt
import json
import zlib
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from django.db import connection, transaction
from django.utils import timezone

from apps.cards import adaptive
from apps.cards.notification import Card, Notification
from apps.channels.models import Channel
from apps.connectors import services as connectors
from apps.connectors.models import Connector, Subscription
from apps.core import tokens, wake
from apps.core.errors import Conflict, NotFound
from apps.core.rows import insert
from apps.core.tokens import new_id
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound import buttons, pipeline, understanding
from apps.inbound.models import Event, InboundRequest
from apps.sources.http import Headers, Http
from apps.sources.samples import CONTENT_TYPES, sample, samples
from apps.sources.source import Source
from apps.sources.understand import parse, understand
from apps.sources.verify import QueryToken, Scheme, SharedHeader

NEVER_STORED = frozenset({"authorization", "proxy-authorization", "cookie"})
MAX_HEADERS, MAX_HEADER = 100, 4_000


def store(connector: Connector, source: Source, scheme: Scheme, http: Http, now: dt.datetime) -> str:
    """Keep a verified request, without its credentials, and wake the cluster. Returns its public id.

    Raises DatabaseError when it cannot be stored; then the source must not be told that it was.
    """
    kept = source.redact(http)
    public_id = new_id()
    moment = connection.ops.adapt_datetimefield_value(now)
    values = {
        "public_id": public_id,
        "created_at": moment,
        "connector_id": connector.pk,
        "received_at": moment,
        "method": http.method[:10],
        "headers": json.dumps(_kept_headers(kept.headers, source)),
        "query": _kept_query(kept.query, scheme),
        "body": zlib.compress(kept.body, 1),
        "size": len(http.body),
        "status": InboundRequest.Status.RECEIVED.value,
        "error_code": "",
        "error_message": "",
        "failures": 0,
        "replay": 0,
    }
    insert(InboundRequest._meta.db_table, values)
    transaction.on_commit(lambda: wake.notify(deliveries.TOPIC))
    return public_id


def _kept_headers(headers: Headers, source: Source) -> dict[str, str]:
    """What may be stored: no credentials, and not more than a sane sender sends."""
    secret = {scheme.header.lower() for scheme in source.schemes if isinstance(scheme, SharedHeader)}
    kept = [(name, value) for name, value in headers.items() if name not in NEVER_STORED | secret]
    return {name[:200]: value[:MAX_HEADER].replace("\x00", "") for name, value in kept[:MAX_HEADERS]}


def _kept_query(query: str, scheme: Scheme) -> str:
    if not isinstance(scheme, QueryToken):
        return query.replace("\x00", "")
    pairs = [
        pair
        for pair in parse_qsl(query, keep_blank_values=True)
        if pair[0].lower() != scheme.parameter.lower()
    ]
    return urlencode(pairs)


def sample_request(connector: Connector, event: str = "") -> Http:
    """A shipped sample as the source would send it to this connector now, signed.

    event: a sample's or an event's name; "" takes the source's first sample.
    It carries a mark, so that sending the same sample twice makes two cards.
    Raises NotFound when the source ships no such sample, Conflict when the connector has no secret yet.
    """
    source = connector.source_object()
    found = sample(source, event) if event else next(samples(source), None)
    if found is None:
        raise NotFound(
            "no_sample", f"{source.name} ships no sample of “{event[:80]}”. See its list of events."
        )
    now = timezone.now()
    http = source.sample_http(found.event, found.body)
    headers = {"content-type": CONTENT_TYPES[found.kind], **http.headers}
    if found.kind != "json":
        headers["content-type"] = CONTENT_TYPES[found.kind]
    headers[understanding.SAMPLE_HEADER] = tokens.sign(connector.public_id, purpose="sample")
    return signed(connector, replace(http, headers=Headers(headers)), now)


def signed(connector: Connector, http: Http, now: dt.datetime) -> Http:
    """The request as the source would sign it for this connector now.

    Raises Conflict when the connector has no secret yet.
    """
    http = replace(http, url=connector.url, received_at=now)
    scheme = connectors.scheme_of(connector)
    if not scheme.needs_secret:
        return http
    secrets = connectors.live_secrets(connector, now)
    if not secrets:
        raise Conflict("no_secret", "The connector has no secret yet. Set one, then send the sample again.")
    return scheme.sign(http, secrets[0].value, now)


def run_sample(connector: Connector, event: str = "") -> InboundRequest:
    """Take in a shipped sample for real, as if the source had sent it. Raises as `sample_request` does."""
    http = sample_request(connector, event)
    source, scheme = connector.source_object(), connectors.scheme_of(connector)
    return InboundRequest.objects.get(public_id=store(connector, source, scheme, http, timezone.now()))


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


def card_of(event: Event, channels: Iterable[int] = ()) -> tuple[Card, str]:
    """The event's card as today's code makes it, and its thread key.

    channels: keys of the channels that it goes to; they are told what the card's buttons did.
    Raises ConfigurationError when the event makes no card, PayloadError when it can't be read any more.
    """
    row = event.request
    source = event.connector.source_object()
    http = understanding.http_of(row)
    ctx = connectors.context(event.connector, http.headers, row.received_at)
    found = parse(source, http, ctx)
    if event.index >= len(found):
        raise Conflict("event_gone", "The stored request has no such event any more.")
    calls = buttons.collector(event.connector)
    item = understand(source, found[event.index], replace(ctx, offer=calls.offer if channels else None))
    calls.save(channels, event.public_id)
    if item.notification is None:
        raise Conflict("no_card", item.reason or "This event makes no card.")
    if not isinstance(item.notification, Notification):
        return item.notification, ""
    card = adaptive.render(item.notification)
    card = buttons.add(card, item, source, event.connector, ctx, channels=channels, event=event.public_id)
    return card, item.notification.thread_key


@transaction.atomic
def replay_event(
    event: Event, channel: Channel | None = None, slow: deliveries.Slow | None = None
) -> list[Delivery]:
    """Send the event again: to the channels that its connector's subscriptions choose now, or to `channel`.

    Each replay has a number of its own, so it can be told from the first send. slow: of a replay in bulk.
    Raises ConfigurationError when there is nothing to send.
    """
    locked = (
        Event.objects.select_for_update().select_related("connector", "request__connector").get(pk=event.pk)
    )
    if channel is not None:
        wanted_channels = {channel.pk}
    else:
        matched = _still_matched(locked)
        wanted_channels = {subscription.channel_id for subscription in matched}
    card, thread = card_of(locked, wanted_channels)
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
        if slow is not None:
            slow.put(row)
        row.save()
        deliveries.nudge()
        return [row]
    pipeline.send(locked, card, matched, replay=locked.replays, thread_key=thread, slow=slow)
    return list(Delivery.objects.filter(event_key=locked.pk, replay=locked.replays))


def _still_matched(event: Event) -> list[Subscription]:
    """The subscriptions that wanted the event and still exist. Raises Conflict when there is none."""
    wanted = {entry["subscription"] for entry in event.trace if entry.get("matched")}
    matched = list(event.connector.subscriptions.filter(public_id__in=wanted).select_related("channel__team"))
    if not matched:
        raise Conflict(
            "no_subscription", "No subscription matches this event. Choose a channel to send it to."
        )
    return matched
