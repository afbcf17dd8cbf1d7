from __future__ import annotations

from django.apps import AppConfig


class InboundConfig(AppConfig):
    name = "apps.inbound"
    label = "inbound"
    verbose_name = "Inbound requests and events"
    default_auto_field = "django.db.models.BigAutoField"
