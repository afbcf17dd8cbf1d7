"""How a connector is, in a word and a sentence that says why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from apps.connectors.models import Connector

QUIET = dt.timedelta(days=7)
PATIENCE = dt.timedelta(hours=1)  # until a connector that never heard anything is worth a word


@dataclass(frozen=True, slots=True)
class Health:
    """needs_person: whether somebody should do something about it."""

    state: str
    words: str
    needs_person: bool = False


def span_words(span: dt.timedelta) -> str:
    """A length of time, roughly: 3 d, 5 h, 12 min."""
    seconds = max(0, int(span.total_seconds()))
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {word}"
    return f"{seconds} s"


def health(connector: Connector, now: dt.datetime, refused: int = 0) -> Health:
    """Its state and why. refused: how many requests without a right signature came lately.

    Asks for the subscriptions, so prefetch them for a list.
    """
    state = connector.state
    if state == "broken":
        return Health(state, "Its source is not installed any more.", True)
    if refused:
        many = "request was" if refused == 1 else "requests were"
        words = f"{refused:,} {many} refused lately: the secret at the source differs from the one here."
        return Health(state, words, True)
    if connector.paused:
        return Health(state, "Paused: its events are kept but make no cards.", True)
    if not connector.subscriptions.all():
        return Health(state, "It has no subscription, so its events go nowhere.", True)
    if connector.last_event_at is None:
        words = "Nothing has come yet. Check the URL and the secret at the source."
        return Health(state, words, now - connector.created_at > PATIENCE)
    since = now - connector.last_event_at
    if since > QUIET:
        return Health(state, f"Quiet for {span_words(since)}. Check the webhook at the source.", True)
    return Health(state, f"The last event came {span_words(since)} ago.")
