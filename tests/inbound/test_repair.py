"""What the source failed to deliver is taken in: once, in order, and as one digest when it is old."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

import pytest
from django.utils import timezone

from apps.channels.models import Channel
from apps.connectors import hooks
from apps.connectors.models import Connector, Hook
from apps.deliveries.models import Delivery
from apps.inbound import digest, repair
from apps.inbound.models import Event, InboundRequest
from apps.inbound.pipeline import process_batch
from apps.sources import registry
from apps.sources.sdk import Api, ApiError, Changes, Headers, HookPlan, Hooks, Missed, Option, RemoteHook
from tests.actions.conftest import ISSUE, channel, connector, tell, vendor
from tests.vendors.stub import StubServer

__all__ = ["channel", "connector", "vendor"]
pytestmark = pytest.mark.django_db(transaction=True)
PLACE = {"repository": "octo/hello"}


class Playful(Hooks):
    """A vendor's hooks, kept in memory."""

    places = (Option("repository", "text", "Repository", required=True),)
    lifetime = dt.timedelta(days=30)
    can_find_missed = True
    can_read_changes = True

    def __init__(self) -> None:
        self.there: dict[str, RemoteHook] = {}
        self.failed: list[Missed] = []
        self.pages: dict[str, Changes] = {}
        self.clock = timezone.now
        self.number = 0

    def events(self, selected: Any) -> tuple[str, ...]:
        return tuple(sorted({name.partition(".")[0] for name in selected}))

    def find(self, api: Api, place: Any, url: str) -> RemoteHook | None:
        return next((each for each in self.there.values() if each.url == url), None)

    def create(self, api: Api, place: Any, plan: HookPlan) -> RemoteHook:
        self.number += 1
        return self._put(str(self.number), plan)

    def _put(self, hook_id: str, plan: HookPlan) -> RemoteHook:
        until = self.clock() + dt.timedelta(days=30)
        made = RemoteHook(hook_id, plan.url, plan.events, secret_set=bool(plan.secret), expires_at=until)
        self.there[hook_id] = made
        return made

    def read(self, api: Api, place: Any, hook_id: str) -> RemoteHook | None:
        return self.there.get(hook_id)

    def update(self, api: Api, place: Any, hook_id: str, plan: HookPlan) -> RemoteHook:
        return self._put(hook_id, plan)

    def delete(self, api: Api, place: Any, hook_id: str) -> None:
        self.there.pop(hook_id, None)

    def renew(self, api: Api, place: Any, hook_id: str, now: dt.datetime) -> RemoteHook:
        found = self.there.get(hook_id)
        if found is None or (found.expires_at and found.expires_at < now):
            raise ApiError("api_not_found", "gone")
        return self._put(hook_id, HookPlan(found.url, "s", found.events))

    def missed(self, api: Api, place: Any, hook_id: str, since: Any, until: Any) -> Iterable[Missed]:
        return [each for each in self.failed if since <= each.at <= until]

    def changes(self, api: Api, place: Any, cursor: str) -> Changes:
        return self.pages.get(cursor, Changes((), cursor))


@pytest.fixture
def remote(connector: Connector, monkeypatch: pytest.MonkeyPatch) -> Playful:
    made = Playful()
    monkeypatch.setattr(type(registry.get("github")), "hooks", made)
    return made


def missed(number: int, ago: dt.timedelta) -> Missed:
    body = {**ISSUE, "issue": {**ISSUE["issue"], "number": number, "title": f"Number {number}"}}  # type: ignore[dict-item]
    headers = {"X-GitHub-Event": "issues", "X-GitHub-Delivery": f"d-{number}"}
    return Missed(f"d-{number}", timezone.now() - ago, json.dumps(body).encode(), Headers(headers))


def everything() -> None:
    while process_batch().requests:
        pass


def test_what_was_missed_is_taken_in_once_and_in_order(connector: Connector, remote: Playful) -> None:
    row = hooks.make(connector, PLACE)
    Hook.objects.update(created_at=timezone.now() - dt.timedelta(days=1))
    row.refresh_from_db()
    tell(connector, delivery="d-2")
    remote.failed = [missed(number, dt.timedelta(minutes=10 - number)) for number in (3, 1, 2)]
    assert repair.repair(row).stored == 3
    everything()
    told = list(Delivery.objects.order_by("pk").values_list("summary", flat=True))
    assert len(told) == 3
    assert "Number 1" in told[1]
    assert "Number 3" in told[2]
    assert Event.objects.filter(outcome="duplicate").count() == 1
    row.refresh_from_db()
    assert repair.repair(row).stored == 3  # within the overlap
    everything()
    assert Delivery.objects.count() == 3


