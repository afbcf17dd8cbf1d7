"""Who calls, and what the caller may do."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.api.models import ApiToken
from apps.api.throttling import REFUSALS, over
from apps.core.tokens import hash_token

if TYPE_CHECKING:
    from rest_framework.views import APIView

RANK = {ApiToken.Role.VIEWER: 0, ApiToken.Role.OPERATOR: 1, ApiToken.Role.ADMIN: 2}
USED_STEP = dt.timedelta(minutes=10)  # "last used" is written at most this often


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer <token>`."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        kind, _, value = get_authorization_header(request).partition(b" ")
        if kind.lower() != b"bearer":
            return None
        token = ApiToken.objects.filter(hashed=hash_token(value.strip().decode("latin-1"))).first()
        if token is None:
            wait = over(f"api-refused:{request.META.get('REMOTE_ADDR', '')}", REFUSALS)
            if wait is not None:
                raise Throttled(wait)
            raise AuthenticationFailed("The token is unknown. Make one with “manage.py create_token”.")
        now = timezone.now()
        if token.last_used_at is None or now - token.last_used_at > USED_STEP:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return token, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class RolePermission(BasePermission):
    """Viewers read; a view's `roles` names what other actions need (default: admin)."""

    message = "The token's role does not allow this. Use a token with a higher role."

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if not isinstance(token, ApiToken):
            return False
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return True
        action = getattr(view, "action", "")
        if action is None:  # a method that the path does not take is answered 405 to everybody
            return True
        needed = getattr(view, "roles", {}).get(action, ApiToken.Role.ADMIN)
        return RANK[ApiToken.Role(token.role)] >= RANK[needed]
