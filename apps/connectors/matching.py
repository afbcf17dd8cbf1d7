"""Whether a subscription wants an event: pure, and every rule says why."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    "at_least", "at_most", "exists", "absent", "holds",
)  # fmt: skip
WITHOUT_VALUE = frozenset({"exists", "absent", "holds"})
KEYS = ("field", "op", "value", "missing")
SEVERITIES = tuple(each.value for each in Severity)
EVENT = "event"  # the field that stands for the event's own name
MAX_FILTERS, MAX_FIELD, MAX_VALUES, MAX_VALUE = 50, 500, 200, 500


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
    """Whether it matched, and each rule up to the one that decided (or all, when all were asked for)."""

    matched: bool
    steps: tuple[Step, ...]

    @property
    def decider(self) -> Step | None:
        """The first rule that drops the event, or None."""
        return next((step for step in self.steps if not step.passed), None)

    @property
    def words(self) -> str:
        """The verdict as one sentence for people."""
        found = self.decider
        if found is None:
            return "This event would be sent: every rule lets it pass."
        return f"This event would be dropped because of “{found.rule}”: {found.detail}"


def decide(
    rules: Rules,
    event: str,
    defaults: Sequence[str],
    attributes: Mapping[str, Attribute],
    severity: Severity,
    payload: object,
    now: dt.datetime,
    *,
    every: bool = False,
) -> Verdict:
    """Check the rules in order; the first that fails drops the event. Raises nothing.

    every: judge the rules after that one too, for a preview.
    """
    steps: list[Step] = []
    for step in _steps(rules, event, defaults, {**attributes, EVENT: event}, severity, payload, now):
        steps.append(step)
        if not step.passed and not every:
            break
    return Verdict(all(step.passed for step in steps), tuple(steps))


def _steps(
    rules: Rules,
    event: str,
    defaults: Sequence[str],
    attributes: Mapping[str, Attribute],
    severity: Severity,
    payload: object,
    now: dt.datetime,
) -> Iterator[Step]:
    yield Step("enabled", rules.enabled, f"The subscription is {'on' if rules.enabled else 'off'}.")
    if rules.muted_until:
        yield Step("mute", rules.muted_until <= now, _until(rules.muted_until))
    chosen = next((each for each in rules.events or tuple(defaults) if selects(each, event)), None)
    words = f"“{chosen}” selects {event}." if chosen else f"{event} is not among the chosen events."
    yield Step("events", chosen is not None, words)
    for index, rule in enumerate(rules.filters[:MAX_FILTERS], 1):
        passed, detail = check(rule, attributes, severity, payload)
        yield Step(f"filter {index}", passed, detail)


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
    said = f"{field} {op.replace('_', ' ')} {', '.join(asked)[:120]}".rstrip()
    if rule.get("missing") == "pass" and not any(values):
        return True, f"{said}: this event has none, which is fine."
    if op == "holds":
        passed = bool(found) or (found == 0 and not isinstance(found, bool))  # as JMESPath counts truth
    else:
        passed = _passes(op, field, values, asked)
    shown = ", ".join(values)[:120] or "nothing"
    return passed, f"{said}: it is {shown}."


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
            return any(_like(field, item, target) for item in folded for target in targets)
        case "not_matches":
            return not any(_like(field, item, target) for item in folded for target in targets)
        case "contains":
            return any(target in item for item in folded for target in targets)
        case "not_contains":
            return not any(target in item for item in folded for target in targets)
        case "at_least" | "at_most":
            return _compare(op, field, values, asked)
    return False


def _like(field: str, value: str, pattern: str) -> bool:
    """Shell patterns; of events also a parent's name, as everywhere where events are chosen."""
    if field == EVENT:
        return selects(pattern, value)
    # People write “*[bot]” and mean those very characters, so a bracket may also stand for itself.
    return fnmatchcase(value, pattern) or ("[" in pattern and fnmatchcase(value, pattern.replace("[", "[[]")))


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
    return [_clean(number, rule) for number, rule in enumerate(filters, 1)]


def _clean(number: int, rule: object) -> dict[str, Any]:
    def bad(words: str) -> ConfigurationError:
        return ConfigurationError("bad_filters", f"Filter {number}{words}")

    if not isinstance(rule, dict) or not isinstance(rule.get("field"), str) or not rule["field"].strip():
        raise bad(
            " needs a “field”: severity, event, a field such as branch, or a path such as $.issue.title."
        )
    unknown = sorted(set(map(str, rule)) - set(KEYS))
    if unknown:
        raise bad(f": there is no “{unknown[0][:60]}”. A filter has {', '.join(KEYS)}.")
    field, op, value = rule["field"].strip(), rule.get("op", "is"), rule.get("value")
    if op not in OPS:
        raise bad(f" ({field[:60]}): “op” is one of {', '.join(OPS)}.")
    if len(field) > MAX_FIELD or "\n" in field:
        raise bad(f": “field” has at most {MAX_FIELD} characters, on one line.")
    missing = rule.get("missing", "drop")
    if field.endswith("?"):
        field, missing = field.removesuffix("?").rstrip(), "pass"
    if missing not in ("drop", "pass"):
        raise bad(f" ({field[:60]}): “missing” is drop or pass.")
    _check_path(field, op, bad)
    if op in WITHOUT_VALUE:
        value = None
    else:
        _check_value(field, op, value, bad)
    cleaned = {"field": field, "op": op, "value": value}
    return cleaned | ({"missing": "pass"} if missing == "pass" else {})


