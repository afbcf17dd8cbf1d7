"""What a request would become under settings that nobody has saved yet: nothing is stored, nothing is sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from apps.cards import adaptive, limits
from apps.cards.lint import lint
from apps.cards.notification import Card, Notification
from apps.connectors import options, services
from apps.connectors.matching import Rules, Verdict, decide
from apps.connectors.models import Connector, Subscription
from apps.core.errors import AppError
from apps.inbound import saved, understanding
from apps.inbound.models import Event, SavedSample
from apps.sources.events import RawEvent
from apps.sources.http import Http
from apps.sources.source import Context, Source, Understood
from apps.sources.understand import parse, understand


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings to try: a connector's options, and the rules of its subscriptions by label.

    rules: empty when only the card is of interest.
    """

    options: Mapping[str, object] = field(default_factory=dict)
    rules: tuple[tuple[str, Rules], ...] = ()
    paused: bool = False

    def switched_on(self) -> Proposal:
        """The same without what is only a state of today: paused, off, muted."""
        rules = tuple((label, replace(each, enabled=True, muted_until=None)) for label, each in self.rules)
        return replace(self, rules=rules, paused=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """What one event would become."""

    item: Understood
    card: Card | None
    verdicts: tuple[tuple[str, Verdict], ...]
    paused: bool = False

    @property
    def cards(self) -> int:
        """How many subscriptions would send it."""
        return 0 if self.paused else sum(verdict.matched for _, verdict in self.verdicts)

    @property
    def why_not(self) -> tuple[str, str]:
        """The rule that drops it and the words for it; ("", "") when it would be sent."""
        if self.card is None:
            return self.item.outcome, self.item.reason or "This event makes no card."
        if self.paused:
            return "paused", "The connector is paused."
        if self.cards:
            return "", ""
        if not self.verdicts:
            return "subscription", "The connector has no subscription yet."
        step = self.verdicts[0][1].decider
        return (step.rule, step.detail) if step else ("", "")

    @property
    def words(self) -> str:
        """The verdict as one sentence."""
        rule, detail = self.why_not
        if self.cards:
            several = f" as {self.cards} cards" if self.cards > 1 else ""
            return f"This event would be sent{several}: every rule lets it pass."
        if self.card is None:
            return f"This event would make no card ({self.item.outcome}): {detail}"
        if len(self.verdicts) > 1:
            return "This event would be dropped: no subscription wants it."
        return f"This event would be dropped because of “{rule}”: {detail}"


def current(connector: Connector) -> Proposal:
    """The connector's settings as they are saved."""
    rows = connector.subscriptions.select_related("channel__team")
    rules = tuple((str(row.channel), services.rules(row)) for row in rows)
    return Proposal(connector.options, rules, connector.paused)


def of_subscription(row: Subscription) -> Proposal:
    """One subscription's settings, with the options of its connector."""
    label = str(row.channel) if row.channel_id else "This subscription"
    return Proposal(row.connector.options, ((label, services.rules(row)),), row.connector.paused)


def context(source: Source, proposal: Proposal, http: Http, now: dt.datetime) -> Context:
    """What the source would know."""
    values = {**options.defaults(source), **proposal.options}
    return Context(options=values, now=now, headers=http.headers)


def card_of(told: Notification | Card) -> Card:
    """The card that the pipeline would make of it."""
    return told if isinstance(told, Card) else adaptive.render(told)


def attempt(
    source: Source, raw: RawEvent, ctx: Context, proposal: Proposal, now: dt.datetime, *, every: bool = False
) -> Trial:
    """Try one event. every: judge all rules, not only up to the one that drops it."""
    item = understand(source, raw, ctx)
    if item.outcome != "ok" or item.notification is None:
        return Trial(item, None, (), proposal.paused)
    return judge(source, item, card_of(item.notification), proposal, now, every=every)


def judge(
    source: Source, item: Understood, card: Card, proposal: Proposal, now: dt.datetime, *, every: bool = False
) -> Trial:
    """What the proposal's rules say of a card."""
    raw, defaults = item.event, source.events.defaults()
    verdicts = tuple(
        (
            label,
            decide(
                rules, raw.name, defaults, item.attributes, card.severity, raw.payload.raw, now, every=every
            ),
        )
        for label, rules in proposal.rules
    )
    return Trial(item, card, verdicts, proposal.paused)


@dataclass(frozen=True, slots=True)
class Material:
    """A request to try, and which of its events."""

    http: Http
    index: int = 0
    at: dt.datetime | None = None


def stored(event: Event) -> Material:
    """A stored event, as it came in."""
    return Material(understanding.http_of(event.request), event.index, event.request.received_at)


def kept(sample: SavedSample) -> Material:
    """A saved sample."""
    return Material(saved.http_of(sample))


def run(source: Source, material: Material, proposal: Proposal, now: dt.datetime) -> Trial | AppError:
    """Try the material, all rules judged; the error when the request cannot be read."""
    ctx = context(source, proposal, material.http, material.at or now)
    try:
        found = parse(source, material.http, ctx)
    except AppError as error:
        return error
    if material.index >= len(found):
        return AppError("event_gone", "There is no event in this request.")
    return attempt(source, found[material.index], ctx, proposal, now, every=True)


def drawn(card: Card) -> dict[str, Any]:
    """A card with all that a preview shows of it."""
    return {
        "card": card.content,
        "summary": card.summary,
        "bytes": limits.size(card.content),
        "budget": limits.BUDGET,
        "lint": [each.as_json() for each in lint(card.content)],
        "warnings": list(card.warnings),
    }


def verdicts(trial: Trial) -> list[dict[str, Any]]:
    """Each subscription's verdict with all its rules."""
    return [
        {
            "channel": label,
            "matched": verdict.matched,
            "words": verdict.words,
            "steps": [step.as_json() for step in verdict.steps],
        }
        for label, verdict in trial.verdicts
    ]
