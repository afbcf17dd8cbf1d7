"""Deliveries (one card to one channel) and the attempts to post them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.channels.models import Channel, WebhookURL
from apps.core.models import PublicIdModel


class Delivery(PublicIdModel):
    """One rendered card for one channel. The row is the queue: `pending` and due means "to be posted".

    The card is stored as it was rendered, so every try sends the same bytes. The event is known by its ids
    only, because events live in a room above this one.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        ACCEPTED = "accepted", "Accepted"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Origin(models.TextChoices):
        EVENT = "event", "Event"
        TEST = "test", "Test"
        REPLAY = "replay", "Replay"
        COMMAND = "command", "Command"
        ACTION = "action", "Action"
        DIGEST = "digest", "Digest"
        HEARTBEAT = "heartbeat", "Sign of life"

    class Hold(models.TextChoices):
        NONE = "", "Not held"
        QUIET = "quiet", "Quiet hours"
        BUDGET = "budget", "Noise budget"

    class Lane(models.IntegerChoices):
        LIVE = 0, "Live"
        REPLAY = 1, "Replay: only when nothing live waits"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    event_key = models.BigIntegerField(null=True, blank=True, db_index=True, editable=False)
    event_public_id = models.CharField(max_length=32, blank=True, default="", editable=False)
    subscription_key = models.BigIntegerField(null=True, blank=True, editable=False)
    replay = models.PositiveIntegerField(default=0, help_text="0 is the first send, 1 the first replay.")
    origin = models.CharField(max_length=20, choices=Origin.choices, default=Origin.EVENT)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    due_at = models.DateTimeField(default=timezone.now)
    since = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When what it tells came in, if that was long before.",
    )
    exempt = models.BooleanField(
        default=False, editable=False, help_text="Sent on purpose, so no digest covers it, however old it is."
    )
    lane = models.PositiveSmallIntegerField(choices=Lane.choices, default=Lane.LIVE, editable=False)
    # Held by the channel's etiquette until then; what was held counts its age from there.
    hold = models.CharField(max_length=10, choices=Hold.choices, blank=True, default="", editable=False)
    held_until = models.DateTimeField(null=True, blank=True, editable=False)
    # Keys of the digest card that covers it, and of the replay that sends it.
    digest_key = models.BigIntegerField(null=True, blank=True, editable=False)
    replay_key = models.BigIntegerField(null=True, blank=True, editable=False)
    attempts_made = models.PositiveSmallIntegerField(default=0)
    card = models.TextField()
    summary = models.CharField(max_length=300, blank=True, default="")
    severity = models.CharField(max_length=20, blank=True, default="")
    thread_key = models.CharField(max_length=200, blank=True, default="")
    accepted_at = models.DateTimeField(null=True, blank=True)
    webhook_url = models.ForeignKey(
        WebhookURL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_message = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        verbose_name_plural = "deliveries"
        constraints: ClassVar[list[Any]] = [
            # A second run of the pipeline finds the row there and makes no second card.
            models.UniqueConstraint(
                fields=["event_key", "subscription_key", "channel", "replay"],
                condition=Q(event_key__isnull=False),
                name="delivery_once",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # Partial: they hold what is due or wrong, and stay small however many rows there are.
            # In the order in which a channel's cards go.
            models.Index(
                fields=["channel", "lane", "id", "due_at"],
                condition=Q(status="pending"),
                name="delivery_next",
            ),
            models.Index(
                fields=["channel", "id"], condition=Q(status="pending") & ~Q(hold=""), name="delivery_held"
            ),
            models.Index(fields=["id"], condition=Q(status="pending", lane=1), name="delivery_replayed"),
            models.Index(
                fields=["digest_key"], condition=Q(digest_key__isnull=False), name="delivery_digest"
            ),
            models.Index(
                fields=["replay_key", "status"], condition=Q(replay_key__isnull=False), name="delivery_replay"
            ),
            models.Index(fields=["-id"], condition=Q(status="failed"), name="delivery_failed"),
            models.Index(fields=["channel", "-id"], name="delivery_channel"),
            models.Index(fields=["status", "-id"], name="delivery_status"),
        ]

    def __str__(self) -> str:
        return self.summary or f"delivery {self.public_id}"


class Attempt(models.Model):
    """One POST of a delivery and what came of it."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    webhook_url = models.ForeignKey(
        WebhookURL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="The HTTP status answered.")
    elapsed_ms = models.PositiveIntegerField(default=0)
    code = models.CharField(max_length=60, blank=True, default="")
    message = models.CharField(max_length=300, blank=True, default="")
    ambiguous = models.BooleanField(default=False, help_text="The card may have been posted all the same.")

    class Meta:
        ordering: ClassVar[list[str]] = ["delivery", "number"]
        indexes: ClassVar[list[Any]] = [
            # A new sender reads how busy each webhook URL was in the last hour.
            models.Index(fields=["webhook_url", "at"], name="attempt_pace")
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}"
