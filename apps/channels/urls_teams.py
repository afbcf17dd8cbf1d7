"""Recognises the URLs that Teams and Power Automate gave out over the years.

https://learn.microsoft.com/power-automate/teams/send-a-message-in-teams and Microsoft's notices on the
retirement of Office 365 connectors (May 2026) and of the old workflow addresses (30 November 2025).
A URL is only looked at, never rebuilt: it is posted to exactly as it was copied.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from apps.core.addresses import host_allowed, may_connect

MAX_LENGTH = 32_000
POWER_PLATFORM = (
    ".environment.api.powerplatform.com",
    ".environment.api.gov.powerplatform.microsoft.us",
    ".environment.api.high.powerplatform.microsoft.us",
    ".environment.api.appsplatform.us",
    ".environment.api.powerplatform.partner.microsoftonline.cn",
)
SOVEREIGN_LOGIC = (".logic.azure.us", ".logic.azure.cn")
CONNECTOR_PATH = re.compile(r"^/(?:webhook|webhookb2)/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a URL is. `problem` is "" for one that can be used, else a stable code; `message` is for people."""

    kind: str
    host: str
    problem: str = ""
    message: str = ""


def _bad(host: str, problem: str, message: str) -> Recognised:
    return Recognised("", host, problem, message)


def _in_network(host: str, allowed: Sequence[str]) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in allowed:
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            continue  # a host suffix
        if address.version == network.version and address in network:
            return True
    return False


def recognise(url: object, allowed: Sequence[str] = ()) -> Recognised:
    """What the URL is and whether cards can be posted to it.

    allowed: extra destinations, host suffixes and CIDRs.
    Raises nothing for any input.
    """
    if not isinstance(url, str) or not url.strip():
        return _bad("", "url_missing", "Paste the URL that the workflow shows after it was saved.")
    value = url.strip()
    if len(value) > MAX_LENGTH or re.search(r"[\s\x00-\x1f\x7f]", value):
        return _bad(
            "", "url_unreadable", "This is not one URL. Copy it again with the copy button of the workflow."
        )
    try:
        parts = urlsplit(value)
        host = (parts.hostname or "").lower().rstrip(".")
        _ = parts.port
    except ValueError:
        return _bad(
            "", "url_unreadable", "This is not a URL. Copy it again with the copy button of the workflow."
        )
    if parts.scheme.lower() not in ("https", "http") or not host:
        return _bad(
            "", "url_unreadable", "A webhook URL starts with https://. Copy it again from the workflow."
        )
    if parts.username or parts.password:
        return _bad(host, "url_credentials", "The URL must not hold a user name or password.")
    if host.endswith(".webhook.office.com") or (
        host in ("outlook.office.com", "outlook.office365.com") and CONNECTOR_PATH.match(parts.path)
    ):
        return _bad(
            host,
            "connector_retired",
            "This is an Office 365 connector URL. Microsoft switched them off in May 2026. Make a workflow in the "
            "channel (Workflows › Post to a channel when a webhook request is received) and paste its URL.",
        )
    if host.endswith(".logic.azure.com"):
        return _bad(
            host,
            "workflow_moved",
            "This is an old workflow address that stopped working on 30 November 2025. Open the workflow in Power "
            "Automate and copy its new URL.",
        )
    permitted = host_allowed(host, allowed) or _in_network(host, allowed)
    if host.endswith(POWER_PLATFORM) or host.endswith(SOVEREIGN_LOGIC):
        if parts.scheme.lower() != "https":
            return _bad(host, "url_insecure", "The URL of a workflow starts with https://.")
        if "sig" not in parse_qs(parts.query):
            return _bad(
                host,
                "url_cut",
                "The end of the URL is missing (it must contain “sig=”). Copy it again with the copy button, and "
                "choose “Anyone” under “Who can trigger the flow”.",
            )
        return Recognised("workflow", host, message="A Teams workflow.")
    if permitted:
        return Recognised("workflow", host, message="A destination that the operator has allowed.")
    if host.endswith(
        (".powerautomate.com", ".flow.microsoft.com", "teams.microsoft.com", "make.powerautomate.com")
    ):
        return _bad(
            host,
            "page_not_webhook",
            "This is a page's address. Open the workflow and copy the URL of its trigger.",
        )
    return _bad(
        host,
        "unknown_host",
        "This host is not known as a Teams webhook. If it is right (API Management, a test server), the operator "
        "adds it to DESTINATION_ALLOW.",
    )


def recognise_endpoint(url: object, allow: Sequence[str] = ()) -> Recognised:
    """What a URL of the general kind is: an HTTPS address of any service.

    allow: host suffixes and CIDRs that may be private. A name that leads into a private network is refused when posting.
    """
    if not isinstance(url, str) or not url.strip():
        return _bad("", "url_missing", "Paste the address that takes the events.")
    value = url.strip()
    try:
        parts = urlsplit(value)
        host = (parts.hostname or "").lower().rstrip(".")
        _ = parts.port
    except ValueError:
        return _bad("", "url_unreadable", "This is not a URL. Copy it again.")
    if len(value) > MAX_LENGTH or re.search(r"[\s\x00-\x1f\x7f]", value) or not host:
        return _bad(host, "url_unreadable", "This is not one URL. Copy it again.")
    if parts.username or parts.password:
        return _bad(host, "url_credentials", "The URL must not hold a user name or password.")
    if parts.scheme.lower() != "https":
        return _bad(host, "url_insecure", "The address must start with https://.")
    if _is_number(host) and not may_connect(host, host, allow):
        words = "This address is not on the public internet. An operator can allow it by DESTINATION_ALLOW."
        return _bad(host, "url_private", words)
    return Recognised("endpoint", host, message="An HTTPS service. Its messages are signed.")


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
