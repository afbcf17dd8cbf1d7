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
    Payload,
    Standing,
    Values,
    parse_time,
)

API_URL = "https://gitlab.com/api/v4"


@dataclass(frozen=True, slots=True)
class Token(AccountKind):
    """The token in GitLab's own header; a server's address becomes its API's."""

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:
        return Authorization(
            headers={"PRIVATE-TOKEN": values.get("token", "")}, base=f"{site_of(base)}/api/v4"
        )


def site_of(base: str) -> str:
    """GitLab's own address, from what a person pastes: with or without the API's path."""
    return base.rstrip("/").removesuffix("/api/v4").removesuffix("/api")


ACCOUNT_KINDS = (
    Token(
        key="token",
        label="Access token",
        fields=(Option("token", "text", "Token", secret=True, required=True),),
        help="For a project or group: its “Settings”, “Access tokens”, “Add new token”. For a user: the avatar, “Edit "
        "profile”, “Access”, “Personal access tokens”. Scope: api. Role: Developer to comment, merge and run pipelines, "
        "Maintainer to look after a project's webhooks, Owner for a group's. On your own server the address is what you "
        "open in the browser: https://gitlab.example.com",
    ),
)


MAINTAINER = 40
SCOPES = {
    "api": "read and change everything that its role allows",
    "read_api": "read everything that its role allows",
    "read_user": "read its own profile",
    "ai_features": "use GitLab Duo",
    "sudo": "act as any user",
    "admin_mode": "use the admin mode",
}


def check_account(api: Api) -> Standing:
    """Who it is, what it may do and when it ends; GitLab 15.5 and later tell all of that."""
    me = api.get("/user")
    name, username = me.first("$.name", "$.username", default="somebody"), me.opt("$.username")
    who = f"{name} (@{username})" if username and username != name else name
    # 400: an OAuth token, which is no token of this kind; 404: an older GitLab.
    answer = api.call("GET", "/personal_access_tokens/self", accept=(400, 401, 403, 404))
    token = answer.payload() if answer.status < 400 else Payload({})
    scopes = token.texts("$.scopes", 30)
    may = tuple(SCOPES.get(scope, f"the scope {scope}") for scope in scopes)
    lacks = []
    if scopes and "api" not in scopes:
        lacks.append("the scope api, without which nothing can be changed: make a new token with it")
    elif not me.flag("$.is_admin") and not _maintains(api):
        lacks.append("the role Maintainer in a project, without which webhooks cannot be looked after")
    return Standing(
        who,
        may=may or ("what the token allows; this GitLab does not tell its scopes",),
        lacks=tuple(lacks),
        expires_at=parse_time(token.opt("$.expires_at")),
    )


def _maintains(api: Api) -> bool:
    """Whether there is any project whose webhooks the account may change."""
    query = {"membership": True, "min_access_level": MAINTAINER, "simple": True, "per_page": 1}
    answer = api.call("GET", "/projects", query=query, accept=(403,))
    return answer.status >= 400 or answer.payload().count("$") > 0


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
    if body.opt("$.error") == "insufficient_scope":
        return f"{body.opt('$.error_description')} Needed: the scope {body.opt('$.scope') or 'api'}.".strip()
    return " ".join(body.texts("$.message", 3)) or body.first("$.message", "$.error_description", "$.error")
