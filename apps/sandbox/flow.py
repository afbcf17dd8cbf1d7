"""What the workflow behind a Teams webhook URL does with a message: pure, of the bytes alone.

The stock workflow goes through the list `attachments` and posts each Adaptive Card in it. It answers 202
before that, so whatever fails here is invisible to the sender
(https://learn.microsoft.com/power-automate/teams/send-a-message-in-teams).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.cards import limits
from apps.cards.envelope import CONTENT_TYPE
from apps.core.errors import PayloadError

MOST = 28_672  # bytes of a message, as Teams counts them; it says so in the failed run
MAX_ATTACHMENTS = 20


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one attachment.

    content: the card as JSON text, "" when there is none to show. size: bytes as Teams counts them.
    problem: stable code of why the flow failed, or "". remarks: what Teams would show differently or not at all.
    """

    content: str = ""
    size: int = 0
    problem: str = ""
    message: str = ""
    remarks: tuple[str, ...] = ()


def read(body: bytes) -> dict[str, Any]:
    """The message. Raises PayloadError for what the trigger itself refuses: no JSON, or no object."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise PayloadError(
            "InvalidRequestContent", "The body is not valid JSON in UTF-8. Send the message as JSON."
        ) from None
    if not isinstance(value, dict):
        raise PayloadError(
            "TriggerInputSchemaMismatch", "The body must be a JSON object with a list “attachments”."
        )
    return value


def _no_number(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are Python's own, not JSON


def run(message: dict[str, Any]) -> Iterator[Run]:
    """One run's outcome per attachment, or a single one when the flow fails before it reaches them."""
    attachments = message.get("attachments")
    if not isinstance(attachments, list):
        yield Run(
            problem="no_attachments",
            message="The message has no list “attachments”, which the flow goes through. "
            'Wrap the card: {"type": "message", "attachments": [{…}]}.',
        )
        return
    if not attachments:
        yield Run(problem="no_attachments", message="The list “attachments” is empty, so nothing was posted.")
    for attachment in attachments[:MAX_ATTACHMENTS]:
        yield _post(attachment)
    if len(attachments) > MAX_ATTACHMENTS:
        yield Run(
            problem="too_many_attachments",
            message=f"The sandbox shows the first {MAX_ATTACHMENTS} attachments. Send one card per message.",
        )


def _post(attachment: object) -> Run:
    content = attachment.get("content") if isinstance(attachment, dict) else None
    if not isinstance(attachment, dict) or attachment.get("contentType") != CONTENT_TYPE:
        return Run(problem="not_adaptive", message=f"An attachment's “contentType” must be “{CONTENT_TYPE}”.")
    try:
        limits.validate(content)
        text, size = json.dumps(content, separators=(",", ":")), limits.size(content)
    except PayloadError as error:
        return Run(problem=error.code, message=f"{error.path}: {error.public_message}"[:500])
    except RecursionError:
        return Run(problem="too_deep", message="The card is nested too deeply to be read.")
    if size > MOST:
        return Run(
            size=size,
            problem="too_big",
            message=f"The card has {size:,} bytes as Teams counts them; more than {MOST:,} are refused.",
        )
    remarks = limits.check(content) if isinstance(content, dict) else []
    return Run(text, size, remarks=tuple(remark[:300] for remark in remarks[:10]))
