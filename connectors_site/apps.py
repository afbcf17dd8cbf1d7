"""The site as an application: it holds the commands that know every room."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.contrib.admin.apps import SimpleAdminConfig
from django.db.models.signals import post_migrate

from apps.core.roles import sync_groups


class SiteConfig(AppConfig):
    name = "connectors_site"
    verbose_name = "Teams Connectors"

    def ready(self) -> None:
        # After the permissions of that room, which Django makes in the same moment.
        post_migrate.connect(sync_groups, sender=apps.get_app_config("core"), dispatch_uid="roles")


class AdminConfig(SimpleAdminConfig):
    """Looks for no admin pages by itself: only the web server needs them, and its URLs ask for them."""

    default_site = "connectors_site.site.Site"
