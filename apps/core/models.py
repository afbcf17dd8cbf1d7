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


__all__ = ["Access", "Counter", "Heartbeat", "PublicIdModel"]
