"""Stored events run through settings that are not saved yet: what would be sent, dropped, or look different.

A backtest is cut into slices, newest events first, each bounded in events and in time, so that it can run
inside web requests without holding one of them for long. `Report.cursor` says where the next one begins.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from apps.cards import limits
from apps.cards.lint import lint
from apps.cards.notification import Card
from apps.connectors import options
from apps.connectors.models import Connector
from apps.core.errors import AppError, ConfigurationError
from apps.inbound import understanding
from apps.inbound.models import Event, InboundRequest
from apps.inbound.trials import Proposal, Trial, attempt, context, judge
from apps.sources.events import RawEvent
from apps.sources.source import Context, Source
from apps.sources.understand import parse

MOST_EVENTS, MOST_DAYS = 2_000, 90
DAYS, EVENTS = 7, 500  # when nobody says otherwise
LISTED, PAIRS = 25, 6  # events and pairs of cards that one report names
SLICE, SECONDS = 400, 0.8  # of one step in a page
BATCH = 50  # rows read at a time


@dataclass(slots=True)
class Report:
    """What a slice found. Numbers add up over slices; lists hold the first few."""

    checked: int = 0
    sent: int = 0
    sent_before: int = 0
    unreadable: int = 0
    added: list[dict[str, Any]] = field(default_factory=list)
    removed: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    days: dict[str, list[int]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    biggest: int = 0
    cursor: int = 0  # where the next slice begins; 0 when all is done

    def as_json(self) -> dict[str, Any]:
        """The form in which pages and programs get it; days run from old to new."""
        return {
            "checked": self.checked,
            "sent": self.sent,
            "dropped": self.checked - self.sent,
            "sent_before": self.sent_before,
            "newly_sent": self.counts["added"],
            "newly_dropped": self.counts["removed"],
            "changed": self.counts["changed"],
            "unreadable": self.unreadable,
            "added_events": self.added,
            "removed_events": self.removed,
            "changed_cards": self.changed,
            "days": [
                {"day": day, "events": row[0], "sent": row[1], "sent_before": row[2]}
                for day, row in sorted(self.days.items())
            ],
            "reasons": [{"rule": rule, "events": count} for rule, count in self.reasons.most_common(12)],
            "problems": [{"problem": text, "cards": count} for text, count in self.problems.most_common(12)],
            "biggest": self.biggest,
            "budget": limits.BUDGET,
            "cursor": str(self.cursor) if self.cursor else None,
        }


def bounded(name: str, value: object, most: int) -> int:
    """How many days or events to look at. Raises ConfigurationError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ConfigurationError("bad_backtest", f"“{name}” is a number from 1 to {most:,}.")
    return value


def events_of(connector: Connector, since: dt.datetime) -> QuerySet[Event]:
    """The events that a backtest looks at: each happening once, newest first."""
    rows = Event.objects.filter(connector=connector, received_at__gte=since)
    return rows.exclude(outcome=Event.Outcome.DUPLICATE).order_by("-id")


def total(connector: Connector, since: dt.datetime, limit: int) -> int:
    """How many events a backtest would look at."""
    return events_of(connector, since)[:limit].count()


def run(
    connector: Connector,
    new: Proposal,
    old: Proposal | None,
    now: dt.datetime,
    *,
    days: int = DAYS,
    limit: int = SLICE,
    before: int = 0,
    seconds: float = SECONDS,
) -> Report:
    """Try the newest events (older than `before`, a cursor) under the new settings and the old ones.

    old: what is saved; None for a subscription that is being made. At least one event is tried, then as many
    as `limit` and `seconds` allow. Raises NotFound when the source is not installed.
    """
    report, source = Report(), connector.source_object()
    new, old = new.switched_on(), old.switched_on() if old is not None else None
    stop = time.monotonic() + seconds
    same_options = old is not None and dict(old.options) == dict(new.options)
    for row, raw, row_ctx in _tried(connector, source, new, now, days, limit, before):
        if raw is None or row_ctx is None:
            report.unreadable += 1
            _note(report, row, None, None)
        else:
            made = attempt(source, raw, row_ctx, new, now)
            past: Trial | None = None
            if old is not None:
                if same_options:  # then it is the same card, and only the rules differ
                    past = judge(source, made.item, made.card, old, now) if made.card else made
                else:
                    past = attempt(source, raw, _with(row_ctx, source, old), old, now)
            _note(report, row, made, past)
        report.cursor = row.pk
        if time.monotonic() > stop:
            return report
    if report.checked < limit:
        report.cursor = 0  # there is nothing older
    return report