def test_much_that_is_old_comes_as_one_digest(
    connector: Connector, remote: Playful, channel: Channel
) -> None:
    row = hooks.make(connector, PLACE)
    Hook.objects.update(created_at=timezone.now() - dt.timedelta(days=2))
    row.refresh_from_db()
    remote.failed = [missed(number, dt.timedelta(hours=20, minutes=-number)) for number in range(1, 9)]
    repair.repair(row)
    everything()
    waiting = Delivery.objects.filter(origin=Delivery.Origin.EVENT)
    assert waiting.count() == 8
    assert not waiting.filter(due_at__lte=timezone.now()).exists()
    digest.run()
    assert waiting.filter(status=Delivery.Status.CANCELLED).count() == 8
    assert Delivery.objects.filter(origin=Delivery.Origin.DIGEST).count() == 1


def test_changes_are_read_page_by_page_from_where_the_last_reading_ended(
    connector: Connector, remote: Playful
) -> None:
    row = hooks.make(connector, PLACE)
    remote.pages = {
        "": Changes((missed(1, dt.timedelta()),), "b", more=True),
        "b": Changes((missed(2, dt.timedelta()),), "c"),
    }
    assert repair.read_changes(row).stored == 2
    row.refresh_from_db()
    assert row.cursor == "c"
    assert repair.read_changes(row).stored == 0
    assert InboundRequest.objects.count() == 2


def test_a_hook_is_made_with_the_chosen_events_and_found_again(connector: Connector, remote: Playful) -> None:
    connector.subscriptions.update(events=["issues.opened", "push"])
    row = hooks.make(connector, PLACE)
    assert remote.there[row.remote_id].events == ("issues", "push")
    assert hooks.make(connector, PLACE).pk == row.pk
    assert len(remote.there) == 1


def test_drift_is_seen_in_words_and_mended(connector: Connector, remote: Playful) -> None:
    row = hooks.make(connector, PLACE)
    there = remote.there[row.remote_id]
    remote.there[row.remote_id] = RemoteHook(
        there.id, "https://old.example.com/x", there.events[:1], active=False, trouble="100 failures"
    )
    hooks.check(row)
    assert row.state == Hook.State.OFF
    assert {each["what"] for each in row.drift} == {"URL", "Events", "Active"}
    hooks.mend(row)
    assert row.state == Hook.State.OK
    assert row.drift == []


def test_a_hook_that_is_gone_is_told_and_made_again(connector: Connector, remote: Playful) -> None:
    row = hooks.make(connector, PLACE)
    remote.there.clear()
    assert hooks.check(row).state == Hook.State.GONE
    assert hooks.mend(row).state == Hook.State.OK
    assert row.remote_id == "2"


def test_a_new_secret_is_drift_until_it_is_given_to_the_source(connector: Connector, remote: Playful) -> None:
    from apps.connectors import services

    row = hooks.make(connector, PLACE)
    services.rotate_secret(connector)
    assert hooks.check(row).state == Hook.State.DRIFTED
    assert hooks.give_secret(connector) == (1, [])
    row.refresh_from_db()
    assert hooks.check(row).state == Hook.State.OK


def test_in_two_hundred_days_every_renewal_comes_in_time(connector: Connector, remote: Playful) -> None:
    start = timezone.now()
    now = start
    remote.clock = lambda: now
    row = hooks.make(connector, PLACE)
    for day in range(200):
        now = start + dt.timedelta(days=day)
        hooks.look_after(hooks.due_rows(now), now)
        row.refresh_from_db()
        assert row.expires_at is not None
        assert row.expires_at > now + dt.timedelta(days=9)
    assert row.remote_id == "1"


