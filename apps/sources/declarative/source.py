"""A source made of a document: everything that a source in code has, without code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import jmespath

from apps.cards import adaptive
from apps.cards.notification import Actor, Card, Fact, Image, Link, Markdown, Notification, Severity
from apps.core.errors import PayloadError, UnsupportedEvent
from apps.sources import fields, verify
from apps.sources.declarative import templates
from apps.sources.declarative.document import Document, EventMapping, Verification
from apps.sources.events import Attribute, Events, Ignore, Outcome, RawEvent
from apps.sources.http import Headers, Http, Reply
from apps.sources.payload import Payload, parse_json, parse_time
from apps.sources.samples import Sample
from apps.sources.source import Context, Option, Source

MAX_BATCH = 500
CATEGORY = "Custom"
ANY = "message"  # the name of an event whose document does not say where names stand
Trouble = Callable[[str], None]


def scheme_of(found: Verification) -> verify.Scheme:
    """The scheme that a document chose."""
    words = "Paste it where the sender asks for a secret."
    if found.scheme == "hmac_body":
        return verify.HmacBody(
            key="hmac_body", label="Signed with a secret", secret_help=words, header=found.header or "X-Signature",
            prefix=found.prefix, algorithm=found.algorithm, encoding=found.encoding,
        )  # fmt: skip
    if found.scheme == "hmac_timestamped":
        return verify.HmacTimestamped(
            key="hmac_timestamped", label="Signed with a secret and the time", secret_help=words,
            header=found.header or "X-Signature", timestamp_header=found.timestamp_header or "X-Timestamp",
            separator=found.separator, prefix=found.prefix, encoding=found.encoding,
        )  # fmt: skip
    if found.scheme == "standard_webhooks":
        return verify.StandardWebhooks(key="standard_webhooks", label="Standard Webhooks", secret_help=words)
    if found.scheme == "shared_header":
        return verify.SharedHeader(
            key="shared_header",
            label="Secret in a header",
            secret_help=words,
            header=found.header or "X-Token",
        )
    if found.scheme == "basic":
        return verify.Basic(key="basic", label="User and password (HTTP Basic)", secret_help=words)
    if found.scheme == "bearer":
        return verify.Bearer(key="bearer", label="Bearer token", secret_help=words)
    if found.scheme == "query_token":
        return verify.QueryToken(
            key="query_token",
            label="Secret in the address",
            secret_help=words,
            parameter=found.parameter or "token",
        )
    return verify.UrlOnly(key="url", label="The secret address alone")


class _Catalogue(Events):
    """The document's events, with handlers that render its templates."""

    def __init__(self, document: Document, tell: Callable[[RawEvent, Context], Outcome]) -> None:
        super().__init__()
        self._tell = tell
        self._open = [each.name for each in document.events if each.name.endswith("*") and each.default]
        for each in document.events:
            label = each.label or ("Everything else" if each.name == "*" else each.name)
            for name in self._names(each, document):
                if name in self or name in self.ignored:
                    continue
                if each.ignore:
                    self.ignore(name, reason=each.ignore)
                else:
                    self.on(name, group=each.group or document.name, label=label, default=each.default)(tell)

    def _names(self, found: EventMapping, document: Document) -> list[str]:
        """The names that stand in the catalogue for a mapping: a family is known by its samples."""
        own = {each.name for each in document.events}
        seen = [each.event for each in document.samples if each.event and each.event not in own]
        if found.name == "*":
            rest = [
                name
                for name in seen
                if not any(fnmatchcase(name, each) for each in own if each.endswith(".*"))
            ]
            return rest or [ANY]
        if found.name.endswith(".*"):
            return [name for name in seen if fnmatchcase(name, found.name)] or [found.name.removesuffix(".*")]
        return [found.name]

    def handler(self, name: str) -> Callable[[RawEvent, Context], Outcome]:
        return self._tell

    def defaults(self) -> tuple[str, ...]:
        found = super().defaults()
        # Families and “*” stand for names that nobody can list; whoever wants the defaults wants them too.
        return (*found, *self._open)


