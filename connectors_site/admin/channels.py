"""Teams, channels and their webhook URLs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.channels import services
from apps.channels.forms import LIMITS, ChannelForm, WebhookURLForm
from apps.channels.models import Channel, Team, WebhookURL
from apps.core.admin import STATES, Button, ConfigAdmin, ConfigInline, display
from apps.deliveries import holding
from apps.deliveries import services as deliveries
from connectors_site.admin.mute import MuteMixin


@admin.register(Team)
class TeamAdmin(ConfigAdmin):
    """A team in Microsoft Teams."""

    list_display = ("name", "channel_count", "notes")
    search_fields = ("name",)
    empty_words = "A team holds channels, as in Teams. Connecting a source makes the first one."
    fields = ("name", "notes")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        found: QuerySet[Team] = super().get_queryset(request)
        return found.annotate(number=Count("channels"))

    @display(description="Channels")
    def channel_count(self, row: Any) -> int:
        return int(row.number)


class WebhookURLInline(ConfigInline):
    """A webhook URL is shown as its host and fingerprint, never as itself."""

    model = WebhookURL
    form = WebhookURLForm
    fields = (
        "kind",
        "new_url",
        "priority",
        LIMITS[:2],
        LIMITS[2:],
        "shown_state",
        "state_reason",
        "last_accepted_at",
        "last_failed_at",
        "public_id",
    )
    readonly_fields = ("shown_state", "state_reason", "last_accepted_at", "last_failed_at", "public_id")

    @display(description="State")
    def shown_state(self, row: WebhookURL) -> str:
        return row.get_state_display() if row.pk else "New"

    def get_extra(self, request: HttpRequest, obj: Channel | None = None, **kwargs: Any) -> int:
        return 0 if obj and obj.webhook_urls.exists() else 1


@admin.register(Channel)
class ChannelAdmin(MuteMixin, ConfigAdmin):
    """Where cards go."""

    form = ChannelForm
    list_display = ("name", "team", "shown_state", "why")
    list_select_related = ("team",)
    list_filter = ("paused", "team")
    search_fields = ("name", "team__name", "public_id__exact")
    autocomplete_fields = ("team",)
    empty_words = "A channel is where cards go. Connecting a source makes the first one; or add one here."
    fieldsets = (
        (None, {"fields": ("team", "name", "time_zone", "public_id")}),
        ("Delivery", {"fields": ("urgent_severity", "stale_after")}),
        (
            "Quiet hours",
            {
                "fields": (
                    ("quiet_start", "quiet_end"),
                    "quiet_days",
                    "quiet_whole_days",
                    "quiet_then",
                ),
                "description": "Cards wait until the quiet hours are over. Leave the times empty for none; an end "
                "before the start is the next morning.",
            },
        ),
        (
            "Noise",
            {
                "fields": ("budget_per_hour",),
                "description": "What is above the budget comes as one digest card that says who talked most and "
                "what would make it quieter. Nothing is lost: it can be sent again.",
            },
        ),
        (
            "Keep-alive",
            {
                "fields": ("keep_alive", "keep_alive_days"),
                "description": "For channels in which little happens.",
            },
        ),
    )
    readonly_fields = ("public_id",)
    inlines = (WebhookURLInline,)
    buttons = (
        Button("test", "Send a test card", icon="send"),
        Button(
            "pause", "Pause", confirm="Let all cards of this channel wait until you resume it?",
            icon="pause", shown=lambda row: not row.paused,
        ),
        Button("resume", "Resume", icon="play_arrow", shown=lambda row: row.paused),
        Button(
            "again", "I have mended it, try again", icon="restart_alt",
            shown=lambda row: row.state in ("failing", "degraded") and row.webhook_urls.exists(),
        ),
        *MuteMixin.mute_buttons,
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        found: QuerySet[Channel] = super().get_queryset(request)
        return found.prefetch_related("webhook_urls__channel")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        known = {row.pk for row in WebhookURL.objects.filter(channel=form.instance).only("pk")}
        super().save_formset(request, form, formset, change)
        for row in WebhookURL.objects.filter(channel=form.instance).exclude(pk__in=known):
            if row.secret:
                messages.warning(
                    request, f"Copy the secret of {row.host} now, it is shown only once: {row.secret}"
                )

    @display(description="State", label=STATES)
    def shown_state(self, row: Channel) -> str:
        return row.state if row.pk else ""

    @display(description="Why")
    def why(self, row: Channel) -> str:
        return row.state_words if row.pk else ""

    def health_of(self, row: Channel) -> tuple[str, str]:
        return row.state, row.state_words

    def do_test(self, request: HttpRequest, row: Channel) -> str:
        deliveries.send_test(row)
        return "A test card is on its way. See the deliveries for what became of it."

    def do_again(self, request: HttpRequest, row: Channel) -> str:
        services.try_again(row)
        deliveries.nudge()
        return "Waiting cards are tried again now."

    def zone_of(self, row: Channel) -> str:
        return row.time_zone

    def mute(self, row: Channel, until: dt.datetime | None) -> str:
        kept = holding.mute(row, until, timezone.now())
        if until is None:
            return "The channel is heard again. What came meanwhile is kept: send it again from the replays."
        words = f" {kept} waiting card{'' if kept == 1 else 's'} stay unsent." if kept else ""
        return f"The channel is muted: events are kept, their cards are not sent.{words}"

    def do_pause(self, request: HttpRequest, row: Channel) -> str:
        services.pause(row, f"Paused by {request.user.get_username()}.")
        return "The channel is paused: its cards wait."

    def do_resume(self, request: HttpRequest, row: Channel) -> str:
        services.resume(row)
        return "The channel is resumed: waiting cards go out now."
