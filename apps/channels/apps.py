from __future__ import annotations

from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "apps.channels"
    label = "channels"
    verbose_name = "Teams channels"
    default_auto_field = "django.db.models.BigAutoField"
