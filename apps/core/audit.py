"""Who changed what: the only writer of the audit history, and what makes rows write it by themselves.

Rows that people configure inherit from `Audited` and name the fields that count. Whoever lets somebody in (the
middleware, the chat) says who acts; services, forms and views then need not know. Secrets and webhook URLs are
never written: the history says only that they were set, changed or removed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from django.db import models, transaction
from django.http import HttpRequest

from apps.core.errors import ConfigurationError
from apps.core.models import AuditEntry

LONGEST = 2_000  # characters of one value
# In options, which are named by whoever wrote the source.
SECRET_WORDS = ("secret", "token", "password", "signature", "api_key", "apikey", "private_key")
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. kind: user, token, teams or system."""

    kind: str
    id: str
    name: str


SYSTEM = Actor("system", "", "the system")
_acting: ContextVar[Callable[[], Actor]] = ContextVar("acting")


@contextmanager
def acting(who: Actor | Callable[[], Actor]) -> Iterator[None]:
    """Until the block ends, `who` is responsible for every change. A function is asked only if there is one."""
    mark = _acting.set(who if callable(who) else lambda: who)
    try:
        yield
    finally:
        _acting.reset(mark)


def actor() -> Actor:
    """Who acts at this moment."""
    found = _acting.get(None)
    return found() if found else SYSTEM


def of_request(request: HttpRequest) -> Actor:
    """Who sent the request: the person who is signed in, or what an API token says of itself."""
    user: Any = getattr(request, "user", None)
    own = getattr(user, "actor", None)
    if isinstance(own, Actor):
        return own
    if user is None or not user.is_authenticated:
        return SYSTEM
    return Actor("user", str(user.pk), user.get_username())


def entries(
    *,
    kind: str = "",
    object_id: str = "",
    actor_name: str = "",
    action: str = "",
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> models.QuerySet[AuditEntry]:
    """What was written down, newest first. An object's history holds that of its parts."""
    rows = AuditEntry.objects.order_by("-id")
    if object_id:
        rows = rows.filter(models.Q(object_id=object_id) | models.Q(parent_id=object_id))
        if kind:
            rows = rows.filter(models.Q(object_kind=kind) | models.Q(parent_kind=kind))
    elif kind:
        rows = rows.filter(object_kind=kind)
    exact = {"actor_name": actor_name, "action": action, "created_at__gte": since, "created_at__lt": until}
    return rows.filter(**{name: value for name, value in exact.items() if value})


def kind_of(row: models.Model) -> str:
    """The word for rows of this kind, as the history knows them."""
    return str(row._meta.model_name)


def id_of(row: models.Model) -> str:
    """The id by which outsiders know the row."""
    return str(getattr(row, "public_id", "") or row.pk)


def record(row: models.Model, action: str, changes: list[Values] | None = None, words: str = "") -> None:
    """Write one entry. words: what was done, when it is no change of a field."""
    who, owner = actor(), getattr(row, getattr(row, "audited_parent", "") or "-", None)
    AuditEntry.objects.create(
        actor_kind=who.kind,
        actor_id=who.id[:200],
        actor_name=who.name[:200],
        action=action,
        words=words[:300],
        object_kind=kind_of(row),
        object_id=id_of(row),
        object_name=str(row)[:300],
        parent_kind=kind_of(owner) if owner else "",
        parent_id=id_of(owner) if owner else "",
        changes=changes or [],
    )


def did(row: models.Model, words: str) -> None:
    """Write that something was done with a row which changed no field of it. words: as the button says it."""
    record(row, AuditEntry.Action.DID, words=words)


def values_of(row: models.Model, fields: Iterable[str]) -> Values:
    """The fields as the history shows them; those of a mapping one by one."""
    found: Values = {}
    for name in fields:
        try:
            value = getattr(row, name)
        except ConfigurationError:  # its key is lost; it can still be replaced or deleted
            value = "unreadable"
        if isinstance(value, Mapping):
            found.update({f"{name}.{key}": _plain(inner) for key, inner in value.items()})
        else:
            found[name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, models.Manager):
        return sorted(str(each) for each in value.all())
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="seconds")
    if value is None or isinstance(value, bool | int | float | list | dict):
        return value if len(str(value)) <= LONGEST else str(value)[:LONGEST] + "…"
    return str(value)[:LONGEST]


