"""Rules tried on stored events: counts, differences, changed cards, slices; nothing is stored or sent."""

from __future__ import annotations

import datetime as dt
import json
import zlib
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.connectors.matching import Rules
from apps.connectors.models import Connector
from apps.core.errors import ConfigurationError, Conflict
from apps.deliveries.models import Delivery
from apps.inbound import backtest, pipeline, saved, services, trials
from apps.inbound.models import Event, InboundRequest
from apps.inbound.trials import Proposal
from apps.sources.http import Headers, Http

pytestmark = pytest.mark.django_db


@pytest.fixture
def connector() -> Connector:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    made, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(made, channel, events=["*"])
    return made


def take_in(connector: Connector, title: str, sender: str = "ada", **more: Any) -> InboundRequest:
    """A webhook about an issue, stored and processed as the real path does it."""
    body = {
        "action": "opened",
        "issue": {"number": 3, "title": title, "html_url": "https://git.example/octo/hello/issues/3", "body": "Text."},
        "repository": {"full_name": "octo/hello", "html_url": "https://git.example/octo/hello", "private": False},
        "sender": {"login": sender, "type": "Bot" if sender.endswith("[bot]") else "User"},
        **more,
    }  # fmt: skip
    headers = {
        "x-github-event": "issues",
        "content-type": "application/json",
        "x-hub-signature-256": "sha256=hush",
    }
    http = Http(headers=Headers(headers), body=json.dumps(body).encode())
    source, scheme = connector.source_object(), connectors.scheme_of(connector)
    public_id = services.store(connector, source, scheme, http, timezone.now())
    pipeline.process_batch()
    return InboundRequest.objects.get(public_id=public_id)


def changed(connector: Connector, *filters: dict[str, Any], **options: Any) -> tuple[Proposal, Proposal]:
    old = trials.current(connector)
    (label, rules), *_ = old.rules
    new = replace(old, rules=((label, replace(rules, filters=filters)),), options={**old.options, **options})
    return new, old


def test_it_counts_what_would_be_sent_and_what_differs(connector: Connector) -> None:
    for sender in ("ada", "ada", "renovate[bot]"):
        take_in(connector, "The door squeaks", sender)
    new, old = changed(connector, {"field": "bot", "op": "is_not", "value": "true"})
    before = (Event.objects.count(), Delivery.objects.count())
    found = backtest.run(connector, new, old, timezone.now()).as_json()
    assert (found["checked"], found["sent"], found["dropped"]) == (3, 2, 1)
    assert (found["newly_dropped"], found["newly_sent"], found["changed"]) == (1, 0, 0)
    assert found["removed_events"][0]["why"] == "bot is not true: it is true."
    assert found["reasons"] == [{"rule": "filter 1: bot is not true", "events": 1}]
    assert [(day["events"], day["sent"], day["sent_before"]) for day in found["days"]] == [(3, 2, 3)]
    assert 0 < found["biggest"] < found["budget"]
    assert found["cursor"] is None
    assert (Event.objects.count(), Delivery.objects.count()) == before


def test_options_change_cards_side_by_side_and_drop_events(connector: Connector) -> None:
    take_in(connector, "One", "renovate[bot]")
    new, old = changed(connector, ignore_bots=True)
    found = backtest.run(connector, new, old, timezone.now()).as_json()
    assert found["newly_dropped"] == 1
    assert found["reasons"] == [{"rule": "ignored: Bots are ignored.", "events": 1}]


def test_a_new_subscription_has_nothing_to_be_compared_with(connector: Connector) -> None:
    take_in(connector, "One")
    new = Proposal(rules=(("Here", Rules(events=("push",))),))
    found = backtest.run(connector, new, None, timezone.now()).as_json()
    assert (found["sent"], found["dropped"], found["newly_dropped"]) == (0, 1, 0)
    assert found["reasons"] == [{"rule": "events", "events": 1}]


def test_being_paused_off_or_muted_is_left_aside(connector: Connector) -> None:
    take_in(connector, "One")
    later = timezone.now() + dt.timedelta(days=1)
    new = Proposal(rules=(("Here", Rules(events=("*",), enabled=False, muted_until=later)),), paused=True)
    assert backtest.run(connector, new, None, timezone.now()).sent == 1


def test_slices_add_up_to_the_whole(connector: Connector) -> None:
    for number in range(7):
        take_in(connector, f"Door {number}")
    new, old = changed(connector)
    whole = backtest.run(connector, new, old, timezone.now())
    seen, cursor = 0, 0
    for _ in range(20):
        part = backtest.run(connector, new, old, timezone.now(), limit=3, before=cursor)
        seen, cursor = seen + part.checked, part.cursor
        if not cursor:
            break
    assert (seen, cursor) == (whole.checked, 0) == (7, 0)
    hurried = backtest.run(connector, new, old, timezone.now(), seconds=0)
    assert hurried.checked == 1  # it gets on, however little time there is
    assert hurried.cursor > 0


def test_duplicates_old_events_and_lost_bodies_are_treated_as_such(connector: Connector) -> None:
    row = take_in(connector, "One")
    other = take_in(connector, "Two")
    InboundRequest.objects.filter(pk=other.pk).update(body=zlib.compress(b"not json"))
    old_event = row.events.get()
    Event.objects.filter(pk=old_event.pk).update(received_at=timezone.now() - dt.timedelta(days=40))
    new, old = changed(connector)
    found = backtest.run(connector, new, old, timezone.now(), days=7)
    assert (found.checked, found.unreadable) == (1, 1)
    assert backtest.total(connector, timezone.now() - dt.timedelta(days=90), 100) == 2
    assert backtest.run(connector, new, old, timezone.now(), days=90).checked == 2
    Event.objects.update(outcome="duplicate")
    assert backtest.run(connector, new, old, timezone.now(), days=90).checked == 0


@pytest.mark.parametrize("value", [0, 91, -1, "7", None, True, 1.5])
def test_bounds_are_named(value: object) -> None:
    with pytest.raises(ConfigurationError, match="“days” is a number from 1 to 90"):
        backtest.bounded("days", value, 90)


def test_a_request_is_kept_masked_and_can_be_sent_through(connector: Connector) -> None:
    row = take_in(connector, "One", installation={"access_token": "hush"})
    kept = saved.save(row, " Issue with a token ", event="issues.opened", saved_by="ada")
    assert (kept.name, kept.saved_by) == ("Issue with a token", "ada")
    assert "hush" not in json.dumps(kept.headers)
    assert b"hush" not in saved.http_of(kept).body
    InboundRequest.objects.all().delete()
    trial = trials.run(
        connector.source_object(), trials.kept(kept), trials.current(connector), timezone.now()
    )
    assert isinstance(trial, trials.Trial)
    assert trial.cards == 1
    for _ in range(2):  # twice, and it is no duplicate
        saved.run(kept)
        pipeline.process_batch()
    assert [each.outcome for each in Event.objects.all()] == ["matched", "matched"]


def test_a_sample_needs_a_name_of_its_own(connector: Connector) -> None:
    row = take_in(connector, "One")
    saved.save(row, "One")
    with pytest.raises(Conflict, match="already"):
        saved.save(row, "One")
    with pytest.raises(ConfigurationError, match="Give the sample a name"):
        saved.save(row, "  ")
