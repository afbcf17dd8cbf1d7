"""What can be asked in chat. Help is made of this table, so it cannot differ from it."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from apps.cards.notification import Notification
from apps.commands.models import ChatUser, CommandEndpoint
from apps.core.errors import CommandError

RANK = {"": -1, "viewer": 0, "operator": 1, "admin": 2}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks what, where."""

    endpoint: CommandEndpoint
    user: ChatUser | None
    sender_id: str
    sender_name: str
    args: tuple[str, ...]

    @property
    def role(self) -> str:
        """The role of whoever asks; anybody in the team may ask what changes nothing."""
        return self.user.role if self.user else "viewer"


@dataclass(frozen=True, slots=True)
class Pending:
    """An answer that a background task is working on. run: the key of its row; label: what it does."""

    run: int
    label: str


Handler = Callable[[Asked], Notification]


@dataclass(frozen=True, slots=True)
class Command:
    """One command. usage: its arguments as help shows them."""

    name: str
    usage: str
    help: str
    role: str
    handler: Handler


commands: dict[str, Command] = {}


def command(name: str, *, help: str, usage: str = "", role: str = "viewer") -> Callable[[Handler], Handler]:  # noqa: A002
    """Register the decorated function. Raises ValueError for a name that is taken."""

    def register(handler: Handler) -> Handler:
        if name in commands:
            raise ValueError(f"{name} is declared twice")
        commands[name] = Command(name, usage, help, role, handler)
        return handler

    return register


def find(name: str) -> Command:
    """The command of that name. Raises CommandError that names the nearest one."""
    if name in commands:
        return commands[name]
    near = difflib.get_close_matches(name, commands, 1, 0.5)
    hint = f" Did you mean “{near[0]}”?" if near else ""
    raise CommandError("unknown_command", f"There is no command “{name[:40]}”.{hint} “help” lists them all.")


def run(name: str, asked: Asked) -> Notification:
    """Carry out a command. Raises CommandError with words for the chat."""
    found = find(name)
    if RANK[asked.role] < RANK[found.role]:
        who = "" if asked.user else f" Your Teams id is {asked.sender_id or 'unknown'}."
        raise CommandError(
            "not_allowed",
            f"“{name}” needs the role {found.role}. An admin gives it under “Chat users” in the admin.{who}",
        )
    return found.handler(asked)
