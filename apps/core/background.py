"""Starting a background task without caring whether the queue is up: the rows are the truth, a task is a nudge."""

from __future__ import annotations

import logging

from django_q.tasks import async_task

logger = logging.getLogger(__name__)


def start(task: str, *args: object) -> bool:
    """Put `task` (a dotted path) into the queue. False when the queue takes nothing; a schedule comes by anyway."""
    try:
        async_task(task, *args)
    except Exception as error:
        logger.warning("the queue takes no task: %s", type(error).__name__)
        return False
    return True