def test_a_vendor_that_fails_is_noted_and_does_not_stop_the_others(
    connector: Connector, remote: Playful, vendor: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = hooks.make(connector, PLACE)

    def broken(*args: object) -> None:
        raise ApiError("api_unauthorized", "refused")

    monkeypatch.setattr(remote, "read", broken)
    assert hooks.look_after([row, row], timezone.now()) == {"renewed": 0, "checked": 0, "failed": 2}
    assert row.state == Hook.State.UNKNOWN
    assert row.message == "refused"
    assert row.connector.account is not None
    row.connector.account.refresh_from_db()
    assert row.connector.account.state == "refused"


def test_a_place_that_is_missing_is_named(connector: Connector, remote: Playful) -> None:
    with pytest.raises(Exception, match="Repository"):
        hooks.make(connector, {})


def test_what_was_told_before_an_error_is_taken_in_and_the_next_asking_goes_on_from_there(
    connector: Connector, remote: Playful, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = hooks.make(connector, PLACE)
    asked: list[dt.datetime] = []
    first = missed(1, dt.timedelta(minutes=30))

    def limited(api: Any, place: Any, hook_id: str, since: dt.datetime, until: Any) -> Iterable[Missed]:
        asked.append(since)
        yield first
        raise ApiError("api_rate_limited", "slowly")

    monkeypatch.setattr(remote, "missed", limited)
    Hook.objects.update(created_at=timezone.now() - dt.timedelta(days=1))
    row.refresh_from_db()
    with pytest.raises(ApiError):
        repair.repair(row)
    everything()
    assert "Number 1" in Delivery.objects.get().summary
    row.refresh_from_db()
    assert row.repaired_until == first.at
    monkeypatch.undo()


def test_an_account_whose_rate_limit_is_used_up_is_not_asked_again_in_the_same_night(
    connector: Connector, remote: Playful, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks.make(connector, PLACE)
    remote.there["9"] = RemoteHook("9", "https://elsewhere")
    Hook.objects.create(connector=connector, remote_id="9", place=PLACE)
    asked: list[str] = []

    def limited(api: Any, place: Any, hook_id: str, since: Any, until: Any) -> Iterable[Missed]:
        asked.append(hook_id)
        raise ApiError("api_rate_limited", "slowly")

    monkeypatch.setattr(remote, "missed", limited)
    assert repair.repair_all() == "0 taken in, 2 hooks could not be asked"
    assert asked == ["1"]


def test_a_source_is_asked_as_far_back_as_it_remembers(
    connector: Connector, remote: Playful, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = hooks.make(connector, PLACE)
    Hook.objects.update(created_at=timezone.now() - dt.timedelta(days=30))
    remote.failed = [missed(1, dt.timedelta(days=5)), missed(2, dt.timedelta(days=2))]
    row.refresh_from_db()
    assert repair.repair(row).found == 1
    monkeypatch.setattr(Playful, "remembered", dt.timedelta(days=7))
    Hook.objects.update(repaired_until=None)
    row.refresh_from_db()
    assert repair.repair(row).found == 2


def test_who_could_not_be_asked_in_the_night_is_asked_by_the_hour(
    connector: Connector, remote: Playful
) -> None:
    row = hooks.make(connector, PLACE)
    remote.failed = [missed(1, dt.timedelta(hours=20))]
    Hook.objects.update(repaired_until=timezone.now() - dt.timedelta(hours=25))
    assert "taken in" not in repair.renew_due()
    Hook.objects.update(repaired_until=timezone.now() - dt.timedelta(hours=27))
    assert "1 taken in" in repair.renew_due()
    row.refresh_from_db()
    assert row.repaired_until is not None
    assert row.repaired_until > timezone.now() - dt.timedelta(minutes=1)


def test_a_vendor_that_replaces_the_hook_when_it_is_mended_is_followed(
    connector: Connector, remote: Playful, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = hooks.make(connector, PLACE)

    def replaced(api: Any, place: Any, hook_id: str, plan: HookPlan) -> RemoteHook:
        remote.delete(api, place, hook_id)
        return remote.create(api, place, plan)

    monkeypatch.setattr(remote, "update", replaced)
    hooks.mend(row)
    row.refresh_from_db()
    assert row.remote_id == "2"
    assert hooks.check(row).state == Hook.State.OK


def test_the_difference_of_addresses_shows_both_but_no_secret(connector: Connector, remote: Playful) -> None:
    row = hooks.make(connector, PLACE)
    there = remote.there[row.remote_id]
    shown = {}
    for name, url in {
        "elsewhere": "https://hooks.example.com/services/T0/secret",
        "moved": f"{connector.url}-old",
        "token": f"{connector.url}?token=secret",
    }.items():
        remote.there[row.remote_id] = RemoteHook(there.id, url, there.events, secret_set=True)
        [difference] = hooks.check(row).drift
        assert difference["ours"].startswith(connector.url)
        assert "secret" not in str(difference)
        shown[name] = difference["theirs"]
    assert shown["elsewhere"] == "https://hooks.example.com/…"
    assert shown["moved"] == f"{connector.url}-old"
    assert shown["token"] == f"{connector.url} with a query"


def test_hooks_of_an_account_whose_limit_is_used_up_are_left_for_the_next_night(
    connector: Connector, remote: Playful, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = hooks.make(connector, PLACE)
    asked: list[str] = []

    def limited(api: Any, place: Any, hook_id: str) -> None:
        asked.append(hook_id)
        raise ApiError("api_rate_limited", "Try again in 10 minutes.")

    monkeypatch.setattr(remote, "read", limited)
    assert hooks.look_after([row, row, row], timezone.now())["failed"] == 3
    assert asked == ["1"]
    # What would end soon is renewed all the same.
    late = timezone.now() + dt.timedelta(days=25)
    assert hooks.look_after([row], late)["renewed"] == 1
