"""What a source is: one stateless object that understands one product's webhooks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from apps.cards.messagecard import Offer
from apps.cards.notification import Card, Notification
from apps.sources.accounts import AccountKind, Standing
from apps.sources.actions import Actions, ActionSpec
from apps.sources.api import Api, ApiAnswer
from apps.sources.events import Attribute, Events, Ignore, Outcome, RawEvent
from apps.sources.hooks import Hooks
from apps.sources.http import Headers, Http, Reply
from apps.sources.options import Field, Option, OptionKind
from apps.sources.verify import Scheme


@dataclass(frozen=True, slots=True)
class Context:
    """What a source may know beside the request: the connector's options and the time.

    offer: makes the link behind a button of a sender's card that acts on a server; None where none is kept.
    """

    options: Mapping[str, object] = field(default_factory=dict)
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    headers: Headers = field(default_factory=Headers)
    offer: Offer | None = None

    def text(self, key: str, default: str = "") -> str:
        """A text option."""
        value = self.options.get(key)
        return value if isinstance(value, str) and value else default

    def flag(self, key: str, default: bool = False) -> bool:
        """A yes/no option."""
        value = self.options.get(key)
        return value if isinstance(value, bool) else default

    def entries(self, key: str) -> tuple[str, ...]:
        """A list or pattern option, empty when it is not set."""
        value = self.options.get(key)
        if isinstance(value, str):
            value = value.replace(",", "\n").splitlines()
        if not isinstance(value, (list, tuple)):
            return ()
        return tuple(text for text in (str(item).strip() for item in value) if text)


class Source:
    """The base class of all sources. No database, no network, no framework request.

    Subclasses set the class attributes and usually override `parse`; each handler is registered
    in `events`. An instance is shared by all threads, so it holds no state.
    """

    slug: ClassVar[str]
    name: ClassVar[str]
    category: ClassVar[str] = "Other"
    summary: ClassVar[str] = ""
    docs_url: ClassVar[str] = ""
    schemes: ClassVar[tuple[Scheme, ...]] = ()
    options: ClassVar[tuple[Option, ...]] = ()
    events: ClassVar[Events]
    actions: ClassVar[Actions] = Actions()
    account_kinds: ClassVar[tuple[AccountKind, ...]] = ()
    api_url: ClassVar[str] = ""
    hooks: ClassVar[Hooks | None] = None
    max_body: ClassVar[int] = 5 * 1024 * 1024

    def handshake(self, http: Http, ctx: Context) -> Reply | None:
        """Answer a set-up probe (HEAD, challenge, validation token), or None for a normal request."""
        return None

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        """The events in a verified request, in order. Raises PayloadError for a malformed body."""
        raise NotImplementedError

    def screen(self, event: RawEvent, ctx: Context) -> str | None:
        """Why the connector's options drop this event, in words for the trace; None to go on."""
        return None

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        """What subscriptions may filter on: repository, branch, author, labels, bot, ..."""
        return {}

    def notify(self, event: RawEvent, ctx: Context) -> Outcome:
        """What to tell. Raises UnsupportedEvent (no handler) or PayloadError (unusable payload)."""
        return self.events.handler(event.name)(event, ctx)

    def acknowledge(self, http: Http) -> Reply:
        """The answer after the request was stored."""
        return Reply(202)

    def reject(self, http: Http, status: int, message: str) -> Reply | None:
        """The answer to bad input in the source's own dialect, or None for the usual one."""
        return None

    def redact(self, http: Http) -> Http:
        """The request as it may be stored: without credentials that the vendor puts into the body."""
        return http

    def check_account(self, api: Api) -> Standing:
        """Who the account is at the product and what it may do. Only called when there are account kinds.

        Raises ApiError when the credentials are refused.
        """
        raise NotImplementedError

    def explain(self, answer: ApiAnswer) -> str:
        """The product's own words about a failed API answer, or ""."""
        return ""

    def meaning(self, answer: ApiAnswer) -> int:
        """The status that an API answer should have had: 403 for a 401 that means a missing right, and the like.

        A 401 makes an account refused, so it has to be one.
        """
        return answer.status

    def sample_http(self, event: str, body: bytes) -> Http:
        """The request that the source would send for a sample: sets the event headers, unsigned."""
        return Http(headers=Headers({"content-type": "application/json"}), body=body)


@dataclass(frozen=True, slots=True)
class Understood:
    """What `understand` found out about one event."""

    event: RawEvent
    outcome: Literal["ok", "ignored", "unsupported", "malformed"]
    notification: Notification | Card | None = None
    reason: str = ""
    code: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


__all__ = [
    "ActionSpec",
    "Card",
    "Context",
    "Field",
    "Ignore",
    "Option",
    "OptionKind",
    "Source",
    "Understood",
]
