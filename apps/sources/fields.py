"""JSON that nobody described: a readable card of its plain fields.

Alertmanager and Grafana send their alerts to any URL; those are told one by one.
https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from apps.cards.notification import Fact, Item, Items, Link, Notification, Severity
from apps.cards.text import from_gfm, from_html
from apps.core.errors import PayloadError
from apps.sources.payload import Payload, parse_json, parse_time

TITLES = (
    "title", "subject", "summary", "alertRule", "ruleName", "alert_name", "event_name", "headline", "check_name", "name",
)  # fmt: skip
BARE = (
    "name",
    "id",
    "type",
    "key",
    "url",
    "value",
    "status",
    "title",
    "text",
)  # say nothing without their object
KINDS = ("event", "type", "action")  # what a body without a title is about, if it stands at the top
TEXTS = (
    "text",
    "message",
    "msg",
    "description",
    "body",
    "content",
    "details",
    "detail",
    "comment",
    "output",
    "reason",
)
LINKS = ("url", "link", "html_url", "web_url", "externalURL", "alert_url", "href", "ruleUrl", "permalink")
STATES = (
    "status", "state", "monitorCondition", "NewStateValue", "severity", "level", "priority", "result", "alert_type",
)  # fmt: skip
OTHER_STATES = ("severity", "impact", "urgency", "priority", "level", "result", "buildResult", "buildStatus")
TIMES = re.compile(r"(?i)(?:_at|time|date|timestamp|updated|created)$|[a-z]At$")
SEVERITIES = {
    Severity.ATTENTION: (
        "critical", "error", "failed", "failure", "firing", "alerting", "down", "fatal", "emergency", "triggered", "high",
        "disaster", "problem", "p1", "open", "red", "fired", "major", "alarm", "sev0", "sev1",
    ),
    Severity.WARNING: ("warning", "warn", "degraded", "medium", "no_data", "nodata", "unstable", "p2", "yellow", "paused",
                       "sev2", "insufficient_data"),
    Severity.GOOD: ("ok", "resolved", "success", "succeeded", "up", "recovered", "passed", "closed", "green", "fixed"),
    Severity.INFO: ("info", "information", "notice", "test", "sev3", "sev4"),
}  # fmt: skip
MAX_FACTS, MAX_ALERTS, MAX_TITLE = 16, 10, 300
MAX_LISTS, MAX_LINES, MAX_DEEP, MAX_LINE = 3, 5, 40, 150


def tell(payload: Payload, *, sender: str = "") -> Notification:
    """The card of any JSON object."""
    raw = (
        {key: _unfolded(value) for key, value in payload.raw.items()} if isinstance(payload.raw, dict) else {}
    )
    fields = dict(_scalars(raw))
    if not fields and not payload.has("$.alerts[0]"):
        return _layout(raw, sender)
    title, title_key = _title(fields)
    text, text_key = _first(fields, TEXTS)
    pages = {key: value for key, value in fields.items() if value.startswith("http")}
    beside = {
        key: value for key, value in pages.items() if key.rpartition(".")[0] == title_key.rpartition(".")[0]
    }
    url, url_key = _first(beside, LINKS) if title else ("", "")
    if not url:
        url, url_key = _first(pages, LINKS)
    text = re.sub(r"^\s*%%%\s*|\s*%%%\s*$", "", text)  # Datadog's fence around Markdown
    state, state_key = _first(fields, STATES)
    if fields.get("qualityGate.status"):  # SonarQube: the analysis ended well, but what did it find?
        state, state_key = fields["qualityGate.status"], "qualityGate.status"
    severity = severity_of(state)
    if severity is Severity.NEUTRAL:
        severity = severity_of(_first(fields, OTHER_STATES)[0])
    if state_key.endswith("monitorCondition") and severity is Severity.ATTENTION:
        # Azure Monitor: how bad what fired is stands beside it.
        severity = severity_of(_first(fields, ("severity",))[0]) or severity
    alerts = _alerts(payload)
    if alerts:
        # The list tells what the rest of the body repeats.
        fields = {key: value for key, value in fields.items() if key.startswith("commonLabels.")}
    if alerts and not title:
        labels = payload.sub("$.commonLabels")
        title = labels.opt("$.alertname") or payload.sub("$.groupLabels").opt("$.alertname") or "Alerts"
        title = f"{state.title() or 'Alert'}: {title}"
    used = {title_key, text_key, url_key, state_key}
    facts = tuple(Fact(_label(key, fields), value) for key, value in fields.items() if key not in used)[
        :MAX_FACTS
    ]
    headline = title or text.split("\n")[0][:200] or _name(next(iter(fields), "")) or "Message"
    return Notification(
        title=headline,
        status=state.replace("_", " ").title() if len(state) <= 30 else "",
        severity=severity,
        subject=Link(headline, url) if url else None,
        container=Link(sender) if sender else None,
        text=from_gfm(text) if text != headline else "",
        facts=facts,
        lists=(Items("Alerts", tuple(alerts[:MAX_ALERTS]), total=payload.count("$.alerts")),)
        if alerts
        else _lists(raw),
    )


def severity_of(word: str) -> Severity:
    """How a state word feels."""
    found = word.strip().lower().replace(" ", "_")
    return next((severity for severity, words in SEVERITIES.items() if found in words), Severity.NEUTRAL)


def _unfolded(value: Any) -> Any:
    """An object that was sent as text, as Amazon SNS does with its message; anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("{") or len(value) > 100_000:
        return value
    try:
        found = parse_json(value)
    except PayloadError:
        return value
    return found if isinstance(found, dict) else value


