"""Tokens of programs that use the API."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.core.audit import Actor, Audited
from apps.core.models import PublicIdModel
from apps.core.tokens import hash_token, new_api_token


class ApiToken(Audited, PublicIdModel):
    """A bearer token. Only its hash is kept; the token itself is shown once."""

    audited = ("name", "role")
    audited_secrets = ("hashed",)

    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer: sees"
        OPERATOR = "operator", "Operator: retries, replays, tests"
        ADMIN = "admin", "Admin: configures"

    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)
    hashed = models.CharField(max_length=64, unique=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

    @property
    def is_authenticated(self) -> bool:
        """The framework asks this of whoever makes a request."""
        return True

    @property
    def actor(self) -> Actor:
        """What the audit history says of whoever uses the token."""
        return Actor("token", self.public_id, self.name)

    @classmethod
    def issue(cls, name: str, role: str) -> str:
        """Make a token and return it in clear, this one time."""
        token = new_api_token()
        cls.objects.create(name=name, role=role, hashed=hash_token(token))
        return token
