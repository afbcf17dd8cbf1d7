"""From a verified request to notifications: the one path that inbound, preview and tests share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from apps.cards.notification import Card, Notification
from apps.core.errors import AppError, PayloadError, UnsupportedEvent
from apps.sources.events import Ignore, RawEvent
from apps.sources.http import Http
from apps.sources.source import Context, Source, Understood

logger = logging.getLogger(__name__)
MAX_EVENTS = 1_000  # in one request; more than any vendor's documented batch


def parse(source: Source, http: Http, ctx: Context) -> list[RawEvent]:
    """The events in a request. Raises PayloadError and nothing else, whatever the source's code does."""
    try:
        events: list[RawEvent] = []
        for event in source.parse(http, ctx):
            events.append(event)
            if len(events) >= MAX_EVENTS:
                break
        return events
    except AppError as error:
        if isinstance(error, PayloadError):
            raise
        raise PayloadError(error.code, error.public_message) from error
    except Exception as error:
        raise _broken(source, "parse", error) from error


def understand(source: Source, event: RawEvent, ctx: Context) -> Understood:
    """What one event means. Never raises: every failure is one of the design's outcomes."""
    try:
        reason = source.events.ignore_reason(event.name)
        if reason is not None:
            return Understood(event, "ignored", reason=reason, code="known_noise")
        attributes = dict(source.attributes(event, ctx))
        reason = source.screen(event, ctx)
        if reason is not None:
            return Understood(event, "ignored", reason=reason, code="option", attributes=attributes)
        found = source.notify(event, ctx)
    except UnsupportedEvent as error:
        return Understood(event, "unsupported", reason=error.public_message, code=error.code)
    except AppError as error:
        return Understood(event, "malformed", reason=error.public_message, code=error.code)
    except Exception as error:
        problem = _broken(source, event.name, error)
        return Understood(event, "malformed", reason=problem.public_message, code=problem.code)
    if isinstance(found, (Notification, Card)):
        return Understood(event, "ok", found, attributes=attributes)
    reason = found.reason if isinstance(found, Ignore) else "There is nothing to tell about this event."
    return Understood(event, "ignored", reason=reason, code="nothing_to_tell", attributes=attributes)


def understand_all(source: Source, http: Http, ctx: Context) -> Iterator[Understood]:
    """Every event of a request. Raises PayloadError when the request itself cannot be read."""
    for event in parse(source, http, ctx):
        yield understand(source, event, ctx)


def _broken(source: Source, where: str, error: Exception) -> PayloadError:
    # A mistake in a source's code must cost one event, not the pipeline. The traceback names lines, no data.
    logger.error("source %s failed in %s: %s", source.slug, where, type(error).__name__, exc_info=error)
    return PayloadError(
        "source_failed",
        f"The {source.name} source could not read this event ({type(error).__name__}). "
        "Please report it with the payload.",
    )
