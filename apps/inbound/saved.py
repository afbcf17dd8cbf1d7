"""Saved samples: stored requests that an admin keeps, masked, for previews and tests of a connector."""

from __future__ import annotations

import zlib
from dataclasses import replace

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.connectors import services as connectors
from apps.core import masking, tokens
from apps.core.errors import ConfigurationError, Conflict
from apps.inbound import services, understanding
from apps.inbound.models import InboundRequest, SavedSample
from apps.sources.http import Headers, Http

MOST, MAX_BODY = 200, 2 * 1024 * 1024  # of one connector; bytes


def readable(row: InboundRequest, *, indent: int | None = None) -> str:
    """The stored body as text with credentials masked. indent: format JSON for people."""
    text = zlib.decompress(bytes(row.body)).decode("utf-8", "replace")
    return masking.mask_body(text, _content_type(row.headers), indent=indent)


def _content_type(headers: dict[str, str]) -> str:
    return Http(headers=Headers(headers)).content_type


def save(row: InboundRequest, name: str, *, event: str = "", saved_by: str = "") -> SavedSample:
    """Keep a stored request under a name. Raises ConfigurationError or Conflict that says what to do."""
    name = name.strip()
    if not 0 < len(name) <= 200:
        raise ConfigurationError("bad_name", "Give the sample a name of 1 to 200 characters.")
    if row.size > MAX_BODY:
        raise Conflict("too_large", f"Only requests of up to {MAX_BODY // 1024 // 1024} MiB can be kept.")
    if row.connector.saved_samples.count() >= MOST:
        raise Conflict("too_many", f"This connector has {MOST} samples already. Delete one first.")
    body = readable(row).encode("utf-8", "replace")
    headers = {
        key: masking.mask_text(value)
        for key, value in row.headers.items()
        if not masking.is_secret(key) and key.lower() != understanding.SAMPLE_HEADER
    }
    try:
        with transaction.atomic():
            return SavedSample.objects.create(
                connector=row.connector, name=name, event=event[:200], method=row.method, headers=headers,
                query=masking.mask_query(row.query), body=zlib.compress(body, 6), size=len(body),
                saved_by=saved_by[:150],
            )  # fmt: skip
    except IntegrityError as error:
        raise Conflict(
            "name_taken", f"There is a sample called “{name[:80]}” already. Choose another name."
        ) from error


def http_of(sample: SavedSample) -> Http:
    """The sample as a request, unsigned."""
    return Http(
        method=sample.method,
        headers=Headers(sample.headers),
        body=zlib.decompress(bytes(sample.body)),
        query=sample.query,
        url=sample.connector.url,
        received_at=timezone.now(),
    )


def run(sample: SavedSample) -> InboundRequest:
    """Take the sample in for real, signed as the source would sign it now. Raises Conflict without a secret."""
    connector, now = sample.connector, timezone.now()
    mark = {understanding.SAMPLE_HEADER: tokens.sign(connector.public_id, purpose="sample")}
    http = replace(http_of(sample), headers=Headers({**sample.headers, **mark}))
    http = services.signed(connector, http, now)
    source, scheme = connector.source_object(), connectors.scheme_of(connector)
    return InboundRequest.objects.get(public_id=services.store(connector, source, scheme, http, now))
