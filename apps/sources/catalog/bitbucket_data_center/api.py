"""Signing in at Bitbucket Data Center, and calling it.

https://confluence.atlassian.com/bitbucketserver/http-access-tokens-939515499.html and
https://developer.atlassian.com/server/bitbucket/rest/
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apps.sources.sdk import (
    ENDS,
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
)

REST = "/rest/api/1.0"
PAGES = 10
_API = re.compile(r"/rest(?:/api(?:/(?:latest|[\d.]+))?)?$")


def site_of(base: str) -> str:
    """Bitbucket's own address, from what a person pastes: with or without the API's path."""
    return _API.sub("", base.rstrip("/"))


@dataclass(frozen=True, slots=True)
class Token(AccountKind):
    """An HTTP access token as Bearer; a server's address becomes its API's."""

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:
        headers = {"Authorization": f"Bearer {values.get('token', '')}", "X-Atlassian-Token": "no-check"}
        return Authorization(headers=headers, base=f"{site_of(base)}{REST}")


ACCOUNT_KINDS = (
    Token(
        key="token",
        label="HTTP access token",
        fields=(Option("token", "text", "Token", secret=True, required=True), ENDS),
        help="Your avatar, “Manage account”, “HTTP access tokens”, “Create token” (or the same in a repository's or "
        "project's settings). Repository permissions: “Write” to comment, approve and merge, “Admin” to look after "
        "webhooks. The address is what you open in the browser: https://bitbucket.example.com",
    ),
)


def ask(
    api: Api,
    method: str,
    path: str,
    *,
    query: Mapping[str, object] | None = None,
    json: object = None,
    accept: tuple[int, ...] = (),
) -> ApiAnswer:
    """Call the API. Bitbucket says 401 also to a good token that may not do this; here that is `api_forbidden`.

    Raises ApiError.
    """
    answer = api.call(method, path, query=query, json=json, accept=(*accept, 401))
    if answer.status != 401:
        return answer
    words = explain(answer)
    if user_of(answer) or "authorisation" in _exception(answer).lower():
        raise ApiError(
            "api_forbidden",
            "The account may not do this in Bitbucket. Give it the permission, or use another one. "
            f"It says: {words[:200] or 'nothing more'}",
            answer_status=401,
        )
    raise ApiError(
        "api_unauthorized",
        "Bitbucket refused the account's token. It may be wrong, expired or revoked: set it anew. "
        f"It says: {words[:200] or 'nothing more'}",
        answer_status=401,
    )


def listed(api: Api, path: str, **query: object) -> Iterator[Payload]:
    """The rows of a list, page by page."""
    start = 0
    for _ in range(PAGES):
        page = ask(api, "GET", path, query={**query, "start": start, "limit": 100}).payload()
        yield from page.each("$.values", 1000)
        following = page.opt_int("$.nextPageStart")
        if page.flag("$.isLastPage", True) or following is None or following <= start:
            return
        start = following


def user_of(answer: ApiAnswer) -> str:
    """The user name that Bitbucket writes into every answer to somebody whom it knows."""
    name = (answer.headers.get("x-ausername") or "").strip()
    return "" if name == "anonymous" else name


def _exception(answer: ApiAnswer) -> str:
    try:
        return answer.payload().opt("$.errors[0].exceptionName")
    except ApiError:
        return ""


def person(api: Api, name: str) -> Payload:
    """The user of that name; an empty one when Bitbucket does not show it."""
    answer = ask(api, "GET", "/users", query={"filter": name, "limit": 50}, accept=(403, 404))
    rows = answer.payload().each("$.values", 50) if answer.status < 400 else ()
    return next((each for each in rows if each.opt("$.name").lower() == name.lower()), Payload({}))


RIGHTS = {
    "REPO_READ": "comment on and approve pull requests",
    "REPO_WRITE": "merge pull requests",
    "REPO_ADMIN": "look after webhooks",
}


def check_account(api: Api) -> Standing:
    """Who it is, and what it may do in the repositories that it sees. Bitbucket does not tell when a token ends."""
    name = user_of(ask(api, "GET", "/application-properties"))
    if not name:
        raise ApiError(
            "api_unauthorized",
            "Bitbucket knows nobody by this token. It may be expired or revoked: set it anew.",
        )
    may, lacks = [], []
    for right, words in RIGHTS.items():
        found = ask(api, "GET", "/repos", query={"permission": right, "limit": 1}).payload()
        if found.count("$.values"):
            may.append(words)
        else:
            level = right.removeprefix("REPO_").capitalize()
            lacks.append(f"the permission “{level}” in a repository, to {words}")
    shown = person(api, name).opt("$.displayName")
    who = f"{shown} ({name})" if shown and shown != name else name
    return Standing(who, may=tuple(may), lacks=tuple(lacks))


def explain(answer: ApiAnswer) -> str:
    """Bitbucket's own words: the messages of `errors`, and why a merge was vetoed."""
    try:
        body = answer.payload()
    except ApiError:
        return ""
    told = []
    for error in body.each("$.errors", 3):
        reasons = [each.first("$.detailedMessage", "$.summaryMessage") for each in error.each("$.vetoes", 3)]
        told += [error.opt("$.message"), *reasons]
    return " ".join(text for text in told if text) or body.opt("$.message")
