"""Whether a subscription wants an event: pure, and every rule says why."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from apps.cards.notification import Severity
from apps.channels.etiquette import FOREVER
from apps.core.errors import ConfigurationError
from apps.sources.events import Attribute, selects

OPS = (
    "is", "is_not", "matches", "not_matches", "contains", "not_contains",
    "at_least", "at_most", "exists", "absent",
)  # fmt: skip
MAX_FILTERS = 50


@dataclass(frozen=True, slots=True)
class Rules:
    """What a subscription asks for, as a value."""

    events: tuple[str, ...] = ()
    filters: tuple[Mapping[str, Any], ...] = ()
    enabled: bool = True
    muted_until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One rule and its verdict, for the trace."""

    rule: str
    passed: bool
    detail: str

    def as_json(self) -> dict[str, object]:
        """The form in which traces are stored."""
        return {"rule": self.rule, "verdict": "pass" if self.passed else "drop", "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it matched, and each rule up to the one that decided."""

    matched: bool
    steps: tuple[Step, ...]


def decide(
    rules: Rules,
    event: str,
    defaults: Sequence[str],
    attributes: Mapping[str, Attribute],
    severity: Severity,
    payload: object,
    now: dt.datetime,
) -> Verdict:
    """Check the rules in order; the first that fails drops the event. Raises nothing."""
    steps: list[Step] = []

    def add(rule: str, passed: bool, detail: str) -> bool:
        steps.append(Step(rule, passed, detail))
        return passed

    if not add(
        "enabled", rules.enabled, "The subscription is on." if rules.enabled else "The subscription is off."
    ):
        return Verdict(False, tuple(steps))
    if rules.muted_until and not add("mute", rules.muted_until <= now, _until(rules.muted_until)):
        return Verdict(False, tuple(steps))
    patterns = rules.events or tuple(defaults)
    chosen = next((pattern for pattern in patterns if selects(pattern, event)), None)
    words = f"“{chosen}” selects {event}." if chosen else f"{event} is not among the chosen events."
    if not add("events", chosen is not None, words):
        return Verdict(False, tuple(steps))
    for index, rule in enumerate(rules.filters[:MAX_FILTERS], 1):
        passed, detail = check(rule, attributes, severity, payload)
        if not add(f"filter {index}", passed, detail):
            return Verdict(False, tuple(steps))
    return Verdict(True, tuple(steps))


def _until(moment: dt.datetime) -> str:
    if moment >= FOREVER:
        return "Muted until somebody unmutes it."
    return f"Muted until {moment:%Y-%m-%d %H:%M} UTC."


def check(
    rule: Mapping[str, Any], attributes: Mapping[str, Attribute], severity: Severity, payload: object
) -> tuple[bool, str]:
    """One filter: whether it passes, and the words for the trace."""
    field, op, wanted = str(rule.get("field", "")), str(rule.get("op", "is")), rule.get("value")
    if field == "severity":
        found: object = severity.value
    elif field.startswith("$"):
        found = lookup(field, payload)
    else:
        found = attributes.get(field)
    values = (
        [_text(item) for item in found]
        if isinstance(found, (list, tuple))
        else []
        if found is None
        else [_text(found)]
    )
    asked = [_text(item) for item in wanted] if isinstance(wanted, (list, tuple)) else [_text(wanted)]
    passed = _passes(op, field, values, asked)
    shown = ", ".join(values)[:120] or "nothing"
    return passed, f"{field} {op.replace('_', ' ')} {', '.join(asked)[:120]}: it is {shown}."


def _passes(op: str, field: str, values: list[str], asked: list[str]) -> bool:
    folded, targets = [item.casefold() for item in values], [item.casefold() for item in asked]
    match op:
        case "exists":
            return bool([item for item in values if item])
        case "absent":
            return not [item for item in values if item]
        case "is":
            return any(item in targets for item in folded)
        case "is_not":
            return not any(item in targets for item in folded)
        case "matches":
            return any(fnmatchcase(item, target) for item in folded for target in targets)
        case "not_matches":
            return not any(fnmatchcase(item, target) for item in folded for target in targets)
        case "contains":
            return any(target in item for item in folded for target in targets)
        case "not_contains":
            return not any(target in item for item in folded for target in targets)
        case "at_least" | "at_most":
            return _compare(op, field, values, asked)
    return False


def _compare(op: str, field: str, values: list[str], asked: list[str]) -> bool:
    try:
        if field == "severity":
            one, other = float(Severity(values[0]).rank), float(Severity(asked[0].lower()).rank)
        else:
            one, other = float(values[0]), float(asked[0])
    except (ValueError, IndexError):
        return False
    return one >= other if op == "at_least" else one <= other


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)[:1000]


