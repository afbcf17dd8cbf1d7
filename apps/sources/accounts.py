"""Ways to sign in at a product's API. Each says which fields a person fills in and how a request carries them."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from apps.sources.api import ApiAnswer, ApiError, ApiRequest
from apps.sources.options import Option
from apps.sources.payload import Payload

Values = Mapping[str, str]
Exchange = Callable[[ApiRequest], ApiAnswer]


# For credentials whose end the product shows once, when they are made, and never tells again.
ENDS = Option(
    "ends",
    "text",
    "Ends on",
    help="As it was shown when the credential was made: 2027-03-31. It is not told again.",
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """What makes a request the account's own.

    headers, query: added to every request. base: replaces the account's address (Salesforce names the
    instance in its token answer). expires_at: when it has to be asked for anew; None: with the account.
    apart: headers in place of `headers` for paths below the address that begin so (a GitHub App's own).
    named: paths below the address, and what really stands there, for a product that wants the credential in the path.
    rights: what the sign-in says that the token may do, in the product's words; () when it says nothing.
    keep: fields of the account that are to be stored anew ("" removes one), for products whose refresh tokens work once.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    base: str = ""
    expires_at: dt.datetime | None = None
    apart: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    rights: tuple[str, ...] = ()
    keep: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a test of an account found out.

    who: the user or app that the product knows it as. may: what it may do, in words.
    lacks: what it would need for something that this product offers, in words that say what to change.
    expires_at: when the credential itself ends, if the product says so.
    """

    who: str
    may: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    expires_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountKind:
    """One way to sign in.

    key: stable name. fields: what is asked for; secret ones are stored encrypted and never shown.
    help: where to make the credential and what it must be allowed to do, in the vendor's screen words.
    """

    key: str
    label: str
    fields: tuple[Option, ...] = ()
    help: str = ""

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:
        """How requests sign in.

        values: the fields as they were filled in. base: the account's API address.
        exchange: sends a request without credentials (to fetch a token).
        Raises ApiError when the product gives no token.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class HeaderToken(AccountKind):
    """A token in a header: `Authorization: Bearer …`, `PRIVATE-TOKEN: …`."""

    header: str = "Authorization"
    prefix: str = "Bearer "
    value_key: str = "token"

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:
        return Authorization(headers={self.header: f"{self.prefix}{values.get(self.value_key, '')}"})


@dataclass(frozen=True, slots=True)
class BasicLogin(AccountKind):
    """User and password (or token) by HTTP Basic. user_key "": the user is empty (Azure DevOps)."""

    user_key: str = "user"
    password_key: str = "token"  # noqa: S105 - the name of a field

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:
        user = values.get(self.user_key, "") if self.user_key else ""
        pair = f"{user}:{values.get(self.password_key, '')}".encode()
        return Authorization(headers={"Authorization": f"Basic {base64.b64encode(pair).decode()}"})


@dataclass(frozen=True, slots=True)
class ClientCredentials(AccountKind):
    """OAuth 2.0 client credentials (RFC 6749, 4.4): a token is fetched, kept until it ends, and fetched again.

    token_url: may hold {base} and the names of fields in braces. scope: sent when it is not empty.
    """

    token_url: str = ""
    scope: str = ""
    base_from: str = ""

    def authorize(self, values: Values, base: str, now: dt.datetime, exchange: Exchange) -> Authorization:
        url = self.token_url.format_map({**values, "base": base.rstrip("/")})
        form = {
            "grant_type": "client_credentials",
            "client_id": values.get("client_id", ""),
            "client_secret": values.get("client_secret", ""),
        }
        if self.scope:
            form["scope"] = self.scope
        answer = exchange(
            ApiRequest(
                "POST",
                url,
                {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
                urlencode(form).encode(),
            )
        )
        if answer.status >= 500 or answer.status == 429:
            raise ApiError("api_unavailable", "The sign-in service fails at the moment. Try again later.")
        body = answer.payload()
        token = body.opt("$.access_token")
        if answer.status >= 400 or not token:
            words = body.first("$.error_description", "$.error")
            raise ApiError(
                "api_unauthorized",
                f"The sign-in service gave no token. Check client id and secret. {words[:200]}".strip(),
                answer_status=answer.status,
            )
        lifetime = body.opt_float("$.expires_in") or 900.0
        found = body.opt(f"$.{self.base_from}") if self.base_from else ""
        return Authorization(
            headers={"Authorization": f"Bearer {token}"},
            base=found,
            # A little early, so that no request goes out with a token that ends on the way.
            expires_at=now + dt.timedelta(seconds=max(30.0, lifetime - 60)),
            rights=tuple(body.opt("$.scope").split()) or _roles(token),
        )


def _roles(token: str) -> tuple[str, ...]:
    """The application permissions in Microsoft's tokens; () for a token that cannot be read, which is its right."""
    part = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return ()
    return tuple(Payload(claims).texts("$.roles", 100))
