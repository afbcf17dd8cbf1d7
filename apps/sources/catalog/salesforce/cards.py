"""The card of a record, whatever its object.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/
"""

from __future__ import annotations

import datetime as dt
import re
from fnmatch import fnmatchcase

from apps.sources.sdk import (
    Actor,
    Context,
    Events,
    Fact,
    Link,
    Markdown,
    Notification,
    Outcome,
    Payload,
    PayloadError,
    RawEvent,
    Severity,
    parse_time,
    plain,
    truncate,
)

from .objects import KINDS, Kind, is_id, kind_of, label_of, org_name, origin_of, record_url
from .values import LONG, SECRET, rich, shown

events = Events()
SHOWN = 14
NUMBERS = re.compile(
    r"(?:Case|Order|Contract|Quote|WorkOrder|Appointment|Incident|Invoice|Solution|Ticket)Number",
    re.IGNORECASE,
)
NAMES = (
    "Subject",
    "Name",
    "Title",
    "name",
    "subject",
    "title",
    "CaseSubject",
    "FirstName",
    "LastName",
    "Company",
)
# System fields that say nothing to people, and what the card shows in another place.
QUIET = frozenset(
    {
        "id", "isdeleted", "systemmodstamp", "lastmodifieddate", "createddate", "lastvieweddate",
        "lastreferenceddate", "currencyisocode", "photourl", "recordid", "lastactivitydate", "eventuuid", "replayid",
        "lastmodifiedby", "createdby", "lastmodifiedbyid", "createdbyid", "user", "fiscal", "fiscalquarter",
        "fiscalyear", "pushcount", "masterrecordid", "jigsaw",
    }
)  # fmt: skip
FIRST = (
    "Status", "StageName", "Priority", "Amount", "CloseDate", "Probability", "Type", "Origin", "Reason", "Severity",
    "Rating", "LeadSource", "Industry", "Company", "Email", "Phone", "ActivityDate", "DueDate", "Owner", "Account",
)  # fmt: skip
LABELS = {
    "stagename": "Stage", "isclosed": "Closed", "isescalated": "Escalated", "iswon": "Won", "isconverted": "Converted",
    "suppliedemail": "E-mail", "suppliedname": "Sent by", "suppliedphone": "Phone", "suppliedcompany": "Company",
    "activitydate": "Due date", "whoid": "Person", "whatid": "Related to", "ownerid": "Owner", "email": "E-mail",
    "numberofemployees": "Employees", "leadsource": "Lead source", "annualrevenue": "Annual revenue",
    "startdatetime": "Starts", "enddatetime": "Ends",
}  # fmt: skip
COLOURS = {
    "closed won": Severity.GOOD, "won": Severity.GOOD, "closed": Severity.GOOD, "resolved": Severity.GOOD,
    "completed": Severity.GOOD, "activated": Severity.GOOD, "closed lost": Severity.WARNING,
    "escalated": Severity.ATTENTION, "failed": Severity.ATTENTION, "error": Severity.ATTENTION,
    "rejected": Severity.WARNING, "unqualified": Severity.WARNING, "on hold": Severity.WARNING,
    "closed - converted": Severity.GOOD, "closed - not converted": Severity.WARNING,
}  # fmt: skip
EMAIL = {"0": "New", "1": "Read", "2": "Replied", "3": "Sent", "4": "Forwarded", "5": "Draft"}
UNTYPED = kind_of("", "")
# Fields that the title or the actor may have shown already.
NAMED = ("subject", "title", "name", "recordname", "record_name")
TITLED = ("message", "summary", "text")
SENDERS = ("username", "user_name", "modifiedby")
URGENT = {"critical": Severity.ATTENTION, "urgent": Severity.ATTENTION, "high": Severity.WARNING}


class Fields:
    """A record's fields, found in any case, because hand-written JSON does not keep to Salesforce's.

    What is secret or hidden by the connector's options is not among them, so no title can show it either.
    """

    def __init__(self, payload: Payload, ctx: Context) -> None:
        self.raw = payload.sub("$.fields")
        self._names = {name.lower(): name for name in self.raw.keys("$") if not _hidden(name, ctx)}

    def text(self, name: str) -> str:
        """The field's value as text; related records give their name."""
        value = self.value(name)
        return shown(name, value) if isinstance(value, dict) else str(value).strip() if _plain(value) else ""

    def value(self, name: str) -> object:
        """The field's value as it came."""
        found: object = self.raw.raw.get(self._names.get(name.lower(), ""))
        return found

    def names(self) -> list[str]:
        """The fields, those that people look for first."""
        wanted = [self._names[name.lower()] for name in FIRST if name.lower() in self._names]
        return wanted + [name for name in self._names.values() if name not in wanted]


