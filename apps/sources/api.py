"""How a source's code talks to its product's API, without a network of its own.

Vendor code gets an `Api` that already knows the address and the credentials; every call goes out through
the product's one seam to the network, and every failure is an `ApiError` in plain words.
"""

from __future__ import annotations

import datetime as dt
import json as jsonlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode, urlsplit

from apps.core.errors import ActionError
from apps.sources.http import Headers
from apps.sources.payload import Payload, parse_time

MAX_PAGES = 50
READS = ("GET", "HEAD")
LONGEST_WAIT = 86_400.0  # seconds; a longer one is a mistake


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request to a product's API: an absolute URL, and everything it carries but the credentials."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What the product answered. body: decoded text, cut at 4 MiB."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: str = ""

    def payload(self) -> Payload:
        """The JSON body. Raises ApiError when it is none."""
        try:
            return Payload(jsonlib.loads(self.body or "null"))
        except ValueError:
            raise ApiError(
                "api_unreadable", "The product's API answered something that is no JSON."
            ) from None


class ApiError(ActionError):
    """The product refused or could not be reached.

    code: api_unauthorized, api_forbidden, api_not_found, api_conflict, api_invalid, api_rate_limited,
        api_unavailable, api_unreadable.
    answer_status: the HTTP status, or None when there was no answer.
    retry_after: seconds to wait, when the product said so.
    ambiguous: the request may have been carried out all the same.
    """

    def __init__(
        self,
        code: str,
        public_message: str,
        *,
        answer_status: int | None = None,
        retry_after: float | None = None,
        ambiguous: bool = False,
    ) -> None:
        super().__init__(code, public_message)
        self.answer_status = answer_status
        self.retry_after = retry_after
        self.ambiguous = ambiguous

    @property
    def temporary(self) -> bool:
        """Whether another try, later, may help."""
        return self.code in ("api_rate_limited", "api_unavailable")


Send = Callable[[ApiRequest], ApiAnswer]


class Api:
    """A product's API with credentials in place.

    base: the address that paths are added to, without a trailing slash.
    send: carries a request out with the account's credentials; raises ApiError when there is no answer.
    explain: the product's own words about a failed answer, or "".
    meaning: the status that an answer should have had, for products that use another one.
    """

    def __init__(
        self,
        base: str,
        send: Send,
        *,
        explain: Callable[[ApiAnswer], str] | None = None,
        meaning: Callable[[ApiAnswer], int] | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self.trusted = {urlsplit(self.base)[:2]}  # servers that the credentials may go to
        self.rights: tuple[str, ...] = ()  # what the sign-in said, once something was asked
        self.wrote = False  # whether the product has taken anything that changes it
        self._send = send
        self._explain = explain
        self._meaning = meaning

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (),
    ) -> ApiAnswer:
        """Send one request.

        path: "/repos/…" below `base`, or an absolute URL on the same host (a "next page" link).
        query: None values are left out.
        accept: statuses of 400 and above that are answers too (404 for "is it there?").
        Raises ApiError for every other status that is not a success.
        """
        url = self._url(path, query)
        sent = dict(headers or {})
        if json is not None:
            body = jsonlib.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
            sent.setdefault("content-type", "application/json")
        elif form is not None:
            body = urlencode(form).encode()
            sent.setdefault("content-type", "application/x-www-form-urlencoded")
        sent.setdefault("accept", "application/json")
        answer = self._send(ApiRequest(method, url, sent, body))
        status = _status(answer, self._meaning(answer) if self._meaning else answer.status)
        if status < 300 or status in accept:
            self.wrote = self.wrote or (status < 300 and method not in READS)
            return answer
        raise refusal(answer, self._explain(answer) if self._explain else "", status=status)

    def get(self, path: str, **query: object) -> Payload:
        """GET and read the JSON answer."""
        return self.call("GET", path, query=query).payload()

    def post(self, path: str, json: object = None) -> Payload:
        """POST JSON and read the JSON answer."""
        return self.call("POST", path, json=json if json is not None else {}).payload()

    def pages(self, path: str, **query: object) -> Iterator[Payload]:
        """GET a list page by page as RFC 8288 `Link: <…>; rel="next"` leads, 50 pages at most."""
        answer = self.call("GET", path, query=query)
        for _ in range(MAX_PAGES):
            yield answer.payload()
            following = next_link(answer.headers.get("link", "") or "")
            if not following:
                return
            answer = self.call("GET", following)

    def _url(self, path: str, query: Mapping[str, object] | None) -> str:
        if path.startswith(("https://", "http://")):
            # A link out of an answer must not carry the credentials to another server.
            if urlsplit(path)[:2] not in self.trusted:
                raise ApiError(
                    "api_unreadable", "The product's API led to another server; it was not followed."
                )
            url = path
        else:
            url = f"{self.base}{path}"
        pairs = [(key, _text(value)) for key, value in (query or {}).items() if value is not None]
        return f"{url}{'&' if '?' in url else '?'}{urlencode(pairs)}" if pairs else url


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def segment(text: str) -> str:
    """`text` as one path segment: a slash in it leads nowhere else."""
    return quote(text, safe="")


