"""Gap repair and delta reading: asks the source what it failed to deliver, or what changed, and takes that in.

What is found is stored as inbound requests, as if it had come in; from there the usual path goes on, which
drops what is known already. When much of it is old, the channels get digests instead of stale cards.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from apps.connectors import accounts, hooks, services
from apps.connectors.models import Connector, Hook
from apps.core.errors import AppError
from apps.inbound import notices
from apps.inbound import services as inbound
from apps.inbound.pipeline import FETCHED
from apps.sources.api import Api
from apps.sources.hooks import Hooks, Missed
from apps.sources.http import Headers, Http

logger = logging.getLogger(__name__)
OVERLAP = dt.timedelta(minutes=10)
OVERDUE = dt.timedelta(hours=26)  # a hook that was not asked for so long is asked between two nights
MOST = 2_000  # taken in at one go
PAGES = 50


@dataclass(frozen=True, slots=True)
class Repaired:
    """found: what the source said it had failed to deliver. stored: what was taken in for processing."""

    found: int = 0
    stored: int = 0


def repair(row: Hook, *, since: dt.datetime | None = None) -> Repaired:
    """Take in what the source failed to deliver since the last time, oldest first.

    Raises ApiError when the source does not tell all of it; what it told until then is taken in, and the next
    asking goes on from there.
    """
    connector = row.connector
    code = hooks.able(connector)
    if not code.can_find_missed or connector.account is None:
        return Repaired()
    now = timezone.now()
    start = since or (row.repaired_until - OVERLAP if row.repaired_until else row.created_at)
    start = max(start, now - code.remembered)
    api = accounts.open_account(connector.account)
    found: list[Missed] = []
    trouble: AppError | None = None
    try:
        for each in code.missed(api, row.place, row.remote_id, start, now):
            found.append(each)
            if len(found) >= MOST:
                break
    except AppError as error:
        trouble = error
    found.sort(key=lambda each: each.at)
    stored = _take_in(connector, found)
    if trouble is None or found:
        whole = trouble is None and len(found) < MOST
        Hook.objects.filter(pk=row.pk).update(repaired_until=now if whole else found[-1].at)
    if trouble is not None:
        raise trouble
    return Repaired(len(found), stored)


def read_changes(row: Hook) -> Repaired:
    """Take in what changed at the source since the stored cursor, page by page. Raises ApiError.

    The cursor is moved in the transaction that stores a page, so nothing is lost or told twice when it breaks off.
    """
    connector = row.connector
    code = hooks.able(connector)
    if not code.can_read_changes or connector.account is None:
        return Repaired()
    api = accounts.open_account(connector.account)
    stored = found = 0
    for _ in range(PAGES):
        step = _page(code, api, row)
        found, stored = found + step.found, stored + step.stored
        row.refresh_from_db(fields=["cursor"])
        if not step.more:
            break
    return Repaired(found, stored)


@dataclass(frozen=True, slots=True)
class _Step:
    found: int
    stored: int
    more: bool


def _page(code: Hooks, api: Api, row: Hook) -> _Step:
    page = code.changes(api, row.place, row.cursor)
    with transaction.atomic():
        held = Hook.objects.select_for_update().get(pk=row.pk)
        if held.cursor != row.cursor:
            # Another process read this page meanwhile.
            return _Step(0, 0, more=False)
        stored = _take_in(row.connector, page.items)
        held.cursor = page.cursor
        held.save(update_fields=["cursor"])
    return _Step(len(page.items), stored, page.more)


def _take_in(connector: Connector, items: Iterable[Missed]) -> int:
    """Store as inbound requests. They were fetched with the account, so they need no signature."""
    source, scheme = connector.source_object(), services.scheme_of(connector)
    stored = 0
    for each in items:
        headers = {"content-type": "application/json", **each.headers, FETCHED: "1"}
        http = Http(headers=Headers(headers), body=each.body, url=connector.url, received_at=each.at)
        # As of when it happened: what is old by now comes as a digest.
        inbound.store(connector, source, scheme, http, each.at)
        stored += 1
    return stored


def repair_all() -> str:
    """Every hook whose source can tell what it missed; one's trouble does not touch the others."""
    return _ask(hooks.all_rows())


def _ask(rows: Iterable[Hook]) -> str:
    stored = failed = 0
    resting: set[int | None] = set()
    for row in rows:
        if row.connector.account_id in resting:
            # Its rate limit is used up: more questions would only make the wait longer.
            failed += 1
            continue
        try:
            code = row.connector.source_object().hooks
            if code is None:
                continue
            if code.can_find_missed:
                stored += repair(row).stored
            if code.can_read_changes:
                stored += read_changes(row).stored
        except AppError as error:
            failed += 1
            if error.code == "api_rate_limited":
                resting.add(row.connector.account_id)
            logger.warning("hook %s could not be asked for what was missed: %s", row.public_id, error.code)
        except Exception as error:
            failed += 1
            logger.error("hook %s: %s", row.public_id, type(error).__name__, exc_info=error)
    return f"{stored} taken in, {failed} hooks could not be asked"


def renew_due() -> str:
    """Every hour: renew the hooks that would end soon, and ask those that could not be asked last night.

    One that had ended already missed something, so what changed is read too.
    """
    now = timezone.now()
    due = hooks.due_rows(now)
    ended = {row.pk for row in due if row.expires_at is not None and row.expires_at <= now}
    counts = hooks.look_after(due, now)
    overdue = [
        row
        for row in hooks.all_rows()
        if row.pk in ended or (row.repaired_until and row.repaired_until < now - OVERDUE)
    ]
    asked = f"; {_ask(overdue)}" if overdue else ""
    return f"{counts['renewed']} renewed, {counts['failed']} failed{asked}"


def nightly() -> str:
    """Compare every hook with what it should be, test every account, take in what was missed, and tell of trouble."""
    now = timezone.now()
    before = notices.standing()
    counts = hooks.look_after(hooks.all_rows(), now)
    for account in accounts.all_rows():
        accounts.test(account)
    told = notices.tell(before, now)
    return f"{counts['checked']} checked, {counts['failed']} failed; {repair_all()}; {told} channels told"


def run_errand(connector_id: int, errand: str) -> str:
    """Do what a source asked for: read the "changes", "renew" its hook or "mend" it. May run any number of times."""
    stored = 0
    rows = Hook.objects.filter(connector=connector_id, connector__account__isnull=False)
    for row in rows.select_related("connector__account"):
        try:
            if errand == "renew":
                hooks.renew(row, timezone.now())
            elif errand == "mend":
                hooks.mend(row)
            stored += read_changes(row).stored
        except AppError as error:
            logger.warning("hook %s: %s is not possible: %s", row.public_id, errand, error.code)
            Hook.objects.filter(pk=row.pk).update(message=error.public_message[:400])
    return f"{stored} changes"
