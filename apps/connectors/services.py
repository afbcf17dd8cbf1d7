"""The only writers of connectors, secrets and subscriptions."""

from __future__ import annotations

import datetime as dt
import secrets as random

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.channels.models import Channel
from apps.connectors import matching, options
from apps.connectors.models import Connector, Secret, Subscription
from apps.core.errors import ConfigurationError, Conflict
from apps.sources import registry
from apps.sources.events import selects
from apps.sources.http import Headers
from apps.sources.source import Context, Source
from apps.sources.verify import Scheme

MAX_SECRET = 4_000  # characters
USED_STEP = dt.timedelta(hours=1)  # "last used" is written at most this often


def new_secret() -> str:
    """A fresh secret: 43 characters that every vendor's field takes."""
    return random.token_urlsafe(32)


def scheme_for(source: Source, key: str) -> Scheme:
    """The scheme of that key, or the source's default for "". Raises ConfigurationError."""
    if not key:
        return source.schemes[0]
    for scheme in source.schemes:
        if scheme.key == key:
            return scheme
    known = ", ".join(scheme.key for scheme in source.schemes)
    raise ConfigurationError(
        "unknown_scheme", f"{source.name} has no scheme “{key[:60]}”. It knows: {known}."
    )


def scheme_of(connector: Connector) -> Scheme:
    """The scheme that verifies the connector's requests."""
    return scheme_for(connector.source_object(), connector.scheme)


@transaction.atomic
def create_connector(
    *,
    name: str,
    source: str,
    scheme: str = "",
    option_values: object = None,
    secret: str = "",
    paused: bool = False,
) -> tuple[Connector, str]:
    """A new connector and its secret in clear, which is shown once ("" when the scheme has none).

    Raises NotFound for an unknown source, ConfigurationError for a bad scheme, option or secret.
    """
    code = registry.get(source)
    chosen = scheme_for(code, scheme)
    cleaned = options.clean(code, option_values if option_values is not None else {})
    connector = Connector.objects.create(
        name=name, source=source, scheme=chosen.key, options=cleaned, paused=paused
    )
    shown = ""
    if chosen.needs_secret:
        shown = _checked(secret) if secret else _generated(chosen)
        if shown:
            Secret.objects.create(connector=connector, value=shown)
    return connector, shown


def _generated(scheme: Scheme) -> str:
    # A secret that only the vendor can make is pasted later; until then every request is refused.
    return new_secret() if scheme.generates else ""


def _checked(secret: str) -> str:
    value = secret.strip()
    if not value or len(value) > MAX_SECRET:
        raise ConfigurationError("bad_secret", f"The secret must have 1 to {MAX_SECRET} characters.")
    return value


def check_rotates(connector: Connector, *, pasted: bool = False) -> None:
    """Raises Conflict when the connector's scheme has no secret, or, unless it is pasted, when only the source makes it."""
    scheme = scheme_of(connector)
    if not scheme.needs_secret:
        raise Conflict("no_secret", "This connector is verified by its URL alone; it has no secret.")
    if not scheme.generates and not pasted:
        raise Conflict(
            "secret_of_source",
            "Only the source can make this secret. Make it there, then paste it into the connector's form.",
        )


@transaction.atomic
def rotate_secret(connector: Connector, *, secret: str = "", keep_hours: float = 24) -> str:
    """A new secret, shown once; the old ones stay valid for `keep_hours`.

    secret: one that the source made; else one is made here. Raises Conflict as `check_rotates` does.
    """
    check_rotates(connector, pasted=bool(secret))
    value = _checked(secret) if secret else new_secret()
    until = timezone.now() + dt.timedelta(hours=keep_hours)
    connector.secrets.filter(Q(valid_until=None) | Q(valid_until__gt=until)).update(valid_until=until)
    Secret.objects.create(connector=connector, value=value)
    return value


def live_secrets(connector: Connector, now: dt.datetime) -> list[Secret]:
    """The secrets that are valid at `now`, newest first."""
    return list(connector.secrets.filter(Q(valid_until=None) | Q(valid_until__gt=now)))


def note_used(secret: Secret, now: dt.datetime) -> None:
    """Remember that a secret verified a request; at most one write an hour."""
    if secret.last_used_at is None or now - secret.last_used_at > USED_STEP:
        secret.last_used_at = now
        Secret.objects.filter(pk=secret.pk).update(last_used_at=now)


def context(connector: Connector, headers: Headers, now: dt.datetime) -> Context:
    """What the source may know: the options with their defaults, the headers and the time."""
    values = {**options.defaults(connector.source_object()), **connector.options}
    return Context(options=values, now=now, headers=headers)


def subscribe(
    connector: Connector,
    channel: Channel,
    *,
    events: object = None,
    filters: object = None,
    enabled: bool = True,
) -> Subscription:
    """A new subscription. Raises ConfigurationError for bad patterns or filters."""
    return Subscription.objects.create(
        connector=connector,
        channel=channel,
        events=clean_events(connector, events if events is not None else []),
        filters=matching.clean_filters(filters if filters is not None else []),
        enabled=enabled,
    )


def clean_events(connector: Connector, events: object) -> list[str]:
    """The patterns as they are stored. Raises ConfigurationError for one that selects nothing."""
    return clean_patterns(connector.source_object(), events)


def clean_patterns(source: Source, events: object) -> list[str]:
    """The same for a source that has no connector yet."""
    if not isinstance(events, list) or len(events) > 1000:
        raise ConfigurationError("bad_events", "Events are a list of names or patterns.")
    names = [spec.name for spec in source.events]
    for pattern in events:
        if not isinstance(pattern, str) or not 0 < len(pattern) <= 200:
            raise ConfigurationError(
                "bad_events", "Every event is a name or a pattern of at most 200 characters."
            )
        if not any(selects(pattern, name) for name in names):
            raise ConfigurationError(
                "unknown_event",
                f"No event of {source.name} is called “{pattern[:80]}”. See the list of its events.",
            )
    return list(dict.fromkeys(events))


def rules(subscription: Subscription) -> matching.Rules:
    """The subscription as the value that matching wants."""
    return matching.Rules(
        events=tuple(subscription.events),
        filters=tuple(subscription.filters),
        enabled=subscription.enabled,
        muted_until=subscription.muted_until,
    )


def pause(connector: Connector) -> None:
    """Keep the connector's events without making cards."""
    connector.paused = True
    connector.save(update_fields=["paused"])


def resume(connector: Connector) -> None:
    """Make cards again, of the events that come from now on."""
    connector.paused = False
    connector.save(update_fields=["paused"])


def mute(row: Subscription, until: dt.datetime | None) -> None:
    """Make no cards of a subscription until a moment; None ends it."""
    row.muted_until = until
    row.save(update_fields=["muted_until"])
