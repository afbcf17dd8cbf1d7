"""What needs a person at the sources: accounts that are refused or end soon, hooks that are not as planned."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q
from django.urls import reverse

from apps.connectors import accounts
from apps.connectors.models import Account, CustomSource, Hook

SHOWN = 20


def at_sources(now: dt.datetime) -> list[dict[str, str]]:
    """The entries for the dashboard, each with a link to where it is mended."""
    return [*_accounts(now), *_hooks(), *_mappings(now)]


def _accounts(now: dt.datetime) -> list[dict[str, str]]:
    found = []
    refused = Q(state=Account.State.REFUSED) | Q(expires_at__lt=now + accounts.SOON)
    for row in Account.objects.filter(refused)[:SHOWN]:
        if row.state == Account.State.REFUSED:
            text = f"The account “{row.name}” is refused by the product: set its credentials anew."
        else:
            ends = f"{row.expires_at:%d %b %Y}"
            over = row.expires_at is not None and row.expires_at <= now
            text = f"The credential of the account “{row.name}” {'ended' if over else 'ends'} on {ends}. Make a new one."
        link = reverse("admin:connectors_account_change", args=[row.pk])
        found.append(
            {
                "level": "danger" if row.state == Account.State.REFUSED else "warning",
                "text": text,
                "link": link,
            }
        )
    return found


def _hooks() -> list[dict[str, str]]:
    words = {
        Hook.State.GONE: "was deleted at the source",
        Hook.State.OFF: "was switched off by the source",
        Hook.State.DRIFTED: "differs from what was chosen here",
    }
    rows = Hook.objects.filter(state__in=list(words)).select_related("connector")[:SHOWN]
    return [
        {
            "level": "warning" if row.state == Hook.State.DRIFTED else "danger",
            "text": f"The hook of “{row.connector.name}” at {row} {words[Hook.State(row.state)]}.",
            "link": reverse("admin:connectors_hook_change", args=[row.pk]),
        }
        for row in rows
    ]


def _mappings(now: dt.datetime) -> list[dict[str, str]]:
    lately = now - dt.timedelta(days=7)
    return [
        {
            "level": "warning",
            "text": f"The mapping of “{row.name}” failed on a real event. {row.trouble}",
            "link": reverse("admin:custom-edit", args=[row.slug]),
        }
        for row in CustomSource.objects.filter(trouble_at__gt=lately).exclude(trouble="")[:SHOWN]
    ]
