"""Signing in at Bitbucket Cloud.

https://support.atlassian.com/bitbucket-cloud/docs/api-tokens/ and
https://support.atlassian.com/bitbucket-cloud/docs/access-tokens/ (app passwords ended in 2026)
"""

from __future__ import annotations

from apps.sources.sdk import Api, ApiAnswer, ApiError, BasicLogin, HeaderToken, Option, Standing

API_URL = "https://api.bitbucket.org/2.0"
ACCOUNT_KINDS = (
    BasicLogin(
        key="api_token",
        label="E-mail and API token",
        fields=(
            Option("email", "text", "E-mail of the Atlassian account", required=True),
            Option("token", "text", "API token", secret=True, required=True),
        ),
        help="Atlassian account settings, Security, “Create API token with scopes”, Bitbucket: read and write of pull "
        "requests, repositories, issues and webhooks.",
        user_key="email",
    ),
    HeaderToken(
        key="access_token",
        label="Access token of a repository, project or workspace",
        fields=(Option("token", "text", "Access token", secret=True, required=True),),
        help="The repository's (or project's, workspace's) settings, “Access tokens”: Pull requests write, "
        "Webhooks read and write.",
    ),
)


def check_account(api: Api) -> Standing:
    """Who it is. An access token is nobody, so it is asked what it sees."""
    answer = api.call("GET", "/user", accept=(403,))
    scopes = tuple(
        scope.strip() for scope in (answer.headers.get("x-oauth-scopes") or "").split(",") if scope.strip()
    )
    lacks = () if not scopes or "webhook" in " ".join(scopes) else ("the scope for webhooks",)
    if answer.status == 403:
        return Standing("an access token", may=scopes or ("what the token allows",), lacks=lacks)
    me = answer.payload()
    return Standing(me.first("$.display_name", "$.nickname", default="somebody"), may=scopes, lacks=lacks)


def explain(answer: ApiAnswer) -> str:
    """Bitbucket's own words: `{"error": {"message", "detail"}}`."""
    try:
        body = answer.payload()
    except ApiError:
        return ""
    return f"{body.opt('$.error.message')} {body.opt('$.error.detail')}".strip()
