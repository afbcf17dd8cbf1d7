"""Teams, channels and the health of their webhook URLs."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.channels.models import Channel, WebhookURL
from apps.core.admin import ReadOnlyAdmin, ReadOnlyInline


class WebhookURLInline(ReadOnlyInline):
    """A webhook URL is shown as its host and fingerprint, never as itself."""

    model = WebhookURL
    fields = (
        "host",
        "fingerprint",
        "priority",
        "state",
        "state_reason",
        "last_accepted_at",
        "last_failed_at",
    )
    readonly_fields = fields


@admin.register(Channel)
class ChannelAdmin(ReadOnlyAdmin):
    """Where cards go."""

    list_display = ("name", "team", "shown_state", "paused")
    list_select_related = ("team",)
    search_fields = ("name", "team__name")
    fields = ("name", "team", "shown_state", "paused", "paused_reason", "public_id")
    readonly_fields = fields
    inlines = (WebhookURLInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        found: QuerySet[Channel] = super().get_queryset(request).prefetch_related("webhook_urls")
        return found

    @admin.display(description="State")
    def shown_state(self, row: Channel) -> str:
        return row.state
