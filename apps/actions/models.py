"""What people did in the sources from a card or from chat, and who confirmed themselves to do it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from apps.connectors.models import Account, Connector
from apps.core.fields import EncryptedTextField
from apps.core.models import PublicIdModel


class ActionRun(PublicIdModel):
    """One use of an action. The row is the queue, the audit, and what makes a link work only once."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown: look at the source"

    class Via(models.TextChoices):
        CARD = "card", "Button on a card"
        CHAT = "chat", "Command in chat"

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="action_runs")
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    action = models.CharField(max_length=60)
    label = models.CharField(max_length=120, blank=True, default="")
    params = models.JSONField(default=dict)
    inputs = EncryptedTextField(blank=True, default="")  # JSON: people write what they like into a comment
    link_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    channels = models.JSONField(default=list, editable=False)
    event_public_id = models.CharField(max_length=32, blank=True, default="", editable=False)
    via = models.CharField(max_length=10, choices=Via.choices, default=Via.CARD)
    who = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    outcome = models.CharField(max_length=300, blank=True, default="")
    url = models.CharField(max_length=2000, blank=True, default="")
    error_code = models.CharField(max_length=60, blank=True, default="")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[Any]] = [
            # A link that failed may be used again; one that worked, or may have, may not.
            models.UniqueConstraint(
                fields=["link_hash"],
                condition=~models.Q(link_hash="") & ~models.Q(status="failed"),
                name="action_link_once",
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["id"], condition=models.Q(status__in=["pending", "running"]), name="action_waiting"
            )
        ]

    def __str__(self) -> str:
        return f"{self.label or self.action} by {self.who}"


class OfferedCall(PublicIdModel):
    """A button of somebody else's card (MessageCard's HttpPOST) that we carry out for them after a confirmation."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="offered_calls")
    name = models.CharField(max_length=200)
    spec = EncryptedTextField()  # JSON: target, headers, body and inputs; targets often carry a credential
    channels = models.JSONField(default=list)
    event_public_id = models.CharField(max_length=32, blank=True, default="")

    def __str__(self) -> str:
        return self.name


class Confirmation(models.Model):
    """A browser that says it belongs to somebody in Teams, until that person says so there."""

    code = models.CharField(max_length=12, unique=True)
    browser_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    who = models.CharField(max_length=200, blank=True, default="")
    teams_id = models.CharField(max_length=200, blank=True, default="")
    role = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["created_at"], name="confirmation_age")]

    def __str__(self) -> str:
        return self.who or "somebody"
