"""Who calls, what the call needs, and how often a token may call."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from apps.api.models import ApiToken
from apps.core.tokens import hash_token

if TYPE_CHECKING:
    from rest_framework.views import APIView

USED_STEP = dt.timedelta(minutes=1)  # "last used" is written at most this often
WINDOW = 60  # seconds
CALLS = 3_000  # of one token in a window, in each web process
REFUSALS = 120  # of one address in a window, until its wrong tokens are answered 429


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`."""

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return 'Bearer realm="api"'

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiToken] | None:
        """The token's row as `request.auth`. None without the header; raises for a token that is no good."""
        kind, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        text = text.strip()
        if not kind:
            return None
        token = None
        if kind.lower() == "bearer" and text:
            digest = hash_token(text.encode("utf-8", "replace").decode())
            token = ApiToken.objects.filter(digest=digest).first()
        now = timezone.now()
        if token is None or not token.enabled or (token.expires_at and token.expires_at <= now):
            self._refuse(request)
        assert token is not None  # noqa: S101 - _refuse never returns
        if token.last_used_at is None or now - token.last_used_at > USED_STEP:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return AnonymousUser(), token

    def _refuse(self, request: Request) -> None:
        wait = _over(f"api-refused:{request.META.get('REMOTE_ADDR', '')}", REFUSALS)
        if wait is not None:
            raise Throttled(wait)
        raise AuthenticationFailed(
            "The token is unknown, switched off or expired. Ask an admin for a new one.", "invalid_token"
        )


class HasRole(BasePermission):
    """Reading needs a viewer, what a view names in `operator_actions` an operator, the rest an admin."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises PermissionDenied naming the role that is missing."""
        token = request.auth
        if not isinstance(token, ApiToken):
            return False
        needed = needed_role(request.method or "GET", view)
        if token.may(needed):
            return True
        raise PermissionDenied(
            f"This call needs the role {needed}; the token “{token.name}” has {token.role}.", "role_too_low"
        )


def needed_role(method: str, view: Any) -> str:
    """The least role for what `view` is about to do."""
    action = getattr(view, "action", None)
    # A method that the path does not take is answered 405 to everybody.
    if method in SAFE_METHODS or action is None or action in getattr(view, "viewer_actions", ()):
        return ApiToken.Role.VIEWER.value
    if action in getattr(view, "operator_actions", ()):
        return ApiToken.Role.OPERATOR.value
    return ApiToken.Role.ADMIN.value


class TokenThrottle(BaseThrottle):
    """At most CALLS a minute for one token, counted in each web process."""

    _wait: float | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the token may call once more in this minute."""
        token = request.auth
        self._wait = _over(f"api-calls:{token.pk}", CALLS) if isinstance(token, ApiToken) else None
        return self._wait is None

    def wait(self) -> float | None:
        """Seconds until the next minute begins."""
        return self._wait


def _over(key: str, limit: int) -> float | None:
    """Count one; the seconds to wait when `limit` is passed in the current window, else None."""
    now = time.time()
    window = int(now // WINDOW)
    name = f"{key}:{window}"
    if cache.add(name, 1, WINDOW * 2):
        return None
    try:
        count = cache.incr(name)
    except ValueError:  # thrown out of the cache meanwhile
        return None
    return (window + 1) * WINDOW - now if count > limit else None