@lru_cache(maxsize=512)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def lookup(path: str, payload: object) -> object:
    """The value of a JMESPath expression, written with `$.` in front; None when it finds nothing."""
    try:
        return _compiled(path.removeprefix("$").removeprefix(".") or "@").search(payload)
    except (JMESPathError, ValueError, TypeError, RecursionError):
        return None


def clean_filters(filters: object) -> list[dict[str, Any]]:
    """The filters as they are stored. Raises ConfigurationError that names the one that is wrong."""
    if not isinstance(filters, list) or len(filters) > MAX_FILTERS:
        raise ConfigurationError("bad_filters", f"Filters are a list of at most {MAX_FILTERS} conditions.")
    cleaned = []
    for number, rule in enumerate(filters, 1):
        if not isinstance(rule, dict) or not isinstance(rule.get("field"), str) or not rule["field"]:
            raise ConfigurationError("bad_filters", f"Filter {number} needs a “field”.")
        op = rule.get("op", "is")
        if op not in OPS:
            raise ConfigurationError("bad_filters", f"Filter {number}: “op” is one of {', '.join(OPS)}.")
        if op not in ("exists", "absent") and rule.get("value") in (None, "", []):
            raise ConfigurationError("bad_filters", f"Filter {number} needs a “value”.")
        if rule["field"].startswith("$"):
            try:
                _compiled(rule["field"].removeprefix("$").removeprefix(".") or "@")
            except (JMESPathError, ValueError) as error:
                raise ConfigurationError(
                    "bad_filters", f"Filter {number}: the path cannot be read."
                ) from error
        cleaned.append({"field": rule["field"], "op": op, "value": rule.get("value")})
    return cleaned


_LINE = re.compile(
    r"^(?P<field>\S.*?)\s+(?P<op>"
    + "|".join(op.replace("_", "[ _]") for op in sorted(OPS, key=len, reverse=True))
    + r")(?:\s+(?P<value>.*))?$",
    re.IGNORECASE,
)


def from_lines(text: str) -> list[dict[str, Any]]:
    """Conditions as people write them, one a line: “branch is main, develop”.

    Several values stand between commas, and any of them will do. Raises ConfigurationError naming the line.
    """
    found: list[dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = _LINE.match(line.strip())
        if parts is None:
            raise ConfigurationError(
                "bad_filters",
                f"Line {number} is no condition. Write a field, one of “{'”, “'.join(OPS)}”, and a value.",
            )
        values = [each.strip() for each in (parts["value"] or "").split(",") if each.strip()]
        op = parts["op"].lower().replace(" ", "_")
        value: object = values if len(values) > 1 else (values[0] if values else None)
        found.append({"field": parts["field"], "op": op, "value": value})
    return clean_filters(found)


def as_lines(filters: Sequence[Mapping[str, Any]]) -> str:
    """The stored conditions as `from_lines` reads them."""
    lines = []
    for rule in filters:
        value = rule.get("value")
        shown = ", ".join(map(_text, value)) if isinstance(value, (list, tuple)) else _text(value)
        lines.append(f"{rule.get('field')} {rule.get('op', 'is')} {shown}".strip())
    return "\n".join(lines)
