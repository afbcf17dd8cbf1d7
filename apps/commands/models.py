"""Teams outgoing webhooks that call us, the people who use them, and what they asked."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.channels.models import Channel, Team
from apps.core.audit import Audited
from apps.core.fields import EncryptedTextField
from apps.core.models import PublicIdModel


class CommandEndpoint(Audited, PublicIdModel):
    """One outgoing webhook of a team. Its token, as Teams showed it, is a credential: encrypted, write-only."""

    audited = ("name", "team", "channel", "paused")
    audited_secrets = ("token",)

    name = models.CharField(max_length=200)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="command_endpoints")
    token = EncryptedTextField(blank=True, default="")
    paused = models.BooleanField(
        default=False, help_text="Commands are answered with a word about the pause."
    )
    channel = models.ForeignKey(
        Channel,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Where answers are posted that take longer than Teams waits. Empty: the team's only channel.",
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        """The callback URL to paste in Teams."""
        return f"{settings.PUBLIC_URL.rstrip('/')}/teams/{self.public_id}"

    @property
    def state(self) -> str:
        """ok, waiting (nobody has used it), paused, or broken (it has no token)."""
        if self.paused:
            return "paused"
        if not self.token:
            return "broken"
        return "ok" if self.last_used_at else "waiting"


class ChatUser(Audited, PublicIdModel):
    """A person in Teams and what they may do by chat."""

    audited = ("teams_id", "name", "role")

    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer: asks"
        OPERATOR = "operator", "Operator: also mutes and replays"
        ADMIN = "admin", "Admin: also subscribes"

    teams_id = models.CharField("Teams id", max_length=200, unique=True)
    name = models.CharField(max_length=200, blank=True, default="")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "id"]

    def __str__(self) -> str:
        return self.name or self.teams_id


class CommandPlace(Audited):
    """A channel of Teams, by the id that its messages carry, and the channel of ours that it is."""

    audited = ("team", "conversation", "channel")

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="command_places")
    conversation = models.CharField(max_length=200)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="command_places")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["team", "conversation"], name="command_place_once")
        ]

    def __str__(self) -> str:
        return f"{self.conversation}: {self.channel}"


class CommandUse(models.Model):
    """One message to us and its answer: the audit, and what keeps a repeated message from acting twice."""

    endpoint = models.ForeignKey(CommandEndpoint, on_delete=models.CASCADE, related_name="uses")
    activity_id = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now)
    sender_id = models.CharField(max_length=200, blank=True, default="")
    sender_name = models.CharField(max_length=200, blank=True, default="")
    text = models.CharField(max_length=500, blank=True, default="")
    command = models.CharField(max_length=40, blank=True, default="")
    outcome = models.CharField(max_length=40, default="ok")
    answer = models.TextField(blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["endpoint", "activity_id"], name="command_once")
        ]

    def __str__(self) -> str:
        return self.text or self.command
