"""Who may call the API, and replays of many rows at once."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core import tokens
from apps.core.models import PublicIdModel


class ApiToken(models.Model):
    """A program's key to the API. Only its hash is kept; the prefix tells people which one it is."""

    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer: reads"
        OPERATOR = "operator", "Operator: also retries, replays, tests and pauses"
        ADMIN = "admin", "Admin: also configures"

    PREFIX_LENGTH: ClassVar[int] = 8

    name = models.CharField(max_length=100, help_text="Who uses it and for what.")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)
    prefix = models.CharField(max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    enabled = models.BooleanField(default=True, help_text="A token that is switched off is refused at once.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "id"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @classmethod
    def issue(cls, name: str, role: str) -> tuple[ApiToken, str]:
        """A new token: the row, and the text to show once."""
        text = tokens.new_api_token()
        row = cls.objects.create(
            name=name, role=role, prefix=text[: cls.PREFIX_LENGTH], digest=tokens.hash_token(text)
        )
        return row, text

    def may(self, role: str) -> bool:
        """Whether this token's role includes `role`."""
        order = list(self.Role.values)
        return self.role in order and order.index(self.role) >= order.index(role)


class Replay(PublicIdModel):
    """Many deliveries or events sent once more, in the background. `reached` is where the work stands."""

    class Kind(models.TextChoices):
        DELIVERIES = "deliveries", "Deliveries"
        EVENTS = "events", "Events"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    filter = models.JSONField(default=dict)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.WAITING)
    # Rows made later, by this replay itself too, are not part of it.
    last_key = models.BigIntegerField(help_text="The newest row that was there when it was asked for.")
    reached = models.BigIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    sent = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    token = models.ForeignKey(ApiToken, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["id"], condition=Q(status__in=["waiting", "running"]), name="replay_unfinished"
            ),
        ]

    def __str__(self) -> str:
        return f"replay {self.public_id}"
