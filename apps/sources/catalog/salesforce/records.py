"""JSON that flows, Apex classes and event relays send: every usual wrapping, down to the records in it.

https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from apps.sources.sdk import Payload

from .objects import BY_API, base_type, is_id, kind_of, origin_of

MAX_RECORDS = 200
_PAGE = re.compile(r"/lightning/r/(\w{2,80})/([A-Za-z0-9]{15,18})(?:/|$)")
LISTS = ("records", "notifications", "new", "newRecords", "items", "events", "sobjects", "data")
WRAPPERS = (
    "detail", "data", "payload", "sobject", "sObject", "record", "newRecord", "new", "after", "fields", "object",
    "body",
)  # fmt: skip
TYPES = (
    "attributes.type", "sobjectType", "sObjectType", "sobject_type", "SObjectType", "sobject", "sObject", "objectType",
    "objectApiName", "objectName", "object", "entityName", "entity", "apiName", "type", "channel", "topic",
    "detail-type", "event.EventApiName",
)  # fmt: skip
ACTIONS = (
    "action", "operation", "changeType", "triggerEvent", "triggerType", "eventType", "event_type", "event.type",
    "event", "type",
)  # fmt: skip
IDS = ("Id", "id", "recordId", "record_id", "RecordId", "recordID")
EVENT_IDS = ("EventUuid", "eventId", "event_id", "messageId", "uuid", "notificationId", "event.EventApiUuid")
ORGS = ("organizationId", "OrganizationId", "organization_id", "orgId", "org_id")
ORIGINS = (
    "instanceUrl",
    "instance_url",
    "baseUrl",
    "base_url",
    "EnterpriseUrl",
    "serverUrl",
    "host",
    "myDomain",
)
PAGES = ("recordUrl", "record_url", "recordLink", "link", "url")
USERS = (
    "LastModifiedBy.Name",
    "CreatedBy.Name",
    "user.name",
    "user.Name",
    "userName",
    "user_name",
    "modifiedBy",
)
TIMES = (
    "LastModifiedDate",
    "CreatedDate",
    "timestamp",
    "time",
    "createdDate",
    "SystemModstamp",
    "event.createdDate",
)
CHANGES = ("changedFields", "changed_fields", "changes")
TITLES = ("title", "message", "summary", "text")
VERBS = {
    "create": "created", "created": "created", "insert": "created", "inserted": "created", "new": "created",
    "added": "created", "update": "updated", "updated": "updated", "changed": "updated", "change": "updated",
    "edited": "updated", "modified": "updated", "delete": "deleted", "deleted": "deleted", "removed": "deleted",
    "undelete": "restored", "undeleted": "restored", "restored": "restored", "converted": "converted",
    "closed": "closed",
}  # fmt: skip
# Words about the message, not about the record.
META = frozenset(
    {
        "attributes", "type", "channel", "topic", "action", "operation", "triggerEvent", "triggerType", "eventType",
        "event_type", "event", "sobject", "sObject", "sobjectType", "sObjectType", "object", "objectType",
        "objectName", "objectApiName", "schema", "schemaId", "old", "oldRecord", "oldRecords", "before", "version",
        "source", "detail-type", "region", "resources", "account", "ChangeEventHeader", "userId", "changeType",
    }
    | {path for group in (IDS, EVENT_IDS, ORGS, ORIGINS, PAGES) for path in group}
)  # fmt: skip


def _tokens(text: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text[:120])
    return [token.lower() for token in re.split(r"[^A-Za-z]+", spaced) if token]


def verb_of(text: str) -> str:
    """`AFTER_INSERT`, `create`, `GAP_UPDATE`, `case.deleted` -> created, updated, deleted."""
    return next((VERBS[token] for token in reversed(_tokens(text)) if token in VERBS), "")


def type_of(value: Payload) -> str:
    """The object's API name among the many places where people put it."""
    for path in TYPES:
        text = value.opt(f"$.{path}").strip()
        if not text or len(text) > 120:
            continue
        if path in ("channel", "topic"):
            if "/topic/" in text:
                continue
            text = text.rpartition("/")[2]
        text = re.split(r"[./:\s]", text)[0]
        if all(token in VERBS for token in _tokens(text)):
            continue
        if re.fullmatch(r"[A-Za-z]\w*", text) and text not in ("ChangeEvents", "http", "https"):
            return base_type(text)
    return ""


