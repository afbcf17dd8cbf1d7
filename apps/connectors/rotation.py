"""New secrets for many connectors at once, at both sides where the hook is ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from apps.connectors import hooks, services
from apps.connectors.models import Connector, Secret
from apps.core import background
from apps.core.errors import AppError

GIVE = "apps.connectors.rotation.give"


@dataclass(frozen=True, slots=True)
class Turned:
    """A connector with its new secret. hooks: how many hooks at the source get it by themselves."""

    connector: Connector
    secret: str
    hooks: int


@dataclass(frozen=True, slots=True)
class Rotation:
    """What came of it. skipped: connectors that kept what they have, each with the reason in words."""

    turned: list[Turned] = field(default_factory=list)
    skipped: list[tuple[Connector, str]] = field(default_factory=list)


def of_source(slug: str) -> QuerySet[Connector]:
    """A source's connectors with their secrets and hooks, by name."""
    return (
        Connector.objects.filter(source=slug)
        .select_related("account")
        .prefetch_related(
            Prefetch("secrets", queryset=Secret.objects.order_by("-created_at")),
            "hooks",
        )
        .order_by("name", "pk")
    )


def why_not(connector: Connector) -> str:
    """Why this connector can have no new secret made here; empty when it can."""
    try:
        services.check_rotates(connector)
    except AppError as error:
        return error.public_message
    return ""


def rotate(connectors: Iterable[Connector]) -> Rotation:
    """A new secret for each, all or none; the old ones stay valid for a day.

    Hooks that are ours get theirs in the background. One that could not be reached shows as drifted, and is mended
    with a click.
    """
    found = Rotation()
    with transaction.atomic():
        for row in connectors:
            reason = why_not(row)
            if reason:
                found.skipped.append((row, reason))
                continue
            own = row.hooks.count() if row.account_id else 0
            found.turned.append(Turned(row, services.rotate_secret(row), own))
    for each in found.turned:
        if each.hooks:
            background.start(GIVE, each.connector.pk)
    return found


def give(key: int) -> str:
    """Background task: the newest secret of a connector to all its hooks."""
    row = Connector.objects.select_related("account").filter(pk=key).first()
    if row is None:
        return "the connector is gone"
    given, troubles = hooks.give_secret(row)
    return f"{given} given, {len(troubles)} in trouble"
