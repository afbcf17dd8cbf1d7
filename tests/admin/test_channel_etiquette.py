"""A channel's page: quiet hours, noise, keep-alive, and the buttons that mute."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from apps.channels.etiquette import FOREVER
from apps.channels.models import Channel, Team, WebhookURL
from apps.connectors import services as connectors
from apps.connectors.models import Subscription
from tests.admin.test_roles import signed_in

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 10, 22, 30, tzinfo=dt.UTC)  # 23:30 in Berlin


@pytest.fixture
def channel() -> Channel:
    made = Channel.objects.create(
        team=Team.objects.create(name="Platform"), name="General", time_zone="Europe/Berlin"
    )
    WebhookURL.objects.create(channel=made, host="x.example", fingerprint="abc", url="https://x.example/s")
    return made


def form(channel: Channel, **changes: Any) -> dict[str, Any]:
    row = channel.webhook_urls.get()
    return {
        "team": channel.team_id, "name": "General", "time_zone": "Europe/Berlin", "stale_after": "240",
        "urgent_severity": "attention", "quiet_then": "digest", "budget_per_hour": "0", "keep_alive_days": "60",
        "webhook_urls-TOTAL_FORMS": "1", "webhook_urls-INITIAL_FORMS": "1",
        "webhook_urls-0-id": row.pk, "webhook_urls-0-channel": channel.pk, "webhook_urls-0-kind": "workflow",
        "webhook_urls-0-new_url": "", "webhook_urls-0-priority": "1", **changes,
    }  # fmt: skip


def test_everything_is_set_on_one_page(channel: Channel) -> None:
    client = signed_in("admin")
    page = reverse("admin:channels_channel_change", args=[channel.pk])
    shown = client.get(page).content.decode()
    for words in ("Quiet hours", "Noise", "Keep-alive", 'type="time"', "Monday"):
        assert words in shown
    data = form(
        channel, quiet_start="22:00", quiet_end="07:00", quiet_days=["mon", "tue"], quiet_whole_days=["sun"],
        quiet_then="hold", budget_per_hour="20", keep_alive="on", keep_alive_days="30",
        urgent_severity="warning", **{"webhook_urls-0-per_second": "2"},
    )  # fmt: skip
    assert client.post(page, data).status_code == 302
    row = Channel.objects.get()
    assert (row.quiet_start, row.quiet_end, row.quiet_then) == (dt.time(22), dt.time(7), "hold")
    assert (row.quiet_days, row.quiet_whole_days) == (["mon", "tue"], ["sun"])
    assert (row.budget_per_hour, row.keep_alive, row.keep_alive_days) == (20, True, 30)
    url = WebhookURL.objects.get()
    assert (url.per_second, url.per_half_minute, url.per_hour) == (2, 60, 1800)
    assert 'value="22:00"' in client.get(page).content.decode()


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"quiet_start": "22:00"}, "Give both times, or none."),
        ({"quiet_start": "22:00", "quiet_end": "22:00"}, "The end is the start."),
        ({"quiet_start": "22:00", "quiet_end": "07:00"}, "Choose the days on which"),
        ({"quiet_whole_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}, "Leave one day awake."),
        ({"keep_alive_days": "90"}, "Give 1 to 85 days"),
        ({"budget_per_hour": "-1"}, "greater than or equal to 0"),
        ({"time_zone": "Mars/Olympus"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_explained_at_its_field(
    channel: Channel, changes: dict[str, Any], words: str
) -> None:
    page = reverse("admin:channels_channel_change", args=[channel.pk])
    answer = signed_in("admin").post(page, form(channel, **changes))
    assert answer.status_code == 200
    assert words in answer.content.decode()


@pytest.mark.parametrize(
    "button, until",
    [
        ("mute_hour", NOW + dt.timedelta(hours=1)),
        ("mute_tomorrow", dt.datetime(2026, 3, 11, 8, 0, tzinfo=dt.UTC)),
        ("mute_forever", FOREVER),
    ],
)
def test_a_channel_and_a_subscription_are_muted_by_a_button(
    channel: Channel, button: str, until: dt.datetime
) -> None:
    connector, _ = connectors.create_connector(name="Repository", source="github")
    subscription = connectors.subscribe(connector, channel)
    client = signed_in("operator")
    with time_machine.travel(NOW, tick=False):
        for name, row in (("channels_channel", channel), ("connectors_subscription", subscription)):
            client.force_login(client_user(client))
            answer = client.post(reverse(f"admin:{name}_do", args=[row.pk, button]), follow=True)
            assert "muted" in answer.content.decode()
            row.refresh_from_db()
            assert row.muted_until == until
            page = client.get(reverse(f"admin:{name}_change", args=[row.pk])).content.decode()
            assert "/do/unmute/" in page
            assert "/do/mute_hour/" not in page
            client.post(reverse(f"admin:{name}_do", args=[row.pk, "unmute"]))
            row.refresh_from_db()
            assert row.muted_until is None
    assert Subscription.objects.filter(muted_until__isnull=True).count() == 1


def client_user(client: Any) -> Any:
    """The same person, signed in at the time of the test's clock."""
    from django.contrib.auth.models import User

    return User.objects.get(username="operator")


def test_a_viewer_cannot_mute(channel: Channel) -> None:
    url = reverse("admin:channels_channel_do", args=[channel.pk, "mute_hour"])
    assert signed_in("viewer").post(url).status_code == 403


def test_a_mended_url_is_tried_again_by_a_button(channel: Channel) -> None:
    WebhookURL.objects.update(state="needs_person", state_reason="Gone.", blocked_until=timezone.now())
    client = signed_in("operator")
    page = client.get(reverse("admin:channels_channel_change", args=[channel.pk])).content.decode()
    assert "I have mended it, try again" in page
    client.post(reverse("admin:channels_channel_do", args=[channel.pk, "again"]))
    row = WebhookURL.objects.get()
    assert (row.state, row.blocked_until) == ("ok", None)


def test_the_dashboard_warns_before_a_workflow_is_switched_off(channel: Channel) -> None:
    WebhookURL.objects.update(created_at=timezone.now() - dt.timedelta(days=70))
    page = signed_in("viewer").get(reverse("admin:index")).content.decode()
    assert "Nothing was posted for 70 days" in page
    assert reverse("admin:channels_channel_change", args=[channel.pk]) in page
