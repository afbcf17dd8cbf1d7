"""Rows read, added and changed as quickly as the database driver can, for the few steps that every event passes.

The ORM makes its SQL anew at each call, which takes three to five times as long as the statement itself. Here the
text is made once. Everywhere else the ORM is the way.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Field, Model

PREPARE_AFTER = 5  # uses of a connection, after which PostgreSQL keeps the plan
M = TypeVar("M", bound=Model)


def read(model: type[M], ends: str, values: Sequence[object], columns: str = "*") -> list[M]:
    """Rows of `model`. ends: what follows the table's name, our own text with %s for each of `values`.

    columns: some of them, the key among them; the others are read when they are asked for.
    """
    sql = f'SELECT {columns} FROM "{model._meta.db_table}" {ends}'  # noqa: S608 - our own names
    return list(cast("Any", model)._base_manager.raw(sql, values))


def marks(values: Sequence[object]) -> str:
    """`%s, %s` for so many values."""
    return ", ".join(["%s"] * len(values))


def insert(table: str, values: dict[str, Any]) -> None:
    """Insert `values` (by column, ready for the driver). Raises DatabaseError as the ORM would."""
    with _turn():
        _execute(*_insertion(table, values))


_one_writer = threading.Lock()


def _turn() -> AbstractContextManager[object]:
    """One thread of this process at a time writes to SQLite, whose own way to wait is to sleep and look again.

    Inside a transaction there is nothing to wait for: it has the database's own lock, for which others wait.
    """
    here = connections[DEFAULT_DB_ALIAS]
    return nullcontext() if here.vendor != "sqlite" or here.in_atomic_block else _one_writer


def add(row: Model, *, unless_there: bool = False) -> bool:
    """Insert a row that has no key yet, and give it its key.

    unless_there: leave it when a unique key is taken already; then False is returned.
    Raises DatabaseError as the ORM would.
    """
    here = connections[DEFAULT_DB_ALIAS]
    values = {
        field.column: field.get_db_prep_save(field.pre_save(row, add=True), here)
        for field in _fields(type(row))
    }
    sql, ready = _insertion(row._meta.db_table, values)
    clause = " ON CONFLICT DO NOTHING" if unless_there else ""
    found = _execute(f'{sql}{clause} RETURNING "{_key(row)}"', ready, answer=True)
    if not found:
        return False
    row.pk = found[0]
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return True


def change(row: Model, **values: object) -> None:
    """Set these fields, on the object and in its row."""
    fields = {name: cast("Field[Any, Any]", row._meta.get_field(name)) for name in values}
    names = ", ".join(f'"{field.column}" = %s' for field in fields.values())
    for name, value in values.items():
        setattr(row, name, value)
    ready = [field.get_db_prep_save(getattr(row, name), connection) for name, field in fields.items()]
    _execute(f'UPDATE "{row._meta.db_table}" SET {names} WHERE "{_key(row)}" = %s', [*ready, row.pk])  # noqa: S608


def _key(row: Model) -> str:
    return str(cast("Any", row._meta.pk).column)


def _execute(sql: str, values: Sequence[Any], *, answer: bool = False) -> tuple[Any, ...] | None:
    """Run one statement by the driver itself; with `answer`, its first row.

    Django's cursor costs a quarter of what SQLite takes. On PostgreSQL the values go apart from the statement, bytes as
    bytes, and the server keeps its plan; Django's cursor would write all of it into one text, bytes at twice their size.
    """
    here = connections[DEFAULT_DB_ALIAS]  # looked up once: each use of Django's `connection` looks it up anew
    here.ensure_connection()
    driver = here.connection
    if here.vendor != "postgresql":
        with here.wrap_database_errors:
            done = driver.execute(_sqlite(sql), values)
            return cast("tuple[Any, ...] | None", done.fetchone()) if answer else None
    import psycopg

    driver.prepare_threshold = PREPARE_AFTER
    with here.wrap_database_errors, psycopg.Cursor(driver) as cursor:
        cursor.execute(cast("Any", sql), values)
        return cursor.fetchone() if answer else None


@lru_cache(maxsize=256)
def _sqlite(sql: str) -> str:
    """The statement with SQLite's own marks; ours holds no other per cent sign."""
    return sql.replace("%s", "?")


def _insertion(table: str, values: dict[str, Any]) -> tuple[str, list[Any]]:
    # Binary values are bound as such: PostgreSQL would have to undo their text form.
    blobs: frozenset[str] = frozenset()
    if connection.vendor == "postgresql":
        blobs = frozenset(name for name, value in values.items() if isinstance(value, bytes))
    return _statement(table, tuple(values), blobs), list(values.values())


@lru_cache(maxsize=64)
def _statement(table: str, columns: tuple[str, ...], blobs: frozenset[str]) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    holders = ", ".join("%b" if column in blobs else "%s" for column in columns)
    return f'INSERT INTO "{table}" ({names}) VALUES ({holders})'  # noqa: S608 - our own names


@lru_cache(maxsize=16)
def _fields(model: type[Model]) -> tuple[Any, ...]:
    return tuple(field for field in model._meta.concrete_fields if not field.primary_key)