class DeclarativeSource(Source):
    """One custom connector's source.

    trouble: is told, in words, when a template failed on a real event; the raw fields are shown then.
    """

    category: ClassVar[str] = CATEGORY
    options: ClassVar[tuple[Option, ...]] = ()
    max_body: ClassVar[int] = 1024 * 1024

    def __init__(self, slug: str, document: Document, *, trouble: Trouble | None = None) -> None:
        self.document = document
        self.trouble = trouble
        self.slug = slug  # type: ignore[misc]  # of the instance: each document is a source of its own
        self.name = document.name  # type: ignore[misc]
        self.summary = document.summary or "A custom connector."  # type: ignore[misc]
        self.docs_url = document.docs_url  # type: ignore[misc]
        self.schemes = (scheme_of(document.verification),)  # type: ignore[misc]
        self.events = _Catalogue(document, self._tell)  # type: ignore[misc]

    def handshake(self, http: Http, ctx: Context) -> Reply | None:
        # Standard senders ask with HEAD or OPTIONS (CloudEvents' abuse protection) whether the address is meant.
        if http.method == "OPTIONS" and "webhook-request-origin" in http.headers:
            origin = http.headers["webhook-request-origin"]
            return Reply(
                200, "", headers=(("WebHook-Allowed-Origin", origin[:200]), ("WebHook-Allowed-Rate", "*"))
            )
        return Reply(200, "") if http.method == "HEAD" else None

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        reading = self.document.reading
        body = self._body(http)
        items = self._items(body, reading.batch)
        for item in items[:MAX_BATCH]:
            payload = Payload(item)
            yield RawEvent(self._name(item, http), self._id(item, http, alone=len(items) == 1), payload)

    def _body(self, http: Http) -> Any:
        kind = http.content_type
        form = self.document.reading.format == "form"
        if form or (self.document.reading.format == "auto" and kind == "application/x-www-form-urlencoded"):
            pairs = parse_qsl(
                http.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1_000
            )
            found: dict[str, Any] = dict(pairs)
            if set(found) == {"payload"}:
                return parse_json(found["payload"])
            return found
        body = parse_json(http.body) if http.body.strip() else {}
        if self.document.reading.format == "cloudevents" or "ce-id" in http.headers or "cloudevents" in kind:
            return _cloud(body, http)
        return body

    def _items(self, body: Any, query: str) -> list[Any]:
        if query:
            found = _search(query, body)
            if found is None:
                raise PayloadError(
                    "no_batch",
                    f"The body has nothing at “{query[:80]}”, where its events should stand.",
                    path=query,
                )
            return found if isinstance(found, list) else [found]
        return body if isinstance(body, list) else [body]

    def _name(self, item: Any, http: Http) -> str:
        reading = self.document.reading
        found = http.headers.get(reading.name_header, "") if reading.name_header else ""
        if not found and reading.name:
            value = _search(reading.name, item)
            found = value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""
        if not found and isinstance(item, dict) and "specversion" in item:
            found = str(item.get("type") or "")
        return found.strip()[:120] or ANY

    def _id(self, item: Any, http: Http, *, alone: bool) -> str:
        reading = self.document.reading
        found = http.headers.get(reading.id_header, "") if reading.id_header and alone else ""
        if not found and reading.id:
            value = _search(reading.id, item)
            found = str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
        if not found and isinstance(item, dict) and "specversion" in item:
            found = f"{item.get('source', '')}/{item.get('id', '')}"
        if not found and alone and self.document.verification.scheme == "standard_webhooks":
            found = http.headers.get("webhook-id", "")
        return found[:200]

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        found: dict[str, Attribute] = {"event": event.name}
        for key, query in self.document.attributes.items():
            value = _search(query, event.payload.raw)
            if isinstance(value, list):
                found[key] = tuple(str(each) for each in value[:50] if isinstance(each, (str, int, float)))
            elif isinstance(value, (str, int, float, bool)):
                found[key] = value if isinstance(value, (str, bool)) else str(value)
        return found

    def mapping(self, name: str) -> EventMapping | None:
        """The mapping of an event: its own, else its family's, else that of everything."""
        everything = None
        for each in self.document.events:
            if each.name == name:
                return each
            if each.name == "*":
                everything = each
        for each in self.document.events:
            if each.name.endswith(".*") and fnmatchcase(name, each.name):
                return each
        return everything

    def _tell(self, event: RawEvent, ctx: Context) -> Outcome:
        found = self.mapping(event.name)
        if found is None:
            raise UnsupportedEvent(event.name)
        if found.ignore:
            return Ignore(found.ignore)
        if found.filter and not _search(found.filter, event.payload.raw):
            return Ignore(f"The mapping's filter “{found.filter[:100]}” does not hold.")
        values = self.values(event, ctx)
        try:
            made = _notification(found, values, self.name)
            when = self.document.reading.time
            return replace(made, occurred_at=parse_time(_search(when, event.payload.raw)) if when else None)
        except _Failed as failure:
            words = f"The mapping of “{found.name}” failed at {failure.words}"
            if self.trouble is not None:
                self.trouble(words)
            return _raw_card(event, self.name, words)

    def values(self, event: RawEvent, ctx: Context) -> dict[str, Any]:
        """What templates see: the payload's fields, and `event`, `id`, `headers`, `payload` beside them."""
        raw = event.payload.raw
        own = (
            {key: value for key, value in raw.items() if key.isidentifier()} if isinstance(raw, dict) else {}
        )
        return {
            **own, "payload": raw, "event": own.get("event", event.name), "event_name": event.name, "event_id": event.id,
            "headers": dict(ctx.headers), "received_at": ctx.now.isoformat(),
        }  # fmt: skip

    def sample_http(self, event: str, body: bytes) -> Http:
        for each in self.document.samples:
            if each.event == event and each.body.encode() == body:
                return Http(headers=Headers({"content-type": _kind(each.body), **each.headers}), body=body)
        headers = {"content-type": "application/json"}
        if self.document.reading.name_header:
            headers[self.document.reading.name_header] = event
        return Http(headers=Headers(headers), body=body)

    def own_samples(self) -> Iterator[Sample]:
        seen: dict[str, int] = {}
        for each in self.document.samples:
            event = each.event or ANY
            seen[event] = seen.get(event, 0) + 1
            variant = "" if seen[event] == 1 else str(seen[event])
            kind = "form" if _kind(each.body).endswith("urlencoded") else "json"
            yield Sample(
                f"{event}__{variant}" if variant else event, event, variant, kind, each.body.encode()
            )


