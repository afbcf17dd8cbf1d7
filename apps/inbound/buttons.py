"""The buttons of an event's card: which its source offers, as signed links that one connector's people may use."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from django.conf import settings

from apps.actions import links
from apps.actions.calls import Collector, to_spec
from apps.cards import adaptive
from apps.cards.messagecard import RemoteAction
from apps.cards.notification import Card, Notification
from apps.connectors.models import Connector
from apps.sources.source import Context, Source, Understood

logger = logging.getLogger(__name__)
MOST = 4  # beside “Open”; a phone shows six buttons, one below the other


def collector(connector: Connector) -> Collector:
    """Takes the acting buttons of a sender's own card; see `apps.actions.calls`."""

    def url(call: str) -> str:
        return links.make(links.Link(connector.public_id, f"{links.CALL}{call}"))

    return Collector(connector, url)


def example(wanted: RemoteAction) -> str | None:
    """Where a preview's buttons lead: they look right and do nothing."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/act/preview" if to_spec(wanted) else None


def add(
    card: Card,
    item: Understood,
    source: Source,
    connector: Connector,
    ctx: Context,
    *,
    channels: Iterable[int],
    event: str,
) -> Card:
    """The card with the buttons that its source offers, or the card itself when there are none.

    A mistake in a source's rule costs the buttons, not the card.
    """
    told = item.notification
    if not isinstance(told, Notification) or not len(source.actions):
        return card
    make = links.maker(connector, channels=channels, event=event)
    if make is None:
        return card
    try:
        offered = source.actions.offers(item.event, ctx)
    except Exception as error:
        logger.error("source %s failed in offers: %s", source.slug, type(error).__name__, exc_info=error)
        return card
    if not offered:
        return card
    return adaptive.render(replace(told, actions=offered[:MOST]), action_url=make)
