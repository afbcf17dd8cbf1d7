"""The signed links behind buttons: what they say, how long they work, and how they are recognised."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from django.conf import settings

from apps.cards.notification import ActionRef
from apps.connectors.models import ActionPolicy, Connector
from apps.core import tokens
from apps.core.errors import ActionError, NotFound

PURPOSE = "action"
CALL = "call:"  # an OfferedCall's id follows
MAX_AGE = 14 * 24 * 3600  # seconds
MAX_TOKEN = 4_000  # characters


@dataclass(frozen=True, slots=True)
class Link:
    """What a link asks for.

    action: an action of the connector's source, or `call:<id>` for a button of somebody else's card.
    channels: keys of the channels that saw the card; they are told what came of it.
    """

    connector: str
    action: str
    params: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[int, ...] = ()
    event: str = ""


def make(link: Link) -> str:
    """The whole URL of a link."""
    value = [link.connector, link.action, dict(link.params), list(link.channels), link.event]
    return f"{settings.PUBLIC_URL.rstrip('/')}/act/{tokens.sign(value, purpose=PURPOSE)}"


def read(token: str) -> Link:
    """What a token says. Raises NotFound for a forged one, ActionError for one that is too old."""
    if len(token) > MAX_TOKEN:
        raise _forged()
    value = tokens.unsign(token, purpose=PURPOSE, max_age=MAX_AGE)
    if value is None:
        if tokens.unsign(token, purpose=PURPOSE, max_age=None) is None:
            raise _forged()
        raise ActionError(
            "link_expired",
            "This button is older than 14 days and does not work any more. Do it at the source.",
        )
    try:
        connector, action, params, channels, event = value
        return Link(
            str(connector),
            str(action),
            {str(key): str(each) for key, each in params.items()},
            tuple(int(key) for key in channels),
            str(event),
        )
    except (TypeError, ValueError, AttributeError):
        raise _forged() from None


def _forged() -> NotFound:
    return NotFound("unknown_link", "There is no such button. Open the link from the card once more, whole.")


def fingerprint(token: str) -> str:
    """By which a used link is recognised. The token itself is never stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def maker(
    connector: Connector, *, channels: Iterable[int] = (), event: str = ""
) -> Callable[[ActionRef], str | None] | None:
    """What the renderer needs to draw buttons, or None when this connector's cards carry none."""
    if connector.action_policy == ActionPolicy.OFF or connector.account_id is None:
        return None
    seen = tuple(sorted(channels))

    def url(ref: ActionRef) -> str | None:
        return make(Link(connector.public_id, ref.action, dict(ref.params), seen, event))

    return url
