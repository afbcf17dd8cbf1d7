"""Signing in at Bitbucket Cloud.

https://support.atlassian.com/bitbucket-cloud/docs/api-tokens/ and
https://support.atlassian.com/bitbucket-cloud/docs/access-tokens/
"""

from __future__ import annotations

from apps.sources.sdk import (
    ENDS,
    Api,
    ApiAnswer,
    ApiError,
    BasicLogin,
    HeaderToken,
    Option,
    Payload,
    Standing,
)

API_URL = "https://api.bitbucket.org/2.0"
ACCOUNT_KINDS = (
    BasicLogin(
        key="api_token",
        label="E-mail and API token",
        fields=(
            Option("email", "text", "E-mail of the Atlassian account", required=True),
            Option("token", "text", "API token", secret=True, required=True),
            ENDS,
        ),
        help="Atlassian account settings, “Security”, “Create and manage API tokens”, “Create API token with scopes”, "
        "app Bitbucket: read:user, read:repository, read:pullrequest, write:pullrequest, read:webhook, write:webhook "
        "and delete:webhook. App passwords ended in June 2026: an API token takes their place.",
        user_key="email",
    ),
    HeaderToken(
        key="access_token",
        label="Access token of a repository, project or workspace",
        fields=(Option("token", "text", "Access token", secret=True, required=True), ENDS),
        help="The settings of the repository, project or workspace, “Access tokens”, “Create access token”: "
        "Repositories read, Pull requests write, Webhooks read and write.",
    ),
)
# What this product does -> how the scope for it is called in OAuth, and in an API token.
WANTED = {
    "comment on, approve and merge pull requests": ("pullrequest:write", "write:pullrequest:bitbucket"),
    "look after webhooks": ("webhook", "write:webhook:bitbucket"),
}


def check_account(api: Api) -> Standing:
    """Who it is, by its scopes what it may do. A token without the right to see users is still good."""
    answer = api.call("GET", "/user", accept=(403,))
    scopes = _scopes(answer)
    may = tuple(words for words, names in WANTED.items() if scopes & set(names))
    lacks = tuple(
        f"the scope {names[0]}, to {words}" for words, names in WANTED.items() if not scopes & set(names)
    )
    who = "an access token"
    if answer.status < 400:
        who = answer.payload().first("$.display_name", "$.nickname", default=who)
    if not scopes:
        return Standing(who, may=("what the token allows; Bitbucket does not tell its scopes here",))
    return Standing(who, may=may, lacks=lacks)


def _scopes(answer: ApiAnswer) -> set[str]:
    """From the header of every answer, or from the body of a refusal."""
    told = {scope.strip() for scope in (answer.headers.get("x-oauth-scopes") or "").split(",")}
    if answer.status >= 400:
        told |= set(_body(answer).texts("$.error.detail.granted", 100))
    return told - {""}


def _body(answer: ApiAnswer) -> Payload:
    try:
        return answer.payload()
    except ApiError:
        return Payload({})


def explain(answer: ApiAnswer) -> str:
    """Bitbucket's own words: `{"error": {"message", "detail", "fields"}}`; of a missing scope, which one."""
    body = _body(answer)
    fields = [
        f"{key}: {' '.join(body.texts(f'$.error.fields.{key}', 2))}"
        for key in body.keys("$.error.fields")[:3]
    ]
    needed = " or ".join(body.texts("$.error.detail.required", 3))
    parts = [
        body.opt("$.error.message"),
        body.opt("$.error.detail"),
        *fields,
        f"Needed: {needed}." if needed else "",
    ]
    return " ".join(part for part in parts if part)
