"""Model fields that need more than Django offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.lookups import IsNull

from apps.core import crypto

if TYPE_CHECKING:
    _Base = models.TextField[str, str]
else:
    _Base = models.TextField  # generic for the type checker only


class EncryptedTextField(_Base):
    """Text that stands encrypted in the database. Empty text stays empty; nothing but NULL can be queried.

    Reading raises ConfigurationError when the key it was written with is no longer in FIELD_KEYS.
    """

    description = "Encrypted text"

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return crypto.encrypt(value) if value else value

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return crypto.decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        # Every encryption of a text differs, so a comparison would quietly find nothing.
        if lookup_name == "isnull":
            return IsNull
        raise FieldError(f"{self.name} is encrypted and cannot be filtered by.")
