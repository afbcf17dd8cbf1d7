"""The pretend Teams: channels with a workflow each, and what was posted to them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from apps.core.models import PublicIdModel


class SandboxChannel(PublicIdModel):
    """A channel with one workflow, whose URL takes cards as a real one does."""

    class Fault(models.TextChoices):
        NONE = "", "None: everything works"
        STATUS = "status", "Answer with an error status, show no card"
        AFTER = "after", "Show the card, then answer with an error status"
        THROTTLE = "throttle", "Answer 429 with Retry-After"
        SLOW = "slow", "Answer late"
        WORDS = "words", "Answer 200 with an error in words"
        FLOW = "flow", "Answer 202, but the flow fails"

    name = models.CharField(max_length=200, unique=True)
    hint = models.TextField(
        blank=True, default="", help_text="The command that sends a sample here, shown while it is empty."
    )
    fault = models.CharField(max_length=20, choices=Fault.choices, blank=True, default=Fault.NONE)
    # The status for STATUS and AFTER, seconds for THROTTLE and SLOW.
    fault_value = models.PositiveIntegerField(default=0)
    # How many more requests have the fault.
    fault_left = models.PositiveIntegerField(default=0)
    # When the last requests were taken in, seconds since 1970; at most as many as one second allows.
    recent = models.JSONField(default=list, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class SandboxCard(PublicIdModel):
    """What one attachment of a message came to: a card in the channel, or a run of the flow that failed."""

    channel = models.ForeignKey(SandboxChannel, on_delete=models.CASCADE, related_name="cards")
    # JSON text, not a JSON column: PostgreSQL's refuses some texts that JSON allows.
    content = models.TextField(blank=True, default="")
    size = models.PositiveIntegerField(default=0, help_text="Bytes as Teams counts them.")
    problem = models.CharField(max_length=60, blank=True, default="", help_text="Why the flow failed.")
    message = models.CharField(max_length=500, blank=True, default="")
    remarks = models.JSONField(default=list, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["channel", "-id"], name="sandbox_card_latest")]

    def __str__(self) -> str:
        return self.problem or "card"
