"""Signing in at Salesforce by the OAuth client credentials flow.

https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm
"""

from __future__ import annotations

from apps.sources.sdk import Api, ApiAnswer, ApiError, ClientCredentials, Option, Standing

VERSION = "v60.0"
ACCOUNT_KINDS = (
    ClientCredentials(
        key="client_credentials",
        label="Connected app, client credentials",
        fields=(
            Option("client_id", "text", "Consumer key", required=True),
            Option("client_secret", "text", "Consumer secret", secret=True, required=True),
        ),
        help="Setup, App Manager: a connected or external client app with OAuth, the scope api, “Enable Client Credentials "
        "Flow” and a user to run as. The server address is your My Domain: https://contoso.my.salesforce.com",
        token_url="{base}/services/oauth2/token",  # noqa: S106 - an address
        base_from="instance_url",
    ),
)


def check_account(api: Api) -> Standing:
    """Whom the app runs as."""
    me = api.get("/services/oauth2/userinfo")
    limits = api.call("GET", f"/services/data/{VERSION}/limits", accept=(403,))
    return Standing(
        me.first("$.name", "$.preferred_username", default="somebody"),
        may=("use the REST API",) if limits.status == 200 else (),
        lacks=() if limits.status == 200 else ("the scope api, or the permission “API Enabled”",),
    )


def explain(answer: ApiAnswer) -> str:
    """Salesforce's own words: a list of `{"message", "errorCode"}`, or OAuth's `error_description`."""
    try:
        body = answer.payload()
    except ApiError:
        return ""
    return body.first("$[0].message", "$.message", "$.error_description", "$.error")


def meaning(answer: ApiAnswer) -> int:
    """Salesforce says 403 when the organisation's calls of a day are used up."""
    return 429 if answer.status == 403 and "REQUEST_LIMIT_EXCEEDED" in answer.body else answer.status
