"""Requests and events, each with its reason."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.inbound.models import Event, InboundRequest


@admin.register(InboundRequest)
class InboundRequestAdmin(ReadOnlyAdmin):
    """What came in. The body is not shown: it may hold anything."""

    list_display = ("public_id", "connector", "status", "received_at", "size", "error_message")
    list_select_related = ("connector",)
    list_filter = ("status",)
    search_fields = ("public_id__exact",)
    fields = (
        "public_id",
        "connector",
        "status",
        "received_at",
        "processed_at",
        "size",
        "error_code",
        "error_message",
    )
    readonly_fields = fields


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What was understood, and which subscription wanted it or why not."""

    list_display = ("title", "type", "outcome", "connector", "received_at", "reason")
    list_select_related = ("connector",)
    list_filter = ("outcome",)
    search_fields = ("public_id__exact", "source_event_id__exact")
    fields = (
        "title",
        "type",
        "outcome",
        "reason",
        "connector",
        "actor",
        "url",
        "severity",
        "trace",
        "attributes",
        "received_at",
    )
    readonly_fields = fields
