"""System checks: what is set in a way that will hurt later. Each has an id and says what to do."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Caution


@register()
def public_url(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """core.W001: sources cannot reach a loopback address; core.W002: plain HTTP in production."""
    if settings.DEVELOPMENT:
        return []
    parts = urlsplit(settings.PUBLIC_URL)
    found: list[CheckMessage] = []
    if parts.hostname in {"localhost", "127.0.0.1", "::1"}:
        found.append(
            Caution(
                "PUBLIC_URL is an address of this machine, so no source can reach the inbound URLs.",
                hint="Set PUBLIC_URL to the address under which others reach this server.",
                id="core.W001",
            )
        )
    elif parts.scheme != "https":
        found.append(
            Caution(
                "PUBLIC_URL is not https, so secrets in URLs and cookies travel in clear.",
                hint="Put a TLS proxy in front and set PUBLIC_URL to its https address.",
                id="core.W002",
            )
        )
    return found


@register()
def field_keys(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """core.W003: keys for secrets at rest depend on SECRET_KEY."""
    if settings.DEVELOPMENT or not settings.FIELD_KEYS_DERIVED:
        return []
    return [
        Caution(
            "FIELD_KEYS is not set; stored secrets are encrypted with a key made from SECRET_KEY.",
            hint="Set FIELD_KEYS, so that SECRET_KEY can be changed without losing stored secrets.",
            id="core.W003",
        )
    ]


@register()
def destination_allow(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """core.E001: an entry of DESTINATION_ALLOW is neither a network nor a host suffix; core.W004: it allows everything."""
    found: list[CheckMessage] = []
    for entry in settings.DESTINATION_ALLOW:
        try:
            network = ipaddress.ip_network(entry)
        except ValueError:
            if "/" in entry or ":" in entry or " " in entry:
                found.append(
                    Error(
                        f"DESTINATION_ALLOW: “{entry}” is neither a network nor a host name.",
                        hint="Use entries such as 10.1.0.0/16 (no host bits) or example.internal, without scheme or port.",
                        id="core.E001",
                    )
                )
            continue
        if network.prefixlen == 0:
            found.append(
                Caution(
                    f"DESTINATION_ALLOW: “{entry}” allows every address, also of internal services.",
                    hint="Name only the networks that cards have to be sent to.",
                    id="core.W004",
                )
            )
    return found
