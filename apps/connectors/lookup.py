"""What the short path of a webhook needs to know of a connector, kept for a second in each process.

A change of a connector therefore takes effect within a second; a secret that was just made works at once,
because a request that does not verify is checked again with what the database says now.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

from apps.connectors import memory, options, services
from apps.connectors.models import Connector, Secret
from apps.core import rows
from apps.core.errors import ConfigurationError
from apps.sources.source import Source
from apps.sources.verify import Scheme

FRESH = 1.0  # seconds
MOST = 10_000  # connectors remembered


@dataclass(slots=True)
class Known:
    """A connector with its source, scheme, secrets and all its options. scheme is None when the stored one is gone."""

    connector: Connector
    source: Source
    scheme: Scheme | None
    secrets: list[Secret]
    options: dict[str, object]
    until: float

    def live(self, now: dt.datetime) -> list[Secret]:
        """The secrets that are valid at `now`, newest first."""
        return [each for each in self.secrets if each.valid_until is None or each.valid_until > now]


def find(public_id: str, *, fresh: bool = False) -> Known:
    """The connector of that id. Raises Connector.DoesNotExist, or NotFound when its source is not installed.

    fresh: ask the database, whatever is remembered.
    """
    found = memory.known.get(public_id)
    if found is not None and not fresh and found.until > time.monotonic():
        return found
    memory.known.pop(public_id, None)
    row = rows.read(Connector, "WHERE public_id = %s", [public_id])
    if not row:
        raise Connector.DoesNotExist
    connector = row[0]
    source = connector.source_object()
    try:
        scheme: Scheme | None = services.scheme_of(connector)
    except ConfigurationError:
        scheme = None
    secrets: list[Secret] = []
    if scheme is not None and scheme.needs_secret:
        secrets = rows.read(
            Secret, "WHERE connector_id = %s ORDER BY created_at DESC, id DESC", [connector.pk]
        )
    if len(memory.known) >= MOST:
        memory.forget()
    values = {**options.defaults(source), **connector.options}
    known = Known(connector, source, scheme, secrets, values, time.monotonic() + FRESH)
    memory.known[public_id] = known
    return known