def unpack(
    value: object, known: Mapping[str, object] | None = None, depth: int = 0
) -> Iterator[dict[str, object]]:
    """Each record in a body, with what its wrappers say about it."""
    told = dict(known or {})
    if isinstance(value, list) and depth < 8:
        for item in value[:MAX_RECORDS]:
            yield from unpack(item, told, depth + 1)
        return
    if not isinstance(value, dict) or depth >= 8:
        return
    seen = Payload(value)
    _learn(seen, told)
    if isinstance(value.get("ChangeEventHeader"), dict):
        yield _change(seen, told)
        return
    for key in LISTS:
        items = value.get(key)
        if isinstance(items, list) and any(isinstance(item, dict) for item in items):
            olds = value.get("old") or value.get("oldRecords")
            for index, item in enumerate(items[:MAX_RECORDS]):
                before = _before(olds, item, index)
                yield from unpack(
                    item,
                    {**told, "old": before, "action": told.get("action") or "updated"} if before else told,
                    depth + 1,
                )
            return
    for key in WRAPPERS:
        inner = value.get(key)
        if isinstance(inner, dict) and inner:
            former = value.get("old") or value.get("oldRecord") or value.get("before")
            if isinstance(former, dict):
                told["old"] = former
                told["action"] = told.get("action") or "updated"
            yield from unpack(inner, told, depth + 1)
            return
    for key, inner in value.items():  # {"case": {…}, "sentBy": "a flow"}
        kind = BY_API.get(key.lower()) if key.lower() not in ("event", "user") else None
        if kind and isinstance(inner, dict) and inner:
            yield from unpack(inner, {**told, "type": told.get("type") or kind.api}, depth + 1)
            return
    fields = {key: item for key, item in value.items() if key not in META}
    for key in CHANGES:
        changed = fields.pop(key, None) if _pairs(fields.get(key)) else None
        for name, pair in changed.items() if isinstance(changed, dict) else ():
            fields.setdefault(name, pair.get("new", pair.get("newValue")))
            told["old"] = {**_object(told.get("old")), name: pair.get("old", pair.get("oldValue"))}
    if fields or told.get("id"):
        yield {**told, "fields": fields}


def _pairs(value: object) -> bool:
    """Whether it is an object of changes: `{"Stage": {"old": …, "new": …}}`."""
    words = {"old", "new", "oldValue", "newValue"}
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(pair, dict) and bool(words & pair.keys()) for pair in value.values())
    )


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _learn(seen: Payload, told: dict[str, object]) -> None:
    """What this level says about the records in it; inner levels know better than outer ones."""
    api = type_of(seen)
    if api and (not told.get("type") or seen.has("$.attributes.type")):
        told["type"] = api
    for name, paths in (
        ("id", IDS), ("event_id", EVENT_IDS), ("organization", ORGS), ("origin", ORIGINS), ("user", USERS),
        ("at", TIMES), ("title", TITLES),
    ):  # fmt: skip
        found = seen.first(*(f"$.{path}" for path in paths))
        if found and (name != "id" or is_id(found)):
            told[name] = found
    source = seen.opt("$.source")  # an event relay names the organisation in its source
    if "salesforce.com/" in source:
        told["organization"] = source.partition("salesforce.com/")[2].split("/")[0]
        told["event_id"] = seen.opt("$.id") or told.get("event_id", "")
    if seen.has("$.event.replayId") and not told.get("event_id"):
        told["event_id"] = f"{seen.opt('$.channel') or told.get('type', '')}:{seen.opt('$.event.replayId')}"
    for path in PAGES:
        page = seen.opt(f"$.{path}")
        if "/services/" in page:  # the record's address in the API: no page, but it tells where the page is
            told.setdefault("origin", origin_of(page))
        elif page.startswith("https://"):
            told["page"] = page
            _learn_page(page, told)
            break
    if not told.get("action"):
        told["action"] = next((verb for path in ACTIONS if (verb := verb_of(seen.opt(f"$.{path}")))), "")


def _learn_page(page: str, told: dict[str, object]) -> None:
    """A record's page in Lightning names the object and the record."""
    found = _PAGE.search(page)
    if found and is_id(found[2]):
        told["type"] = told.get("type") or found[1]
        told["id"] = told.get("id") or found[2]


def _before(olds: object, item: object, index: int) -> dict[str, object]:
    """The former state of a record that an Apex trigger sends along."""
    if not isinstance(olds, list) or not isinstance(item, dict):
        return {}
    record = item.get("Id")
    for old in olds[:MAX_RECORDS]:
        if isinstance(old, dict) and record and old.get("Id") == record:
            return old
    former = olds[index] if index < len(olds) else None
    return former if isinstance(former, dict) and not record else {}


def _change(seen: Payload, told: dict[str, object]) -> dict[str, object]:
    """A change event: what is in it has changed, what is named as nulled was emptied."""
    header = seen.sub("$.ChangeEventHeader")
    fields = {key: item for key, item in seen.raw.items() if key not in META and item is not None}
    for name in header.texts("$.nulledFields", 100):
        fields.setdefault(name, "")
    # Where too much changed at once, Salesforce names no record: its id is all zeros.
    ids = [each for each in header.texts("$.recordIds", 500) if each[:15].strip("0")]
    key, number = header.opt("$.transactionKey"), header.opt("$.sequenceNumber")
    return {
        **told,
        "type": header.opt("$.entityName") or told.get("type", ""),
        "id": ids[0] if ids else "",
        "count": len(ids),
        "action": verb_of(header.opt("$.changeType")) or "changed",
        "at": header.opt_int("$.commitTimestamp") or told.get("at"),
        "overflow": "OVERFLOW" in header.opt("$.changeType").upper(),
        "event_id": f"{key}:{number}:{ids[0] if ids else ''}" if key else told.get("event_id", ""),
        "nulled": header.texts("$.nulledFields", 100),
        "changed": header.texts("$.changedFields", 100),
        "changed_by": header.opt("$.commitUser"),
        "fields": fields,
    }


def event_name(record: Mapping[str, object]) -> str:
    """The catalogue name of a record's event."""
    value = Payload(dict(record))
    return kind_of(value.opt("$.type"), value.opt("$.id") or value.opt("$.fields.Id")).event
