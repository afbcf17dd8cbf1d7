"""How a request proves where it comes from: a closed set of schemes.

Every scheme looks at the raw bytes, compares in constant time, accepts any of several secrets (so
that rotation loses nothing) and can `sign`, so that samples never store a signature. A scheme that
finds its header missing fails closed.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal
from urllib.parse import parse_qsl, urlencode

from apps.core.errors import VerificationError
from apps.sources.http import Headers, Http

Strength = Literal["strong", "shared", "weak"]
Encoding = Literal["hex", "base64"]
TOLERANCE = 300  # seconds, as Standard Webhooks and Stripe recommend


def _missing(what: str) -> VerificationError:
    return VerificationError(
        "signature_missing",
        f"The request carries no {what}. Set the secret of this connector at the source and send it again.",
    )


def _wrong(what: str) -> VerificationError:
    return VerificationError(
        "signature_wrong",
        f"The {what} does not match. Copy the secret of this connector to the source again.",
    )


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _with(http: Http, **headers: str) -> Http:
    return replace(http, headers=Headers({**http.headers, **headers}))


@dataclass(frozen=True, slots=True)
class Scheme:
    """The base of all schemes.

    key: stable name stored on the connector; label: the words in forms.
    needs_secret: whether a secret exists at all; secret_help says which vendor field it goes into.
    generates: whether we may make the secret (else the vendor shows it and a person pastes it).
    """

    key: str = ""
    label: str = ""
    secret_help: str = ""
    needs_secret: ClassVar[bool] = True
    generates: bool = True
    strength: ClassVar[Strength] = "strong"

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        """The index of the secret that matched. Raises VerificationError."""
        raise NotImplementedError

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        """The same request as the source would send it."""
        raise NotImplementedError


def _digest(key: bytes, message: bytes, algorithm: str, encoding: Encoding) -> str:
    raw = hmac.new(key, message, algorithm).digest()
    return raw.hex() if encoding == "hex" else base64.b64encode(raw).decode()


@dataclass(frozen=True, slots=True)
class HmacBody(Scheme):
    """HMAC of the raw body in a header: GitHub, Jira Cloud, Bitbucket, Gitea, Sentry, ...

    header: its name; fallbacks: other names tried when it is absent. prefix: "sha256=" or "".
    """

    header: str = "X-Hub-Signature-256"
    fallbacks: tuple[str, ...] = ()
    prefix: str = "sha256="
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Encoding = "hex"

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        given = next(
            (http.headers[name] for name in (self.header, *self.fallbacks) if http.headers.get(name)), ""
        )
        if not given:
            raise _missing(f"{self.header} signature")
        # Several values happen while the other side rotates (PagerDuty, CircleCI): any match passes.
        values = [part.strip() for part in given.split(",")][:10]
        for index, secret in enumerate(secrets):
            expected = self.prefix + _digest(secret.encode(), http.body, self.algorithm, self.encoding)
            for value in values:
                if _same(value.lower() if self.encoding == "hex" else value, expected):
                    return index
        raise _wrong(f"{self.header} signature")

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        value = self.prefix + _digest(secret.encode(), http.body, self.algorithm, self.encoding)
        return _with(http, **{self.header.lower(): value})


@dataclass(frozen=True, slots=True)
class HmacUrlBody(Scheme):
    """Base64 HMAC-SHA1 over body + callback URL, as Trello signs."""

    header: str = "X-Trello-Webhook"

    def _value(self, http: Http, secret: str, url: str) -> str:
        return _digest(secret.encode(), http.body + url.encode(), "sha1", "base64")

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        given = http.headers.get(self.header, "")
        if not given:
            raise _missing(f"{self.header} signature")
        # The URL counts as registered: people register it with and without the last slash.
        urls = {http.url, http.url.rstrip("/"), http.url.rstrip("/") + "/"}
        for index, secret in enumerate(secrets):
            if any(_same(given, self._value(http, secret, url)) for url in urls):
                return index
        raise _wrong(f"{self.header} signature")

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        return _with(http, **{self.header.lower(): self._value(http, secret, http.url)})


@dataclass(frozen=True, slots=True)
class HmacTimestamped(Scheme):
    """HMAC over timestamp and body.

    pattern: how the signed text is made of {ts} and {body}: "{ts}.{body}", "{ts}:{body}", "{ts}{body}".
    combined: whether timestamp and signature stand in one header, "t=...,v1=..." (Stripe).
    """

    header: str = "X-Signature"
    timestamp_header: str = "X-Timestamp"
    separator: str = "."
    prefix: str = ""
    encoding: Encoding = "hex"
    combined: bool = False

    def _value(self, http: Http, secret: str, stamp: str) -> str:
        return _digest(
            secret.encode(), f"{stamp}{self.separator}".encode() + http.body, "sha256", self.encoding
        )

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        given = http.headers.get(self.header, "")
        if not given:
            raise _missing(f"{self.header} signature")
        if self.combined:
            pairs = [part.strip().partition("=")[::2] for part in given.split(",")][:20]
            stamp = next((value for name, value in pairs if name == "t"), "")
            values = [value for name, value in pairs if name == "v1"]
        else:
            stamp = http.headers.get(self.timestamp_header, "")
            values = [part.strip().removeprefix(self.prefix) for part in given.split(",")][:10]
        _fresh(stamp, now)
        for index, secret in enumerate(secrets):
            if any(_same(value, self._value(http, secret, stamp)) for value in values):
                return index
        raise _wrong(f"{self.header} signature")

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        stamp = str(int(now.timestamp()))
        value = self._value(http, secret, stamp)
        if self.combined:
            return _with(http, **{self.header.lower(): f"t={stamp},v1={value}"})
        return _with(http, **{self.header.lower(): self.prefix + value, self.timestamp_header.lower(): stamp})


def _fresh(stamp: str, now: dt.datetime) -> None:
    """Raise unless the timestamp (seconds or milliseconds since 1970, or ISO 8601) is within five minutes."""
    try:
        seconds = float(stamp)
        if seconds > 1e11:
            seconds /= 1000
    except ValueError:
        try:
            seconds = dt.datetime.fromisoformat(stamp).timestamp()
        except (ValueError, OverflowError):
            raise _missing("usable timestamp") from None
    if not abs(now.timestamp() - seconds) <= TOLERANCE:
        raise VerificationError(
            "signature_stale",
            "The request's timestamp is more than five minutes off. Check the clocks of both servers.",
        )


@dataclass(frozen=True, slots=True)
class StandardWebhooks(Scheme):
    """standardwebhooks.com: webhook-id, webhook-timestamp, webhook-signature (also GitLab's token)."""

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        ident, stamp = http.headers.get("webhook-id", ""), http.headers.get("webhook-timestamp", "")
        given = http.headers.get("webhook-signature", "")
        if not given or not ident:
            raise _missing("webhook-signature")
        _fresh(stamp, now)
        values = [part.partition(",")[2] for part in given.split()[:20] if part.startswith("v1,")]
        for index, secret in enumerate(secrets):
            if any(_same(value, self._value(http.body, secret, ident, stamp)) for value in values):
                return index
        raise _wrong("webhook-signature")

    def _value(self, body: bytes, secret: str, ident: str, stamp: str) -> str:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            key = secret.encode()  # some senders use the text as it is
        return _digest(key, f"{ident}.{stamp}.".encode("utf-8", "surrogatepass") + body, "sha256", "base64")

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        ident = http.headers.get("webhook-id") or "msg_" + hashlib.sha256(http.body).hexdigest()[:24]
        stamp = str(int(now.timestamp()))
        headers = {
            "webhook-id": ident,
            "webhook-timestamp": stamp,
            "webhook-signature": "v1," + self._value(http.body, secret, ident, stamp),
        }
        return _with(http, **headers)


@dataclass(frozen=True, slots=True)
class SharedHeader(Scheme):
    """The secret itself in a header (GitLab's X-Gitlab-Token, any custom header)."""

    header: str = "X-Token"
    strength: ClassVar[Strength] = "shared"

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        given = http.headers.get(self.header, "")
        if not given:
            raise _missing(f"{self.header} header")
        return _match(given, secrets, f"{self.header} header")

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        return _with(http, **{self.header.lower(): secret})


def _match(given: str, secrets: Sequence[str], what: str) -> int:
    found = -1
    for index, secret in enumerate(secrets):
        if _same(given, secret) and found < 0:
            found = index
    if found < 0:
        raise _wrong(what)
    return found


@dataclass(frozen=True, slots=True)
class Basic(Scheme):
    """HTTP Basic authentication. The secret is "user:password"; with only a password any user name passes."""

    strength: ClassVar[Strength] = "shared"

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        kind, _, value = http.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic" or not value:
            raise _missing("Basic user name and password")
        try:
            given = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise _wrong("user name or password") from None
        password = given.partition(":")[2]
        for index, secret in enumerate(secrets):
            if _same(given if ":" in secret else password, secret):
                return index
        raise _wrong("user name or password")

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        pair = secret if ":" in secret else f"teams:{secret}"
        return _with(http, authorization="Basic " + base64.b64encode(pair.encode()).decode())


@dataclass(frozen=True, slots=True)
class Bearer(Scheme):
    """`Authorization: Bearer <secret>`."""

    strength: ClassVar[Strength] = "shared"

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        kind, _, value = http.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not value:
            raise _missing("bearer token")
        return _match(value.strip(), secrets, "bearer token")

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        return _with(http, authorization=f"Bearer {secret}")


@dataclass(frozen=True, slots=True)
class QueryToken(Scheme):
    """The secret in the URL's query (?token=...), for sources that can sign nothing."""

    parameter: str = "token"
    strength: ClassVar[Strength] = "shared"

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        given = http.param(self.parameter)
        if not given:
            raise _missing(f"“{self.parameter}” in the URL")
        return _match(given, secrets, f"“{self.parameter}” in the URL")

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        rest = [pair for pair in parse_qsl(http.query, keep_blank_values=True) if pair[0] != self.parameter]
        return replace(http, query=urlencode([*rest, (self.parameter, secret)]))


@dataclass(frozen=True, slots=True)
class ClientState(Scheme):
    """Microsoft Graph and SharePoint: every notification in the body repeats the clientState."""

    strength: ClassVar[Strength] = "shared"

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        from apps.sources.payload import Payload, parse_json

        found = {item.opt("clientState") for item in Payload(parse_json(http.body)).each("$.value", 1000)}
        if not found or "" in found:
            raise _missing("clientState")
        matches = {_match(state, secrets, "clientState") for state in found}
        return min(matches)

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        import json

        body = json.loads(http.body)
        for item in body.get("value", []):
            item["clientState"] = secret
        return replace(http, body=json.dumps(body).encode())


@dataclass(frozen=True, slots=True)
class TeamsHmac(Scheme):
    """A Teams outgoing webhook: `Authorization: HMAC <base64>`, key = the base64-decoded token."""

    generates: bool = False

    def _value(self, body: bytes, secret: str) -> str:
        try:
            key = base64.b64decode(secret, validate=True)
        except (binascii.Error, ValueError):
            raise VerificationError(
                "token_unusable",
                "The stored security token is not base64. Paste the token that Teams showed again.",
            ) from None
        return _digest(key, body, "sha256", "base64")

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        kind, _, value = http.headers.get("authorization", "").partition(" ")
        if kind.upper() != "HMAC" or not value or not http.body:
            raise _missing("HMAC authorization")
        for index, secret in enumerate(secrets):
            if _same(value.strip(), self._value(http.body, secret)):
                return index
        raise _wrong("HMAC authorization")

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        return _with(http, authorization="HMAC " + self._value(http.body, secret))


@dataclass(frozen=True, slots=True)
class UrlOnly(Scheme):
    """Nothing but the unguessable URL. Shown with a "weak" badge."""

    needs_secret: ClassVar[bool] = False
    strength: ClassVar[Strength] = "weak"

    def verify(self, http: Http, secrets: Sequence[str], now: dt.datetime) -> int:
        return -1

    def sign(self, http: Http, secret: str, now: dt.datetime) -> Http:
        return http
