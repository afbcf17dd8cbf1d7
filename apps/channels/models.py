"""Where cards go: teams, channels and the webhook URLs that lead into them."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from apps.channels import etiquette, health
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

    audited = (
        "team", "name", "paused", "paused_reason", "time_zone", "stale_after", "urgent_severity", "quiet_start", "quiet_end",
        "quiet_days", "quiet_whole_days", "quiet_then", "budget_per_hour", "muted_until", "keep_alive", "keep_alive_days",
    )  # fmt: skip
    audited_parent = "team"

    class Urgent(models.TextChoices):
        ATTENTION = "attention", "Failures and alarms"
        WARNING = "warning", "Failures, alarms and warnings"
        NONE = "none", "Nothing"

    class Then(models.TextChoices):
        DIGEST = "digest", "One digest card of all of them"
        HOLD = "hold", "Each card, in order"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=200)
    paused = models.BooleanField(default=False, help_text="Cards wait until the channel is resumed.")
    paused_reason = models.CharField(max_length=300, blank=True, default="")
    time_zone = models.CharField(max_length=64, blank=True, default="UTC")
    stale_after = models.PositiveIntegerField(
        "digest after (minutes)",
        default=240,
        help_text="Cards that could not be sent for so long come as one digest card. 0: never.",
    )
    urgent_severity = models.CharField(
        "always at once",
        max_length=20,
        choices=Urgent.choices,
        default=Urgent.ATTENTION,
        help_text="These come one by one and at once, whatever stands below.",
    )
    quiet_start = models.TimeField("from", null=True, blank=True)
    quiet_end = models.TimeField("until", null=True, blank=True)
    quiet_days = models.JSONField("on these days", default=list, blank=True)
    quiet_whole_days = models.JSONField("and all day on", default=list, blank=True)
    quiet_then = models.CharField(
        "at the end comes",
        max_length=20,
        choices=Then.choices,
        default=Then.DIGEST,
        help_text="What becomes of the cards that were held.",
    )
    budget_per_hour = models.PositiveIntegerField(
        "cards an hour",
        default=0,
        help_text="What is above it comes as one digest card at the end of the hour. 0: no limit.",
    )
    budget_from = models.DateTimeField(null=True, blank=True, editable=False)
    budget_used = models.PositiveIntegerField(default=0, editable=False)
    muted_until = models.DateTimeField(null=True, blank=True, editable=False)
    keep_alive = models.BooleanField(
        "send a sign of life",
        default=False,
        help_text="Teams switches a workflow off after 90 days without a card. A small card keeps it on.",
    )
    keep_alive_days = models.PositiveSmallIntegerField(
        "after so many days without a card", default=60, help_text="1 to 85 days."
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["team__name", "name"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["team", "name"], name="channel_name_unique")
        ]

    def __str__(self) -> str:
        return f"{self.team} › {self.name}"

    @property
    def quiet(self) -> etiquette.Quiet | None:
        """The quiet hours, or None when there are none."""
        return etiquette.quiet_of(
            start=self.quiet_start,
            end=self.quiet_end,
            days=self.quiet_days,
            whole_days=self.quiet_whole_days,
            zone=self.time_zone,
        )

    def quiet_until(self, now: dt.datetime) -> dt.datetime | None:
        """When the quiet that holds at `now` ends; None when it is not quiet."""
        quiet = self.quiet
        return quiet.until(now) if quiet is not None else None

    def is_muted(self, now: dt.datetime) -> bool:
        return self.muted_until is not None and self.muted_until > now

    @property
    def state(self) -> str:
        """ok, degraded (works, but something needs a person), failing (nothing works) or paused."""
        if self.paused:
            return "paused"
        rows = self._ways()
        working = [each for each in rows if each.state == WebhookURL.State.OK]
        if not working:
            return "failing"
        now = timezone.now()
        well = len(working) == len(rows) and not any(health.warning(each, now) for each in working)
        return "ok" if well else "degraded"

    @property
    def state_words(self) -> str:
        """Why the state is what it is, in a sentence or two."""
        if self.paused:
            return self.paused_reason or "Paused: its cards wait."
        now, rows = timezone.now(), self._ways()
        if not rows:
            return "It has no webhook URL yet, so its cards wait."
        words = [
            f"{each.host}: {each.state_reason or 'does not take cards'}"
            for each in rows
            if each.state != WebhookURL.State.OK
        ][:1]
        words += [f"{each.host}: {found}" for each in rows if (found := health.warning(each, now))][:1]
        if self.muted_until is not None and self.muted_until > now:
            words.append(f"Muted until {etiquette.told(self.muted_until, self.time_zone, now)}.")
        elif (end := self.quiet_until(now)) is not None:
            words.append(f"Quiet hours until {etiquette.told(end, self.time_zone, now)}.")
        return " ".join(words) or "Its webhook URLs work."

    def _ways(self) -> list[WebhookURL]:
        return [each for each in self.webhook_urls.all() if each.state != WebhookURL.State.OFF]


class WebhookURL(Audited, PublicIdModel):
    """One way into a channel. The URL is a credential: encrypted, write-only, shown as host and fingerprint."""

    audited = (
        "channel",
        "kind",
        "host",
        "fingerprint",
        "priority",
        "per_second",
        "per_half_minute",
        "per_minute",
        "per_hour",
    )
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
    blocked_until = models.DateTimeField(null=True, blank=True, editable=False)  # it asked for a rest
    failing_since = models.DateTimeField(
        null=True, blank=True, editable=False
    )  # nothing was taken since then
    heartbeat_at = models.DateTimeField(null=True, blank=True, editable=False)
    per_second = models.PositiveSmallIntegerField("cards in a second", default=4)
    per_half_minute = models.PositiveSmallIntegerField("cards in 30 seconds", default=60)
    per_minute = models.PositiveSmallIntegerField("cards in a minute", default=100)
    per_hour = models.PositiveIntegerField("cards in an hour", default=1800)

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
