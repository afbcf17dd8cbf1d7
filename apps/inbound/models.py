"""Inbound requests (raw HTTP, verified and stored) and the events found in them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.connectors.models import Connector
from apps.core.models import PublicIdModel


class InboundRequest(PublicIdModel):
    """One verified request as it came in. `received` means that nobody has looked into it yet."""

    class Status(models.TextChoices):
        RECEIVED = "received", "Received"
        PROCESSED = "processed", "Processed"
        MALFORMED = "malformed", "Malformed"

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="requests")
    received_at = models.DateTimeField(default=timezone.now)
    method = models.CharField(max_length=10, default="POST")
    headers = models.JSONField(default=dict)
    query = models.TextField(blank=True, default="")
    body = models.BinaryField(help_text="The raw body, compressed by zlib.")
    size = models.PositiveIntegerField(default=0, help_text="Bytes of the raw body.")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.RECEIVED)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_message = models.CharField(max_length=300, blank=True, default="")
    processed_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="How often processing broke off.")
    replay = models.PositiveIntegerField(default=0, help_text="How often it was replayed on purpose.")

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["id"], condition=Q(status="received"), name="request_unprocessed"),
            models.Index(fields=["-id"], condition=Q(status="malformed"), name="request_malformed"),
            models.Index(fields=["connector", "-id"], name="request_connector"),
        ]

    def __str__(self) -> str:
        return f"request {self.public_id}"


class Event(PublicIdModel):
    """One happening found in a request, with what became of it and why."""

    class Outcome(models.TextChoices):
        MATCHED = "matched", "Matched"
        UNMATCHED = "unmatched", "Unmatched"
        IGNORED = "ignored", "Ignored"
        UNSUPPORTED = "unsupported", "Unsupported"
        MALFORMED = "malformed", "Malformed"
        DUPLICATE = "duplicate", "Duplicate"

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="events")
    request = models.ForeignKey(InboundRequest, on_delete=models.CASCADE, related_name="events")
    index = models.PositiveIntegerField(default=0, help_text="Its place in the request.")
    source_event_id = models.CharField(max_length=200, blank=True, default="")
    type = models.CharField(max_length=200)
    title = models.CharField(max_length=300, blank=True, default="")
    actor = models.CharField(max_length=200, blank=True, default="")
    url = models.TextField(blank=True, default="")
    severity = models.CharField(max_length=20, blank=True, default="")
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    reason = models.CharField(max_length=400, blank=True, default="")
    trace = models.JSONField(default=list)
    attributes = models.JSONField(default=dict)
    received_at = models.DateTimeField(default=timezone.now)
    replays = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["request", "index"], name="event_once"),
            models.UniqueConstraint(
                fields=["connector", "source_event_id"],
                condition=~Q(source_event_id="") & ~Q(outcome="duplicate"),
                name="event_source_id",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["connector", "-id"], name="event_connector"),
            models.Index(fields=["type", "-id"], name="event_type"),
            models.Index(fields=["outcome", "-id"], name="event_outcome"),
            models.Index(fields=["received_at"], name="event_received"),
        ]

    def __str__(self) -> str:
        return self.title or self.type


class Replay(PublicIdModel):
    """Many events or deliveries sent once more: worked off in the background, a few at a time, cancellable."""

    class Kind(models.TextChoices):
        EVENTS = "events", "Events"
        DELIVERIES = "deliveries", "Deliveries"

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    filters = models.JSONField(default=dict, blank=True)
    channel = models.ForeignKey(
        "channels.Channel", null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="Where all of it goes; empty: where each went before.",
    )  # fmt: skip
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.RUNNING)
    total = models.PositiveIntegerField(default=0, help_text="Rows found when it began.")
    done = models.PositiveIntegerField(default=0, help_text="Rows sent again.")
    skipped = models.PositiveIntegerField(default=0, help_text="Rows that make no card, or are on their way.")
    last_key = models.BigIntegerField(default=0, editable=False)
    end_key = models.BigIntegerField(default=0, editable=False)
    started_by = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["id"], condition=Q(status="running"), name="replay_running")
        ]

    def __str__(self) -> str:
        return f"{self.done + self.skipped} of {self.total} {self.kind}"


class SavedSample(PublicIdModel):
    """A request that an admin keeps for previews and tests: masked, and not deleted by the retention."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="saved_samples")
    name = models.CharField(max_length=200)
    event = models.CharField(max_length=200, blank=True, default="", help_text="What it was understood as.")
    method = models.CharField(max_length=10, default="POST")
    headers = models.JSONField(default=dict)
    query = models.TextField(blank=True, default="")
    body = models.BinaryField(help_text="The masked body, compressed by zlib.")
    size = models.PositiveIntegerField(default=0, help_text="Bytes of the masked body.")
    saved_by = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["connector__name", "name", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["connector", "name"], name="sample_name_once")
        ]

    def __str__(self) -> str:
        return self.name
