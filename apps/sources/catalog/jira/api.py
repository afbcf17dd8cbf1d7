"""Signing in at Jira Cloud and Jira Data Center.

https://developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis/ and
https://confluence.atlassian.com/enterprise/using-personal-access-tokens-1026032365.html
"""

from __future__ import annotations

from apps.sources.sdk import ENDS, Api, ApiAnswer, ApiError, BasicLogin, HeaderToken, Option, Standing

from .oauth import KIND as OAUTH_APP

ACCOUNT_KINDS = (
    BasicLogin(
        key="cloud",
        label="Jira Cloud: e-mail and API token",
        fields=(
            Option("email", "text", "E-mail of the Atlassian account", required=True),
            Option("token", "text", "API token", secret=True, required=True),
            ENDS,
        ),
        help="Atlassian account settings, Security, “Create and manage API tokens”. The server address is "
        "https://your-site.atlassian.net. Comments and changes are made in this account's name.",
        user_key="email",
    ),
    HeaderToken(
        key="data_center",
        label="Jira Data Center: personal access token",
        fields=(Option("token", "text", "Personal access token", secret=True, required=True), ENDS),
        help="Your profile in Jira, “Personal Access Tokens”, “Create token”. The server address is Jira's own, "
        "with its context path: https://jira.example.com/jira",
    ),
    OAUTH_APP,
)
PERMISSIONS = {
    "ADD_COMMENTS": "comment", "TRANSITION_ISSUES": "move issues", "ASSIGN_ISSUES": "assign issues",
    "CREATE_ISSUES": "create issues", "ADMINISTER": "make webhooks",
}  # fmt: skip


def check_account(api: Api) -> Standing:
    """Who it is, and which of the permissions that are used here it has anywhere."""
    me = api.get("/rest/api/2/myself")
    who = me.first("$.displayName", "$.emailAddress", "$.name", default="somebody")
    found = api.get("/rest/api/2/mypermissions", permissions=",".join(PERMISSIONS)).sub("$.permissions")
    have = [key for key in PERMISSIONS if found.flag(f"$.{key}.havePermission")]
    may = [PERMISSIONS[key] for key in have]
    lacks = [f"may not {words}" for key, words in PERMISSIONS.items() if key not in have]
    if api.rights:  # an app makes webhooks of its own, by its scope
        if "manage:jira-webhook" in api.rights:
            may.append("make dynamic webhooks")
        else:
            lacks.append("the scope manage:jira-webhook, to make dynamic webhooks")
        lacks = [words for words in lacks if words != f"may not {PERMISSIONS['ADMINISTER']}"]
    return Standing(who, may=tuple(may), lacks=tuple(lacks))


def explain(answer: ApiAnswer) -> str:
    """Jira's own words: `errorMessages` and `errors` by field, or `message`."""
    try:
        body = answer.payload()
    except ApiError:
        return ""
    words = body.texts("$.errorMessages", 3)
    words += [f"{key}: {body.sub('$.errors').opt(f'$.{key}')}" for key in body.keys("$.errors")[:3]]
    return " ".join(words) or body.opt("$.message")


def meaning(answer: ApiAnswer) -> int:
    """Atlassian's gateway says 401 also to a good token without the scope: "Unauthorized; scope does not match"."""
    return 403 if answer.status == 401 and "scope does not match" in answer.body.lower() else answer.status
