"""How often a token may call, and how often an address may try tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from apps.api.models import ApiToken
from apps.core.rates import over

if TYPE_CHECKING:
    from rest_framework.views import APIView

CALLS = 3_000  # of one token in a minute, in each web process
REFUSALS = 120  # wrong tokens of one address in a minute, until they are answered 429


class TokenThrottle(BaseThrottle):
    """At most CALLS a minute for one token, counted in each web process."""

    _wait: float | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the token may call once more in this minute."""
        token = request.auth
        self._wait = over(f"api-calls:{token.public_id}", CALLS) if isinstance(token, ApiToken) else None
        return self._wait is None

    def wait(self) -> float | None:
        """Seconds until the next minute begins."""
        return self._wait


__all__ = ["CALLS", "REFUSALS", "TokenThrottle", "over"]
