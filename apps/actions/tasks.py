"""What django-q2 runs for actions; safe to run at any time, several at once."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils import timezone
from django_q.models import Schedule

from apps.actions import services, visitors


def work() -> str:
    """Carry out the actions that wait, and forget old ones."""
    done = services.work()
    return f"{done} actions"


def tidy() -> str:
    """Forget what is older than RETENTION_DAYS."""
    services.prune(timezone.now() - dt.timedelta(days=settings.RETENTION_DAYS))
    visitors.prune(timezone.now())
    return "tidy"


def ensure_schedules() -> None:
    """The minutely look for actions whose nudge was lost, and the daily tidying."""
    Schedule.objects.update_or_create(
        name="actions",
        defaults={"func": services.TASK, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1},
    )
    Schedule.objects.update_or_create(
        name="actions-tidy",
        defaults={"func": "apps.actions.tasks.tidy", "schedule_type": Schedule.DAILY, "repeats": -1},
    )
