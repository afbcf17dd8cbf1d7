"""Pacing per webhook URL: a sliding log, so that a burst may go at once and no window is ever overfull.

Teams throttles a webhook above 4 requests in a second, what posts for the flow above 60 in 30 s and 1,800 an
hour, and the flow's connection above 100 a minute
(https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
Pure: the time is passed in, in seconds of any steady clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

MARGIN = 0.05  # seconds added to the shortest window, against jitter on the way


@dataclass(frozen=True, slots=True)
class Limits:
    """How many requests a webhook URL takes; 0 is no limit."""

    per_second: int = 4
    per_half_minute: int = 60
    per_minute: int = 100
    per_hour: int = 1800

    @property
    def sustained(self) -> float:
        """Requests a second that can go on for ever; 0 is no limit."""
        found = [
            count / window
            for count, window in (
                (self.per_second, 1),
                (self.per_half_minute, 30),
                (self.per_minute, 60),
                (self.per_hour, 3600),
            )
            if count > 0
        ]
        return min(found, default=0.0)


@dataclass(slots=True)
class _Log:
    limits: Limits
    sent: deque[float] = field(default_factory=deque)
    blocked_until: float = 0.0


class Pacer:
    """Says when a webhook URL is free. One owner; not for several threads."""

    def __init__(self) -> None:
        self._logs: dict[int, _Log] = {}

    def free_at(self, key: int, limits: Limits, now: float) -> float:
        """The moment at which the next request may go; `now` or earlier means at once."""
        log = self._log(key, limits)
        sent = log.sent
        while sent and sent[0] <= now - 3600:
            sent.popleft()
        free = log.blocked_until
        for count, window in (
            (limits.per_second, 1 + MARGIN),
            (limits.per_half_minute, 30.0),
            (limits.per_minute, 60.0),
            (limits.per_hour, 3600.0),
        ):
            if 0 < count <= len(sent):
                free = max(free, sent[-count] + window)
        return free

    def remember(self, key: int, limits: Limits, moments: Iterable[float]) -> None:
        """Note requests that went out before this pacer was made. What is known already stays."""
        log = self._log(key, limits)
        if not log.sent:
            log.sent.extend(sorted(moments))

    def take(self, key: int, limits: Limits, now: float) -> None:
        """Note that a request goes out now."""
        self._log(key, limits).sent.append(now)

    def correct(self, key: int, taken: float, started: float) -> None:
        """A request that was noted at `taken` really went out at `started`: a busy machine starts it later."""
        log = self._logs.get(key)
        if log is not None and log.sent and log.sent[-1] == taken and started > taken:
            log.sent[-1] = started

    def block(self, key: int, until: float) -> None:
        """Hold back everything to a webhook URL until a moment (it answered 429)."""
        log = self._logs.get(key)
        if log is not None:
            log.blocked_until = max(log.blocked_until, until)

    def forget(self, now: float) -> None:
        """Drop what has been quiet for an hour, so that memory stays flat."""
        quiet = [key for key, log in self._logs.items() if not log.sent or log.sent[-1] <= now - 3600]
        for key in quiet:
            if self._logs[key].blocked_until <= now:
                del self._logs[key]

    def _log(self, key: int, limits: Limits) -> _Log:
        log = self._logs.get(key)
        if log is None:
            log = self._logs[key] = _Log(limits)
        return log
