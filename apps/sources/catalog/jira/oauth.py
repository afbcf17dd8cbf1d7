"""Signing in at Jira Cloud as an OAuth 2.0 app: what dynamic webhooks need.

https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/
The code of the consent is exchanged once. From then on each refresh token works once and brings the next.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

from apps.sources.sdk import (
    AccountKind,
    ApiError,
    ApiRequest,
    Authorization,
    Exchange,
    Option,
    Payload,
    Values,
    segment,
)

AUTH, GATEWAY = "https://auth.atlassian.com", "https://api.atlassian.com"
SCOPES = "read:jira-work write:jira-work read:jira-user manage:jira-webhook offline_access"


@dataclass(frozen=True, slots=True)
class App(AccountKind):
    """An app with a person's consent. The account's address is the site's own; calls go by Atlassian's gateway."""

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:
        client = {key: values.get(key, "") for key in ("client_id", "client_secret")}
        if values.get("refresh_token"):
            form = {"grant_type": "refresh_token", "refresh_token": values["refresh_token"]}
        else:
            form = {
                "grant_type": "authorization_code", "code": values.get("code", ""),
                "redirect_uri": values.get("redirect_uri", ""),
            }  # fmt: skip
        body = _token({**client, **form}, exchange)
        headers = {"Authorization": f"Bearer {body.text('$.access_token')}"}
        # Asked once: were it to fail later, the refresh token that was just used up would be lost with it.
        cloud = values.get("cloud") or _site(base, headers, exchange).text("$.id")
        return Authorization(
            headers=headers,
            base=f"{GATEWAY}/ex/jira/{segment(cloud)}",
            expires_at=now + dt.timedelta(seconds=max(30.0, (body.opt_float("$.expires_in") or 3600.0) - 60)),
            rights=tuple(body.opt("$.scope").split()),
            keep={"refresh_token": body.opt("$.refresh_token"), "code": "", "cloud": cloud},
        )


def _token(form: Mapping[str, str], exchange: Exchange) -> Payload:
    request = ApiRequest(
        "POST", f"{AUTH}/oauth/token", {"content-type": "application/json", "accept": "application/json"},
        json.dumps(form).encode(),
    )  # fmt: skip
    answer = exchange(request)
    if answer.status >= 500 or answer.status == 429:
        raise ApiError("api_unavailable", "Atlassian's sign-in service fails at the moment. Try again later.")
    body = answer.payload()
    if answer.status >= 400 or not body.opt("$.access_token"):
        raise ApiError(
            "api_unauthorized",
            "Atlassian gave no token: the consent may be used up, withdrawn, or unused for 90 days. Give it again, and "
            f"paste the new code. {body.first('$.error_description', '$.error')[:200]}".strip(),
            answer_status=answer.status,
        )
    if not body.opt("$.refresh_token"):
        raise ApiError(
            "api_forbidden",
            "Atlassian gave no refresh token: the consent has to include the scope offline_access.",
        )
    return body


def _site(base: str, headers: Mapping[str, str], exchange: Exchange) -> Payload:
    """The site among those that the person consented to."""
    request = ApiRequest(
        "GET", f"{GATEWAY}/oauth/token/accessible-resources", {**headers, "accept": "application/json"}
    )
    for each in exchange(request).payload().each("$", 200):
        if each.opt("$.url").rstrip("/").lower() == base.rstrip("/").lower():
            return each
    raise ApiError(
        "api_forbidden", "The consent is not for this site. Give it again, and choose the site there."
    )


KIND = App(
    key="app",
    label="Jira Cloud: OAuth 2.0 app, for dynamic webhooks",
    fields=(
        Option("client_id", "text", "Client ID", required=True),
        Option("client_secret", "text", "Secret", secret=True, required=True),
        Option(
            "redirect_uri",
            "url",
            "Callback URL",
            help="As the app's “Authorization” page has it.",
            required=True,
        ),
        Option(
            "code",
            "text",
            "Code",
            secret=True,
            help="What stands after code= in the address where the consent ends.",
        ),
        Option(
            "refresh_token", "text", "Refresh token", secret=True, help="Filled in by itself from the code."
        ),
    ),
    help="developer.atlassian.com, “My apps”, “Create”, “OAuth 2.0 integration”, with a callback URL. Then open "
    f"{AUTH}/authorize?audience=api.atlassian.com&client_id=CLIENT_ID&scope={SCOPES.replace(' ', '%20')}"
    "&redirect_uri=CALLBACK_URL&state=x&response_type=code&prompt=consent as the person in whose name it acts, and "
    "paste the code within minutes. The server address is https://your-site.atlassian.net. Let the connector be verified "
    "“By the secret address alone”.",
)
