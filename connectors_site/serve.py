"""The web server: `python -m connectors_site.serve HOST PORT WORKERS`.

With several workers the site is loaded before they are forked, so that they share the memory of what was loaded:
a third less for all of it together. A single worker loads it itself, since nobody would share it.
"""

from __future__ import annotations

import multiprocessing
import sys

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

APPLICATION = "connectors_site.wsgi:application"
THREADS = 4  # of each worker; a slow page must not hold up webhooks


def main(host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    if workers > 1 and multiprocessing.get_start_method() == "fork":
        import connectors_site.wsgi  # noqa: F401 - loaded for the workers

    Server(
        APPLICATION,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
