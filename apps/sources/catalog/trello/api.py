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
    segment,
)

API_URL = "https://api.trello.com/1"
OWN = "/tokens/own"  # stands for the account's own token


@dataclass(frozen=True, slots=True)
class KeyAndToken(AccountKind):
    """Both in one header, so that neither stands in an address, where Trello allows it."""

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:

        key, token = (values.get(name, "").replace('"', "") for name in ("key", "token"))
        return Authorization(
            headers={"Authorization": f'OAuth oauth_consumer_key="{key}", oauth_token="{token}"'},
            # Only so does Trello tell of a token, and of its webhooks.
            named={OWN: f"/tokens/{segment(token)}"},
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


RIGHTS = {"read": "read boards, and look after webhooks", "write": "change cards"}


def check_account(api: Api) -> Standing:
    """Who it is, what this very token may do, and when it ends.

    https://developer.atlassian.com/cloud/trello/rest/api-group-tokens/
    """
    found = api.get(OWN, fields="identifier,dateExpires,permissions")
    me = api.get(f"{OWN}/member", fields="fullName,username")
    who, by = me.first("$.fullName", "$.username", default="somebody"), found.opt("$.identifier")
    boards = [each for each in found.each("$.permissions", 50) if each.opt("$.modelType").lower() == "board"]
    may = [words for key, words in RIGHTS.items() if any(each.flag(f"$.{key}") for each in boards)]
    lacks = () if RIGHTS["write"] in may else ("writing: make a token with scope read,write",)
    return Standing(
        f"{who} (by {by})" if by else who,
        may=tuple(may),
        lacks=lacks,
        expires_at=parse_time(found.opt("$.dateExpires")),
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
