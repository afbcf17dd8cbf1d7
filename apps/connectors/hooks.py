"""Hooks at the sources: made with exactly what is wanted, compared, mended, renewed and taken away."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from dataclasses import asdict
from urllib.parse import urlencode

from django.db.models import Q
from django.utils import timezone

from apps.connectors import accounts, services
from apps.connectors.models import Connector, Hook
from apps.core.errors import ActionError, AppError, ConfigurationError, Conflict
from apps.sources.api import Api, ApiError
from apps.sources.events import selects
from apps.sources.hooks import HookPlan, Hooks, RemoteHook, differences, few
from apps.sources.verify import QueryToken

logger = logging.getLogger(__name__)


def able(connector: Connector) -> Hooks:
    """The code that looks after this connector's hooks. Raises Conflict saying what is missing."""
    hooks = connector.source_object().hooks
    if hooks is None:
        raise Conflict("no_hooks", "Hooks of this source cannot be made from here. Follow the set-up steps.")
    if connector.account is None:
        raise Conflict(
            "no_account", "Give the connector an account first; it makes and looks after the hook."
        )
    return hooks


def selected(connector: Connector) -> list[str]:
    """The names of all events that any of the connector's subscriptions wants."""
    source = connector.source_object()
    names = [spec.name for spec in source.events]
    wanted: set[str] = set()
    for row in connector.subscriptions.filter(enabled=True):
        patterns = row.events or list(source.events.defaults())
        wanted |= {name for name in names if any(selects(pattern, name) for pattern in patterns)}
    # A connector that nobody listens to yet gets what a new subscription would have.
    return sorted(wanted) if wanted else sorted(source.events.defaults())


def plan(connector: Connector) -> HookPlan:
    """What the hook at the source should be."""
    hooks = able(connector)
    scheme = services.scheme_of(connector)
    secrets = services.live_secrets(connector, timezone.now()) if scheme.needs_secret else []
    secret = secrets[0].value if secrets else ""
    url = connector.url
    if isinstance(scheme, QueryToken) and secret:
        url = f"{url}?{urlencode({scheme.parameter: secret})}"
    return HookPlan(
        url=url,
        secret=secret,
        scheme=scheme.key,
        events=tuple(hooks.events(selected(connector))),
    )


def check_place(connector: Connector, place: object) -> dict[str, str]:
    """Where the hook is to stand, as it is stored. Raises ConfigurationError naming what is missing."""
    given = place if isinstance(place, dict) else {}
    found: dict[str, str] = {}
    for option in able(connector).places:
        value = str(given.get(option.key) or option.default or "").strip()
        if option.required and not value:
            raise ConfigurationError("place_missing", f"“{option.label}” is needed. {option.help}".strip())
        if option.kind == "choice" and value and value not in dict(option.choices):
            raise ConfigurationError("bad_place", f"“{option.label}” has no such choice.")
        if len(value) > 300:
            raise ConfigurationError("bad_place", f"“{option.label}” may have 300 characters.")
        if value:
            found[option.key] = value
    return found


def make(connector: Connector, place: object) -> Hook:
    """Make the hook at the source, or take over the one that posts to this connector already.

    Raises ApiError with the product's words, ConfigurationError for a bad place.
    """
    hooks, where = able(connector), check_place(connector, place)
    wanted = hooks.fit(where, plan(connector))
    api = _api(connector)
    found = hooks.find(api, where, wanted.url)
    made = hooks.update(api, where, found.id, wanted) if found else hooks.create(api, where, wanted)
    # One that was taken over may have another id now, where a vendor cannot change a hook.
    known = Q(place=where) | Q(remote_id__in=[made.id, found.id if found else made.id])
    row = Hook.objects.filter(known, connector=connector).first() or Hook(connector=connector)
    row.place, row.remote_id, row.secret_at = where, made.id, timezone.now()
    row.save()
    return _note(row, made, wanted)


def _api(connector: Connector) -> Api:
    if connector.account is None:
        raise Conflict("no_account", "Give the connector an account first.")
    return accounts.open_account(connector.account)


def check(row: Hook) -> Hook:
    """Compare the hook at the source with what it should be, and note the verdict. Never raises for the source's sake."""
    try:
        return _compare(row)
    except AppError as error:
        return _trouble(row, error)


def _compare(row: Hook) -> Hook:
    connector = row.connector
    hooks = able(connector)
    wanted = hooks.fit(row.place, plan(connector))
    found = hooks.read(_api(connector), row.place, row.remote_id)
    if found is None:
        row.state, row.message = (
            Hook.State.GONE,
            "The hook was deleted at the source. Make it again with one click.",
        )
        row.drift, row.checked_at = [], timezone.now()
        row.save(update_fields=["state", "message", "drift", "checked_at"])
        return row
    return _note(row, found, wanted)


