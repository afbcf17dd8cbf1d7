"""A channel's settings by the API: each is set, answered, and explained when it cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.api.models import ApiToken
from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.deliveries.models import Delivery

pytestmark = pytest.mark.django_db
URL = "https://a.b.environment.api.powerplatform.com/workflows/x/triggers/manual/paths/invoke?api-version=1&sig=s"


def call(method: str, path: str, body: object = None, role: str = "admin") -> Any:
    headers = {"Authorization": f"Bearer {ApiToken.issue('t', role)}"}
    kwargs: dict[str, Any] = {"headers": headers}
    if body is not None:
        kwargs |= {"data": body, "content_type": "application/json"}
    return getattr(Client(), method)(f"/api/v1/{path}", **kwargs)


@pytest.fixture
def channel() -> Channel:
    return Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")


def test_a_new_channel_has_sane_settings() -> None:
    made = call("post", "channels/", {"name": "ops"}).json()
    assert (made["time_zone"], made["stale_after"], made["urgent_severity"]) == ("UTC", 240, "attention")
    assert (made["quiet_hours"], made["budget_per_hour"], made["muted_until"]) == (None, 0, None)
    assert (made["keep_alive"], made["keep_alive_days"]) == (False, 60)


def test_everything_is_set_at_once_and_read_back() -> None:
    wanted = {
        "name": "ops", "time_zone": "Europe/Berlin", "stale_after": 30, "urgent_severity": "warning",
        "quiet_hours": {"start": "22:00", "end": "07:00", "days": ["fri", "mon"], "whole_days": ["sun"], "then": "hold"},
        "budget_per_hour": 20, "keep_alive": True, "keep_alive_days": 30, "muted_until": "forever",
    }  # fmt: skip
    made = call("post", "channels/", wanted).json()
    quiet = made["quiet_hours"]
    assert (quiet["start"], quiet["end"], quiet["then"]) == ("22:00", "07:00", "hold")
    assert (quiet["days"], quiet["whole_days"]) == (["mon", "fri"], ["sun"])
    again = call("patch", f"channels/{made['id']}/", made).json()
    assert {name: again[name] for name in wanted} == {name: made[name] for name in wanted}
    assert again["muted_until"] == "forever"
    cleared = call("patch", f"channels/{made['id']}/", {"quiet_hours": None, "muted_until": None}).json()
    assert (cleared["quiet_hours"], cleared["muted_until"]) == (None, None)


def test_days_left_out_are_every_day(channel: Channel) -> None:
    body = {"quiet_hours": {"start": "22:00", "end": "07:00"}}
    quiet = call("patch", f"channels/{channel.public_id}/", body).json()["quiet_hours"]
    assert len(quiet["days"]) == 7
    assert quiet["then"] == "digest"


@pytest.mark.parametrize(
    "body, words",
    [
        ({"time_zone": "Mars/Olympus"}, "Europe/Berlin"),
        ({"time_zone": 7}, "must be a text"),
        ({"stale_after": -1}, "number from 0"),
        ({"budget_per_hour": "20"}, "number from 0"),
        ({"budget_per_hour": True}, "number from 0"),
        ({"keep_alive": "yes"}, "true or false"),
        ({"keep_alive_days": 0}, "1 to 85"),
        ({"urgent_severity": "red"}, "attention, warning, none"),
        ({"quiet_hours": "night"}, "object with start"),
        ({"quiet_hours": {"begin": "22:00"}}, "object with start"),
        ({"quiet_hours": {"start": "22:00"}}, "quiet_hours.end"),
        ({"quiet_hours": {"start": "25:00", "end": "07:00"}}, "such as 22:00"),
        ({"quiet_hours": {"start": 22, "end": "07:00"}}, "such as 22:00"),
        ({"quiet_hours": {"start": "07:00", "end": "07:00"}}, "whole day"),
        ({"quiet_hours": {"start": "22:00", "end": "07:00", "days": []}}, "Choose the days"),
        ({"quiet_hours": {"start": "22:00", "end": "07:00", "days": [["mon"]]}}, "list of mon"),
        ({"quiet_hours": {"whole_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}}, "one day awake"),
        ({"quiet_hours": {"start": "22:00", "end": "07:00", "then": "drop"}}, "digest, hold"),
        ({"muted_until": "soon"}, "forever"),
        ({"muted_until": 5}, "forever"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_explained(channel: Channel, body: dict[str, Any], words: str) -> None:
    answer = call("patch", f"channels/{channel.public_id}/", body)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert call("post", "channels/", {"name": "new", **body}).status_code == 400
    assert not Channel.objects.filter(name="new").exists()


def test_a_mute_by_the_api_takes_waiting_cards_along(channel: Channel) -> None:
    Delivery.objects.create(channel=channel, card="{}", severity="info")
    answer = call("patch", f"channels/{channel.public_id}/", {"muted_until": "2999-01-01T09:00:00Z"})
    assert answer.json()["muted_until"].startswith("2999-01-01T09:00")
    assert Delivery.objects.get().error_code == "muted"
    past = call("patch", f"channels/{channel.public_id}/", {"muted_until": "2001-01-01T09:00:00"})
    assert past.json()["muted_until"] is None


def test_a_subscription_is_muted_too(channel: Channel) -> None:
    connector, _ = connectors.create_connector(name="Repository", source="github")
    body = {"connector": connector.public_id, "channel": channel.public_id, "muted_until": "forever"}
    made = call("post", "subscriptions/", body).json()
    assert made["muted_until"] == "forever"
    changed = call("patch", f"subscriptions/{made['id']}/", {"muted_until": None}).json()
    assert changed["muted_until"] is None
    assert call("patch", f"subscriptions/{made['id']}/", {"muted_until": "x"}).status_code == 400


def test_the_limits_of_a_webhook_url_are_set(channel: Channel) -> None:
    body = {"channel": channel.public_id, "url": URL, "per_second": 2, "per_hour": 900}
    made = call("post", "webhook-urls/", body).json()
    assert (made["per_second"], made["per_half_minute"], made["per_minute"], made["per_hour"]) == (
        2,
        60,
        100,
        900,
    )
    changed = call("patch", f"webhook-urls/{made['id']}/", {"per_minute": 0}).json()
    assert changed["per_minute"] == 0
    assert call("patch", f"webhook-urls/{made['id']}/", {"per_minute": -1}).status_code == 400
    answer = call("post", f"webhook-urls/{made['id']}/test/")
    assert answer.status_code == 202
    assert Delivery.objects.get().webhook_url is not None
