"""Connectors (configured sources), their secrets, and subscriptions that lead to channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models

from apps.channels.models import Channel
from apps.connectors import memory
from apps.core.audit import Audited
from apps.core.fields import EncryptedTextField
from apps.core.models import PublicIdModel
from apps.sources import registry

if TYPE_CHECKING:
    from apps.sources.source import Source


def source_choices() -> list[tuple[str, str]]:
    """Callable, so that a new source needs no migration."""
    return registry.choices()


class Connector(Audited, PublicIdModel):
    """A source with its settings and an inbound URL of its own."""

    audited = ("name", "source", "scheme", "options", "paused")

    name = models.CharField(max_length=200)
    source = models.CharField(max_length=60, choices=source_choices)
    scheme = models.CharField(
        max_length=60,
        blank=True,
        default="",
        help_text="How requests are verified; empty: the source's default.",
    )
    options = models.JSONField(default=dict, blank=True)
    paused = models.BooleanField(
        default=False, help_text="Events are stored but make no cards while a connector is paused."
    )
    last_event_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        memory.forget()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        memory.forget()
        return super().delete(*args, **kwargs)

    @property
    def url(self) -> str:
        """The inbound URL to paste at the source."""
        return f"{settings.PUBLIC_URL.rstrip('/')}/hooks/{self.public_id}"

    @property
    def state(self) -> str:
        """ok, waiting (nothing came yet), paused, or broken (its source is not installed)."""
        if self.source not in registry.registry().sources:
            return "broken"
        if self.paused:
            return "paused"
        return "ok" if self.last_event_at else "waiting"

    def source_object(self) -> Source:
        """The source's code. Raises NotFound when it is not installed."""
        return registry.get(self.source)


class Secret(Audited):
    """A secret shared with the source. Several may be valid at once while one is being changed."""

    audited = ("connector", "valid_until")
    audited_secrets = ("value",)
    audited_parent = "connector"

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="secrets")
    value = EncryptedTextField()
    created_at = models.DateTimeField(auto_now_add=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"secret {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        memory.forget()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        memory.forget()
        return super().delete(*args, **kwargs)


class Subscription(Audited, PublicIdModel):
    """Which events of a connector go to which channel."""

    audited = ("connector", "channel", "events", "filters", "enabled", "muted_until")
    audited_parent = "connector"

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="subscriptions")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="subscriptions")
    events = models.JSONField(
        default=list, blank=True, help_text="Names or patterns; empty: what the source ticks by default."
    )
    filters = models.JSONField(default=list, blank=True)
    enabled = models.BooleanField(default=True)
    muted_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[Any]] = ["connector__name", "id"]

    def __str__(self) -> str:
        return f"{self.connector} → {self.channel}"