def _lists(raw: dict[str, Any]) -> tuple[Items, ...]:
    """The lists of objects at the top, each object by what it is called."""
    made: list[Items] = []
    for key, value in raw.items():
        if not isinstance(value, list) or not any(isinstance(each, dict) for each in value):
            continue
        lines = []
        for each in value[:MAX_LINES]:
            inner = dict(_scalars(each)) if isinstance(each, dict) else {}
            name, name_key = _title(inner)
            words = (
                name or _first(inner, TEXTS)[0].split("\n")[0][:MAX_TITLE] or next(iter(inner.values()), "")
            )
            url = _first({k: v for k, v in inner.items() if v.startswith("http")}, LINKS)[0]
            state, state_key = _first(inner, STATES)
            if words:
                lines.append(Item(words[:MAX_TITLE], url=url, trail=state if state_key != name_key else ""))
        if lines and len(made) < MAX_LISTS:
            made.append(Items(_name(str(key)), tuple(lines), total=len(value)))
    return tuple(made)


def _layout(raw: dict[str, Any], sender: str) -> Notification:
    """A body whose words all stand deep inside, such as a card of Google Chat: they are told line by line."""
    fields = dict(_deep(raw))
    title, title_key = _title(fields)
    url = next((value for value in fields.values() if value.startswith(("https://", "http://"))), "")
    words = [
        value
        for key, value in fields.items()
        if key != title_key
        and not value.startswith(("https://", "http://"))
        and not re.search(r"(?i)(id|type|kind|key)$", key)
    ]
    headline = title or (words.pop(0)[:200] if words else "Message")
    return Notification(
        title=headline,
        subject=Link(headline, url) if url else None,
        container=Link(sender) if sender else None,
        text=from_html("<br>".join(words))
        if any("<" in word for word in words)
        else from_gfm("\n\n".join(words)),
    )


def _deep(value: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """The plain fields however deep they stand, for a body that has none above: a message made of layout."""
    found = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(found)[:MAX_DEEP]:
        name = f"{prefix}{key}"
        if isinstance(item, (str, int, float)) and not isinstance(item, bool) and str(item).strip():
            yield name, str(item).strip()
        elif depth < 16:
            yield from _deep(item, f"{name}.", depth + 1)


def _alerts(payload: Payload) -> list[Item]:
    """Alertmanager's and Grafana's list: what is wrong, where, since when."""
    made = []
    for alert in payload.each("$.alerts", 50):
        labels, notes = alert.sub("$.labels"), alert.sub("$.annotations")
        words = notes.first("$.summary", "$.message", "$.description", "$.title") or labels.opt("$.alertname")
        where = labels.first("$.instance", "$.pod", "$.job", "$.host")
        began = parse_time(alert.opt("$.startsAt"))
        trail = " · ".join(
            part for part in (where, began.strftime("%d %b, %H:%M UTC") if began else "") if part
        )
        made.append(
            Item(
                words or "Alert",
                lead=alert.opt("$.status"),
                url=alert.first("$.panelURL", "$.generatorURL", "$.dashboardURL"),
                trail=trail,
            )
        )
    return made


def _scalars(value: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """The plain fields, those of inner objects as "outer.inner", in the sender's order."""
    for key, item in list(value.items())[:100]:
        name = f"{prefix}{key}"
        if isinstance(item, bool):
            yield name, "yes" if item else "no"
        elif isinstance(item, (int, float)) and TIMES.search(key) and 1e9 <= abs(item) < 1e13:
            moment = parse_time(item)  # seconds or milliseconds since 1970
            yield name, moment.isoformat() if moment else str(item)
        elif isinstance(item, (str, int, float)):
            if str(item).strip():
                yield name, str(item).strip()
        elif isinstance(item, dict) and depth < 2:
            yield from _scalars(item, f"{name}.", depth + 1)
        elif isinstance(item, list) and item and all(isinstance(each, (str, int, float)) for each in item):
            yield name, ", ".join(str(each) for each in item[:20])


def _first(fields: dict[str, str], names: tuple[str, ...]) -> tuple[str, str]:
    """The first of these fields as (value, key), compared in lower case; top level before inner objects."""
    for inner in (False, True):
        for name in names:
            for key, value in fields.items():
                if ("." in key) is inner and key.rpartition(".")[2].lower() == name.lower():
                    return value, key
    return "", ""


def _title(fields: dict[str, str]) -> tuple[str, str]:
    """The best title: a field that is named so, else one that ends so, else the kind of the event."""
    found = _first(fields, TITLES)
    if not found[0]:
        text = _first(fields, TEXTS)[0]
        if text and len(text) <= MAX_LINE and "\n" not in text:
            return "", ""  # a short message says more than any name in the body
        named = ((value, key) for key, value in fields.items() if re.search(r"(?i)(name|title)$", key))
        found = next(named, ("", ""))
    if not found[0]:
        found = _first({key: value for key, value in fields.items() if "." not in key}, KINDS)
    return found if len(found[0]) <= MAX_TITLE else ("", "")


def _label(key: str, fields: dict[str, str]) -> str:
    """The last part of a field's path, or all of it where two would read the same."""
    last = key.rpartition(".")[2]
    alike = sum(other.rpartition(".")[2] == last for other in fields)
    return _name(key if alike > 1 or last.lower() in BARE else last)


def _name(key: str) -> str:
    """A field's name for people: "deviceSerial_no" -> "Device serial no", "monitorID" -> "Monitor ID"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key[:200]).replace(".", " › ")
    parts = [part if part.isupper() else part.lower() for part in re.split(r"[\s_-]+", words) if part]
    name = " ".join(parts)
    return name[:1].upper() + name[1:60]
