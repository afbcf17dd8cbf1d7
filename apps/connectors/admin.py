"""Connectors and subscriptions. Secrets are not shown."""

from __future__ import annotations

from django.contrib import admin

from apps.connectors.models import Connector, Subscription
from apps.core.admin import ReadOnlyAdmin, ReadOnlyInline


class SubscriptionInline(ReadOnlyInline):
    """What goes where."""

    model = Subscription
    fields = ("channel", "events", "filters", "enabled")
    readonly_fields = fields


@admin.register(Connector)
class ConnectorAdmin(ReadOnlyAdmin):
    """Configured sources."""

    list_display = ("name", "source", "shown_state", "last_event_at")
    search_fields = ("name", "public_id")
    fields = ("name", "source", "scheme", "options", "shown_url", "shown_state", "last_event_at")
    readonly_fields = fields
    inlines = (SubscriptionInline,)

    @admin.display(description="State")
    def shown_state(self, row: Connector) -> str:
        return row.state

    @admin.display(description="Inbound URL")
    def shown_url(self, row: Connector) -> str:
        return row.url
