"""Where cards go: teams, channels and the webhook URLs that lead into them."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.db import models

from apps.core.audit import Audited
from apps.core.fields import EncryptedTextField
from apps.core.models import PublicIdModel


class Team(Audited, PublicIdModel):
    """A team in Microsoft Teams."""

    audited = ("name", "notes")

    name = models.CharField(max_length=200, unique=True)
    notes = models.TextField(blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class Channel(Audited, PublicIdModel):
    """A channel of a team. It is reached by its webhook URLs, tried in the order of their priority."""

    audited = ("team", "name", "paused", "paused_reason", "time_zone", "stale_after")
    audited_parent = "team"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=200)
    paused = models.BooleanField(default=False, help_text="Cards wait until the channel is resumed.")
    paused_reason = models.CharField(max_length=300, blank=True, default="")
    time_zone = models.CharField(max_length=64, blank=True, default="UTC")
    stale_after = models.PositiveIntegerField(
        "digest after (minutes)",
        default=240,
        help_text="Cards that could not be sent for so long come as one digest card; urgent ones still come "
        "one by one. 0: never.",
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["team__name", "name"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["team", "name"], name="channel_name_unique")
        ]

    def __str__(self) -> str:
        return f"{self.team} › {self.name}"

    @property
    def state(self) -> str:
        """ok, degraded (works, but a URL does not), failing (nothing works) or paused."""
        if self.paused:
            return "paused"
        states = [each.state for each in self.webhook_urls.all() if each.state != WebhookURL.State.OFF]
        working = states.count(WebhookURL.State.OK)
        if not working:
            return "failing"
        return "ok" if working == len(states) else "degraded"

    @property
    def state_words(self) -> str:
        """Why the state is what it is, in a sentence."""
        if self.paused:
            return self.paused_reason or "Paused: its cards wait."
        rows = [each for each in self.webhook_urls.all() if each.state != WebhookURL.State.OFF]
        if not rows:
            return "It has no webhook URL yet, so its cards wait."
        broken = [each for each in rows if each.state != WebhookURL.State.OK]
        if not broken:
            return "Its webhook URLs work."
        return f"{broken[0].host}: {broken[0].state_reason or 'does not take cards'}"


class WebhookURL(Audited, PublicIdModel):
    """One way into a channel. The URL is a credential: encrypted, write-only, shown as host and fingerprint."""

    audited = ("channel", "kind", "host", "fingerprint", "priority", "per_second", "per_minute", "per_hour")
    audited_secrets = ("url", "secret")
    audited_parent = "channel"

    class Kind(models.TextChoices):
        WORKFLOW = "workflow", "Teams workflow"
        ENDPOINT = "endpoint", "Any HTTPS service, signed"

    class State(models.TextChoices):
        OK = "ok", "Works"
        FAILING = "failing", "Failing"
        NEEDS_PERSON = "needs_person", "Needs a person"
        OFF = "off", "Switched off"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="webhook_urls")
    url = EncryptedTextField()
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.WORKFLOW)
    # Of an endpoint alone: what its messages are signed with, and the one before while it is being changed.
    secret = EncryptedTextField(blank=True, default="", editable=False)
    previous_secret = EncryptedTextField(blank=True, default="", editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    host = models.CharField(max_length=255, editable=False)
    fingerprint = models.CharField(max_length=16, editable=False)
    priority = models.PositiveSmallIntegerField(default=1, help_text="Tried in this order, lowest first.")
    state = models.CharField(max_length=20, choices=State.choices, default=State.OK)
    state_reason = models.CharField(max_length=300, blank=True, default="")
    last_accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_failed_at = models.DateTimeField(null=True, blank=True, editable=False)
    fail_streak = models.PositiveIntegerField(default=0, editable=False)
    breaker_open_until = models.DateTimeField(null=True, blank=True, editable=False)
    per_second = models.PositiveSmallIntegerField(default=4)
    per_minute = models.PositiveSmallIntegerField(default=60)
    per_hour = models.PositiveIntegerField(default=1800)

    class Meta:
        ordering: ClassVar[list[str]] = ["channel", "priority", "id"]
        verbose_name = "webhook URL"
        verbose_name_plural = "webhook URLs"

    def __str__(self) -> str:
        return f"{self.host} ({self.fingerprint})"

    def keys(self, now: dt.datetime) -> tuple[str, ...]:
        """The secrets that sign at `now`, newest first; none for a Teams workflow."""
        if self.kind != self.Kind.ENDPOINT:
            return ()
        both = self.previous_until is not None and self.previous_until > now
        return (self.secret, self.previous_secret) if both and self.previous_secret else (self.secret,)
