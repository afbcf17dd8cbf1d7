"""How each thing looks to a program. Secrets and webhook URLs never appear."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.utils import timezone

from apps.channels.etiquette import FOREVER
from apps.channels.models import Channel, WebhookURL
from apps.commands.models import CommandEndpoint
from apps.connectors.models import Connector, Subscription
from apps.connectors.rotation import Rotation
from apps.deliveries.models import Delivery
from apps.inbound import replays
from apps.inbound.models import Event, InboundRequest, Replay
from apps.sources.source import Source


def source(row: Source) -> dict[str, Any]:
    """A source with its events and options."""
    return {
        "slug": row.slug,
        "name": row.name,
        "category": row.category,
        "summary": row.summary,
        "docs_url": row.docs_url,
        "schemes": [
            {"key": each.key, "label": each.label, "strength": each.strength, "secret": each.needs_secret}
            for each in row.schemes
        ],
        "options": [
            {"key": each.key, "kind": each.kind, "label": each.label, "help": each.help, "default": each.default,
             "choices": [list(choice) for choice in each.choices], "required": each.required}
            for each in row.options
        ],
        "events": [
            {"name": each.name, "group": each.group, "label": each.label, "default": each.default} for each in row.events
        ],
        "actions": [each.name for each in row.actions],
        "action_details": [
            {"name": each.name, "label": each.label, "example": each.example, "destructive": each.destructive,
             "fields": [
                 {"key": field.key, "label": field.label, "kind": field.kind, "required": field.required,
                  "choices": [list(choice) for choice in field.choices]}
                 for field in each.fields
             ]}
            for each in row.actions
        ],
        "accounts": [
            {"kind": each.key, "label": each.label, "help": each.help,
             "fields": [
                 {"key": field.key, "label": field.label, "help": field.help, "secret": field.secret,
                  "required": field.required}
                 for field in each.fields
             ]}
            for each in row.account_kinds
        ],
    }  # fmt: skip


def channel(row: Channel) -> dict[str, Any]:
    """A channel with its webhook URLs."""
    urls = [webhook_url(each) for each in row.webhook_urls.all()]
    return {
        "id": row.public_id,
        "name": row.name,
        "team": row.team.name,
        "paused": row.paused,
        "state": row.state,
        "state_reason": row.state_words,
        "muted_until": muted(row.muted_until),
        "time_zone": row.time_zone,
        "stale_after": row.stale_after,
        "urgent_severity": row.urgent_severity,
        "quiet_hours": quiet_hours(row),
        "budget_per_hour": row.budget_per_hour,
        "keep_alive": row.keep_alive,
        "keep_alive_days": row.keep_alive_days,
        "webhook_urls": urls,
    }


def muted(until: dt.datetime | None) -> dt.datetime | str | None:
    """When a mute ends: a time, “forever”, or None when it is not muted."""
    if until is None or until <= timezone.now():
        return None
    return "forever" if until >= FOREVER else until


def quiet_hours(row: Channel) -> dict[str, Any] | None:
    """The quiet hours of a channel, None when it has none."""
    if row.quiet is None:
        return None
    return {
        "start": f"{row.quiet_start:%H:%M}" if row.quiet_start else None,
        "end": f"{row.quiet_end:%H:%M}" if row.quiet_end else None,
        "days": row.quiet_days,
        "whole_days": row.quiet_whole_days,
        "then": row.quiet_then,
        "until": row.quiet_until(timezone.now()),
    }


def webhook_url(row: WebhookURL) -> dict[str, Any]:
    """A webhook URL without the URL."""
    return {
        "id": row.public_id,
        "channel": row.channel.public_id,
        "host": row.host,
        "fingerprint": row.fingerprint,
        "kind": row.kind,
        "priority": row.priority,
        "state": row.state,
        "state_reason": row.state_reason,
        "per_second": row.per_second,
        "per_half_minute": row.per_half_minute,
        "per_minute": row.per_minute,
        "per_hour": row.per_hour,
        "last_accepted_at": row.last_accepted_at,
        "last_failed_at": row.last_failed_at,
    }


def connector(row: Connector) -> dict[str, Any]:
    """A connector; its secret is shown only in the answer that made it."""
    return {
        "id": row.public_id,
        "name": row.name,
        "source": row.source,
        "scheme": row.scheme,
        "options": row.options,
        "url": row.url,
        "paused": row.paused,
        "state": row.state,
        "account": row.account.public_id if row.account else None,
        "action_policy": row.action_policy,
    }


def rotation(found: Rotation) -> dict[str, Any]:
    """New secrets, shown only in this answer."""
    return {
        "rotated": [
            {
                "id": each.connector.public_id,
                "name": each.connector.name,
                "secret": each.secret,
                "hooks": each.hooks,
            }
            for each in found.turned
        ],
        "skipped": [
            {"id": row.public_id, "name": row.name, "reason": reason} for row, reason in found.skipped
        ],
    }


def subscription(row: Subscription) -> dict[str, Any]:
    """A subscription."""
    return {
        "id": row.public_id,
        "connector": row.connector.public_id,
        "channel": row.channel.public_id,
        "events": row.events,
        "filters": row.filters,
        "enabled": row.enabled,
        "muted_until": muted(row.muted_until),
    }


def request(row: InboundRequest) -> dict[str, Any]:
    """An inbound request without its body."""
    error = {"code": row.error_code, "detail": row.error_message} if row.error_code else None
    return {
        "id": row.public_id,
        "connector": row.connector.public_id,
        "received_at": row.received_at,
        "status": row.status,
        "error": error,
        "size": row.size,
    }


def event(row: Event, deliveries: list[str]) -> dict[str, Any]:
    """An event with its trace."""
    return {
        "id": row.public_id,
        "connector": row.connector.public_id,
        "request": row.request.public_id,
        "type": row.type,
        "title": row.title,
        "outcome": row.outcome,
        "reason": row.reason,
        "received_at": row.received_at,
        "trace": row.trace,
        "deliveries": deliveries,
    }


def delivery(row: Delivery) -> dict[str, Any]:
    """A delivery with its attempts and the card as it is sent."""
    pending = row.status == Delivery.Status.PENDING
    return {
        "id": row.public_id,
        "event": row.event_public_id or None,
        "channel": row.channel.public_id,
        "status": row.status,
        "origin": row.origin,
        "replay": row.replay,
        "error": {"code": row.error_code, "detail": row.error_message} if row.error_code else None,
        "next_attempt_at": row.due_at if pending else None,
        "attempts": [
            {"number": each.number, "at": each.at, "status": each.status, "elapsed_ms": each.elapsed_ms,
             "code": each.code, "message": each.message, "ambiguous": each.ambiguous,
             "webhook_url": each.webhook_url.public_id if each.webhook_url else None}
            for each in row.attempts.all()
        ],
        "card": json.loads(row.card),
    }  # fmt: skip


def replay(row: Replay) -> dict[str, Any]:
    """A replay with how far it is: rows taken up, and what became of their cards."""
    return {
        "id": row.public_id,
        "kind": row.kind,
        "filters": row.filters,
        "channel": row.channel.public_id if row.channel else None,
        "status": row.status,
        "total": row.total,
        "done": row.done,
        "skipped": row.skipped,
        "cards": replays.results([row])[row.pk],
        "created_at": row.created_at,
    }


def command_endpoint(row: CommandEndpoint) -> dict[str, Any]:
    """A command endpoint without its token."""
    return {
        "id": row.public_id,
        "name": row.name,
        "team": row.team.name,
        "channel": row.channel.public_id if row.channel else None,
        "url": row.url,
        "paused": row.paused,
        "state": row.state,
    }
