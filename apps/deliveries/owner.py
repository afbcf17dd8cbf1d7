"""Who may send: one process at a time holds this lock, on every machine that shares the database.

While it is held nobody else posts, so a claim need not be written to the rows: a killed sender's cards
are simply still pending. SQLite: a file lock, which dies with its process. PostgreSQL: an advisory lock,
which dies with its connection. A holder that is frozen keeps its lock, so others may evict it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
from pathlib import Path
from types import TracebackType

from django.db import DatabaseError, connection

from apps.core import wake

logger = logging.getLogger(__name__)
ADVISORY_KEY = 7_305_021_417  # ours among the database's advisory locks
_HOLDER = (
    "locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
)
_HOLDER += "AND classid = %s AND objid = %s AND objsubid = 1 AND granted"
_KEY = [ADVISORY_KEY >> 32, ADVISORY_KEY & 0xFFFFFFFF]


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
        self._file = os.open(_path(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            self._file = -1
            return False
        with contextlib.suppress(OSError):  # a full disk must not keep anybody from sending
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, _mark(os.getpid()).encode(), 0)
        return True

    def still_held(self) -> bool:
        """Whether the lock can still be ours: a PostgreSQL connection that was lost took it along."""
        if not self._advisory:
            return self._file >= 0
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM pg_locks WHERE pid = pg_backend_pid() AND {_HOLDER}", _KEY)  # noqa: S608
            return cursor.fetchone() is not None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        elif self._advisory:
            self._advisory = False
            # A connection that is lost took the lock along.
            with contextlib.suppress(DatabaseError):
                if connection.connection is not None and not connection.connection.closed:
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_KEY])


def evict() -> bool:
    """Take the lock away from a holder that shows no sign of life; whether anybody was found.

    PostgreSQL ends the holder's connection, on whichever machine it is. A file's holder is a process here.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {_HOLDER}", _KEY)  # noqa: S608
            return bool(cursor.fetchall())
    try:
        mark = _path().read_text()
        number = int(mark.split()[0])
        # The number may belong to another process by now, or to one in another container.
        if number == os.getpid() or mark != _mark(number):
            return False
        os.kill(number, signal.SIGKILL)
    except (OSError, ValueError, IndexError):
        return False
    return True


def _path() -> Path:
    return wake.run_dir() / "sender.lock"


def _mark(number: int) -> str:
    """What tells a process from every other one that has or had its number."""
    try:
        started = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19]
        return f"{number} {started} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - not a path
    except (OSError, IndexError):
        return f"{number} ? ?"
