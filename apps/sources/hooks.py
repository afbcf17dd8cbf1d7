"""Hooks at the source that look after themselves: made, compared, mended, renewed, and asked what was missed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlsplit

from apps.sources.api import Api
from apps.sources.http import Headers
from apps.sources.options import Option

Place = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HookPlan:
    """What the hook at the source should be.

    url: our inbound URL. secret: "" for a source without one. events: the vendor's own names, sorted.
    scheme: the key of the verification that the connector uses, for sources that know several.
    """

    url: str
    secret: str = ""
    events: tuple[str, ...] = ()
    active: bool = True
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class RemoteHook:
    """What the hook at the source is.

    id: the vendor's. secret_set: None when the vendor does not tell. expires_at: when the vendor ends it.
    trouble: why the vendor is unhappy with it ("last delivery: 502", "switched off after 100 failures"), or "".
    page: the vendor's settings page of the hook.
    lacking: events that the vendor does not offer at that place at all. They are told, but nothing can be mended there.
    """

    id: str
    url: str = ""
    events: tuple[str, ...] = ()
    active: bool = True
    secret_set: bool | None = None
    expires_at: dt.datetime | None = None
    trouble: str = ""
    page: str = ""
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the hook is not as planned: what, how it should be, how it is."""

    what: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Missed:
    """A delivery that the source made in vain, as it would have come in.

    id: the vendor's delivery id. body: the bytes as they would have been sent, or as the API gives them.
    """

    id: str
    at: dt.datetime
    body: bytes
    headers: Headers = field(default_factory=Headers)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a delta query found. cursor: where the next one goes on. items: as `Missed`, oldest first.

    more: there is another page; ask again with the new cursor at once.
    """

    items: tuple[Missed, ...]
    cursor: str
    more: bool = False


class Hooks:
    """A vendor's hooks. Subclasses talk to the vendor by the `Api` they are given, and hold no state.

    places: what a person says about where the hook stands (repository, organisation, site, project).
    places_help: the permission that the account needs for it.
    lifetime: how long a hook lives without renewal; None: for ever. It is renewed after two thirds of that.
    can_find_missed, can_read_changes: whether `missed` and `changes` work.
    remembered: how far back the vendor can tell what it failed to deliver.
    """

    places: ClassVar[tuple[Option, ...]] = ()
    places_help: ClassVar[str] = ""
    lifetime: ClassVar[dt.timedelta | None] = None
    can_find_missed: ClassVar[bool] = False
    can_read_changes: ClassVar[bool] = False
    remembered: ClassVar[dt.timedelta] = dt.timedelta(days=3)

    def events(self, selected: Sequence[str]) -> tuple[str, ...]:
        """The vendor's event names for our selected ones (names of the source's catalogue, no patterns), sorted."""
        raise NotImplementedError

    def fit(self, place: Place, plan: HookPlan) -> HookPlan:
        """The plan as far as it is possible at that place."""
        return plan

    def find(self, api: Api, place: Place, url: str) -> RemoteHook | None:
        """The hook there that posts to `url`, or None."""
        raise NotImplementedError

    def create(self, api: Api, place: Place, plan: HookPlan) -> RemoteHook:
        """Make the hook. Raises ApiError."""
        raise NotImplementedError

    def read(self, api: Api, place: Place, hook_id: str) -> RemoteHook | None:
        """The hook as it is now, or None when it is gone."""
        raise NotImplementedError

    def update(self, api: Api, place: Place, hook_id: str, plan: HookPlan) -> RemoteHook:
        """Make the hook what is planned: URL, events, secret, switched on."""
        raise NotImplementedError

    def delete(self, api: Api, place: Place, hook_id: str) -> None:
        """Take the hook away; one that is gone is no error."""
        raise NotImplementedError

    def renew(self, api: Api, place: Place, hook_id: str, now: dt.datetime) -> RemoteHook:
        """Make an expiring hook live longer."""
        raise NotImplementedError

    def missed(
        self, api: Api, place: Place, hook_id: str, since: dt.datetime, until: dt.datetime
    ) -> Iterable[Missed]:
        """What the source failed to deliver in that time, oldest first: what came before an error is kept."""
        raise NotImplementedError

    def announces(self, name: str) -> str:
        """What an event of that name asks us to do: "changes" (read what changed), "renew", "mend", or ""."""
        return ""

    def changes(self, api: Api, place: Place, cursor: str) -> Changes:
        """What changed since `cursor`; "" starts now, without what is there already."""
        raise NotImplementedError


def differences(plan: HookPlan, found: RemoteHook, secret_changed: bool = False) -> tuple[Difference, ...]:
    """In what the hook at the source differs from the plan.

    secret_changed: our secret is newer than the one that was last given to the source.
    """
    told: list[Difference] = []
    if found.url and found.url != plan.url:
        told.append(Difference("URL", *_addresses(plan.url, found.url)))
    missing = sorted(set(plan.events) - set(found.events) - set(found.lacking))
    extra = sorted(set(found.events) - set(plan.events))
    if plan.events and (missing or extra) and "*" not in found.events:
        told.append(
            Difference(
                "Events",
                f"also {few(missing)}" if missing else "fewer",
                f"also {few(extra)}" if extra else "fewer",
            )
        )
    if plan.active and not found.active:
        told.append(Difference("Active", "yes", found.trouble or "switched off at the source"))
    if plan.secret and (found.secret_set is False or secret_changed):
        told.append(Difference("Secret", "set", "none" if found.secret_set is False else "an older one"))
    return tuple(told)


def _addresses(ours: str, theirs: str) -> tuple[str, str]:
    """Both addresses as far as they are no secret: a query, or a path on somebody else's server, may be one."""
    (here, _, token), (there, _, other) = ours.partition("?"), theirs.partition("?")
    if here == there:
        return (f"{here} with its token", f"{there} with {'another token' if other else 'none'}") if token else (
            here, f"{there} with a query")  # fmt: skip
    if urlsplit(here)[:2] != urlsplit(there)[:2]:
        there = f"{'://'.join(urlsplit(there)[:2])}/…"
    return here, there


def few(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    shown = ", ".join(names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown
