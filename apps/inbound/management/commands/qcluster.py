"""`manage.py qcluster`: django-q2's cluster, guarded, with its schedules."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django_q.management.commands import qcluster

from apps.core.cluster import Cluster, bind_children
from apps.inbound import tasks


class Command(qcluster.Command):  # type: ignore[misc]  # django-q2 has no types
    """Runs one more cluster, on this or another machine with the same database and broker."""

    requires_system_checks: list[str] = []  # they load the whole site, which a cluster does not need
    help = "Runs a cluster of background tasks until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--alive", type=Path, help="a file to touch every few seconds while all is well")

    def handle(self, *args: Any, **options: Any) -> None:
        if options.get("cluster_name"):
            os.environ["Q_CLUSTER_NAME"] = options["cluster_name"]
        if options.get("run_once"):
            super().handle(*args, **options)
            return
        bind_children()
        tasks.ensure_schedules()
        # What is loaded by now is shared with the children; a collection in one of them would copy it.
        gc.collect()
        gc.freeze()
        cluster = Cluster()
        cluster.alive = options.get("alive")
        cluster.run()
