"""One row into one table, as quick as the database driver can: a source waits for the answer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import connection

PREPARE_AFTER = 5  # uses of a connection


def insert(table: str, values: dict[str, Any]) -> None:
    """Insert `values` (by column, ready for the driver). Raises DatabaseError as the ORM would.

    The ORM would take three times as long. On PostgreSQL the values go apart from the statement, bytes as bytes, and
    the server keeps its plan; Django's own cursor would write all of it into one text, twice the size.
    """
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_statement(table, tuple(values), frozenset()), list(values.values()))
        return
    import psycopg

    connection.ensure_connection()
    driver = connection.connection
    driver.prepare_threshold = PREPARE_AFTER
    blobs = frozenset(name for name, value in values.items() if isinstance(value, bytes))
    with connection.wrap_database_errors, psycopg.Cursor(driver) as cursor:
        cursor.execute(_statement(table, tuple(values), blobs), list(values.values()))


@lru_cache(maxsize=16)
def _statement(table: str, columns: tuple[str, ...], blobs: frozenset[str]) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join("%b" if column in blobs else "%s" for column in columns)
    return f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608 - our own names
