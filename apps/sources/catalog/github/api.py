"""Signing in at GitHub with a token or as an App; github.com, GHE.com and GitHub Enterprise Server.

https://docs.github.com/rest/authentication/authenticating-to-the-rest-api and
https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from apps.sources.sdk import (
    AccountKind,
    Api,
    ApiAnswer,
    ApiError,
    ApiRequest,
    Authorization,
    Exchange,
    Option,
    Payload,
    Standing,
    Values,
    parse_time,
)

API_URL = "https://api.github.com"
VERSION = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


def root(base: str) -> str:
    """Where the API stands, from what a person pastes: a server's own address becomes <server>/api/v3."""
    parts = urlsplit(base)
    host = parts.hostname or ""
    if host == "api.github.com" or host.startswith("api.") or parts.path.rstrip("/").endswith("/api/v3"):
        return base.rstrip("/")
    if host in ("github.com", "www.github.com"):
        return API_URL
    if host.endswith(".ghe.com"):
        return f"https://api.{host}"
    return f"{base.rstrip('/')}/api/v3"


@dataclass(frozen=True, slots=True)
class Token(AccountKind):
    """A personal access token, fine-grained or classic."""

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:
        return Authorization(
            headers={**VERSION, "Authorization": f"Bearer {values.get('token', '')}"}, base=root(base)
        )


@dataclass(frozen=True, slots=True)
class App(AccountKind):
    """A GitHub App: a signed JWT is exchanged for a token of the installation, which lives an hour."""

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:
        where = root(base)
        headers = {**VERSION, "Authorization": f"Bearer {app_jwt(values, now)}"}
        number = values.get("installation", "") or _only_installation(where, headers, exchange)
        answer = exchange(ApiRequest("POST", f"{where}/app/installations/{number}/access_tokens", headers))
        body = answer.payload()
        token = body.opt("$.token")
        if answer.status >= 500:
            raise ApiError(
                "api_unavailable", "GitHub fails at the moment. Try again later.", answer_status=answer.status
            )
        if answer.status >= 300 or not token:
            raise ApiError(
                "api_unauthorized",
                f"GitHub gave no token for the installation. Check app id, key and installation id. {body.opt('$.message')}",
                answer_status=answer.status,
            )
        until = parse_time(body.opt("$.expires_at")) or now + dt.timedelta(minutes=50)
        return Authorization(
            headers={**VERSION, "Authorization": f"Bearer {token}"},
            base=where,
            # With the app's own proof, which ends earlier than the installation's token.
            expires_at=min(until, now + dt.timedelta(minutes=8)),
            apart={"/app/": headers},
        )


def _only_installation(where: str, headers: dict[str, str], exchange: Exchange) -> str:
    found = [
        each.opt_int("$.id")
        for each in exchange(ApiRequest("GET", f"{where}/app/installations", headers)).payload().each("$")
    ]
    if len(found) != 1:
        raise ApiError(
            "api_unauthorized",
            f"The app has {len(found)} installations. Give the number of the one that is meant: it stands in the "
            "address of the installation's settings.",
        )
    return str(found[0])


def app_jwt(values: Values, now: dt.datetime) -> str:
    """The app's own proof, RS256, valid for nine minutes. Raises ApiError for a key that cannot be read."""
    pem = values.get("private_key", "").replace("\\n", "\n").strip()
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ApiError(
            "api_unauthorized",
            "The private key cannot be read. Paste the whole .pem file that GitHub let you download.",
        )
    start = int(now.timestamp())
    claims = {"iat": start - 60, "exp": start + 540, "iss": values.get("app_id", "")}
    signed = (
        f"{_b64(json.dumps({'alg': 'RS256', 'typ': 'JWT'}).encode())}.{_b64(json.dumps(claims).encode())}"
    )
    return f"{signed}.{_b64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


ACCOUNT_KINDS = (
    Token(
        key="token",
        label="Personal access token",
        fields=(Option("token", "text", "Token", secret=True, required=True),),
        help="github.com, Settings, Developer settings, “Fine-grained tokens”: the repositories, with Issues, Pull "
        "requests, Contents, Actions, Deployments and Webhooks “Read and write”. Classic: repo and admin:repo_hook.",
    ),
    App(
        key="app",
        label="GitHub App",
        fields=(
            Option("app_id", "text", "App ID", required=True),
            Option("private_key", "list", "Private key (the .pem file's text)", secret=True, required=True),
            Option("installation", "text", "Installation ID", help="Empty: the app's only installation."),
        ),
        help="Settings, Developer settings, “GitHub Apps”: an app with the repository permissions Issues, Pull requests, "
        "Contents, Actions, Deployments and Webhooks “Read and write”, installed where it is to work.",
    ),
)
WANTED = {"repo": "private repositories", "admin:repo_hook": "webhooks of repositories"}