def _with(ctx: Context, source: Source, proposal: Proposal) -> Context:
    return Context(options={**options.defaults(source), **proposal.options}, now=ctx.now, headers=ctx.headers)


def _tried(
    connector: Connector, source: Source, new: Proposal, now: dt.datetime, days: int, limit: int, before: int
) -> Iterator[tuple[Event, RawEvent | None, Context | None]]:
    """Each event with what the source finds in its request; None when that cannot be read any more."""
    since = now - dt.timedelta(days=days)
    request_key, found, ctx = 0, list[RawEvent](), None
    left = limit
    while left > 0:
        rows = events_of(connector, since)
        if before:
            rows = rows.filter(pk__lt=before)
        batch = list(rows[: min(BATCH, left)])
        for row in batch:
            if row.request_id != request_key:
                request_key = row.request_id
                found, ctx = _read(connector, source, new, row.request_id)
            yield row, found[row.index] if row.index < len(found) else None, ctx
        left -= len(batch)
        if len(batch) < BATCH:
            return
        before = batch[-1].pk


def _read(
    connector: Connector, source: Source, new: Proposal, key: int
) -> tuple[list[RawEvent], Context | None]:
    # One body at a time: each may have many megabytes.
    request = InboundRequest.objects.filter(pk=key).first()
    if request is None:
        return [], None
    request.connector = connector
    http = understanding.http_of(request)
    ctx = context(source, new, http, request.received_at)
    try:
        return parse(source, http, ctx), ctx
    except AppError:
        return [], None


def _note(report: Report, row: Event, made: Trial | None, past: Trial | None) -> None:
    report.checked += 1
    now_sent, was_sent = bool(made and made.cards), bool(past and past.cards)
    day = report.days.setdefault(row.received_at.date().isoformat(), [0, 0, 0])
    day[0] += 1
    day[1] += made.cards if made else 0
    day[2] += past.cards if past else 0
    report.sent += now_sent
    report.sent_before += was_sent
    if made is None:
        report.reasons["unreadable: the stored request cannot be read any more"] += 1
        return
    rule, detail = made.why_not
    if not now_sent:
        report.reasons[_reason(rule, detail)] += 1
    elif made.card is not None:
        _measure(report, made.card)
    if past is None:
        return
    if now_sent and not was_sent:
        _list(report, "added", report.added, row, past.why_not[1])
    elif was_sent and not now_sent:
        _list(report, "removed", report.removed, row, detail)
    elif now_sent and made.card and past.card and made.card.content != past.card.content:
        report.counts["changed"] += 1
        if len(report.changed) < PAIRS:
            pair = {"before": past.card.content, "after": made.card.content}
            report.changed.append({**_named(row), **pair})


def _reason(rule: str, detail: str) -> str:
    """The rule with its condition, without the value of one event, so that equal reasons add up."""
    if rule.startswith("filter"):
        return f"{rule}: {detail.rsplit(': it is ', 1)[0]}"
    return rule if rule == "events" else f"{rule}: {detail}"


def _measure(report: Report, card: Card) -> None:
    report.biggest = max(report.biggest, limits.size(card.content))
    for text in {each.message for each in lint(card.content)} | set(card.warnings):
        report.problems[text] += 1


def _list(report: Report, name: str, rows: list[dict[str, Any]], row: Event, why: str) -> None:
    report.counts[name] += 1
    if len(rows) < LISTED:
        rows.append({**_named(row), "why": why})


def _named(row: Event) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "type": row.type,
        "title": row.title or row.type,
        "received_at": row.received_at.isoformat(),
    }