def _readable(path: str) -> bool:
    try:
        _compiled(path.removeprefix("$").removeprefix(".") or "@")
    except (JMESPathError, ValueError):
        return False
    return True


def _check_path(field: str, op: str, bad: Callable[[str], ConfigurationError]) -> None:
    if not field.startswith("$"):
        if op == "holds":
            raise bad(f" ({field[:60]}): “holds” wants a path or an expression that begins with “$.”.")
        return
    if not _readable(field):
        raise bad(
            f": the path cannot be read: “{field[:80]}”. Write it like $.issue.title or $.labels[].name."
        )


def _check_value(field: str, op: str, value: object, bad: Callable[[str], ConfigurationError]) -> None:
    values = value if isinstance(value, list) else [value]
    if value in (None, "", []) or any(each in (None, "") for each in values):
        raise bad(f" ({field[:60]}) needs a “value”.")
    if not all(isinstance(each, (str, int, float)) for each in values) or len(values) > MAX_VALUES:
        raise bad(
            f" ({field[:60]}): “value” is a text, a number, yes or no, or a list of at most {MAX_VALUES}."
        )
    if any(len(_text(each)) > MAX_VALUE or "\n" in _text(each) for each in values):
        raise bad(f" ({field[:60]}): a value has at most {MAX_VALUE} characters, on one line.")
    if field == "severity" and op in ("is", "is_not", "at_least", "at_most"):
        unknown = [_text(each) for each in values if _text(each).lower() not in SEVERITIES]
        if unknown:
            raise bad(f": severity is one of {', '.join(SEVERITIES)}, not “{unknown[0][:60]}”.")
    elif op in ("at_least", "at_most"):
        try:
            float(_text(values[0]))
        except ValueError as error:
            raise bad(f" ({field[:60]}): “{op}” compares numbers, so its value must be one.") from error


_OP = re.compile(
    r"\s+(?P<op>"
    + "|".join(op.replace("_", "[ _]") for op in sorted(OPS, key=len, reverse=True))
    + r")(?:\s+(?P<value>.*))?$",
    re.IGNORECASE,
)


def from_lines(text: str) -> list[dict[str, Any]]:
    """Conditions as people write them, one a line: “branch is main, develop”.

    Several values stand between commas, and any of them will do; a value with a comma stands in double
    quotes. “branch? is main” also lets events pass that have no branch. Raises ConfigurationError naming
    the line.
    """
    found: list[dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(_clean(number, _line(number, line.strip())))
        except ConfigurationError as error:
            words = error.public_message.replace(f"Filter {number}", f"Line {number}", 1)
            raise ConfigurationError(error.code, words) from error
    return clean_filters(found)


def _line(number: int, line: str) -> dict[str, Any]:
    at = 0
    while parts := _OP.search(line, at):
        field = line[: parts.start()]
        # An expression may itself hold one of the words: “$.issues[?title=='this is it'] exists”.
        if field and (not field.startswith("$") or _readable(field)):
            values = next(csv.reader([parts["value"] or ""], skipinitialspace=True), [])
            values = [each.strip() for each in values if each.strip()]
            value: object = values if len(values) > 1 else (values[0] if values else None)
            return {"field": field, "op": parts["op"].lower().replace(" ", "_"), "value": value}
        at = parts.start() + 1
    if line.startswith("$") and _OP.search(line):
        return {"field": line.split(maxsplit=1)[0], "op": "exists"}  # unreadable, which `_clean` says
    raise ConfigurationError(
        "bad_filters",
        f"Line {number} is no condition. Write a field, one of “{'”, “'.join(OPS)}”, and a value.",
    )


def as_lines(filters: Sequence[Mapping[str, Any]]) -> str:
    """The stored conditions as `from_lines` reads them."""
    lines = []
    for rule in filters:
        value = rule.get("value")
        values = value if isinstance(value, (list, tuple)) else [value]
        shown = ", ".join(_quoted(_text(each)) for each in values)
        mark = "?" if rule.get("missing") == "pass" else ""
        lines.append(f"{rule.get('field')}{mark} {rule.get('op', 'is')} {shown}".strip())
    return "\n".join(lines)


def _quoted(value: str) -> str:
    if "," in value or value.startswith('"'):
        return '"' + value.replace('"', '""') + '"'
    return value
