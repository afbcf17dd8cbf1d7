"""The site as an application: it holds the commands that know every room."""

from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "connectors_site"
    verbose_name = "Teams Connectors"