def next_link(header: str) -> str:
    """The address of rel="next" in a Link header, or ""."""
    for part in header.split(","):
        address, _, parameters = part.partition(";")
        if 'rel="next"' in parameters.replace("'", '"') or "rel=next" in parameters:
            return address.strip().removeprefix("<").removesuffix(">")
    return ""


_REFUSALS = {
    400: ("api_invalid", "The product did not accept the request."),
    401: (
        "api_unauthorized",
        "The product refused the account's credentials. They may be wrong, expired or revoked: set them anew.",
    ),
    403: (
        "api_forbidden",
        "The account may not do this at the product. Give it the permission, or use another one.",
    ),
    404: (
        "api_not_found",
        "The product knows no such thing, or hides it from the account. Check the name and the account's access.",
    ),
    409: (
        "api_conflict",
        "The product says that this conflicts with the present state. Look there and try again.",
    ),
    410: ("api_not_found", "The thing is gone at the product."),
    422: ("api_invalid", "The product did not accept the values."),
    429: ("api_rate_limited", "The product's rate limit is used up. Try again later."),
}


def refusal(
    answer: ApiAnswer, words: str = "", now: dt.datetime | None = None, *, status: int | None = None
) -> ApiError:
    """The error that stands for a failed answer.

    words: the product's own explanation; it is added to ours, at most 200 characters of it.
    status: what the answer's status really means; its own when it is left out.
    """
    status = status or _status(answer, answer.status)
    wait = _wait(answer.headers, now or dt.datetime.now(dt.UTC))
    if status >= 500 or status == 408:
        code, text = "api_unavailable", f"The product's API fails at the moment (status {answer.status})."
    elif 300 <= status < 400:
        code, text = (
            "api_not_found",
            "The API's address leads elsewhere. Correct the account's address to the final one.",
        )
    else:
        code, text = _REFUSALS.get(status, ("api_invalid", f"The product refused (status {answer.status})."))
    if code == "api_rate_limited" and wait:
        text = text.replace("later", f"in {_span(wait)}")
    if words:
        text = f"{text} It says: {words.strip()[:200]}"
    return ApiError(code, text, answer_status=answer.status, retry_after=wait)


def _status(answer: ApiAnswer, told: int) -> int:
    """What a status means: some products say 403 when a limit is used up, and tell it in headers."""
    used_up = answer.headers.get("x-ratelimit-remaining") == "0" or answer.headers.get("retry-after")
    return 429 if told == 403 and used_up else told


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    return f"{round(seconds / 60)} minutes" if seconds < 5_400 else f"{round(seconds / 3_600)} hours"


def _wait(headers: Headers, now: dt.datetime) -> float | None:
    """Seconds to wait, as the product says: from now, or until a moment.

    `Retry-After` (all), `X-RateLimit-Reset` (GitHub and Azure DevOps: epoch; Jira Cloud: ISO 8601), `RateLimit-Reset`
    (GitLab), `X-Rate-Limit-Api-…-Interval-Ms` (Trello).
    """
    for name in ("retry-after", "x-ratelimit-reset", "ratelimit-reset"):
        until = _moment(headers.get(name) or "", now)
        if until is not None:
            return min(max(0.0, until), LONGEST_WAIT)
    for who in ("token", "key"):
        if headers.get(f"x-rate-limit-api-{who}-remaining") in ("0", "-1"):
            span = _moment(headers.get(f"x-rate-limit-api-{who}-interval-ms") or "", now)
            return min(span / 1000, LONGEST_WAIT) if span else None
    return None


def _moment(value: str, now: dt.datetime) -> float | None:
    """Seconds from now: of a number of seconds, of an epoch, of an HTTP date, of an ISO 8601 time."""
    try:
        number = float(value)
    except ValueError:
        pass
    else:
        return number - now.timestamp() if number > 1_000_000_000 else number
    at = parse_time(value)
    if at is None and value:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
    return (at - now).total_seconds() if at is not None and at.tzinfo is not None else None
