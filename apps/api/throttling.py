"""How often a token may call, and how often an address may try tokens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from apps.api.models import ApiToken

if TYPE_CHECKING:
    from rest_framework.views import APIView

WINDOW = 60  # seconds
CALLS = 3_000  # of one token in a window, in each web process
REFUSALS = 120  # wrong tokens of one address in a window, until they are answered 429


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


def over(key: str, limit: int) -> float | None:
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