def changes(old: Values, new: Values, secrets: Iterable[str] = ()) -> list[Values]:
    """What differs, field by field. Of secrets only that they were set, changed or removed."""
    hidden = set(secrets)
    found = []
    for name in [*new, *(name for name in old if name not in new)]:
        before, after = old.get(name), new.get(name)
        if before == after or (not before and not after and not isinstance(before or after, bool)):
            continue
        if name in hidden or any(word in name.lower() for word in SECRET_WORDS):
            after = ("changed" if before else "set") if after else "removed"
            before = None
        found.append({"field": name, "old": before, "new": after})
    return found


R = TypeVar("R", bound="Audited")


class AuditedQuerySet(models.QuerySet[R]):
    """Changes of many rows at once are written down row by row."""

    def update(self, **kwargs: Any) -> int:
        """As Django does it; what counts for the history is read before and after."""
        if not self.model.watched().intersection(kwargs):
            return super().update(**kwargs)
        with transaction.atomic():
            names = [
                name for name in self.model.named() if self.model.column(name) in kwargs or name in kwargs
            ]
            before = {row.pk: values_of(row, names) for row in self.model.unread(self.all())}
            done = super().update(**kwargs)
            for row in self.model.unread(self.model._base_manager.filter(pk__in=before)):
                row._note_change(before[row.pk], names)
        return done

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django does it, each row with what goes with it written down."""
        with transaction.atomic():
            for row in self.model.unread(self.all()):
                row._note_deletion()
            return super().delete()


class Audited(models.Model):
    """A row whose changes are in the audit history."""

    audited: ClassVar[tuple[str, ...]] = ()
    audited_secrets: ClassVar[tuple[str, ...]] = ()
    audited_parent: ClassVar[str] = ""  # the row in whose history this one's changes stand too

    objects = AuditedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As Django does it, and in the same transaction the entry in the history."""
        only = kwargs.get("update_fields")
        if only is not None and not self.watched().intersection(only):
            super().save(*args, **kwargs)
            return
        with transaction.atomic():
            rows = self.unread(type(self)._base_manager.filter(pk=self.pk))
            # What is not written must not look so.
            names = [
                name for name in self.named() if only is None or name in only or self.column(name) in only
            ]
            stored = None if self._state.adding else rows.first()
            before = values_of(stored, names) if stored else {}
            super().save(*args, **kwargs)
            if stored is None:
                found = changes({}, values_of(self, self.named()), self.audited_secrets)
                record(self, AuditEntry.Action.CREATED, found)
            else:
                self._note_change(before, names)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """As Django does it, with what goes with it written down."""
        with transaction.atomic():
            self._note_deletion()
            return super().delete(*args, **kwargs)

    @classmethod
    def watched(cls) -> frozenset[str]:
        """The fields whose changes are written down, also as their columns are called."""
        return frozenset({*cls.named(), *map(cls.column, cls.named())})

    @classmethod
    def named(cls) -> tuple[str, ...]:
        """All fields that count."""
        return (*cls.audited, *cls.audited_secrets)

    @classmethod
    def column(cls, name: str) -> str:
        """A field as `team_id` instead of `team`."""
        return str(getattr(cls._meta.get_field(name), "attname", name))

    @classmethod
    def unread(cls, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """The rows without their secrets, which are read one by one where they count: a key may be lost."""
        return rows.defer(*cls.audited_secrets) if cls.audited_secrets else rows

    def _note_change(self, before: Values, names: Iterable[str]) -> None:
        found = changes(before, values_of(self, names), self.audited_secrets)
        if found:
            record(self, AuditEntry.Action.CHANGED, found)

    def _note_deletion(self) -> None:
        for relation in self._meta.related_objects:
            inner = relation.related_model
            if issubclass(inner, Audited) and relation.on_delete is models.CASCADE:
                for row in inner.unread(inner._base_manager.filter(**{relation.field.name: self})):
                    row._note_deletion()
        found = changes(values_of(self, self.named()), {}, self.audited_secrets)
        record(self, AuditEntry.Action.DELETED, found)
