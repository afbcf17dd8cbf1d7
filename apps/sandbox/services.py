"""The only writers of the sandbox's rows."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.core.errors import ConfigurationError
from apps.sandbox.flow import Run
from apps.sandbox.models import SandboxCard, SandboxChannel

PER_SECOND = 4  # requests; Teams throttles what comes on top
KEPT = 200  # cards per channel
LONGEST = 60  # seconds that a late answer may take, or that Retry-After may name
STATUSES = (400, 401, 403, 404, 408, 410, 413, 500, 502, 503, 504)
MOST_FAULTS = 1000
MOST_CHANNELS = 100

Fault = SandboxChannel.Fault


def signature(channel: SandboxChannel) -> str:
    """The `sig` of the channel's webhook URL: made from the id and SECRET_KEY, stored nowhere."""
    digest = salted_hmac("apps.sandbox", channel.public_id, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def signed(channel: SandboxChannel, given: str) -> bool:
    """Whether `given` is the channel's signature."""
    return constant_time_compare(signature(channel), given)


def webhook_url(channel: SandboxChannel) -> str:
    """The URL to paste as the channel's webhook URL; it has the shape of a Power Automate URL."""
    path = reverse("sandbox:invoke", args=[channel.public_id])
    query = {"api-version": 1, "sp": "/triggers/manual/run", "sv": "1.0", "sig": signature(channel)}
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}?{urlencode(query)}"


def put_channel(name: str, hint: str = "") -> SandboxChannel:
    """The channel of that name, made if it is missing; its hint is replaced when one is given."""
    channel, _ = SandboxChannel.objects.get_or_create(name=name)
    if hint and channel.hint != hint:
        channel.hint = hint
        channel.save(update_fields=["hint"])
    return channel


def set_fault(channel: SandboxChannel, fault: str, value: int = 0, count: int = 1) -> None:
    """Let the next `count` requests go wrong; "" ends that.

    value: the status for "status" and "after", seconds for "throttle" and "slow", else ignored.
    Raises ConfigurationError for a fault, value or count that makes no sense.
    """
    if fault not in Fault.values:
        raise ConfigurationError("unknown_fault", "There is no such fault. Choose one of the list.")
    if fault and not 1 <= count <= MOST_FAULTS:
        raise ConfigurationError("bad_count", f"The number of requests must be 1 to {MOST_FAULTS}.")
    if fault in (Fault.STATUS, Fault.AFTER) and value not in STATUSES:
        known = ", ".join(map(str, STATUSES))
        raise ConfigurationError("bad_status", f"The status must be one of {known}.")
    if fault in (Fault.THROTTLE, Fault.SLOW) and not 1 <= value <= LONGEST:
        raise ConfigurationError("bad_seconds", f"The seconds must be 1 to {LONGEST}.")
    channel.fault, channel.fault_value = fault, value if fault else 0
    channel.fault_left = count if fault else 0
    channel.save(update_fields=["fault", "fault_value", "fault_left"])


@transaction.atomic
def admit(public_id: str, now: float) -> tuple[bool, str, int]:
    """Let a request in: whether it is under the rate limit, and the fault it is to have, with its value.

    now: seconds since 1970 at which the request arrived.
    """
    channel = SandboxChannel.objects.select_for_update().get(public_id=public_id)
    # Requests may reach this lock in another order than they arrived in.
    recent = sorted(float(moment) for moment in channel.recent if abs(now - moment) < 1)
    if len(recent) >= PER_SECOND:
        return False, "", 0
    channel.recent = [*recent, now]
    fault, value = (channel.fault, channel.fault_value) if channel.fault_left else ("", 0)
    if fault:
        channel.fault_left -= 1
        channel.fault = fault if channel.fault_left else ""
    channel.save(update_fields=["recent", "fault", "fault_left"])
    return True, fault, value


@transaction.atomic
def keep(channel: SandboxChannel, runs: Iterable[Run]) -> None:
    """Show what the flow did, and let go of the oldest cards."""
    for each in runs:
        SandboxCard.objects.create(
            channel=channel,
            content=each.content,
            size=min(each.size, 2**31 - 1),
            problem=each.problem,
            message=each.message,
            remarks=list(each.remarks),
        )
    oldest = channel.cards.values_list("pk", flat=True)[KEPT : KEPT + 1].first()
    if oldest is not None:
        channel.cards.filter(pk__lte=oldest).delete()


def clear(channel: SandboxChannel) -> None:
    """Forget the channel's cards."""
    channel.cards.all().delete()


def whole(text: object) -> int:
    """The whole number in a form's field; 0 for anything else, which the checks above then judge."""
    value = str(text or "").strip()
    return int(value) if re.fullmatch(r"[0-9]{1,6}", value) else 0
