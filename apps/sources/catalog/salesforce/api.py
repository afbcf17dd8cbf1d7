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
    # Without the scope openid or id the first says 403; people on Chatter can be asked by the second.
    info = api.call("GET", "/services/oauth2/userinfo", accept=(401, 403, 404))
    limits = api.call("GET", f"/services/data/{VERSION}/limits", accept=(401, 403))
    chatter = api.call("GET", f"/services/data/{VERSION}/chatter/users/me", accept=(400, 401, 403, 404))
    if limits.status == 401:
        raise ApiError(
            "api_unauthorized", "Salesforce refused the token that it gave. Check the app and its user."
        )
    may, lacks, who = [], [], "the app's user"
    for answer in (chatter, info):
        if answer.status == 200:
            who = answer.payload().first(
                "$.name", "$.displayName", "$.preferred_username", "$.username", default=who
            )
    if limits.status == 200:
        day = limits.payload().sub("$.DailyApiRequests")
        left, most = day.opt_int("$.Remaining"), day.opt_int("$.Max")
        may.append(
            "use the REST API"
            + (f" ({left:,} of {most:,} calls left today)" if left is not None and most else "")
        )
        may.append("change the fields that its user may change")
    else:
        lacks.append("the scope api, or the permission “API Enabled”")
    if chatter.status == 200:
        may.append("post to feeds")
    elif limits.status == 200:
        lacks.append(
            "Chatter, to post to feeds: the scope chatter_api or api, and Chatter switched on for the user"
        )
    return Standing(who, may=tuple(may), lacks=tuple(lacks))


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
