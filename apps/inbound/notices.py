"""Tells channels what needs a person at their sources: a hook that was switched off, a credential that ends.

Told once: when it became so in the night, and for a credential also shortly before its end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.urls import reverse

from apps.cards import adaptive
from apps.cards.notification import Link, Notification, Severity
from apps.channels.models import Channel
from apps.connectors.models import Account, Connector, Hook
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery

SILENT = {
    Hook.State.OFF: "was switched off by the source",
    Hook.State.GONE: "was deleted at the source",
}
DAYS_LEFT = (13, 6, 2, 0)  # whole days that a credential still lives when it is told


@dataclass(frozen=True, slots=True)
class Standing:
    """How hooks and accounts were, by key."""

    hooks: Mapping[int, str] = field(default_factory=dict)
    accounts: Mapping[int, str] = field(default_factory=dict)


def standing() -> Standing:
    """How everything stands now."""
    return Standing(
        dict(Hook.objects.values_list("pk", "state")), dict(Account.objects.values_list("pk", "state"))
    )


def tell(before: Standing, now: dt.datetime) -> int:
    """Post a card about what became bad since `before`. Returns how many were enqueued."""
    told = 0
    for hook in Hook.objects.filter(state__in=list(SILENT)).select_related("connector"):
        if before.hooks.get(hook.pk) != hook.state:
            told += _post(_of_hook(hook), [hook.connector])
    for account in Account.objects.all():
        note = _of_account(account, before.accounts.get(account.pk, ""), now)
        if note is not None:
            told += _post(note, account.connectors.all())
    return told


def _of_hook(row: Hook) -> Notification:
    return Notification(
        f"The hook of “{row.connector.name}” {SILENT[Hook.State(row.state)]}",
        status="Needs a person",
        severity=Severity.ATTENTION,
        subject=Link(str(row), _page("hook", row.pk)),
        container=Link(row.connector.name),
        text=f"Its events do not come any more. {row.message} “Mend it” on the hook's page sets it right.".replace(
            "  ", " "
        ),
        link_title="Open the hook",
    )


def _of_account(row: Account, before: str, now: dt.datetime) -> Notification | None:
    """What is to be told of an account today, or None."""
    if row.state == Account.State.REFUSED and before != Account.State.REFUSED:
        title = f"The account “{row.name}” is refused by the source"
    elif row.expires_at is not None and (row.expires_at - now).days in DAYS_LEFT:
        title = f"The credential of the account “{row.name}” ends on {row.expires_at:%d %b %Y}"
    else:
        return None
    return Notification(
        title,
        status="Needs a person",
        severity=Severity.WARNING,
        subject=Link(row.name, _page("account", row.pk)),
        container=Link(row.name),
        text="Without a new one, buttons and commands do nothing, and hooks are no longer looked after.",
        link_title="Open the account",
    )


def _post(note: Notification, connectors: Iterable[Connector]) -> int:
    """To every channel that these connectors lead to."""
    rows = Channel.objects.filter(
        subscriptions__connector__in=list(connectors), subscriptions__enabled=True
    ).distinct()
    card = adaptive.render(note)
    for channel in rows:
        deliveries.enqueue(channel, card, origin=Delivery.Origin.ACTION)
    return len(rows)


def _page(kind: str, key: int) -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse(f'admin:connectors_{kind}_change', args=[key])}"
