from __future__ import annotations

from django.apps import AppConfig


class CommandsConfig(AppConfig):
    name = "apps.commands"
    label = "commands"
    verbose_name = "Chat commands"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Whoever acts in a browser on the word of Teams may do what their role is now."""
        from apps.actions import visitors
        from apps.commands import services

        visitors.ask_roles_of(services.role_of)
