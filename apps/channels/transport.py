"""Posts a card to a webhook URL and judges the answer.

A 2xx says that the endpoint took the card, nothing more. Retired connector endpoints answered 200 with an
error in words, and a body of "1" for success, so the words are read too. What was sent is never repeated
on a 2xx, and no Authorization header is ever sent (a workflow refuses it beside its signature).
"""

from __future__ import annotations

import email.utils
import re
import time
from dataclasses import dataclass

from apps.channels.signing import Signed
from apps.core import http
from apps.core.errors import TransportError

HEADERS = {"Content-Type": "application/json; charset=utf-8", "Accept": "*/*"}
RETRYABLE = frozenset({408, 425, 429})
_TEXT_ERROR = re.compile(r"(?:HTTP error|returned HTTP error|status code)\s*:?\s*(\d{3})", re.IGNORECASE)
NEEDS_PERSON = frozenset({401, 403, 404, 410})


@dataclass(frozen=True, slots=True)
class Accepted:
    """The endpoint took the card. elapsed_ms: milliseconds from sending to the answer."""

    status: int
    elapsed_ms: int


def send(url: str, body: bytes, timeout: tuple[float, float] = (5.0, 30.0)) -> Accepted:
    """POST the message `body` to `url`, verbatim.

    timeout: seconds to connect, seconds to wait for the answer.
    Raises TransportError, which says whether trying again can help and how long to wait.
    """
    answer = http.post(url, body=body, headers=HEADERS, timeout=timeout)
    status = answer.status
    if 200 <= status < 300:
        found = _TEXT_ERROR.search(answer.text[:2000]) if answer.text else None
        if not found:
            return Accepted(status, answer.elapsed_ms)
        raise judge(int(found[1]), answer.headers.get("Retry-After", ""))
    raise judge(status, answer.headers.get("Retry-After", ""))


def send_signed(url: str, signed: Signed, timeout: tuple[float, float] = (5.0, 30.0)) -> Accepted:
    """POST a signed message to any service; its words are not read, only its status. Raises TransportError."""
    answer = http.post(url, body=signed.body, headers=signed.headers, timeout=timeout)
    if 200 <= answer.status < 300:
        return Accepted(answer.status, answer.elapsed_ms)
    error = judge(answer.status, answer.headers.get("Retry-After", ""))
    words = {True: f"The service refused the message with status {answer.status}.",
             False: f"The service could not take the message now (status {answer.status})."}  # fmt: skip
    error.public_message = words[error.permanent]
    raise error


def judge(status: int, retry_after: str = "") -> TransportError:
    """The error that an answer other than success means."""
    wait = read_retry_after(retry_after)
    if status in RETRYABLE or status >= 500:
        words = {
            429: "Teams asked to slow down.",
            408: "Teams did not read the request in time.",
        }.get(status, "Teams has a problem of its own.")
        return TransportError(f"http_{status}", words, permanent=False, status=status, retry_after=wait)
    words = {
        400: "Teams refused the request as malformed. Copy the webhook URL again; its end may be missing.",
        401: "The workflow refuses anonymous calls. Set “Who can trigger the flow” to “Anyone”.",
        403: "The workflow refuses the call. Check its owner, its licence and “Who can trigger the flow”.",
        404: "The workflow does not exist any more. Make a new one and paste its URL.",
        410: "The webhook URL is gone for good. Make a new workflow and paste its URL.",
        413: "The card is too big for Teams.",
    }.get(status, f"Teams refused the card with status {status}.")
    if 300 <= status < 400:
        words = "The webhook URL points elsewhere now. Copy the current URL from the workflow."
    return TransportError(f"http_{status}", words, permanent=True, status=status)


def read_retry_after(value: str, now: float | None = None) -> float | None:
    """Seconds to wait from a Retry-After header (seconds or a date), or None; at most a day."""
    text = value.strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", text):
        return min(float(text), 86_400.0)
    if not text:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(text)
        seconds = moment.timestamp() - (time.time() if now is None else now)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), 86_400.0)
