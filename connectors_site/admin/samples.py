"""Saved samples: kept requests, masked, for previews and tests."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import masking, roles
from apps.core.admin import Button, ReadOnlyAdmin, display
from apps.inbound import saved
from apps.inbound.models import SavedSample

SHOWN = 60_000  # characters


@admin.register(SavedSample)
class SavedSampleAdmin(ReadOnlyAdmin):
    """Made on the trace page; here they are looked at, sent through and deleted."""

    empty_words = (
        "Real requests can be kept, with secrets masked: press “Save as sample” in an event’s trace."
    )
    list_display = ("name", "event", "connector", "size", "saved_by", "created_at")
    list_select_related = ("connector",)
    list_filter = ("connector",)
    search_fields = ("name", "public_id__exact")
    fields = ("name", "event", "connector", "saved_by", "created_at", "size", "shown_headers", "shown_body")
    readonly_fields = fields
    buttons = (
        Button(
            "send", "Send it through", icon="play_arrow",
            confirm="Process this sample as if the source had sent it? Its card goes to the channels that want it.",
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("body")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(roles.CONFIGURE)

    @display(description="Headers")
    def shown_headers(self, row: SavedSample) -> SafeString:
        lines = (f"{name}: {value}" for name, value in sorted(row.headers.items()))
        return format_html('<pre class="tc-body">{}</pre>', "\n".join(lines))

    @display(description="Body")
    def shown_body(self, row: SavedSample) -> SafeString:
        http = saved.http_of(row)
        text = masking.mask_body(http.body.decode("utf-8", "replace"), http.content_type, indent=2)
        return format_html('<pre class="tc-body" tabindex="0">{}</pre>', text[:SHOWN])

    def do_send(self, request: HttpRequest, row: SavedSample) -> str:
        saved.run(row)
        return "The sample is on its way, as if the source had sent it. See the events for what became of it."
