"""Accounts: the only writer of their rows, and the way from a row to an `Api` that is signed in."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.connectors.models import Account, Connector
from apps.core import addresses, http
from apps.core.errors import ActionError, ConfigurationError, Conflict, TransportError
from apps.sources import registry
from apps.sources.accounts import ENDS, AccountKind, Authorization
from apps.sources.api import READS, Api, ApiAnswer, ApiError, ApiRequest
from apps.sources.http import Headers
from apps.sources.source import Source

CAP = 4 * 1024 * 1024  # bytes of an answer
TIMEOUT = (5.0, 20.0)  # seconds: to connect, between two packets
MAX_VALUE = 10_000  # characters of a credential; a private key has about 3,300
SOON = dt.timedelta(days=14)  # an expiry that is nearer is told

_granted: dict[tuple[object, ...], Authorization] = {}
_lock = threading.Lock()


def kind_of(source: Source, key: str) -> AccountKind:
    """The source's way to sign in of that key, or its first for "". Raises ConfigurationError."""
    if not source.account_kinds:
        raise ConfigurationError("no_accounts", f"{source.name} has no API that this product signs in to.")
    for kind in source.account_kinds:
        if kind.key == key or not key:
            return kind
    known = ", ".join(kind.key for kind in source.account_kinds)
    raise ConfigurationError("unknown_kind", f"{source.name} has no sign-in “{key[:40]}”. It knows: {known}.")


def save(
    *,
    name: str,
    source: str,
    kind: str = "",
    api_url: str = "",
    values: object = None,
    row: Account | None = None,
) -> Account:
    """Make an account, or change `row`: a field that is left out or empty keeps what it had.

    Raises ConfigurationError naming the field that is wrong.
    """
    code = registry.get(source)
    way = kind_of(code, kind)
    row = row or Account(source=source)
    if row.source != source:
        raise Conflict(
            "account_source", "An account belongs to its source. Make a new one for another source."
        )
    given = _checked(way, values, _kept(row, way, code, api_url))
    secret = {option.key for option in way.fields if option.secret}
    row.name, row.kind, row.api_url = name.strip() or code.name, way.key, _checked_url(code, api_url)
    row.fields = {key: value for key, value in given.items() if key not in secret}
    row.secrets = json.dumps({key: value for key, value in given.items() if key in secret})
    row.state, row.message, row.who = Account.State.UNTESTED, "", ""
    row.may, row.lacks, row.tested_at, row.expires_at = [], [], None, None
    row.save()
    forget(row)
    return row


def check(source: Source, way: AccountKind, api_url: str, values: object, row: Account | None = None) -> None:
    """Raise ConfigurationError for what `save` would refuse."""
    _checked(way, values, _kept(row, way, source, api_url) if row is not None else {})
    _checked_url(source, api_url)


def _kept(row: Account, way: AccountKind, source: Source, api_url: str) -> dict[str, str]:
    """What an account goes on with where nothing new was given.

    Its secrets stay at the server that they were given for: whoever changes the address has to know them.
    """
    if row.kind != way.key:
        return {}
    if urlsplit(_checked_url(source, api_url))[:2] != urlsplit(row.api_url)[:2]:
        return dict(row.fields)
    return {**row.fields, **_secrets(row)}