def _kind(body: str) -> str:
    return "application/json" if body.lstrip()[:1] in ("{", "[", '"') else "application/x-www-form-urlencoded"


def _cloud(body: Any, http: Http) -> Any:
    """CloudEvents of all three modes as what the structured one looks like. https://cloudevents.io (HTTP binding 1.0)"""
    if "ce-id" not in http.headers:
        return body
    attributes = {name[3:]: value for name, value in http.headers.items() if name.startswith("ce-")}
    return {**attributes, "datacontenttype": http.content_type, "data": body}


def _search(query: str, data: Any) -> Any:
    """A JMESPath query's value; None also when the data do not fit it."""
    try:
        return jmespath.search(query, data)
    except (jmespath.exceptions.JMESPathError, TypeError, ValueError, AttributeError, RecursionError):
        return None


class _Failed(Exception):  # noqa: N818 - carries words
    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def _notification(found: EventMapping, values: Mapping[str, Any], name: str) -> Notification:
    def write(key: str, text: str) -> str:
        try:
            return str(templates.render(text, values, markdown=False))
        except templates.TemplateProblem as problem:
            line = f", line {problem.line}" if problem.line else ""
            raise _Failed(f"“{key}”{line}: {problem.message}") from None

    try:
        text = templates.render(found.text, values, markdown=True)
    except templates.TemplateProblem as problem:
        line = f", line {problem.line}" if problem.line else ""
        raise _Failed(f"“text”{line}: {problem.message}") from None
    title = " ".join(write("title", found.title).split())
    link, actor = write("link", found.link), write("actor", found.actor)
    container = write("container", found.container) or name
    image = write("image", found.image)
    facts = [Fact(each.title, write(f"facts, {each.title}", each.value)) for each in found.facts]
    return Notification(
        title=title or name,
        status=write("status", found.status)[:40],
        severity=severity(write("severity", found.severity)),
        text=Markdown(text),
        actor=Actor(actor) if actor else None,
        subject=Link(title or name, link) if link else None,
        container=Link(container, write("container_link", found.container_link)),
        facts=tuple(fact for fact in facts if fact.value),
        image=Image(image, title) if image else None,
        link_title=write("link_title", found.link_title),
    )


def severity(word: str) -> Severity:
    """A severity by its name, or by a word that tools use for it ("critical", "resolved")."""
    found = word.strip().lower()
    return Severity(found) if found in {each.value for each in Severity} else fields.severity_of(found)


def _raw_card(event: RawEvent, name: str, words: str) -> Card:
    """A readable card of the raw fields, with the reason as its warning."""
    payload = (
        event.payload
        if isinstance(event.payload.raw, dict)
        else Payload({"value": str(event.payload.raw)[:2_000]})
    )
    made = adaptive.render(fields.tell(payload, sender=name))
    return replace(made, warnings=(*made.warnings, f"{words} The raw fields are shown."))
