"""Buttons of other tools' MessageCards (HttpPOST, ActionCard): kept, asked about, and posted on behalf of a person.

https://learn.microsoft.com/outlook/actionable-messages/message-card-reference#actions
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from apps.actions.models import OfferedCall
from apps.cards.messagecard import RemoteAction
from apps.cards.text import plain
from apps.connectors.models import ActionPolicy, Connector
from apps.core import http
from apps.core.errors import ActionError, TransportError
from apps.core.tokens import new_id
from apps.sources.actions import ActionSpec, Done, Target
from apps.sources.api import ApiError
from apps.sources.options import Field

MAX_INPUTS, MAX_CHOICES = 12, 100
FORBIDDEN_HEADERS = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "cookie", "upgrade"}
)
_INPUT = re.compile(r"\{\{\s*([\w-]{1,64})\.value\s*\}\}")


class Collector:
    """Takes the acting buttons of one event's card, and stores those of a card that is really sent."""

    def __init__(self, connector: Connector, make_url: Callable[[str], str]) -> None:
        self._connector = connector
        self._make_url = make_url
        self._rows: list[OfferedCall] = []

    def offer(self, wanted: RemoteAction) -> str | None:
        """The link for a button, or None when it has no address that we may post to."""
        if self._connector.action_policy == ActionPolicy.OFF:
            return None
        spec = to_spec(wanted)
        if spec is None:
            return None
        row = OfferedCall(
            public_id=new_id(),
            connector=self._connector,
            name=plain(wanted.title)[:200],
            spec=json.dumps(spec),
        )
        self._rows.append(row)
        return self._make_url(row.public_id)

    def save(self, channels: Iterable[int], event: str) -> None:
        """Keep what was offered: the card goes to these channels."""
        for row in self._rows:
            row.channels, row.event_public_id = sorted(channels), event
        OfferedCall.objects.bulk_create(self._rows)
        self._rows = []


def to_spec(wanted: RemoteAction) -> dict[str, Any] | None:
    """The button as it is stored: where to post what, and what to ask for. None when it has no usable target."""
    targets = [_target(each) for each in (wanted.actions or (wanted,))]
    usable = [each for each in targets if each is not None]
    if not usable:
        return None
    fields = [found for each in wanted.inputs[:MAX_INPUTS] if (found := _field(each)) is not None]
    return {"targets": usable, "fields": fields}


def _target(action: RemoteAction) -> dict[str, Any] | None:
    parts = urlsplit(action.target)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return None
    headers = {
        name: value
        for name, value in action.headers
        if name
        and name.lower() not in FORBIDDEN_HEADERS
        and "\n" not in name + value
        and "\r" not in name + value
    }
    return {
        "name": plain(action.title)[:80] or "Send",
        "url": action.target,
        "body": action.body,
        "headers": headers,
    }


def _field(found: Mapping[str, Any]) -> dict[str, Any] | None:
    key = found.get("id")
    if not isinstance(key, str) or not re.fullmatch(r"[\w-]{1,64}", key):
        return None
    kind = str(found.get("type") or "").lower()
    value = found.get("value") if isinstance(found.get("value"), str) else ""
    made: dict[str, Any] = {
        "key": key,
        "label": plain(str(found.get("title") or key))[:120],
        "required": _is(found.get("isrequired")),
        "kind": "multiline" if _is(found.get("ismultiline")) else "text",
        "value": value,
    }
    if kind == "textinput":
        longest = found.get("maxlength")
        made["longest"] = longest if isinstance(longest, int) and 0 < longest < 100_000 else 0
    if kind == "dateinput":
        timed = _is(found.get("includetime"))
        made["kind"] = "datetime" if timed else "date"
        made["value"] = str(value)[: 16 if timed else 10]  # as browsers want it
    if kind == "multichoiceinput":
        choices = found.get("choices")
        made["kind"] = "choices" if _is(found.get("ismultiselect")) else "choice"
        made["choices"] = [
            (str(each.get("value", "")), plain(str(each.get("display") or each.get("value") or "")))
            for each in (choices if isinstance(choices, list) else [])[:MAX_CHOICES]
            if isinstance(each, dict)
        ]
    return made


def _is(value: object) -> bool:
    """Whether a careless sender means yes."""
    return value is True or str(value).lower() == "true"


def _spec(row: OfferedCall) -> dict[str, Any]:
    found = json.loads(row.spec)
    return found if isinstance(found, dict) else {}


def spec_of(row: OfferedCall) -> ActionSpec:
    """The button as an action with fields; with several targets, which one is a field too."""
    spec = _spec(row)
    fields = [
        Field(
            each["key"],
            each["label"],
            kind=each["kind"],
            required=each["required"],
            choices=tuple((str(key), str(label)) for key, label in each.get("choices", ())),
            longest=each.get("longest", 0),
        )
        for each in spec.get("fields", [])
    ]
    targets = spec.get("targets", [])
    if len(targets) > 1:
        names = tuple((str(place), each["name"]) for place, each in enumerate(targets))
        fields.append(Field("_target", "Do what", kind="choice", choices=names))
    return ActionSpec(name=f"call:{row.public_id}", label=row.name or "Send", fields=tuple(fields))


def target_of(row: OfferedCall) -> Target:
    """Where the button leads: the host alone, because the whole address may be a credential."""
    spec = _spec(row)
    hosts = dict.fromkeys(urlsplit(each["url"]).hostname or "" for each in spec.get("targets", []))
    return Target(
        title=f"Sends a request to {', '.join(hosts)}",
        defaults={each["key"]: each["value"] for each in spec.get("fields", []) if each.get("value")},
    )


def carry_out(row: OfferedCall, inputs: Mapping[str, str]) -> Done:
    """Post what the button says. Raises ActionError with the other side's words."""
    spec = _spec(row)
    chosen = inputs.get("_target", "0")
    targets = spec.get("targets", [])
    target = targets[int(chosen)] if chosen.isdigit() and int(chosen) < len(targets) else targets[0]
    headers = {"content-type": "application/json", **{k.lower(): v for k, v in target["headers"].items()}}
    kind = headers["content-type"]
    body = _INPUT.sub(lambda found: _as(inputs.get(found[1], ""), kind), target["body"])
    url = _INPUT.sub(lambda found: quote(inputs.get(found[1], ""), safe=""), target["url"])
    try:
        answer = http.request("POST", url, body=body.encode(), headers=headers, timeout=(5.0, 20.0))
    except TransportError as error:
        raise ApiError("api_unavailable", error.public_message, ambiguous=error.ambiguous) from None
    words = plain(answer.headers.get("CARD-ACTION-STATUS", ""))[:200]
    if answer.status >= 300:
        said = f" It says: {words}" if words else ""
        raise ActionError("call_refused", f"The tool answered with status {answer.status}.{said}")
    return Done(title=row.name or "Sent", text=words)


def _as(value: str, kind: str) -> str:
    """What was filled in, so that it cannot end the text that it stands in. kind: the body's content type."""
    if "json" in kind:
        return json.dumps(value, ensure_ascii=False)[1:-1]
    return quote_plus(value) if "x-www-form-urlencoded" in kind else value
