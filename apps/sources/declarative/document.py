"""The document of a custom connector: its shape, and every mistake in it with the place and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import jmespath
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from apps.core.errors import ConfigurationError
from apps.sources.declarative import templates

MAX_EVENTS, MAX_FACTS = 200, 25
MAX_TEMPLATE, MAX_QUERY, MAX_SAMPLE = 4_000, 500, 256 * 1024  # characters
NAME = re.compile(r"\*|[A-Za-z0-9_][\w.:/ -]{0,118}(?:\.\*)?")

SchemeName = Literal[
    "url",
    "hmac_body",
    "hmac_timestamped",
    "standard_webhooks",
    "shared_header",
    "basic",
    "bearer",
    "query_token",
]
Format = Literal["auto", "json", "form", "cloudevents"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Verification(_Part):
    """How requests prove where they come from. What a scheme does not use is left alone."""

    scheme: SchemeName = "url"
    header: str = Field("", max_length=100, pattern=r"^[A-Za-z0-9-]*$")
    timestamp_header: str = Field("", max_length=100, pattern=r"^[A-Za-z0-9-]*$")
    prefix: str = Field("", max_length=40)
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    separator: str = Field(".", max_length=3)
    parameter: str = Field("", max_length=60, pattern=r"^[\w-]*$")


class Reading(_Part):
    """Where things stand in a request. Queries are JMESPath over the body; header names win over queries."""

    format: Format = "auto"
    batch: str = Field("", max_length=MAX_QUERY)
    name: str = Field("", max_length=MAX_QUERY)
    name_header: str = Field("", max_length=100)
    id: str = Field("", max_length=MAX_QUERY)
    id_header: str = Field("", max_length=100)
    time: str = Field("", max_length=MAX_QUERY)


class FactMapping(_Part):
    """One line of a card."""

    title: str = Field(max_length=100)
    value: str = Field(max_length=MAX_TEMPLATE)


class EventMapping(_Part):
    """How one kind of event is told. Templates are Jinja2 over the event's fields."""

    name: str = Field(max_length=120)
    label: str = Field("", max_length=120)
    group: str = Field("", max_length=80)
    default: bool = True
    filter: str = Field("", max_length=MAX_QUERY)
    title: str = Field("", max_length=MAX_TEMPLATE)
    text: str = Field("", max_length=MAX_TEMPLATE)
    status: str = Field("", max_length=MAX_TEMPLATE)
    severity: str = Field("", max_length=MAX_TEMPLATE)
    actor: str = Field("", max_length=MAX_TEMPLATE)
    link: str = Field("", max_length=MAX_TEMPLATE)
    link_title: str = Field("", max_length=200)
    container: str = Field("", max_length=MAX_TEMPLATE)
    container_link: str = Field("", max_length=MAX_TEMPLATE)
    image: str = Field("", max_length=MAX_TEMPLATE)
    facts: list[FactMapping] = Field(default_factory=list, max_length=MAX_FACTS)
    ignore: str = Field("", max_length=200)


class SampleMapping(_Part):
    """A request to try the mapping with; it is the custom connector's sample too."""

    event: str = Field("", max_length=120)
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = Field("", max_length=MAX_SAMPLE)


class Document(_Part):
    """A custom connector, whole."""

    version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=80)
    summary: str = Field("", max_length=200)
    docs_url: str = Field("", max_length=300)
    verification: Verification = Verification()  # type: ignore[call-arg]  # all have defaults
    reading: Reading = Reading()  # type: ignore[call-arg]
    attributes: dict[str, str] = Field(default_factory=dict)
    events: list[EventMapping] = Field(default_factory=list, max_length=MAX_EVENTS)
    samples: list[SampleMapping] = Field(default_factory=list, max_length=50)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it stands ("events.0.text"), in which line of that, and what to do."""

    where: str
    message: str
    line: int = 0

    @property
    def words(self) -> str:
        """In one line for people."""
        return f"{self.where}{f', line {self.line}' if self.line else ''}: {self.message}"


class DocumentError(ConfigurationError):
    """A document that cannot be used; `problems` names all that is wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        shown = "; ".join(each.words for each in problems[:5])
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        super().__init__("bad_mapping", f"The mapping has mistakes. {shown}{more}")
        self.problems = problems


def load(data: object) -> Document:
    """The document out of JSON data. Raises DocumentError naming each place that is wrong."""
    if not isinstance(data, dict):
        raise DocumentError([Problem("mapping", "A mapping is a JSON object. Export one to see its shape.")])
    try:
        found = Document.model_validate(data)
    except ValidationError as error:
        raise DocumentError([_problem(dict(each)) for each in error.errors()[:50]]) from None
    problems = check(found)
    if problems:
        raise DocumentError(problems)
    return found


def _problem(error: dict[str, Any]) -> Problem:
    where = ".".join(str(step) for step in error["loc"]) or "mapping"
    if error["type"] == "extra_forbidden":
        return Problem(where, "There is no such field. Take it out, or correct its name.")
    return Problem(where, f"{error['msg'].rstrip('.')}.")


def check(found: Document) -> list[Problem]:
    """What is wrong with a document of the right shape: queries, templates, names."""
    problems = []
    for key in ("batch", "name", "id", "time"):
        problems += _query(f"reading.{key}", getattr(found.reading, key))
    for key, query in found.attributes.items():
        if not re.fullmatch(r"[A-Za-z]\w{0,39}", key):
            problems.append(Problem(f"attributes.{key[:40]}", "A name has letters, digits and underscores."))
        problems += _query(f"attributes.{key}", query)
    names: set[str] = set()
    for place, event in enumerate(found.events):
        where = f"events.{place}"
        if not NAME.fullmatch(event.name):
            problems.append(
                Problem(f"{where}.name", "Give the event's name, “order.*” for its family, or “*” for all.")
            )
        if event.name in names:
            problems.append(Problem(f"{where}.name", f"“{event.name}” stands here twice. Keep one of them."))
        names.add(event.name)
        problems += _query(f"{where}.filter", event.filter)
        if not event.ignore and not event.title.strip():
            problems.append(
                Problem(f"{where}.title", "A card needs a title. Write one, or say why it is ignored.")
            )
        for key in templates.FIELDS:
            problems += _template(f"{where}.{key}", getattr(event, key), markdown=key == "text")
        for number, fact in enumerate(event.facts):
            problems += _template(f"{where}.facts.{number}.value", fact.value, markdown=False)
    return problems


def _query(where: str, query: str) -> list[Problem]:
    if not query.strip():
        return []
    try:
        jmespath.compile(query)
    except jmespath.exceptions.JMESPathError as error:
        words = str(error).split("\n")[0][:150]
        return [Problem(where, f"This is no JMESPath query ({words}). “order.id” reads a field.")]
    except RecursionError:
        return [Problem(where, "This query is nested too deeply.")]
    return []


def _template(where: str, text: str, *, markdown: bool) -> list[Problem]:
    try:
        templates.compiled(text, markdown)
    except templates.TemplateProblem as problem:
        return [Problem(where, problem.message, problem.line)]
    return []
