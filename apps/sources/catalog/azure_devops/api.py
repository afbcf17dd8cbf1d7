"""Signing in at Azure DevOps Services or Server with a personal access token.

https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate
"""

from __future__ import annotations

from apps.sources.sdk import ENDS, Api, ApiAnswer, ApiError, BasicLogin, Option, Payload, Standing

VERSION = "7.1"
ACCOUNT_KINDS = (
    BasicLogin(
        key="token",
        label="Personal access token",
        fields=(Option("token", "text", "Token", secret=True, required=True), ENDS),
        help="Azure DevOps, “User settings”, “Personal access tokens”: Work items, Code and Build “Read & write”, Release "
        "and Service connections “Read”. The server address names the organisation: https://dev.azure.com/contoso, or on a "
        "server of yours the collection: https://tfs.example.com/DefaultCollection",
        user_key="",
    ),
)


def myself(api: Api) -> Payload:
    """The account's own identity."""
    answer = api.call(
        "GET", "/_apis/connectionData", query={"api-version": f"{VERSION}-preview"}, accept=(400,)
    )
    if answer.status == 400:  # older servers know older versions alone
        answer = api.call("GET", "/_apis/connectionData")
    return answer.payload().sub("$.authenticatedUser")


# Azure DevOps does not tell a token's scopes, so each is tried by something that needs it and changes nothing.
SEEN = (
    ("/_apis/projects", "see projects", "Project and Team “Read”"),
    ("/_apis/wit/fields", "see work items", "Work items “Read & write”"),
    ("/_apis/git/repositories", "see code and pull requests", "Code “Read & write”"),
    ("/_apis/hooks/subscriptions", "see service hooks", "Work items, Code and Build, each “Read” or more"),
)


def check_account(api: Api) -> Standing:
    """Who it is, and whether it sees any project."""
    me = myself(api)
    who = me.first("$.providerDisplayName", "$.customDisplayName", default="somebody")
    if not me.opt("$.id") or who.lower() == "anonymous":
        raise ApiError(
            "api_unauthorized", "Azure DevOps does not know this token. Make a new one and set it here."
        )
    may, lacks = [], []
    for path, can, scope in SEEN:
        query = {"api-version": "5.0", "$top": 1}
        answer = api.call("GET", path, query=query, accept=(400, 401, 403, 404))
        if answer.status in (203, 401, 403):
            lacks.append(f"the scope {scope}, to {can}")
        elif answer.status < 300:
            if path.endswith("/projects") and not answer.payload().opt_int("$.count"):
                lacks.append("access to any project: add the account to one")
            may.append(can)
    return Standing(who, may=tuple(may), lacks=tuple(lacks))


def explain(answer: ApiAnswer) -> str:
    """Azure DevOps' own words. A sign-in page in place of JSON means that the token is not valid."""
    if "text/html" in (answer.headers.get("content-type") or ""):
        return "It answered with its sign-in page; the token may be wrong or expired."
    try:
        return answer.payload().first("$.message", "$.value.Message")
    except ApiError:
        return ""


def meaning(answer: ApiAnswer) -> int:
    """A token that is not valid is answered with the page to sign in, by 203 or by a way there."""
    if answer.status == 203 and "text/html" in (answer.headers.get("content-type") or ""):
        return 401
    return (
        401 if answer.status == 302 and "_signin" in (answer.headers.get("location") or "") else answer.status
    )
