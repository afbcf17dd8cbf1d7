"""Signing in at GitLab with a personal, project or group access token.

https://docs.gitlab.com/api/rest/authentication/
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from apps.sources.sdk import (
    AccountKind,
    Api,
    ApiAnswer,
    ApiError,
    Authorization,
    Exchange,
    Option,
    Standing,
    Values,
    parse_time,
)

API_URL = "https://gitlab.com/api/v4"


@dataclass(frozen=True, slots=True)
class Token(AccountKind):
    """The token in GitLab's own header; a server's address becomes its API's."""

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:
        where = base.rstrip("/")
        where = where if where.endswith("/api/v4") else f"{where}/api/v4"
        return Authorization(headers={"PRIVATE-TOKEN": values.get("token", "")}, base=where)


ACCOUNT_KINDS = (
    Token(
        key="token",
        label="Access token",
        fields=(Option("token", "text", "Token", secret=True, required=True),),
        help="GitLab, your avatar, “Edit profile”, “Access tokens” (or the same in a project's or group's settings, with "
        "the role Maintainer to make webhooks): scope api. The server address is GitLab's own: https://gitlab.example.com",
    ),
)


def check_account(api: Api) -> Standing:
    """Who it is; what a token may do and when it ends is told by GitLab 15.5 and later."""
    me = api.get("/user")
    who = me.first("$.name", "$.username", default="somebody")
    answer = api.call("GET", "/personal_access_tokens/self", accept=(401, 403, 404))
    if answer.status >= 400:
        return Standing(who, may=("what the token allows",))
    token = answer.payload()
    scopes = token.texts("$.scopes", 30)
    return Standing(
        who,
        may=tuple(scopes),
        lacks=() if "api" in scopes else ("the scope api, without which nothing can be changed",),
        expires_at=parse_time(token.opt("$.expires_at")),
    )


def explain(answer: ApiAnswer) -> str:
    """GitLab's own words: `message` as a text, a list or an object by field; else `error`."""
    try:
        body = answer.payload()
    except ApiError:
        return ""
    if body.keys("$.message"):
        return " ".join(
            f"{key} {' '.join(body.texts(f'$.message.{key}', 3))}" for key in body.keys("$.message")[:3]
        )
    return " ".join(body.texts("$.message", 3)) or body.first("$.message", "$.error_description", "$.error")
