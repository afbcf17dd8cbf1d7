"""Wake-ups between processes of one machine: a datagram says "look now". It may be lost; polling stands behind it.

Each listener has a Unix socket of its own in DATA_DIR/run, named after its topic, so several may listen at once.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from django.conf import settings

# A Unix socket's path may have about 107 bytes (sun_path); deep data folders fall back to the temporary folder.
LONGEST_PATH = 100


def run_dir() -> Path:
    """The folder of the sockets; made when missing."""
    folder = Path(settings.RUN_DIR)
    if len(os.fsencode(folder)) > LONGEST_PATH - 40:
        import hashlib

        mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"connectors-{os.getuid()}-{mark}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


_made: dict[str, str] = {}
_sender: tuple[int, socket.socket] | None = None


def _folder() -> str:
    """`run_dir`, made once for each setting: webhooks pass here."""
    key = str(settings.RUN_DIR)
    if key not in _made:
        _made[key] = os.fspath(run_dir())
    return _made[key]


def _socket() -> socket.socket:
    """This process's own unbound socket."""
    global _sender  # noqa: PLW0603 - one for the life of the process
    if _sender is None or _sender[0] != os.getpid():
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.setblocking(False)
        _sender = (os.getpid(), made)
    return _sender[1]


_seen: dict[str, tuple[int, list[str]]] = {}
SETTLED = 50_000_000  # nanoseconds; within that a file system may give two changes the same time


def _names(folder: str) -> list[str]:
    """The sockets in the folder, read again when it has changed: a look at its time is a third of the work."""
    changed = os.stat(folder).st_mtime_ns  # noqa: PTH116 - webhooks pass here
    known = _seen.get(folder)
    if known is not None and known[0] == changed:
        return known[1]
    names = os.listdir(folder)  # noqa: PTH208 - as above
    if time.time_ns() - changed > SETTLED:
        _seen[folder] = (changed, names)
    return names


def notify(topic: str) -> int:
    """Wake every listener of `topic`; the number of those that were reached. Never blocks and never raises."""
    reached = 0
    try:
        folder = _folder()
        names = [name for name in _names(folder) if name.startswith(f"{topic}.")]
        sender = _socket()
    except OSError:
        _made.clear()
        return 0
    for name in names:
        path = f"{folder}/{name}"
        try:
            sender.sendto(b"1", path)
            reached += 1
        except BlockingIOError:
            reached += 1  # its buffer is full of wake-ups, so it will wake
        except (ConnectionRefusedError, FileNotFoundError):
            # Left by a process that was killed.
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - a plain name
        except OSError:
            continue
    return reached


class Listener:
    """Waits for wake-ups of a topic. `fileno` lets it stand in a select() beside other things."""

    def __init__(self, topic: str) -> None:
        self._path = run_dir() / f"{topic}.{os.getpid()}-{uuid4().hex[:8]}.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(os.fspath(self._path))

    def fileno(self) -> int:
        return self._socket.fileno()

    def drain(self) -> bool:
        """Forget the wake-ups that wait; whether there were any."""
        woken = False
        while True:
            try:
                self._socket.recv(16)
            except BlockingIOError:
                return woken
            woken = True

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; whether a wake-up came. Many wake-ups count as one."""
        ready, _, _ = select.select([self._socket], [], [], max(timeout, 0))
        return self.drain() if ready else False

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
