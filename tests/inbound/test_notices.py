"""The night tells channels what needs a person at their sources, once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from apps.connectors import hooks
from apps.connectors.models import Account, Connector, Hook
from apps.deliveries.models import Delivery
from apps.inbound import repair
from apps.sources import registry
from apps.sources.sdk import ApiError, RemoteHook, Standing
from tests.actions.conftest import channel, connector, vendor
from tests.inbound.test_repair import PLACE, Playful, remote

__all__ = ["channel", "connector", "remote", "vendor"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def credential(connector: Connector, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the product says about the account, to be changed by the test."""
    says: dict[str, Any] = {"standing": Standing("robot")}

    def test(self: object, api: object) -> Standing:
        if isinstance(says["standing"], ApiError):
            raise says["standing"]
        return says["standing"]  # type: ignore[no-any-return]

    monkeypatch.setattr(type(registry.get("github")), "check_account", test)
    return says


def told() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("summary", flat=True))


def test_a_hook_that_the_source_switched_off_is_told_once_to_the_channels_that_miss_its_events(
    connector: Connector, remote: Playful, credential: dict[str, Any]
) -> None:
    row = hooks.make(connector, PLACE)
    repair.nightly()
    assert told() == []
    there = remote.there[row.remote_id]
    remote.there[row.remote_id] = RemoteHook(
        there.id, there.url, there.events, active=False, secret_set=True, trouble="40 failures in a row."
    )
    repair.nightly()
    [card] = Delivery.objects.all()
    assert "switched off by the source" in card.summary
    assert "40 failures in a row." in card.card
    assert f"/admin/connectors/hook/{row.pk}/change/" in card.card
    repair.nightly()
    assert len(told()) == 1
    # Mended and gone off again, it is told again.
    row.refresh_from_db()
    hooks.mend(row)
    remote.there.clear()
    repair.nightly()
    assert "deleted at the source" in told()[1]


def test_a_credential_that_was_revoked_is_noticed_in_the_night(
    connector: Connector, remote: Playful, credential: dict[str, Any]
) -> None:
    repair.nightly()
    assert Account.objects.get().state == Account.State.OK
    credential["standing"] = ApiError("api_unauthorized", "The product refused the credentials.")
    repair.nightly()
    repair.nightly()
    [summary] = told()
    assert "is refused by the source" in summary
    assert Account.objects.get().state == Account.State.REFUSED


def test_a_service_that_is_away_for_a_night_is_no_reason_to_tell_anybody(
    connector: Connector, remote: Playful, credential: dict[str, Any]
) -> None:
    credential["standing"] = Standing("robot", may=("read",))
    repair.nightly()
    credential["standing"] = ApiError("api_unavailable", "It fails at the moment.")
    repair.nightly()
    assert told() == []
    row = Account.objects.get()
    assert (row.state, row.who, row.may) == (Account.State.UNREACHABLE, "robot", ["read"])


def test_an_end_that_comes_near_is_told_a_few_times(
    connector: Connector, remote: Playful, credential: dict[str, Any]
) -> None:
    start = timezone.now()
    credential["standing"] = Standing("robot", expires_at=start + dt.timedelta(days=30, hours=1))
    days = []
    for day in range(32):
        with time_machine.travel(start + dt.timedelta(days=day), tick=False):
            before = len(told())
            repair.nightly()
            if len(told()) > before:
                days.append(30 - day)
    assert days == [13, 6, 2, 0]
    assert "ends on" in told()[0]


def test_a_channel_that_has_nothing_to_do_with_it_hears_nothing(
    connector: Connector, remote: Playful, credential: dict[str, Any]
) -> None:
    row = hooks.make(connector, PLACE)
    connector.subscriptions.update(enabled=False)
    remote.there.clear()
    repair.nightly()
    assert Hook.objects.get(pk=row.pk).state == Hook.State.GONE
    assert told() == []
