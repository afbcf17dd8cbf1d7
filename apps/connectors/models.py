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


class ActionPolicy(models.TextChoices):
    """Who may use a connector's buttons."""

    SIGN_IN = "sign_in", "People who are signed in or confirm themselves in Teams"
    LINK = "link", "Everybody who sees the card"
    OFF = "off", "Nobody: cards carry no such buttons"


def account_source_choices() -> list[tuple[str, str]]:
    """The sources that can be signed in to."""
    return [(source.slug, source.name) for source in registry.all_sources() if source.account_kinds]


class Connector(Audited, PublicIdModel):
    """A source with its settings and an inbound URL of its own."""

    audited = ("name", "source", "scheme", "options", "paused", "account", "action_policy")

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
    account = models.ForeignKey(
        "Account",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="connectors",
        help_text="Signs in at the source, for buttons that act there and for hooks that look after themselves.",
    )
    action_policy = models.CharField(
        "buttons on cards",
        max_length=20,
        choices=ActionPolicy.choices,
        default=ActionPolicy.SIGN_IN,
        help_text="Who may use buttons that change something at the source.",
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
        if not registry.known(self.source):
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


class Account(Audited, PublicIdModel):
    """Credentials for a source's API. They are encrypted, write-only, and tested by a call to the product."""

    class State(models.TextChoices):
        UNTESTED = "untested", "Not tested yet"
        OK = "ok", "Works"
        LIMITED = "limited", "Works, but may not do everything"
        REFUSED = "refused", "Refused by the product"
        UNREACHABLE = "unreachable", "Could not be reached"

    audited = ("name", "source", "kind", "api_url", "fields")
    audited_secrets = ("secrets",)

    name = models.CharField(max_length=200)
    source = models.CharField(max_length=60, choices=account_source_choices)
    kind = models.CharField(max_length=40, help_text="How it signs in.")
    api_url = models.CharField(
        "API address",
        max_length=500,
        blank=True,
        default="",
        help_text="Of a server that you run yourselves. Empty: the vendor's own service.",
    )
    fields = models.JSONField(default=dict, blank=True, help_text="What is no secret.")
    secrets = EncryptedTextField(blank=True, default="", editable=False)  # JSON
    state = models.CharField(max_length=20, choices=State.choices, default=State.UNTESTED, editable=False)
    who = models.CharField(max_length=200, blank=True, default="", editable=False)
    may = models.JSONField(default=list, blank=True, editable=False)
    lacks = models.JSONField(default=list, blank=True, editable=False)
    message = models.CharField(max_length=400, blank=True, default="", editable=False)
    tested_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def source_object(self) -> Source:
        """The source's code. Raises NotFound when it is not installed."""
        return registry.get(self.source)


class Hook(Audited, PublicIdModel):
    """A connector's hook at the source, made or found there by us, and how it was when we last looked."""

    class State(models.TextChoices):
        OK = "ok", "As planned"
        DRIFTED = "drifted", "Differs from the plan"
        GONE = "gone", "Gone at the source"
        OFF = "off", "Switched off by the source"
        UNKNOWN = "unknown", "Could not be checked"

    audited = ("connector", "place", "remote_id")
    audited_parent = "connector"

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="hooks")
    place = models.JSONField(default=dict, help_text="Where it stands: repository, organisation, site.")
    remote_id = models.TextField()  # of Azure DevOps, the ids of many subscriptions
    page = models.CharField(max_length=500, blank=True, default="")
    state = models.CharField(max_length=20, choices=State.choices, default=State.OK)
    message = models.CharField(max_length=400, blank=True, default="")
    drift = models.JSONField(default=list, blank=True)
    secret_at = models.DateTimeField(null=True, blank=True, help_text="When our secret was last given to it.")
    checked_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    repaired_until = models.DateTimeField(
        null=True, blank=True, help_text="Up to here the source was asked for what it failed to deliver."
    )
    cursor = models.TextField(blank=True, default="", help_text="Where the next reading of changes goes on.")

    class Meta:
        ordering: ClassVar[list[str]] = ["connector", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["connector", "remote_id"], name="hook_once")
        ]

    def __str__(self) -> str:
        return ", ".join(map(str, self.place.values())) or self.remote_id


class CustomSource(Audited, PublicIdModel):
    """A source without code: a document says how requests are verified, read and told."""

    audited = ("slug", "name", "document")

    slug = models.CharField(max_length=60, unique=True, editable=False)
    name = models.CharField(max_length=80)
    document = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)
    trouble = models.CharField(max_length=400, blank=True, default="", editable=False)
    trouble_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "id"]

    def __str__(self) -> str:
        return self.name
