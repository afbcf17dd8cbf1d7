"""What can be asked in chat. Help is made of this table, so it cannot differ from it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from apps.cards.notification import Notification
from apps.commands import parser
from apps.commands.models import ChatUser, CommandEndpoint
from apps.core.errors import CommandError

RANK = {"": -1, "viewer": 0, "operator": 1, "admin": 2}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks what, where."""

    endpoint: CommandEndpoint
    user: ChatUser | None
    message: parser.Message

    @property
    def sender_name(self) -> str:
        """The name that Teams gives."""
        return self.message.sender_name

    @property
    def sender_id(self) -> str:
        """By which an admin links the person: the id that is the same everywhere, when Teams tells it."""
        return self.message.entra_id or self.message.sender_id

    @property
    def args(self) -> tuple[str, ...]:
        """The words after the command."""
        return tuple(each.text for each in self.message.words[1:])

    def rest(self, place: int) -> tuple[parser.Word, ...]:
        """The arguments from a place on, with where they stand and whether they were quoted."""
        return self.message.words[1 + place :]

    def tail(self, place: int) -> str:
        """The arguments from a place on, as they were typed."""
        return parser.tail(self.message.text, self.message.words, 1 + place)

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


def find(name: str, others: Iterable[str] = ()) -> Command:
    """The command of that name. Raises CommandError that names the nearest one, `others` among them."""
    if name in commands:
        return commands[name]
    near = difflib.get_close_matches(name, [*commands, *others], 1, 0.5)
    hint = f" Did you mean “{near[0]}”?" if near else ""
    raise CommandError("unknown_command", f"There is no command “{name[:40]}”.{hint} “help” lists them all.")


def refusal(asked: Asked, what: str, role: str) -> CommandError:
    """That somebody may not do that, and how they come to be allowed to."""
    who = "" if asked.user else f" Your Teams id is {asked.sender_id or 'unknown'}."
    return CommandError(
        "not_allowed",
        f"“{what}” needs the role {role}. An admin gives it under “Chat users” in the admin.{who}",
    )


def run(name: str, asked: Asked, others: Iterable[str] = ()) -> Notification:
    """Carry out a command. Raises CommandError with words for the chat."""
    found = find(name, others)
    if RANK[asked.role] < RANK[found.role]:
        raise refusal(asked, name, found.role)
    return found.handler(asked)
