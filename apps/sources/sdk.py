"""The one import for authors of sources.

>>> from apps.sources.sdk import Events, HmacBody, Notification, Source
"""

from __future__ import annotations

from apps.cards.foreign import adaptive_card as card_from_adaptive
from apps.cards.foreign import attachment as card_from_attachment
from apps.cards.foreign import discord_message as card_from_discord
from apps.cards.messagecard import card_of as card_from_messagecard
from apps.cards.notification import (
    ActionRef,
    Actor,
    Card,
    Code,
    Fact,
    Image,
    Item,
    Items,
    Link,
    Markdown,
    Notification,
    Severity,
)
from apps.cards.slack import card_of as card_from_slack
from apps.cards.text import (
    escape,
    from_adf,
    from_gfm,
    from_html,
    from_jira,
    from_slack,
    link,
    md,
    plain,
    safe_url,
    truncate,
)
from apps.core.errors import ActionError, PayloadError, UnsupportedEvent
from apps.sources.accounts import (
    ENDS,
    AccountKind,
    Authorization,
    BasicLogin,
    ClientCredentials,
    Exchange,
    HeaderToken,
    Standing,
    Values,
)
from apps.sources.actions import Act, Actions, ActionSpec, Done, Target
from apps.sources.api import Api, ApiAnswer, ApiError, ApiRequest, next_link, refusal, segment
from apps.sources.events import Attribute, Events, EventSpec, Ignore, Outcome, RawEvent
from apps.sources.fields import tell as tell_fields
from apps.sources.hooks import Changes, HookPlan, Hooks, Missed, Place, RemoteHook
from apps.sources.http import Headers, Http, Reply
from apps.sources.options import Field, Option
from apps.sources.payload import Payload, parse_json, parse_time
from apps.sources.source import Context, Source
from apps.sources.verify import (
    Basic,
    Bearer,
    ClientState,
    HmacBody,
    HmacTimestamped,
    HmacUrlBody,
    QueryToken,
    Scheme,
    SharedHeader,
    StandardWebhooks,
    TeamsHmac,
    UrlOnly,
)

SDK_VERSION = "1.1"

__all__ = [
    "ENDS",
    "SDK_VERSION",
    "AccountKind",
    "Act",
    "ActionError",
    "ActionRef",
    "ActionSpec",
    "Actions",
    "Actor",
    "Api",
    "ApiAnswer",
    "ApiError",
    "ApiRequest",
    "Attribute",
    "Authorization",
    "Basic",
    "BasicLogin",
    "Bearer",
    "Card",
    "Changes",
    "ClientCredentials",
    "ClientState",
    "Code",
    "Context",
    "Done",
    "EventSpec",
    "Events",
    "Exchange",
    "Fact",
    "Field",
    "HeaderToken",
    "Headers",
    "HmacBody",
    "HmacTimestamped",
    "HmacUrlBody",
    "HookPlan",
    "Hooks",
    "Http",
    "Ignore",
    "Image",
    "Item",
    "Items",
    "Link",
    "Markdown",
    "Missed",
    "Notification",
    "Option",
    "Outcome",
    "Payload",
    "PayloadError",
    "Place",
    "QueryToken",
    "RawEvent",
    "RemoteHook",
    "Reply",
    "Scheme",
    "Severity",
    "SharedHeader",
    "Source",
    "StandardWebhooks",
    "Standing",
    "Target",
    "TeamsHmac",
    "UnsupportedEvent",
    "UrlOnly",
    "Values",
    "card_from_adaptive",
    "card_from_attachment",
    "card_from_discord",
    "card_from_messagecard",
    "card_from_slack",
    "escape",
    "from_adf",
    "from_gfm",
    "from_html",
    "from_jira",
    "from_slack",
    "link",
    "md",
    "next_link",
    "parse_json",
    "parse_time",
    "plain",
    "refusal",
    "safe_url",
    "segment",
    "tell_fields",
    "truncate",
]
