"""Teams switches idle and failing workflows off; people are warned before."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from apps.channels import services as channels
from apps.channels.health import warning
from apps.channels.models import Channel, Team, WebhookURL
from apps.core.errors import TransportError

URL = "https://a.b.environment.api.powerplatform.com/workflows/x/triggers/manual/paths/invoke?api-version=1&sig=s"
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def days(number: float) -> dt.timedelta:
    return dt.timedelta(days=number)


@pytest.mark.parametrize("idle, words", [(59, ""), (60, "for 60 days"), (91, "may have switched")])
def test_an_idle_workflow_is_told_from_day_60_on(idle: int, words: str) -> None:
    row = WebhookURL(created_at=NOW - days(200), last_accepted_at=NOW - days(idle))
    assert (words in warning(row, NOW)) if words else not warning(row, NOW)
    assert (words in warning(WebhookURL(created_at=NOW - days(idle)), NOW)) if words else True
    assert warning(WebhookURL(kind="endpoint", created_at=NOW - days(idle)), NOW) == ""


@pytest.mark.parametrize("failing, words", [(6, ""), (7, "after 14 days"), (15, "may have switched")])
def test_a_failing_workflow_is_told_from_day_7_on(failing: int, words: str) -> None:
    row = WebhookURL(created_at=NOW - days(90), failing_since=NOW - days(failing))
    assert (words in warning(row, NOW)) if words else not warning(row, NOW)


@pytest.mark.django_db
def test_the_channel_says_so_and_a_taken_card_ends_it() -> None:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    row = channels.add_url(channel, URL)
    assert (channel.state, channel.state_words) == ("ok", "Its webhook URLs work.")
    WebhookURL.objects.update(created_at=timezone.now() - days(65))
    channel.refresh_from_db()
    assert channel.state == "degraded"
    assert "turn on keep-alive" in channel.state_words
    channels.note_accepted({row.pk})
    channel.refresh_from_db()
    assert channel.state == "ok"


@pytest.mark.django_db
def test_failures_are_counted_from_the_first_to_the_next_success() -> None:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    row = channels.add_url(channel, URL)
    for status, at in ((503, NOW), (429, NOW + days(3)), (404, NOW + days(8))):
        channels.note_failed(row.pk, TransportError("x", "No.", permanent=status == 404, status=status), at)
    row.refresh_from_db()
    assert (row.failing_since, row.state) == (NOW, "needs_person")
    assert row.blocked_until == NOW + days(3) + dt.timedelta(minutes=1)
    channels.note_accepted({row.pk})
    row.refresh_from_db()
    assert row.failing_since is None
    assert row.state == "ok"


@pytest.mark.django_db
def test_a_bad_card_is_not_the_urls_fault() -> None:
    row = channels.add_url(
        Channel.objects.create(team=Team.objects.create(name="Platform"), name="General"), URL
    )
    channels.note_failed(row.pk, TransportError("http_413", "Too big.", permanent=True, status=413), NOW)
    row.refresh_from_db()
    assert (row.failing_since, row.fail_streak, row.last_failed_at) == (None, 0, NOW)
