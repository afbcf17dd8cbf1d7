"""Signing in at Microsoft Graph as an app.

https://learn.microsoft.com/graph/auth-v2-service
"""

from __future__ import annotations

from apps.sources.sdk import ENDS, Api, ApiAnswer, ApiError, ClientCredentials, Option, Payload, Standing

API_URL = "https://graph.microsoft.com/v1.0"
ACCOUNT_KINDS = (
    ClientCredentials(
        key="app",
        label="App registration with a client secret",
        fields=(
            Option("tenant", "text", "Directory (tenant) ID", required=True),
            Option("client_id", "text", "Application (client) ID", required=True),
            Option("client_secret", "text", "Client secret (its value)", secret=True, required=True),
            ENDS,
        ),
        help="Microsoft Entra admin centre, App registrations: a registration with application permissions, granted by "
        "an administrator. To read changes: Sites.Read.All. To make subscriptions, Microsoft asks for Files.ReadWrite.All "
        "(libraries) or Sites.ReadWrite.All (lists). Or Sites.Selected, with “write” for your sites.",
        token_url="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",  # noqa: S106 - an address
        scope="https://graph.microsoft.com/.default",
    ),
)

READS = frozenset({"Sites.Read.All", "Sites.ReadWrite.All", "Sites.Manage.All", "Sites.FullControl.All"})
LIBRARIES = frozenset({"Files.ReadWrite.All", *READS}) - {"Sites.Read.All"}
LISTS = READS - {"Sites.Read.All"}
LACKS = (
    "reading all sites: grant the application permission Sites.Read.All. With Sites.Selected that is as it "
    "should be; making the hook then shows whether a site may be read."
)


def check_account(api: Api) -> Standing:
    """Ask for the root site, and read the permissions that stand in the token.

    https://learn.microsoft.com/graph/api/subscription-post-subscriptions#permissions
    """
    answer = api.call("GET", "/sites/root", accept=(403,))
    rights = set(api.rights)
    found = answer.payload() if answer.status == 200 else Payload({})
    host = found.opt("$.siteCollection.hostname") or found.opt("$.webUrl")
    may, lacks = ["sign in"], []
    if answer.status == 200:
        may.append("read sites")
    else:
        lacks.append(LACKS)
    if "Sites.Selected" in rights:
        may.append("work in the sites that were selected for it (Sites.Selected)")
    elif rights:
        for words, wanted, name in (
            ("subscribe to libraries", LIBRARIES, "Files.ReadWrite.All"),
            ("subscribe to lists", LISTS, "Sites.ReadWrite.All"),
        ):
            if rights & wanted:
                may.append(words)
            else:
                lacks.append(f"the application permission {name}, to {words}")
    return Standing(
        f"an app of {host}" if host else "the app registration", may=tuple(may), lacks=tuple(lacks)
    )


def explain(answer: ApiAnswer) -> str:
    """Graph's own words: `{"error": {"code", "message"}}`."""
    try:
        return answer.payload().first("$.error.message", "$.error_description", "$.error.code")
    except ApiError:
        return ""