def _plain(value: object) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def number_of(fields: Fields, kind: Kind) -> str:
    """`00001027`, from the field that numbers this object."""
    if kind.number and fields.text(kind.number):
        return fields.text(kind.number)
    name = next((name for name in fields.names() if NUMBERS.fullmatch(name)), "")
    return fields.text(name) if name else ""


def name_of(fields: Fields) -> str:
    """What a person calls the record."""
    for name in ("Subject", "Name"):
        if fields.text(name):
            return fields.text(name)
    person = " ".join(part for part in (fields.text("FirstName"), fields.text("LastName")) if part)
    company = fields.text("Company")
    if person:
        return f"{person} ({company})" if company else person
    if fields.text("Title"):
        return fields.text("Title")
    for ending in ("name|subject|title|headline", "number|code", "email"):
        pattern = re.compile(rf"(?:^|_|[a-z](?=[A-Z]))(?:{ending})(?:__c)?$", re.IGNORECASE)
        named = (name for name in fields.names() if pattern.search(name) and name.lower() not in SENDERS)
        found = next((name for name in named if fields.text(name)), "")
        if found:
            return fields.text(found)
    return company


def _hidden(name: str, ctx: Context) -> bool:
    low = name.lower()
    return bool(SECRET.search(name)) or any(
        fnmatchcase(low, mark.lower()) for mark in ctx.entries("hide_fields")
    )


def _idle(name: str, value: object) -> bool:
    """Standard flags that are off (`IsEscalated`, `HasOpenActivity`) say nothing; `IsActive` does."""
    flag = re.match(r"(?:Is|Has)[A-Z]", name) and not name.endswith("__c") and name != "IsActive"
    return bool(flag) and str(value).lower() == "false"


def facts_of(payload: Payload, fields: Fields, ctx: Context, origin: str, used: frozenset[str]) -> list[Fact]:
    """The fields that were sent, changed ones with their old value, related records as links."""
    found: list[Fact] = []
    related: list[Fact] = []
    currency = fields.text("CurrencyIsoCode")
    old = payload.sub("$.old").raw
    nulled = set(payload.texts("$.nulled", 100))
    names = fields.names()
    # What the stage or status says already, and its name says in better words.
    doubled = {"iswon", "isclosed"} if fields.text("StageName") or fields.text("Status") else set()
    doubled |= {"forecastcategory"} if fields.text("ForecastCategoryName") else set()
    if isinstance(old, dict) and old:
        names.sort(key=lambda name: not (name in old and old[name] != fields.value(name)))
    for name in names[:300]:
        if name.lower() in QUIET or name in used or name.lower() in doubled:
            continue
        if _idle(name, fields.value(name)):
            continue
        value, label = fields.value(name), LABELS.get(name.lower()) or label_of(name)
        text = shown(name, value, currency)
        if name in nulled:
            found.append(Fact(label, "emptied"))
        elif isinstance(value, str) and is_id(value.strip()) and re.search(r"Id$|__c$", name):
            target = _target(origin, value.strip())
            if target:
                related.append(
                    Fact(LABELS.get(name.lower()) or label_of(name.removesuffix("Id")), "Open", target)
                )
        elif isinstance(old, dict) and name in old and old[name] != value:
            before = shown(name, old[name], currency)
            found.append(Fact(label, f"{before or 'none'} → {text or 'none'}"))
        elif text:
            page = ""
            if isinstance(value, dict):
                page = _target(origin, Payload(value).opt("$.Id"), Payload(value).opt("$.attributes.type"))
            found.append(Fact(label, text, page))
    changer = fields.text("LastModifiedById") or payload.opt("$.changed_by")
    if is_id(changer) and not payload.opt("$.user") and _target(origin, changer, "User"):
        related.insert(0, Fact("Changed by", "Open", _target(origin, changer, "User")))
    more = len(found) - SHOWN
    if more > 0:
        found = [*found[:SHOWN], Fact("More", f"{more} other field{'' if more == 1 else 's'}")]
    return [*found, *related[:4]]


def _target(origin: str, record: str, api: str = "") -> str:
    kind = kind_of(api, record)
    return record_url(origin, kind.api if kind.event not in ("custom", "record") else api, record)


def born(fields: Fields) -> str:
    """Outbound messages do not say what happened; a record that nobody has touched since is new."""
    first, last = parse_time(fields.value("CreatedDate")), parse_time(fields.value("LastModifiedDate"))
    return "created" if first and last and abs((last - first).total_seconds()) <= 1 else ""


def look(fields: Fields, action: str, event: str) -> tuple[str, Severity]:
    """The pill and its colour."""
    status = EMAIL.get(fields.text("Status"), "") if event == "email_message" else fields.text("Status")
    status = status or fields.text("StageName") or fields.text("Status__c")
    severity = COLOURS.get(status.lower(), Severity.INFO)
    if fields.text("IsWon").lower() == "true":
        severity = Severity.GOOD
    if severity is Severity.INFO:
        severity = URGENT.get((fields.text("Priority") or fields.text("Severity")).lower(), severity)
    if action == "deleted":
        return "Deleted", Severity.WARNING
    return status[:40], severity


