#!/usr/bin/env python
"""Django's command line for this project."""

from __future__ import annotations

import os
import sys


def main() -> None:
    plan = os.environ.pop("UP_PLAN", "")
    if plan:  # `up` has prepared everything; what stays needs no Django
        from apps.core import upkeep

        upkeep.keep(plan)
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectors_site.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    try:
        _ = settings.INSTALLED_APPS
    except ImproperlyConfigured as error:
        # Django would go on and fail later with words that help nobody.
        sys.exit(f"The settings are not complete: {error}")
    try:
        execute_from_command_line(sys.argv)
    except DatabaseError as error:
        if settings.LOG_LEVEL == "DEBUG" or "--traceback" in sys.argv:
            raise
        why = str(error).strip() or type(error).__name__
        sys.exit(
            f"The database cannot be used: {why}\nCheck DATABASE_URL. An empty database is set up by "
            f"“{sys.argv[0]} up” or “{sys.argv[0]} migrate”. --traceback shows more."
        )


if __name__ == "__main__":
    main()
