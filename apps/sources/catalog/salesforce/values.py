"""Field values as people read them: dates, amounts, yes and no.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm
"""

from __future__ import annotations

import re

from apps.sources.sdk import Markdown, Payload, escape, from_html, parse_time, plain

MONEY = re.compile(r"amount|price|total|revenue|cost|budget|discount_value|value__c|quantity", re.IGNORECASE)
PERCENT = re.compile(r"probability|percent|discount$", re.IGNORECASE)
SECRET = re.compile(
    r"session_?id|access_?token|refresh_?token|password|client_?secret|api_?key", re.IGNORECASE
)
LONG = (
    "Description",
    "Comments",
    "CommentBody",
    "TextBody",
    "Body",
    "Resolution",
    "HtmlBody",
    "Content",
    "Message",
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_TAG = re.compile(r"<(?:p|br|div|span|ul|ol|li|b|i|strong|em|a|table|h\d)\b", re.IGNORECASE)


def shown(name: str, value: object, currency: str = "") -> str:
    """One line for a fact; "" when there is nothing to show."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, dict):
        return _compound(Payload(value))
    if isinstance(value, list):
        return ", ".join(str(item) for item in value[:10] if isinstance(item, (str, int, float)))[:300]
    if isinstance(value, (int, float)):
        if name.endswith(("Date", "DateTime", "At")) and value > 1e11:
            return _moment(value)
        return _number(name, str(value), currency)
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if text.lower() in ("true", "false"):
        return "Yes" if text.lower() == "true" else "No"
    if _MOMENT.match(text):
        return _moment(text)
    if re.fullmatch(r"-?\d{1,15}(?:\.\d{1,18})?(?:E\d{1,2})?", text):
        return _number(name, text, currency)
    if ";" in text and re.fullmatch(r"[^;]{1,60}(?:;[^;]{1,60})+", text):  # a multi-select picklist
        text = ", ".join(part.strip() for part in text.split(";"))
    return plain(rich(text) if _TAG.search(text) else text)[:300]


def _compound(value: Payload) -> str:
    """A related record or an address: its name, or its lines."""
    name = value.first("$.Name", "$.Subject", "$.Title", "$.CaseNumber", "$.name", "$.Email")
    if name:
        return name
    person = " ".join(value.opt(f"$.{key}") for key in ("Salutation", "FirstName", "LastName")).split()
    if person:
        return " ".join(person)
    parts = [
        value.first(f"$.{key}", f"$.{key.title()}")
        for key in ("street", "city", "state", "postalCode", "country")
    ]
    return ", ".join(part for part in parts if part)[:300]


def _moment(value: object) -> str:
    moment = parse_time(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", value) if isinstance(value, str) else value)
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else str(value)[:40]


def _number(name: str, text: str, currency: str) -> str:
    money, share = bool(MONEY.search(name)), bool(PERCENT.search(name))
    if not money and not share and "." not in text and "E" not in text:
        return text  # a number that may be a phone, a postal code or a code: as it is
    try:
        value = float(text)
    except ValueError:
        return text
    if abs(value) >= 1e15:
        return text
    number = (
        f"{value:,.2f}".rstrip("0").rstrip(".") if money or share else f"{value:.6f}".rstrip("0").rstrip(".")
    )
    if share:
        return f"{number} %"
    return (
        f"{number} {currency}".strip() if money and not re.search("quantity", name, re.IGNORECASE) else number
    )


def rich(text: str, limit: int = 1500) -> Markdown:
    """A long text: rich text fields hold HTML, the others plain lines."""
    return from_html(text, max_chars=limit) if _TAG.search(text) else escape(text[:limit])