def origin_for(payload: Payload, ctx: Context) -> str:
    """Where the organisation lives: what the message says, else the option."""
    return origin_of(payload.opt("$.origin")) or origin_of(ctx.text("instance_url"))


def long_text(fields: Fields) -> tuple[Markdown | str, str]:
    """The text worth reading, and the field it comes from."""
    for name in (*LONG, *(f"{each}__c" for each in LONG)):
        text = fields.text(name)
        if text:
            return rich(text), next((each for each in fields.names() if each.lower() == name.lower()), name)
    return "", ""


def record_card(event: RawEvent, ctx: Context) -> Outcome:
    """A record that Salesforce tells about."""
    payload = event.payload
    fields = Fields(payload, ctx)
    record = fields.text("Id") or payload.opt("$.id")
    told = any(value not in (None, "", [], {}) for value in fields.raw.raw.values())
    if not told and not record and not payload.flag("$.overflow"):
        raise PayloadError(
            "missing_field",
            "The message names no record and no field. Add fields to the outbound message or the flow.",
            path="$.sObject",
        )
    kind = kind_of(payload.opt("$.type"), record)
    noun, action = kind.noun, payload.opt("$.action") or born(fields)
    number, name = number_of(fields, kind), name_of(fields)
    text, source = long_text(fields)
    many = payload.opt_int("$.count") or 1
    head = " ".join(part for part in (noun, number, action) if part)
    if many > 1:
        head = f"{many} records of {noun} {action}".strip()
    if payload.flag("$.overflow"):
        head = f"Many records of {noun} changed at once"
    title = f"{head}: {name}" if name and name != number else head
    if not name and not number and many == 1:
        words = plain(text)
        title = f"{head}: {truncate(words, 90)}" if words else f"{head}: {record}" if is_id(record) else head
    if kind == UNTYPED and not action and not is_id(record):
        title = name or truncate(payload.opt("$.title"), 200) or title
    status, severity = look(fields, action, kind.event)
    origin = origin_for(payload, ctx)
    url = payload.opt("$.page") or ("" if action == "deleted" else record_url(origin, kind.api, record))
    who = payload.opt("$.user")
    shown_already = ((NAMED, name), (TITLED, title), (SENDERS, who))
    used = {
        each
        for each in fields.names()
        for keys, text in shown_already
        if text and each.lower() in keys and fields.text(each) == text
    }
    used |= {each for each in fields.names() if fields.text(each) == number and number}
    if f"{fields.text('FirstName')} {fields.text('LastName')}".strip() and name.startswith(
        fields.text("FirstName")
    ):
        used |= {each for each in fields.names() if each in ("FirstName", "LastName")}
    former = payload.sub("$.old").raw
    used = {each for each in used if each not in former or former[each] == fields.value(each)}
    where = org_name(origin)
    return Notification(
        title=plain(title) or "Salesforce record",
        status=status,
        severity=severity,
        text=text,
        actor=Actor(who) if who and not is_id(who) else None,
        subject=Link(plain(f"{number} {name}" if name != number else name).strip() or title, url)
        if url
        else None,
        container=Link(f"Salesforce {where}".strip(), origin),
        facts=tuple(facts_of(payload, fields, ctx, origin, frozenset(used | {source}))),
        occurred_at=_when(payload, fields),
        thread_key=f"salesforce:{payload.opt('$.organization')[:15]}:{record[:15]}" if record else "",
        link_title=f"Open {noun.lower()}" if len(noun) < 30 else "Open record",
    )


def _when(payload: Payload, fields: Fields) -> dt.datetime | None:
    for value in (payload.raw.get("at"), fields.value("LastModifiedDate"), fields.value("CreatedDate")):
        text = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", value.strip()) if isinstance(value, str) else value
        found = parse_time(text)
        if found:
            return found
    return None


GROUPS = {
    "Service": ("case", "case_comment", "email_message", "work_order", "service_appointment", "incident", "asset"),
    "Sales": ("lead", "opportunity", "opportunity_product", "account", "contact", "campaign", "contract",
              "order", "quote", "product"),
    "People": ("task", "event", "feed_item", "user"),
}  # fmt: skip
for _kind in KINDS:
    _group = next(group for group, members in GROUPS.items() if _kind.event in members)
    events.on(_kind.event, group=_group, label=_kind.noun)(record_card)
events.on("custom", group="Other", label="Record of a custom object")(record_card)
events.on("platform_event", group="Other", label="Platform event")(record_card)
events.on("record", group="Other", label="Record of any other object, or JSON without a type")(record_card)
events.ignore("empty", reason="The body holds no record.")
