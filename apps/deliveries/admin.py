"""Deliveries with their attempts."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin, ReadOnlyInline
from apps.deliveries.models import Attempt, Delivery


class AttemptInline(ReadOnlyInline):
    """Each POST and what came of it."""

    model = Attempt
    fields = ("number", "at", "status", "elapsed_ms", "code", "message", "ambiguous")
    readonly_fields = fields


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """One card to one channel."""

    list_display = ("summary", "channel", "status", "attempts_made", "created_at", "error_message")
    list_select_related = ("channel__team",)
    list_filter = ("status",)
    search_fields = ("public_id__exact", "event_public_id__exact")
    fields = (
        "summary", "channel", "status", "origin", "replay", "attempts_made", "due_at", "accepted_at",
        "error_code", "error_message", "card", "public_id", "event_public_id",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (AttemptInline,)
