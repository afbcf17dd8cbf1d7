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

    try:
        _ = settings.INSTALLED_APPS
    except ImproperlyConfigured as error:
        # Django would go on and fail later with words that help nobody.
        sys.exit(f"The settings are not complete: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
