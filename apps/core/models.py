"""Base classes for our rows, and the two small tables that every room may use."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.db import connection, models
from django.utils import timezone

from apps.core.tokens import new_id


class PublicIdModel(models.Model):
    """A row that outsiders know by a random, unguessable id. The bigint key stays inside."""

    public_id = models.CharField("id", max_length=32, unique=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class Heartbeat(models.Model):
    """When a long-running part of the product was last alive."""

    name = models.CharField(max_length=100, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def beat(cls, name: str, now: dt.datetime | None = None) -> None:
        """Say that `name` is alive at `now` (default: this moment)."""
        cls.objects.update_or_create(name=name, defaults={"seen_at": now or timezone.now()})


class Counter(models.Model):
    """Counts per UTC hour, so that no page ever has to count a big table.

    name: what is counted ("inbound.unverified"); key: for which thing (a public id, a state) or "".
    """

    hour = models.DateTimeField()
    name = models.CharField(max_length=60)
    key = models.CharField(max_length=120, blank=True, default="")
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["name", "key", "hour"], name="counter_unique"),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["hour"], name="counter_hour")]

    def __str__(self) -> str:
        return f"{self.name}/{self.key}"

    @classmethod
    def bump(cls, name: str, key: str = "", by: int = 1, now: dt.datetime | None = None) -> None:
        """Add `by` to the counter of this hour; one statement, safe across processes."""
        cls.bump_many({(name, key): by}, now)

    @classmethod
    def bump_many(cls, amounts: dict[tuple[str, str], int], now: dt.datetime | None = None) -> None:
        """Add several amounts in one statement. Keys are (name, key)."""
        if not amounts:
            return
        hour = (now or timezone.now()).replace(minute=0, second=0, microsecond=0)
        # The ORM has no "insert or add", and a read before the write would race.
        table = cls._meta.db_table
        rows = sorted(amounts.items())
        marks = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
        values: list[Any] = []
        for (name, key), by in rows:
            values += [connection.ops.adapt_datetimefield_value(hour), name, key[:120], by]
        with connection.cursor() as cursor:
            cursor.execute(  # only our own table name and placeholders go into the text
                f'INSERT INTO "{table}" (hour, name, key, value) VALUES {marks} '  # noqa: S608
                f'ON CONFLICT (name, key, hour) DO UPDATE SET value = "{table}".value + excluded.value',
                values,
            )


class AppendOnly(models.QuerySet["AuditEntry"]):
    """Rows that are written once."""

    def update(self, **kwargs: Any) -> int:
        """Never: history is not rewritten."""
        raise TypeError("The audit history is append-only.")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Never, as above."""
        raise TypeError("The audit history is append-only.")


class AuditEntry(PublicIdModel):
    """One change and who made it. Written by `apps.core.audit` alone, and never changed or deleted.

    It refers to everything by name and id, so that it stays readable when what it tells of is gone.
    """

    class Action(models.TextChoices):
        CREATED = "created", "Created"
        CHANGED = "changed", "Changed"
        DELETED = "deleted", "Deleted"
        DID = "did", "Did"

    class ActorKind(models.TextChoices):
        USER = "user", "Person"
        TOKEN = "token", "API token"
        TEAMS = "teams", "Teams user"
        SYSTEM = "system", "System"

    actor_kind = models.CharField(max_length=20, choices=ActorKind.choices)
    actor_id = models.CharField(max_length=200, blank=True, default="")
    actor_name = models.CharField(max_length=200, blank=True, default="")
    action = models.CharField(max_length=20, choices=Action.choices)
    words = models.CharField(max_length=300, blank=True, default="")
    object_kind = models.CharField(max_length=60)
    object_id = models.CharField(max_length=64)
    object_name = models.CharField(max_length=300, blank=True, default="")
    parent_kind = models.CharField(max_length=60, blank=True, default="")
    parent_id = models.CharField(max_length=64, blank=True, default="")
    changes = models.JSONField(default=list)

    objects = AppendOnly.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["object_id", "-id"], name="audit_object"),
            models.Index(fields=["parent_id", "-id"], name="audit_parent"),
            models.Index(fields=["object_kind", "-id"], name="audit_kind"),
            models.Index(fields=["actor_name", "-id"], name="audit_actor"),
            models.Index(fields=["created_at"], name="audit_time"),
        ]

    def __str__(self) -> str:
        return f"{self.object_name}: {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Once."""
        if not self._state.adding:
            raise TypeError("The audit history is append-only.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Never."""
        raise TypeError("The audit history is append-only.")


class Access(models.Model):
    """No table: it only carries the permissions that the roles are made of (see `apps.core.roles`)."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions: ClassVar[list[Any]] = [
            ("see", "Can see everything but secrets"),
            ("operate", "Can retry, replay, cancel, pause and send tests"),
            ("configure", "Can configure channels, connectors and people"),
        ]


__all__ = ["Access", "AuditEntry", "Counter", "Heartbeat", "PublicIdModel"]
