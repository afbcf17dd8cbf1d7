"""Which of this product's channels a conversation in Teams is. Teams tells an opaque id alone, so a person says it once."""

from __future__ import annotations

from apps.channels.models import Channel, Team
from apps.commands.models import CommandPlace


def channel_of(team: Team, conversation: str) -> Channel | None:
    """The channel that was named for the conversation, or None."""
    if not conversation:
        return None
    row = (
        CommandPlace.objects.filter(team=team, conversation=conversation)
        .select_related("channel__team")
        .first()
    )
    return row.channel if row else None


def name(team: Team, conversation: str, channel: Channel) -> None:
    """Remember that the conversation is this channel; another one that was named for it is forgotten."""
    row = CommandPlace.objects.filter(team=team, conversation=conversation).first()
    row = row or CommandPlace(team=team, conversation=conversation)
    row.channel = channel
    row.save()