def _checked(way: AccountKind, values: object, kept: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(values, dict):
        values = {}
    known = {option.key: option for option in way.fields}
    for key in values:
        if key not in known:
            raise ConfigurationError(
                "unknown_field", f"“{str(key)[:40]}” is no field of this sign-in: {', '.join(known)}."
            )
    found: dict[str, str] = {}
    for option in way.fields:
        value = values.get(option.key) or kept.get(option.key) or option.default
        if not isinstance(value, str) or len(value) > MAX_VALUE:
            raise ConfigurationError(
                "bad_field", f"“{option.label}” is a text of at most {MAX_VALUE} characters."
            )
        value = value.strip()
        if option.required and not value:
            raise ConfigurationError("field_missing", f"“{option.label}” is needed.")
        if any(mark in value for mark in "\r\n\x00") and "PRIVATE KEY" not in value:
            raise ConfigurationError("bad_field", f"“{option.label}” must stand in one line.")
        if option is ENDS and value:
            _day(value)
        if value:
            found[option.key] = value
    return found


def _day(text: str) -> dt.datetime:
    """The end of a day, in UTC. Raises ConfigurationError."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError("bad_field", f"“{ENDS.label}” is a date such as 2027-03-31.") from None
    return dt.datetime.combine(day, dt.time(23, 59), dt.UTC)


def _checked_url(source: Source, url: str) -> str:
    url = url.strip().rstrip("/")
    if not url:
        if not source.api_url:
            raise ConfigurationError(
                "api_url_missing", "The API address is needed: the server's own address."
            )
        return ""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("https", "http") or not host or parts.username is not None or parts.query:
        raise ConfigurationError(
            "bad_api_url", "The API address must look like https://git.example.com, without user or query."
        )
    if parts.scheme == "http" and not _named(host):
        raise ConfigurationError(
            "api_url_plain",
            "The API address must start with https://, else the credentials could be read on the way. "
            "A server inside your network may be named in DESTINATION_ALLOW.",
        )
    return url


def _named(host: str) -> bool:
    return addresses.host_allowed(host, settings.DESTINATION_ALLOW) or addresses.may_connect(
        host, host, [entry for entry in settings.DESTINATION_ALLOW if "/" in entry]
    )


def _secrets(row: Account) -> dict[str, str]:
    found = json.loads(row.secrets) if row.secrets else {}
    return {str(key): str(value) for key, value in found.items()}


def base_of(row: Account) -> str:
    """The API address that the account uses."""
    return row.api_url or row.source_object().api_url


def open_account(row: Account) -> Api:
    """The product's API, signed in as the account. Nothing is sent before the first call."""
    source = row.source_object()
    values = {**row.fields, **_secrets(row)}

    def keep(found: Mapping[str, str]) -> tuple[object, ...]:
        with transaction.atomic():
            held = Account.objects.select_for_update().get(pk=row.pk)
            changed = {key: value for key, value in {**_secrets(held), **found}.items() if value}
            row.secrets = json.dumps(changed)
            # Nobody's doing: it does not belong into the history.
            Account._base_manager.filter(pk=row.pk).update(secrets=row.secrets)
        return (row.pk, row.secrets)

    way = kind_of(source, row.kind)
    return connect(source, way, base_of(row), values, key=(row.pk, row.secrets), keep=keep)


Keep = Callable[[Mapping[str, str]], tuple[object, ...]]


def connect(
    source: Source,
    kind: AccountKind,
    base: str,
    values: Mapping[str, str],
    *,
    key: tuple[object, ...] = (),
    keep: Keep | None = None,
) -> Api:
    """An `Api` for credentials at hand.

    key: under which a fetched token is kept in this process; () keeps none. keep: stores what the sign-in changed,
    and gives the key for that.
    """
    known = dict(values)

    def authorization() -> Authorization:
        nonlocal key
        now = timezone.now()
        with _lock:
            kept = _granted.get(key) if key else None
        if kept is not None and kept.expires_at is not None and kept.expires_at > now:
            return kept
        made = kind.authorize(known, base, now, _exchange)
        if made.keep:
            known.update(made.keep)
            key = keep(made.keep) if keep else key
        if key and made.expires_at is not None:
            with _lock:
                _granted[key] = made
        return made

    def send(request: ApiRequest) -> ApiAnswer:
        granted = authorization()
        if granted.base:
            api.trusted.add(urlsplit(granted.base)[:2])
        api.rights = granted.rights
        answer = _exchange(_signed(request, granted, base))
        if answer.status == 401 and granted.expires_at is not None:
            # The product ended the token early: one fresh token, one more try.
            with _lock:
                _granted.pop(key, None)
            granted = authorization()
            answer = _exchange(_signed(request, granted, base))
        return _masked(answer, granted)

    api = Api(base, send, explain=source.explain, meaning=source.meaning)
    return api


def _masked(answer: ApiAnswer, granted: Authorization) -> ApiAnswer:
    """The answer without the credential, where a product says the path again that it was asked for."""
    body = answer.body
    for name, real in granted.named.items():
        body = body.replace(real, name)
    return ApiAnswer(answer.status, answer.headers, body) if body != answer.body else answer


def _signed(request: ApiRequest, granted: Authorization, base: str) -> ApiRequest:
    url = request.url
    if granted.base and url.startswith(base.rstrip("/")) and not url.startswith(granted.base.rstrip("/")):
        url = granted.base.rstrip("/") + url[len(base.rstrip("/")) :]
    if granted.query:
        url = f"{url}{'&' if '?' in url else '?'}{urlencode(granted.query)}"
    own: Mapping[str, str] = granted.headers
    below = url.removeprefix((granted.base or base).rstrip("/"))
    for start, real in granted.named.items():
        if below == start or below.startswith((f"{start}/", f"{start}?")):
            url = f"{url.removesuffix(below)}{real}{below[len(start) :]}"
    for start, headers in granted.apart.items():
        if below.startswith(start):
            own = headers
    return ApiRequest(request.method, url, {**request.headers, **own}, request.body)


def _exchange(request: ApiRequest) -> ApiAnswer:
    """Through the one way out. Raises ApiError when there is no answer."""
    try:
        answer = http.request(
            request.method, request.url, body=request.body, headers=request.headers, timeout=TIMEOUT, cap=CAP
        )
    except TransportError as error:
        raise ApiError(
            "api_unavailable",
            error.public_message,
            ambiguous=error.ambiguous and request.method not in READS,
            retry_after=error.retry_after,
        ) from None
    if answer.truncated and answer.status < 300:
        raise ApiError(
            "api_unreadable", "The product's answer is too long or came too slowly. Try again later."
        )
    return ApiAnswer(answer.status, Headers(answer.headers), answer.text)


def forget(row: Account) -> None:
    """Drop the tokens that were fetched for the account."""
    with _lock:
        for key in [key for key in _granted if key and key[0] == row.pk]:
            del _granted[key]


def test(row: Account) -> Account:
    """Ask the product who the account is and what it may do, and note the answer."""
    forget(row)
    row.tested_at = timezone.now()
    try:
        standing = row.source_object().check_account(open_account(row))
    except ApiError as error:
        row.state = (
            Account.State.UNREACHABLE
            if error.temporary or error.code == "api_unreadable"
            else Account.State.REFUSED
        )
        row.message = error.public_message[:400]
        if row.state == Account.State.REFUSED:
            row.who, row.may, row.lacks = "", [], []
    else:
        row.state = Account.State.LIMITED if standing.lacks else Account.State.OK
        row.message, row.who = "", standing.who[:200]
        row.may, row.lacks = list(standing.may), list(standing.lacks)
        given = row.fields.get(ENDS.key, "")
        row.expires_at = standing.expires_at or (_day(given) if given else None)
    row.save(update_fields=["state", "message", "who", "may", "lacks", "tested_at", "expires_at"])
    return row


def note_refused(row: Account, error: ActionError) -> None:
    """An API call in daily work was refused: say so on the account, so that a person mends it."""
    if error.code == "api_unauthorized":
        Account.objects.filter(pk=row.pk).update(
            state=Account.State.REFUSED, message=error.public_message[:400], tested_at=timezone.now()
        )


def all_rows() -> Iterator[Account]:
    """Every account whose source is installed, a batch at a time."""
    for row in Account.objects.order_by("pk").iterator(chunk_size=200):
        if registry.known(row.source):
            yield row


def expiring(now: dt.datetime) -> list[Account]:
    """Accounts whose credential ends within two weeks, or has ended."""
    return list(Account.objects.filter(expires_at__lt=now + SOON))


@transaction.atomic
def attach(connector: Connector, account: Account | None) -> None:
    """Let the connector act and look after its hooks with `account`. Raises Conflict for one of another source."""
    if account is not None and account.source != connector.source:
        raise Conflict(
            "account_source", "The account belongs to another source. Choose one of the connector's own."
        )
    connector.account = account
    connector.save(update_fields=["account"])


def public_fields(row: Account) -> dict[str, Any]:
    """The fields as they may be shown: secrets only as "set"."""
    secret = _secrets(row)
    return {**row.fields, **dict.fromkeys(secret, "set")}
