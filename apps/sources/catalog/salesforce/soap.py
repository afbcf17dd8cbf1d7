"""Outbound messages: the SOAP request, its receipt, and its refusal.

https://developer.salesforce.com/docs/platform/api/guide/sforce-api-om-outboundmessaging-wsdl.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from apps.sources.sdk import Http, PayloadError, Reply

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

XML = "text/xml; charset=utf-8"
MAX_NOTIFICATIONS = 200  # Salesforce sends at most 100
MAX_FIELDS = 500
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_SESSION = re.compile(
    rb"(<(?:[\w.-]{1,100}:)?session_?id(?:\s[^<>]{0,500})?>)(?:<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|[^<])+",
    re.IGNORECASE | re.DOTALL,
)
_TOKEN = re.compile(
    rb'("(?:session_?id|access_?token|refresh_?token|client_?secret|password)"\s{0,20}:\s{0,20})"(?:[^"\\]|\\.)*("|\Z)',
    re.IGNORECASE,
)
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>{body}'
    "</soapenv:Body></soapenv:Envelope>"
)
RECEIPT = ENVELOPE.replace(
    "{body}",
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>',
)


def is_soap(http: Http) -> bool:
    """Whether the request is an outbound message rather than JSON."""
    start = http.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start:
        return start.startswith(b"<")
    return http.content_type in ("text/xml", "application/xml", "application/soap+xml")


def receipt() -> Reply:
    """What makes Salesforce take the message off its list; anything else is sent again for a day."""
    return Reply(200, RECEIPT, XML)


def fault(status: int, message: str) -> Reply:
    """A refusal that Salesforce shows in its outbound message queue."""
    code = "soapenv:Client" if status < 500 else "soapenv:Server"
    text = escape(message)
    return Reply(
        status,
        ENVELOPE.replace(
            "{body}",
            f"<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring></soapenv:Fault>",
        ),
        XML,
    )


def without_credentials(body: bytes) -> bytes:
    """The body without the session id (and tokens that an Apex class may send along)."""
    if b"\x00" in body[:200]:  # UTF-16, which is refused anyway: keep nothing of what cannot be searched
        return b""
    return _TOKEN.sub(rb'\1""', _SESSION.sub(rb"\1", body))


def notifications(body: bytes) -> Iterator[dict[str, object]]:
    """Each notification as a plain value. Raises PayloadError for anything that is not an outbound message."""
    if b"\x00" in body[:200]:
        raise PayloadError("not_utf8", "The message is not UTF-8, as Salesforce sends it.")
    try:
        root = fromstring(
            body.lstrip(b"\xef\xbb\xbf \t\r\n"), forbid_dtd=True, forbid_entities=True, forbid_external=True
        )
    except DefusedXmlException as error:
        raise PayloadError(
            "unsafe_xml",
            "The message has a document type or entities, which Salesforce never sends. It was not read.",
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise PayloadError(
            "not_xml", "The message is not complete XML. Let Salesforce send it directly, and send it again."
        ) from error
    shared = {
        "organization": _first(root, "OrganizationId"),
        "action_id": _first(root, "ActionId"),
        "origin": _first(root, "EnterpriseUrl") or _first(root, "PartnerUrl"),
        "soap": True,
    }
    count = 0
    for element in root.iter():
        if _local(element) != "Notification" or count >= MAX_NOTIFICATIONS:
            continue
        count += 1
        yield {**shared, **_notification(element)}
    if not count:
        raise PayloadError(
            "no_notification",
            "The XML holds no Notification. Use an outbound message of Salesforce, or send JSON.",
            path="Envelope.Body.notifications.Notification",
        )


def _notification(element: Element) -> dict[str, object]:
    found: dict[str, object] = {}
    for child in element:
        name = _local(child)
        if name == "Id":
            found["notification"] = (child.text or "").strip()
        elif name.lower() == "sobject":
            fields: dict[str, object] = {}
            for field in list(child)[:MAX_FIELDS]:
                fields[_local(field)] = _value(field)
            found["fields"] = fields
            found["type"] = child.get(TYPE, "").rpartition(":")[2].strip()
    return found


def _value(element: Element) -> object:
    if element.get(NIL, "").lower() in ("true", "1"):
        return None
    if len(element):  # a compound field or a related record
        return {_local(inner): (inner.text or "").strip() for inner in list(element)[:50]}
    return element.text or ""


def _first(root: Element, name: str) -> str:
    return next(((element.text or "").strip() for element in root.iter() if _local(element) == name), "")


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
