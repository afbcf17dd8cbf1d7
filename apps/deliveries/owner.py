"""Who may send: one process at a time holds this lock, on every machine that shares the database.

While it is held nobody else posts, so a claim need not be written to the rows: a killed sender's cards
are simply still pending. SQLite: a file lock, which dies with its process. PostgreSQL: an advisory lock,
which dies with its connection.
"""

from __future__ import annotations

import fcntl
import os
from types import TracebackType

from django.db import connection

from apps.core import wake

ADVISORY_KEY = 7_305_021_417  # ours among the database's advisory locks


class OwnerLock:
    """`with OwnerLock() as held:` - held is False when somebody else sends."""

    def __init__(self) -> None:
        self._file = -1
        self._advisory = False

    def __enter__(self) -> bool:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_KEY])
                self._advisory = bool(cursor.fetchone()[0])
            return self._advisory
        self._file = os.open(wake.run_dir() / "sender.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            self._file = -1
            return False
        return True

    def still_held(self) -> bool:
        """Whether the lock can still be ours: a PostgreSQL connection that was lost took it along."""
        if not self._advisory:
            return self._file >= 0
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = %s",
                [ADVISORY_KEY & 0xFFFFFFFF],
            )
            return cursor.fetchone() is not None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        elif self._advisory:
            self._advisory = False
            if connection.connection is not None and not connection.connection.closed:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_KEY])
