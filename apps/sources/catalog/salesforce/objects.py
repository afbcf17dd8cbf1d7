"""Salesforce's objects: what they are called, how their ids begin, where their pages are.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_list.htm
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Kind:
    """One standard object. event: its name in our catalogue; prefix: how its ids begin; number: its number's field."""

    api: str
    event: str
    noun: str
    prefix: str = ""
    number: str = ""
    default: bool = True


KINDS = (
    Kind("Case", "case", "Case", "500", "CaseNumber"),
    Kind("Lead", "lead", "Lead", "00Q"),
    Kind("Opportunity", "opportunity", "Opportunity", "006"),
    Kind("Account", "account", "Account", "001"),
    Kind("Contact", "contact", "Contact", "003"),
    Kind("Task", "task", "Task", "00T"),
    Kind("Event", "event", "Appointment", "00U"),
    Kind("Campaign", "campaign", "Campaign", "701"),
    Kind("Contract", "contract", "Contract", "800", "ContractNumber"),
    Kind("Order", "order", "Order", "801", "OrderNumber"),
    Kind("Quote", "quote", "Quote", "0Q0", "QuoteNumber"),
    Kind("Product2", "product", "Product", "01t", "ProductCode"),
    Kind("Asset", "asset", "Asset", "02i"),
    Kind("OpportunityLineItem", "opportunity_product", "Opportunity product", "00k"),
    Kind("CaseComment", "case_comment", "Case comment", "00a"),
    Kind("EmailMessage", "email_message", "E-mail", "02s"),
    Kind("FeedItem", "feed_item", "Chatter post", "0D5"),
    Kind("WorkOrder", "work_order", "Work order", "0WO", "WorkOrderNumber"),
    Kind("ServiceAppointment", "service_appointment", "Service appointment", "08p", "AppointmentNumber"),
    Kind("Incident", "incident", "Incident", "0Ie", "IncidentNumber"),
    Kind("User", "user", "User", "005"),
)
BY_API = {kind.api.lower(): kind for kind in KINDS}
BY_PREFIX = {kind.prefix: kind for kind in KINDS if kind.prefix}
_LIGHTNING = re.compile(
    r"https://[\w-]+(?:\.(?:sandbox|develop|scratch|demo|patch|stage|trailblaze|free))?"
    r"\.(?:my\.salesforce|lightning\.force)\.com",
    re.IGNORECASE,
)
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


def is_id(value: str) -> bool:
    """Whether a text is a record id: 15 or 18 letters and digits with the three-part form of Salesforce."""
    return bool(_ID.fullmatch(value)) and any(char.isdigit() for char in value[:9])


def same_id(one: str, other: str) -> bool:
    """Whether two ids are one: the long form only adds three letters of checksum."""
    return one.strip()[:15] == other.strip()[:15]


def base_type(api: str) -> str:
    """`CaseChangeEvent` -> `Case`, `Visit__ChangeEvent` -> `Visit__c`."""
    if api.endswith("__ChangeEvent"):
        return api.removesuffix("ChangeEvent") + "c"
    return api.removesuffix("ChangeEvent") or api


def kind_of(api: str, record: str = "") -> Kind:
    """What an object is; without a type the id's first three characters tell."""
    api = base_type(api.strip())
    known = BY_API.get(api.lower()) or (BY_PREFIX.get(record[:3]) if not api and is_id(record) else None)
    if known:
        return known
    if api.lower().endswith("__e"):
        return Kind(api, "platform_event", noun_of(api))
    if re.search(r"__\w{1,6}$", api) or (not api and record[:1] == "a" and is_id(record)):
        return Kind(api, "custom", noun_of(api) or "Record")
    return Kind(api, "record", noun_of(api) or "Record")


def noun_of(api: str) -> str:
    """`acme__Service_Visit__c` -> `Service visit`."""
    return label_of(api)


def label_of(api: str) -> str:
    """A field's or object's API name as people write it: `StageName` -> `Stage name`, `Order_Total__c` -> `Order total`."""
    name = re.sub(r"__(?:c|r|e|x|b|mdt|kav|pc|pr|s|latitude__s|longitude__s)$", "", api, flags=re.IGNORECASE)
    if "__" in name:  # what a package puts in front
        name = name.rpartition("__")[2] or name
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name.replace("_", " "))
    words = name.split()
    shown = [word if word.isupper() and len(word) > 1 else word.lower() for word in words]
    text = " ".join(shown)
    text = text.removeprefix("is ").removeprefix("Is ")[:80]
    return text[:1].upper() + text[1:]


def origin_of(url: str) -> str:
    """`https://acme.my.salesforce.com/services/Soap/…` -> `https://acme.my.salesforce.com`; "" unless it is https."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme != "https" or not re.fullmatch(r"[A-Za-z0-9.-]{3,250}", host):
        return ""
    # Old instances have a host of their own for programs: na14-api.salesforce.com.
    return "https://" + re.sub(r"^([a-z]{2,4}\d{1,4})-api(?=\.)", r"\1", host)


def org_name(origin: str) -> str:
    """`https://acme--uat.sandbox.my.salesforce.com` -> `acme--uat`."""
    host = origin.removeprefix("https://")
    return host.split(".")[0] if host else ""


def record_url(origin: str, api: str, record: str) -> str:
    """The page of a record: in Lightning where the domain tells, else the address that every edition redirects."""
    if not origin or not is_id(record):
        return ""
    # Hosts that name a server (acme--uat.cs83.my…) have their Lightning elsewhere, and redirect to it.
    if _LIGHTNING.fullmatch(origin):
        home = origin.replace(".my.salesforce.com", ".lightning.force.com")
        if re.fullmatch(r"\w{2,80}", api) and not api.lower().endswith("__e"):
            return f"{home}/lightning/r/{api}/{record}/view"
        return f"{home}/{record}"
    return f"{origin}/{record}"
