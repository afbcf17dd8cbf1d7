"""`manage.py qcluster`: django-q2's cluster with its safety nets: schedules, a first drain, no orphans."""

from __future__ import annotations

import gc
import os
import signal
from types import FrameType
from typing import Any

from django_q.management.commands import qcluster

from apps.core import wake
from apps.core.supervisor import die_with_parent
from apps.inbound import tasks


class Command(qcluster.Command):  # type: ignore[misc]  # django-q2 has no types
    """Runs one more cluster, on this or another machine with the same database and broker."""

    requires_system_checks: list[str] = []  # they load the whole site, which a cluster does not need
    help = "Runs a cluster of background tasks."

    def handle(self, *args: Any, **options: Any) -> None:
        # A worker whose parent was killed would go on unguarded, beside its replacement.
        os.register_at_fork(after_in_child=die_with_parent)
        # What is loaded by now is shared with the children; a collection in one of them would copy it.
        gc.collect()
        gc.freeze()
        tasks.ensure_schedules()
        tasks.start()
        self._hasten_stop()
        super().handle(*args, **options)

    @staticmethod
    def _hasten_stop() -> None:
        """On SIGTERM tell the drain to finish, else a stop would wait for its whole time box."""
        from django_q.cluster import Cluster

        original = Cluster.sig_handler

        def sig_handler(self: Any, signum: int, frame: FrameType | None) -> None:
            if signum in (signal.SIGTERM, signal.SIGINT):
                wake.notify(tasks.STOP_TOPIC)
            original(self, signum, frame)

        Cluster.sig_handler = sig_handler
