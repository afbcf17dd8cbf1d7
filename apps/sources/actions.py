"""What a card's button or a chat command may do back in the source.

>>> actions = Actions()
>>> @actions.on("close", label="Close issue", target=r"(?P<repo>[\\w.-]+/[\\w.-]+)#(?P<number>\\d+)",
...             example="octo/hello#12", destructive=True)
... def close(act): ...
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.cards.notification import ActionRef, Fact, Link, Markdown, Severity
from apps.core.errors import ActionError
from apps.sources.api import Api
from apps.sources.events import RawEvent
from apps.sources.options import Field

if TYPE_CHECKING:
    from apps.sources.source import Context


@dataclass(frozen=True, slots=True)
class Act:
    """One use of an action.

    params: what it acts on (from the button or the command's target). inputs: what the person filled in,
    checked against the action's fields; a field that is not required may be "". who: the person's name, for
    products where the account acts for everybody and the text should say for whom.
    """

    api: Api
    params: Mapping[str, str]
    inputs: Mapping[str, str] = field(default_factory=dict)
    who: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    def param(self, key: str) -> str:
        """What the action acts on. Raises ActionError when the button did not carry it."""
        value = self.params.get(key, "")
        if not value:
            raise ActionError(
                "action_params", f"This button does not say which {key.replace('_', ' ')} is meant."
            )
        return value

    def text(self, key: str) -> str:
        """What was filled in, or ""."""
        return self.inputs.get(key, "")


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an action; it becomes the result card.

    title: what happened, past tense, without the person ("Issue closed"). subject: the thing, with its page.
    """

    title: str
    subject: Link | None = None
    container: Link | None = None
    text: str | Markdown = ""
    facts: tuple[Fact, ...] = ()
    severity: Severity = Severity.GOOD


@dataclass(frozen=True, slots=True)
class Target:
    """What an action is about to act on, asked for before the person confirms.

    state: a short word ("Open"). choices: what may be chosen in a field, by the field's key, when the product
    decides that (the transitions that an issue allows): (value, label) pairs.
    defaults: what a field starts with.
    """

    title: str = ""
    state: str = ""
    url: str = ""
    choices: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Act], Done]
Look = Callable[[Act], Target]
Offer = Callable[[RawEvent, "Context"], Iterable[ActionRef]]


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """Something that a button or a command may do back in the source.

    name: stable, lower case with underscores. label: the button ("Close issue"), imperative.
    params: what it acts on. target: a regular expression with a named group for each of them; a chat
    command's second word is matched by it. example: such a word ("octo/hello#12").
    fields: what the person fills in; in chat the rest of the line goes to them in order, the last takes all.
    confirm: a sentence to think about before it is done. destructive: it cannot simply be undone.
    """

    name: str
    label: str
    fields: tuple[Field, ...] = ()
    params: tuple[str, ...] = ()
    target: str = ""
    example: str = ""
    help: str = ""
    confirm: str = ""
    destructive: bool = False

    def match(self, text: str) -> dict[str, str] | None:
        """The params in a chat command's target, or None when it is none of this action's."""
        found = re.fullmatch(self.target, text.strip()) if self.target else None
        return {key: value for key, value in found.groupdict().items() if value} if found else None


class Actions:
    """A source's actions: catalogue and handlers in one, and the rule which card offers which."""

    def __init__(self) -> None:
        self._specs: dict[str, ActionSpec] = {}
        self._handlers: dict[str, Handler] = {}
        self._looks: dict[str, Look] = {}
        self._offers: list[Offer] = []

    def on(
        self,
        name: str,
        *,
        label: str,
        target: str = "",
        example: str = "",
        fields: tuple[Field, ...] = (),
        params: tuple[str, ...] = (),
        look: Look | None = None,
        help: str = "",  # noqa: A002 - the word that authors expect
        confirm: str = "",
        destructive: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Register the decorated function. Raises ValueError when the name is taken.

        params: taken from the target's named groups when they are left out.
        look: finds the thing before the person confirms.
        """

        def register(handler: Handler) -> Handler:
            if name in self._specs:
                raise ValueError(f"{name} is declared twice")
            groups = tuple(re.compile(target).groupindex) if target else ()
            self._specs[name] = ActionSpec(
                name, label, fields, params or groups, target, example, help, confirm, destructive
            )
            self._handlers[name] = handler
            if look is not None:
                self._looks[name] = look
            return handler

        return register

    def offer(self, rule: Offer) -> Offer:
        """Register the decorated function: which buttons the card of an event gets, most useful first."""
        self._offers.append(rule)
        return rule

    def __iter__(self) -> Iterator[ActionSpec]:
        return iter(self._specs.values())

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, name: object) -> bool:
        return name in self._specs

    def spec(self, name: str) -> ActionSpec:
        """The action of that name. Raises ActionError when there is none (any more)."""
        try:
            return self._specs[name]
        except KeyError:
            raise ActionError("no_action", "This action is not offered any more.") from None

    def look(self, name: str, act: Act) -> Target:
        """What the action is about to act on. Raises ApiError."""
        look = self._looks.get(name)
        return look(act) if look else Target()

    def run(self, name: str, act: Act) -> Done:
        """Do it. Raises ActionError (ApiError among them)."""
        self.spec(name)
        return self._handlers[name](act)

    def offers(self, event: RawEvent, ctx: Context) -> tuple[ActionRef, ...]:
        """The buttons for an event's card; an action is named once."""
        found: dict[tuple[str, tuple[tuple[str, str], ...]], ActionRef] = {}
        for rule in self._offers:
            for ref in rule(event, ctx):
                found.setdefault((ref.action, ref.params), ref)
        return tuple(ref for ref in found.values() if ref.action in self._specs)
