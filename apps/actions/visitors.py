"""Who stands before an action page: a signed-in person, somebody confirmed in Teams, or nobody known.

Somebody who has no account here confirms once in Teams: the page shows a code, the person writes
`confirm CODE` to the outgoing webhook, and Teams' own signature says who that is. The browser then
stays confirmed for twelve hours.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.actions.models import Confirmation
from apps.connectors.models import ActionPolicy, Connector
from apps.core import tokens
from apps.core.errors import CommandError
from apps.core.roles import OPERATE

COOKIE = "teams_person"
CODE_LIVES = dt.timedelta(minutes=10)
STAYS = 12 * 3600  # seconds
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that looks like something else
MAY_ACT = frozenset({"operator", "admin"})
RoleOf = Callable[[str], str]
# What somebody in Teams may do now, by the id that an admin linked. The room that knows these people sets it.
_role_of: list[RoleOf] = []


def ask_roles_of(known: RoleOf) -> None:
    """Let `known` say what people may do whom the browser was confirmed for; a role may be taken away meanwhile."""
    _role_of[:] = [known]


@dataclass(frozen=True, slots=True)
class Visitor:
    """name: as it is written into the audit and the result card. may_act: False with a reason in `refusal`."""

    name: str
    may_act: bool
    refusal: str = ""


def identify(request: HttpRequest, connector: Connector) -> Visitor | None:
    """Who the visitor is, or None when that has to be found out first."""
    if request.user.is_authenticated:
        name = request.user.get_full_name() or request.user.get_username()
        if request.user.has_perm(OPERATE):
            return Visitor(name, may_act=True)
        return Visitor(
            name, may_act=False, refusal="Your role lets you see things, not do them. Ask an admin for more."
        )
    confirmed = _confirmed(request)
    if confirmed is not None:
        return confirmed
    if connector.action_policy == ActionPolicy.LINK:
        return Visitor("Somebody in the channel", may_act=True)
    return None


def _confirmed(request: HttpRequest) -> Visitor | None:
    browser = request.COOKIES.get(COOKIE, "")
    if not browser:
        return None
    row = (
        Confirmation.objects.filter(browser_hash=_hash(browser), confirmed_at__isnull=False)
        .order_by("-confirmed_at")
        .first()
    )
    if row is None or row.confirmed_at is None:
        return None
    if timezone.now() - row.confirmed_at > dt.timedelta(seconds=STAYS):
        return None
    role = _role_of[0](row.teams_id) if _role_of else row.role
    if role not in MAY_ACT:
        return Visitor(
            row.who,
            may_act=False,
            refusal="You are known from Teams, but may not act yet. An admin gives you the role operator "
            "under “Chat users”.",
        )
    return Visitor(row.who, may_act=True)


def ask(request: HttpRequest, response: HttpResponse, *, secure: bool) -> Confirmation:
    """A fresh code for this browser; a cookie on `response` ties both together."""
    now = timezone.now()
    browser = request.COOKIES.get(COOKIE, "")
    if len(browser) < 20:
        browser = tokens.new_id()
    response.set_cookie(
        COOKIE, browser, max_age=STAYS, httponly=True, secure=secure, samesite="Lax", path="/act/"
    )
    waiting = Confirmation.objects.filter(
        browser_hash=_hash(browser), confirmed_at__isnull=True, created_at__gt=now - CODE_LIVES / 2
    ).first()
    if waiting is not None:
        return waiting
    code = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return Confirmation.objects.create(code=code, browser_hash=_hash(browser))


def waiting(request: HttpRequest) -> Confirmation | None:
    """The code that this browser shows now, or None."""
    browser = request.COOKIES.get(COOKIE, "")
    if not browser:
        return None
    return (
        Confirmation.objects.filter(
            browser_hash=_hash(browser),
            confirmed_at__isnull=True,
            created_at__gt=timezone.now() - CODE_LIVES,
        )
        .order_by("-id")
        .first()
    )


def confirm(code: str, *, who: str, teams_id: str, role: str) -> None:
    """Say that the browser with this code belongs to that person in Teams. Raises CommandError."""
    now = timezone.now()
    changed = Confirmation.objects.filter(
        code=code.strip().upper().replace("-", ""),
        confirmed_at__isnull=True,
        created_at__gt=now - CODE_LIVES,
    ).update(confirmed_at=now, who=(who or "Somebody in Teams")[:200], teams_id=teams_id[:200], role=role)
    if not changed:
        raise CommandError(
            "unknown_code",
            "That code is not waiting. Codes live ten minutes: open the button again for a new one.",
        )


def prune(now: dt.datetime) -> None:
    """Forget codes and confirmations that are over."""
    Confirmation.objects.filter(created_at__lt=now - dt.timedelta(days=1)).delete()


def _hash(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()
