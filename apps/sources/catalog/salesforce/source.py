"""Salesforce as a source: how requests are verified, read, answered and screened.

https://help.salesforce.com/s/articleView?id=platform.workflow_managing_outbound_messages.htm
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from apps.sources.sdk import (
    Api,
    ApiAnswer,
    Attribute,
    Basic,
    Bearer,
    Context,
    Headers,
    Http,
    Option,
    Payload,
    PayloadError,
    QueryToken,
    RawEvent,
    Reply,
    SharedHeader,
    Source,
    Standing,
    parse_json,
)

from . import soap
from .actions import actions
from .api import ACCOUNT_KINDS, check_account, explain, meaning
from .cards import Fields, events
from .objects import base_type, kind_of, same_id
from .records import event_name, unpack


class Salesforce(Source):
    """Outbound messages (SOAP), and JSON from flows, Apex, platform events and change events."""

    slug = "salesforce"
    name = "Salesforce"
    category = "CRM"
    summary = (
        "Cases, leads, opportunities and every other object, by outbound message, flow, Apex or change event."
    )
    docs_url = "https://help.salesforce.com/s/articleView?id=platform.workflow_managing_outbound_messages.htm"
    schemes = (
        QueryToken(
            key="url_token",
            label="Secret in the address (outbound messages)",
            secret_help="Put it behind the endpoint URL as ?token=…",  # noqa: S106 - words, not a secret
        ),
        SharedHeader(
            key="header",
            label="Secret in the header X-Webhook-Token (flows, Apex)",
            secret_help="Add it as a custom header of the named credential.",  # noqa: S106 - words
            header="X-Webhook-Token",
        ),
        Bearer(
            key="bearer",
            label="Bearer token (named credential)",
            secret_help="Paste it as the token of the external credential.",  # noqa: S106 - words
        ),
        Basic(
            key="basic",
            label="User name and password (named credential)",
            secret_help="Paste it as the password; any user name will do.",  # noqa: S106 - words
        ),
    )
    actions = actions
    account_kinds = ACCOUNT_KINDS
    options = (
        Option(
            "organization_id",
            "text",
            "Organization ID",
            help="Setup → Company Information, 15 or 18 characters. What comes from elsewhere is dropped.",
        ),
        Option("objects", "pattern", "Objects", help="Only these, one pattern a line: Case, Opportunity, acme__*."),
        Option("hide_fields", "pattern", "Fields never shown", help="API names, one pattern a line: *SSN*, Salary__c."),
        Option(
            "instance_url",
            "url",
            "My Domain address",
            help="For links when the message names none: https://acme.my.salesforce.com",
        ),
    )  # fmt: skip
    events = events

    def check_account(self, api: Api) -> Standing:
        return check_account(api)

    def explain(self, answer: ApiAnswer) -> str:
        return explain(answer)

    def meaning(self, answer: ApiAnswer) -> int:
        return meaning(answer)

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        if soap.is_soap(http):
            records: Iterable[dict[str, object]] = soap.notifications(http.body)
        else:
            records = _json(http.body)
        for position, record in enumerate(records, 1):
            yield RawEvent(event_name(record) if record else "empty", _id(record, position), Payload(record))

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        payload, fields = event.payload, Fields(event.payload, ctx)
        kind = kind_of(payload.opt("$.type"), fields.text("Id") or payload.opt("$.id"))
        return {
            "type": base_type(payload.opt("$.type")) or kind.api,
            "status": fields.text("Status"),
            "stage": fields.text("StageName"),
            "priority": fields.text("Priority"),
            "owner": fields.text("Owner") or fields.text("OwnerId"),
            "record_type": fields.text("RecordType") or fields.text("RecordTypeId"),
            "origin": fields.text("Origin") or fields.text("LeadSource"),
            "author": payload.opt("$.user"),
            "organization": payload.opt("$.organization"),
            "action": payload.opt("$.action"),
        }

    def screen(self, event: RawEvent, ctx: Context) -> str | None:
        expected, given = ctx.text("organization_id").strip(), event.payload.opt("$.organization")
        if expected and given and not same_id(expected, given):
            return f"It comes from the organization {given[:18]}, and this connector is for {expected[:18]}."
        if expected and not given and event.payload.flag("$.soap"):
            return "The message names no organization, and this connector is for one only."
        patterns = ctx.entries("objects")
        names = (base_type(event.payload.opt("$.type")).lower(), event.name)
        if patterns and not any(
            fnmatchcase(name, mark.lower()) for mark in patterns for name in names if name
        ):
            return f"The object {names[0] or event.name} is not among the chosen objects."
        return None

    def acknowledge(self, http: Http) -> Reply:
        return soap.receipt() if soap.is_soap(http) else Reply(200, '{"ok":true}', "application/json")

    def reject(self, http: Http, status: int, message: str) -> Reply | None:
        return soap.fault(status, message) if soap.is_soap(http) else None

    def redact(self, http: Http) -> Http:
        return replace(http, body=soap.without_credentials(http.body))

    def sample_http(self, event: str, body: bytes) -> Http:
        xml = body.lstrip().startswith(b"<")
        headers = {"content-type": soap.XML if xml else "application/json"}
        return Http(headers=Headers({**headers, **({"soapaction": '""'} if xml else {})}), body=body)


def _json(body: bytes) -> list[dict[str, object]]:
    """The records of a JSON body; an empty one for an empty list, which is no mistake."""
    value = parse_json(body)
    if not isinstance(value, (dict, list)):
        raise PayloadError("not_an_object", "Send a JSON object or a list of them, one for each record.")
    found = list(unpack(value))
    if found:
        return found
    if isinstance(value, list):
        return [{}]
    raise PayloadError(
        "no_record", "The JSON holds no record. Send the record's fields, with its type and Id.", path="$"
    )


def _id(record: Mapping[str, object], position: int) -> str:
    """The notification's id, which a repeated message repeats; relays have an id of their own."""
    found = record.get("notification") or record.get("event_id") or ""
    if not found:
        return ""
    return str(found) if record.get("notification") or position == 1 else f"{found}:{position}"
