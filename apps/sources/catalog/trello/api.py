"""Signing in at Trello with an API key and a member's token.

https://developer.atlassian.com/cloud/trello/guides/rest-api/authorization/
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from apps.sources.sdk import (
    AccountKind,
    Api,
    ApiAnswer,
    Authorization,
    Exchange,
    Option,
    Standing,
    Values,
    parse_time,
)

API_URL = "https://api.trello.com/1"


@dataclass(frozen=True, slots=True)
class KeyAndToken(AccountKind):
    """Both in one header, so that neither stands in an address."""

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:

        key, token = (values.get(name, "").replace('"', "") for name in ("key", "token"))
        return Authorization(
            headers={"Authorization": f'OAuth oauth_consumer_key="{key}", oauth_token="{token}"'}
        )


ACCOUNT_KINDS = (
    KeyAndToken(
        key="token",
        label="API key and token",
        fields=(
            Option("key", "text", "API key", required=True),
            Option("token", "text", "Token", secret=True, required=True),
        ),
        help="trello.com/power-ups/admin: your Power-Up, “API key”, then the link “Token” beside the key. Cards are "
        "changed in the name of the member whose token it is; a token with expiration “never” and read and write.",
    ),
)


def check_account(api: Api) -> Standing:
    """Who it is, and whether the token may write. The API tells it of the member's own tokens alone."""
    me = api.get("/members/me", fields="fullName,username")
    who = me.first("$.fullName", "$.username", default="somebody")
    answer = api.call("GET", "/members/me/tokens", accept=(401, 403, 404))
    if answer.status >= 400:
        return Standing(who, may=("read boards",))
    ends, writes = [], False
    for each in answer.payload().each("$"):
        writes = writes or any(right.flag("$.write") for right in each.each("$.permissions"))
        until = parse_time(each.opt("$.dateExpires"))
        if until:
            ends.append(until)
    return Standing(
        who,
        may=("read boards", "change cards") if writes else ("read boards",),
        lacks=() if writes else ("writing: make a token with scope read,write",),
        expires_at=min(ends) if ends else None,
    )


def explain(answer: ApiAnswer) -> str:
    """Trello answers errors as plain words or as `{"message": …}`."""
    text = answer.body.strip()
    if text.startswith("{"):
        return answer.payload().first("$.message", "$.error")
    return text[:200] if not text.startswith("<") else ""


def meaning(answer: ApiAnswer) -> int:
    """Trello says 401 also to a good token that lacks a right: "unauthorized card permission requested"."""
    return 403 if answer.status == 401 and "permission requested" in answer.body.lower() else answer.status