def _trouble(row: Hook, error: AppError) -> Hook:
    if isinstance(error, ActionError) and row.connector.account is not None:
        accounts.note_refused(row.connector.account, error)
    row.state, row.message = Hook.State.UNKNOWN, error.public_message[:400]
    row.checked_at = timezone.now()
    row.save(update_fields=["state", "message", "checked_at"])
    return row


def _note(row: Hook, found: RemoteHook, wanted: HookPlan) -> Hook:
    newest = row.connector.secrets.order_by("-created_at").first()
    older = bool(newest and row.secret_at and newest.created_at > row.secret_at)
    drift = differences(wanted, found, secret_changed=older and bool(wanted.secret))
    row.drift = [asdict(each) for each in drift]
    row.page, row.expires_at, row.checked_at = found.page[:500], found.expires_at, timezone.now()
    if not found.active:
        row.state = Hook.State.OFF
    else:
        row.state = Hook.State.DRIFTED if drift else Hook.State.OK
    lacking = sorted(set(wanted.events) & set(found.lacking))
    said = [found.trouble, f"Not offered there: {few(lacking)}." if lacking else ""]
    row.message = " ".join(each for each in said if each)[:400]
    row.save(update_fields=["drift", "page", "expires_at", "checked_at", "state", "message"])
    return row


def mend(row: Hook) -> Hook:
    """Make the hook at the source what it should be, or make it anew when it is gone. Raises ApiError."""
    connector = row.connector
    hooks, api = able(connector), _api(connector)
    wanted = hooks.fit(row.place, plan(connector))
    if hooks.read(api, row.place, row.remote_id) is None:
        made = hooks.create(api, row.place, wanted)
    else:
        made = hooks.update(api, row.place, row.remote_id, wanted)
    # Some vendors cannot change a hook: there it is another one afterwards.
    row.remote_id = made.id or row.remote_id
    row.secret_at = timezone.now()
    row.save(update_fields=["secret_at", "remote_id"])
    return _note(row, made, wanted)


def remove(row: Hook) -> None:
    """Take the hook away at the source, then forget it. Raises ApiError."""
    hooks = able(row.connector)
    hooks.delete(_api(row.connector), row.place, row.remote_id)
    row.delete()


def is_due(row: Hook, hooks: Hooks, now: dt.datetime) -> bool:
    """Whether an expiring hook has to be renewed: a third of its life is left, or less."""
    if hooks.lifetime is None or row.expires_at is None:
        return False
    return row.expires_at - now <= hooks.lifetime / 3


def renew(row: Hook, now: dt.datetime) -> Hook:
    """Let an expiring hook live longer; one that ended already is made anew. Raises ApiError."""
    hooks, api = able(row.connector), _api(row.connector)
    try:
        found = hooks.renew(api, row.place, row.remote_id, now)
    except ApiError as error:
        if error.code != "api_not_found":
            raise
        return mend(row)
    return _note(row, found, hooks.fit(row.place, plan(row.connector)))


def look_after(rows: Iterable[Hook], now: dt.datetime) -> dict[str, int]:
    """Renew what is due and compare the rest. One hook's trouble does not touch the others.

    Where an account's rate limit is used up, its other hooks are left for the next time: asking on would only make the
    wait longer. What is due to be renewed is tried all the same.
    """
    counts = {"renewed": 0, "checked": 0, "failed": 0}
    resting: set[int | None] = set()
    for row in rows:
        account = row.connector.account_id
        try:
            hooks = able(row.connector)
            if is_due(row, hooks, now):
                renew(row, now)
                counts["renewed"] += 1
            elif account in resting:
                counts["failed"] += 1
            else:
                _compare(row)
                counts["checked"] += 1
        except AppError as error:
            if error.code == "api_rate_limited":
                resting.add(account)
            _trouble(row, error)
            counts["failed"] += 1
        except Exception as error:
            logger.error("hook %s: %s", row.public_id, type(error).__name__, exc_info=error)
            counts["failed"] += 1
    return counts


def all_rows() -> Iterable[Hook]:
    """Every hook with what it takes to look after it, a batch at a time."""
    return (
        Hook.objects.filter(connector__account__isnull=False)
        .select_related("connector__account")
        .order_by("pk")
        .iterator(chunk_size=200)
    )


def due_rows(now: dt.datetime) -> list[Hook]:
    """The hooks that expire and may have to be renewed now."""
    rows = Hook.objects.filter(connector__account__isnull=False, expires_at__isnull=False)
    found = []
    for row in rows.select_related("connector__account").order_by("expires_at")[:500]:
        hooks = row.connector.source_object().hooks
        if hooks is not None and is_due(row, hooks, now):
            found.append(row)
    return found


def give_secret(connector: Connector) -> tuple[int, list[str]]:
    """Give the newest secret to all hooks of the connector. Returns how many took it, and what went wrong."""
    given, troubles = 0, []
    for row in connector.hooks.select_related("connector__account"):
        try:
            mend(row)
            given += 1
        except AppError as error:
            _trouble(row, error)
            troubles.append(f"{row}: {error.public_message}")
    return given, troubles
