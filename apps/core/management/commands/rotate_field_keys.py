"""`manage.py rotate_field_keys`: everything that is encrypted at rest, once more under the newest key."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models

from apps.core.errors import ConfigurationError
from apps.core.fields import EncryptedTextField


class Command(BaseCommand):
    """Put the new key in front of FIELD_KEYS, restart, run this, then remove the old key."""

    help = "Encrypts all stored secrets and webhook URLs anew with the first key of FIELD_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        for model in apps.get_models():
            fields = [field.name for field in model._meta.fields if isinstance(field, EncryptedTextField)]
            if fields:
                self.stdout.write(f"{model._meta.verbose_name_plural}: {self._rotate(model, fields)}")

    def _rotate(self, model: type[models.Model], fields: list[str]) -> int:
        count = 0
        rows: Any = model._default_manager.order_by("pk")
        last = 0
        while True:
            # In slices by key, so that memory stays flat and one unreadable row names itself.
            try:
                found = list(rows.filter(pk__gt=last).only("pk", *fields)[:200])
            except ConfigurationError as error:
                raise CommandError(f"{model._meta.verbose_name_plural}: {error.public_message}") from error
            if not found:
                return count
            for row in found:
                row.save(update_fields=fields)
                count += 1
            last = found[-1].pk
