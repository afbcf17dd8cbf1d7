"""What came in and what went out, each with its reason. Nothing here is edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.core import roles
from apps.core.admin import STATES, Button, ReadOnlyAdmin, ReadOnlyInline, breakable, display
from apps.deliveries import services as deliveries
from apps.deliveries.models import Attempt, Delivery
from apps.inbound import lookup, replays
from apps.inbound import services as inbound
from apps.inbound.models import Event, InboundRequest, Replay


def trace_link(public_id: str, words: str = "Show the whole way") -> SafeString:
    """A link to the trace page of an event."""
    return format_html('<a class="tc-link" href="{}">{}</a>', reverse("admin:trace", args=[public_id]), words)


@admin.register(InboundRequest)
class InboundRequestAdmin(ReadOnlyAdmin):
    """What came in. The body is not shown in lists: it may hold anything."""

    empty_words = (
        "Nothing has come in yet. Whatever a connected source sends with the right secret appears here."
    )
    list_display = ("public_id", "connector", "shown_status", "received_at", "size", "error_message")
    list_select_related = ("connector",)
    list_filter = ("status", "connector")
    search_fields = ("public_id__exact",)
    fields = (
        "public_id", "connector", "shown_status", "received_at", "processed_at", "size",
        "error_code", "error_message", "shown_events",
    )  # fmt: skip
    readonly_fields = fields
    buttons = (
        Button(
            "replay", "Process again", icon="replay",
            confirm="Process this request again? Its cards are sent once more.",
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("body")

    @display(description="Status", label=STATES)
    def shown_status(self, row: InboundRequest) -> str:
        return row.status

    @display(description="Events")
    def shown_events(self, row: InboundRequest) -> SafeString:
        found = [trace_link(each.public_id, each.title or each.type) for each in row.events.all()[:20]]
        if found:
            return SafeString("<br>".join(found))
        page = reverse("admin:request-trace", args=[row.public_id])
        return format_html('None. <a class="tc-link" href="{}">Show what was sent</a>', page)

    def do_replay(self, request: HttpRequest, row: InboundRequest) -> str:
        inbound.replay_request(row)
        return "The request is processed again."


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What was understood, and which subscription wanted it or why not."""

    empty_words = "No event yet. Connect a source, or send a sample from a connector’s page."
    list_display = ("shown_title", "shown_type", "shown_outcome", "connector", "received_at", "reason")
    list_select_related = ("connector",)
    list_filter = ("outcome", "connector")
    search_fields = ("public_id__exact", "source_event_id__exact")
    search_help_text = "An event's id, or the delivery id that the source shows"
    fields = (
        "shown_title", "type", "shown_outcome", "reason", "connector", "actor", "url", "severity",
        "shown_attributes", "received_at", "public_id",
    )  # fmt: skip
    readonly_fields = fields
    buttons = (
        Button("trace", "Show its whole way", roles.SEE, icon="alt_route"),
        Button(
            "replay", "Send again", icon="replay", shown=lambda row: row.outcome == Event.Outcome.MATCHED,
            confirm="Send this event's card again to its channels?",
        ),
    )  # fmt: skip

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        word = search_term.strip()[:200]
        return (queryset.filter(pk__in=lookup.events_called(word)) if word else queryset), False

    @display(description="Title")
    def shown_title(self, row: Event) -> str:
        return row.title or row.type

    @display(description="Type")
    def shown_type(self, row: Event) -> SafeString:
        return breakable(row.type)

    @display(description="Outcome", label=STATES)
    def shown_outcome(self, row: Event) -> str:
        return row.outcome

    @display(description="Attributes")
    def shown_attributes(self, row: Event) -> SafeString | str:
        found = [
            (key, ", ".join(map(str, value)) if isinstance(value, list) else value)
            for key, value in row.attributes.items()
            if value not in ("", None) and value != []
        ]
        words = {True: "yes", False: "no"}
        told = [(key, words[value] if isinstance(value, bool) else value) for key, value in found]
        return format_html_join(mark_safe("<br>"), "{}: {}", told) or "None"

    def health_of(self, row: Event) -> tuple[str, str]:
        return row.outcome, row.reason or (
            "At least one channel wanted it." if row.outcome == Event.Outcome.MATCHED else ""
        )

    def do_trace(self, request: HttpRequest, row: Event) -> HttpResponse:
        return redirect(reverse("admin:trace", args=[row.public_id]))

    def do_replay(self, request: HttpRequest, row: Event) -> str:
        made = inbound.replay_event(row)
        return f"{len(made)} card{'' if len(made) == 1 else 's'} will be sent again."


