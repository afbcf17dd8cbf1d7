"""The only writers of command endpoints."""

from __future__ import annotations

import base64
import binascii
import datetime as dt

from django.conf import settings

from apps.channels.models import Team
from apps.commands.models import ChatUser, CommandEndpoint, CommandUse
from apps.core.errors import ConfigurationError


def check_token(token: object) -> str:
    """The token without surrounding space. Raises ConfigurationError for what is not Teams' base64 token."""
    text = token.strip() if isinstance(token, str) else ""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 16:
        raise ConfigurationError(
            "bad_token", "Paste the security token that Teams showed when the outgoing webhook was made."
        )
    return text


def create_endpoint(name: str, team: Team, token: object = "") -> CommandEndpoint:
    """A new endpoint; its token may follow, because Teams shows it only after it was told the URL."""
    return CommandEndpoint.objects.create(name=name, team=team, token=check_token(token) if token else "")


def role_of(teams_id: str) -> str:
    """What somebody may do, by either id that Teams gives a person; whoever is unknown may look."""
    row = ChatUser.objects.filter(teams_id=teams_id).first() if teams_id else None
    return row.role if row else ChatUser.Role.VIEWER


AUDIT = dt.timedelta(days=400)  # how long it is known who asked what


def prune(now: dt.datetime) -> None:
    """Forget the answers that are older than everything else that is kept, and in the end who asked."""
    CommandUse.objects.filter(at__lt=now - dt.timedelta(days=settings.RETENTION_DAYS)).exclude(
        answer=""
    ).update(answer="")
    CommandUse.objects.filter(at__lt=now - AUDIT).delete()
