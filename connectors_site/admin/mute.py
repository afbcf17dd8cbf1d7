"""The buttons that silence a channel or a subscription for a while."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from apps.channels import etiquette
from apps.core.admin import Button


def _is_muted(row: Any) -> bool:
    return row.muted_until is not None and row.muted_until > timezone.now()


class MuteMixin:
    """For rows with `muted_until`. The admin says what a mute does (`mute`) and by which clocks (`zone_of`)."""

    mute_buttons = (
        Button("mute_hour", "Mute 1 h", icon="notifications_paused", shown=lambda row: not _is_muted(row)),
        Button(
            "mute_tomorrow", "Mute until tomorrow 9:00", icon="notifications_paused",
            shown=lambda row: not _is_muted(row),
        ),
        Button(
            "mute_forever", "Mute for ever", icon="notifications_off", shown=lambda row: not _is_muted(row),
            confirm="Send none of its cards until somebody unmutes it?",
        ),
        Button("unmute", "Unmute", icon="notifications_active", shown=_is_muted),
    )  # fmt: skip

    def mute(self, row: Any, until: dt.datetime | None) -> str:
        """Mute it, and say so."""
        raise NotImplementedError

    def zone_of(self, row: Any) -> str:
        """The time zone of the people who read it."""
        raise NotImplementedError

    def do_mute_hour(self, request: HttpRequest, row: Any) -> str:
        return self.mute(row, timezone.now() + dt.timedelta(hours=1))

    def do_mute_tomorrow(self, request: HttpRequest, row: Any) -> str:
        return self.mute(row, etiquette.tomorrow_morning(self.zone_of(row), timezone.now()))

    def do_mute_forever(self, request: HttpRequest, row: Any) -> str:
        return self.mute(row, etiquette.FOREVER)

    def do_unmute(self, request: HttpRequest, row: Any) -> str:
        return self.mute(row, None)