class AttemptInline(ReadOnlyInline):
    """Each POST and what came of it."""

    model = Attempt
    fields = ("number", "at", "answer", "took", "message")
    readonly_fields = fields

    @display(description="Answer")
    def answer(self, row: Attempt) -> str:
        doubt = "; the card may have been posted all the same" if row.ambiguous else ""
        return (f"Status {row.status}" if row.status else "None") + doubt

    @display(description="After")
    def took(self, row: Attempt) -> str:
        return f"{row.elapsed_ms:,} ms"


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """One card to one channel."""

    empty_words = "No card was sent yet. A channel’s page has a button for a test card."
    list_display = ("summary", "channel", "shown_status", "attempts_made", "created_at", "error_message")
    list_select_related = ("channel__team",)
    list_filter = ("status", "channel")
    search_fields = ("public_id__exact", "event_public_id__exact")
    search_help_text = "A delivery's or an event's id"
    fields = (
        "summary", "channel", "origin", "times", "due_at", "accepted_at", "public_id", "way", "shown_card",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (AttemptInline,)
    buttons = (
        Button(
            "retry", "Try again now", icon="replay",
            shown=lambda row: row.status != Delivery.Status.ACCEPTED,
        ),
        Button(
            "cancel", "Cancel", icon="cancel", shown=lambda row: row.status == Delivery.Status.PENDING,
            confirm="Cancel this delivery? The card is not sent.",
        ),
    )  # fmt: skip

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        word = search_term.strip()[:200]
        return (queryset.filter(pk__in=lookup.deliveries_called(word)) if word else queryset), False

    @display(description="Status", label=STATES)
    def shown_status(self, row: Delivery) -> str:
        return row.status

    @display(description="Sent before")
    def times(self, row: Delivery) -> str:
        return f"This is replay {row.replay} of the event" if row.replay else "No, this is the first time"

    def health_of(self, row: Delivery) -> tuple[str, str]:
        words = {
            Delivery.Status.ACCEPTED: "Teams took the card.",
            Delivery.Status.PENDING: "The card waits to be sent.",
        }.get(Delivery.Status(row.status), "")
        return row.status, row.error_message or words

    @display(description="Whole way")
    def way(self, row: Delivery) -> SafeString | str:
        return trace_link(row.event_public_id) if row.event_public_id else "No event: it was sent by hand."

    @display(description="Card")
    def shown_card(self, row: Delivery) -> SafeString:
        # The card's title is a heading below this one.
        heading = mark_safe('<h2 class="tc-visually-hidden">The card as it was sent</h2>')
        return heading + format_html('<div class="tc-card" data-card="{}"></div>', row.card)

    def do_retry(self, request: HttpRequest, row: Delivery) -> str:
        deliveries.retry(row)
        return "The card goes out at the next occasion."

    def do_cancel(self, request: HttpRequest, row: Delivery) -> str:
        deliveries.cancel(row)
        return "The delivery is cancelled."


@admin.register(Replay)
class ReplayAdmin(ReadOnlyAdmin):
    """Replays of many rows, with how far each is."""

    list_display = ("created_at", "kind", "shown_status", "progress", "started_by")
    list_filter = ("status", "kind")
    fields = ("kind", "filters", "channel", "shown_status", "progress", "started_by", "public_id")
    readonly_fields = fields
    buttons = (
        Button(
            "cancel", "Cancel", icon="cancel", shown=lambda row: row.status == Replay.Status.RUNNING,
            confirm="Send no more of it? What was sent stays sent.",
        ),
    )  # fmt: skip

    @display(description="Status", label=STATES)
    def shown_status(self, row: Replay) -> str:
        return row.status

    @display(description="Progress")
    def progress(self, row: Replay) -> SafeString:
        over = row.done + row.skipped
        return format_html(
            '<progress value="{}" max="{}" aria-label="Progress"></progress> {} of {}, {} sent again',
            over, max(1, row.total), over, row.total, row.done,
        )  # fmt: skip

    def do_cancel(self, request: HttpRequest, row: Replay) -> str:
        replays.cancel(row)
        return "The replay is cancelled."
