"""Signing in at Microsoft Graph as an app.

https://learn.microsoft.com/graph/auth-v2-service
"""

from __future__ import annotations

from apps.sources.sdk import Api, ApiAnswer, ApiError, ClientCredentials, Option, Standing

API_URL = "https://graph.microsoft.com/v1.0"
ACCOUNT_KINDS = (
    ClientCredentials(
        key="app",
        label="App registration with a client secret",
        fields=(
            Option("tenant", "text", "Directory (tenant) ID", required=True),
            Option("client_id", "text", "Application (client) ID", required=True),
            Option("client_secret", "text", "Client secret (its value)", secret=True, required=True),
        ),
        help="Microsoft Entra admin centre, App registrations: a registration with the application permission "
        "Sites.Read.All (or Sites.Selected with your sites), granted by an administrator.",
        token_url="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",  # noqa: S106 - an address
        scope="https://graph.microsoft.com/.default",
    ),
)

LACKS = (
    "reading all sites: grant the application permission Sites.Read.All. With Sites.Selected that is as it "
    "should be; making the hook then shows whether a site may be read."
)


def check_account(api: Api) -> Standing:
    """Ask for the root site, which needs the permission that everything else here needs too."""
    try:
        found = api.get("/sites/root")
    except ApiError as error:
        if error.code != "api_forbidden":
            raise
        return Standing(
            "the app registration",
            may=("sign in",),
            lacks=(LACKS,),
        )
    host = found.opt("$.siteCollection.hostname") or found.opt("$.webUrl")
    return Standing(
        f"an app of {host}" if host else "the app registration", may=("read sites", "make subscriptions")
    )


def explain(answer: ApiAnswer) -> str:
    """Graph's own words: `{"error": {"code", "message"}}`."""
    try:
        return answer.payload().first("$.error.message", "$.error_description", "$.error.code")
    except ApiError:
        return ""