def check_account(api: Api) -> Standing:
    """Who it is. A classic token names its scopes, a token its end; an app's installation its permissions."""
    answer = api.call("GET", "/user", accept=(403,))
    if answer.status == 403:
        return _app(api)
    who = answer.payload().first("$.login", "$.name", default="somebody")
    until = parse_time(
        (answer.headers.get("github-authentication-token-expiration") or "")
        .replace(" UTC", "Z")
        .replace(" ", "T", 1)
    )
    if "x-oauth-scopes" not in answer.headers:
        return _fine_grained(api, who, until)
    scopes = {
        scope.strip() for scope in (answer.headers.get("x-oauth-scopes") or "").split(",") if scope.strip()
    }
    if "admin:org_hook" in scopes:
        scopes.add("webhooks of organisations")
    missing = [f"the scope {scope} ({words})" for scope, words in WANTED.items() if scope not in scopes]
    return Standing(who, may=tuple(sorted(scopes)), lacks=tuple(missing), expires_at=until)


def _fine_grained(api: Api, who: str, until: dt.datetime | None) -> Standing:
    """GitHub tells no permissions of a fine-grained token, only what it reaches."""
    names = [each.opt("$.full_name") for each in api.get("/user/repos", per_page=100).each("$", 100)]
    if not names:
        return Standing(who, lacks=("any repository: choose some for the token",), expires_at=until)
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    may = (
        f"reach {shown}",
        "do there what was ticked for the token: GitHub names what is missing when it is needed",
    )
    return Standing(who, may=may, expires_at=until)


# The permissions of an App that are used, as its API calls them and as its page does.
PERMISSIONS = {
    "issues": "Issues", "pull_requests": "Pull requests", "contents": "Contents", "actions": "Actions",
    "deployments": "Deployments", "repository_hooks": "Webhooks",
}  # fmt: skip


def _app(api: Api) -> Standing:
    """What an App's installation reaches, and the permissions that were granted to it."""
    found = api.get("/installation/repositories", per_page=1)
    count, owner = found.opt_int("$.total_count") or 0, found.opt("$.repositories[0].owner.login")
    rows = list(api.get("/app/installations", per_page=100).each("$", 100))
    own = next((each for each in rows if len(rows) == 1 or each.opt("$.account.login") == owner), Payload({}))
    may = [f"work in {count} repositories"] if count else []
    lacks = [] if count else ["any repository: install the app where it is to work"]
    for key, name in PERMISSIONS.items():
        if own.opt(f"$.permissions.{key}") == "write":
            may.append(f"{name}: read and write")
        elif own.has("$.permissions"):
            lacks.append(f"the repository permission {name} “Read and write”")
    slug = own.opt("$.app_slug")
    return Standing(f"the GitHub App {slug}" if slug else "a GitHub App", may=tuple(may), lacks=tuple(lacks))


def explain(answer: ApiAnswer) -> str:
    """GitHub's own words: `message`, and the first of `errors`."""
    try:
        body = answer.payload()
    except ApiError:
        return ""
    more = body.first("$.errors[0].message", "$.errors[0].code", "$.errors[0]")
    needed = _needed(answer)
    return " ".join(part for part in (body.opt("$.message"), more, needed) if part)


def _needed(answer: ApiAnswer) -> str:
    """Which permission or scope was missing: GitHub names it in headers of its refusals."""
    if answer.status not in (403, 404):
        return ""
    permission = answer.headers.get("x-accepted-github-permissions") or ""
    if permission:
        return f"Needed: {permission.replace('=', ' ').replace(';', ' or')}."
    wanted = {each.strip() for each in (answer.headers.get("x-accepted-oauth-scopes") or "").split(",")} - {
        ""
    }
    had = {each.strip() for each in (answer.headers.get("x-oauth-scopes") or "").split(",")}
    return f"Needed: the scope {' or '.join(sorted(wanted))}." if wanted and not wanted & had else ""


def meaning(answer: ApiAnswer) -> int:
    """A secondary rate limit is a 403 without a word about it in the headers.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    return 429 if answer.status == 403 and "rate limit" in explain(answer).lower() else answer.status
