"""The audit history: who changed what and when, newest first, page by page."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.dateparse import parse_date

from apps.api.models import ApiToken
from apps.commands.models import ChatUser
from apps.core import audit, roles
from apps.core.audit import Audited
from apps.core.models import AuditEntry

SIZE = 50
LATEST = 5_000  # entries in which names are looked for
ID = 22  # letters of a public id
PEOPLE = ("user", "group", "apitoken")  # admins alone see these pages, so also their history


@dataclass(frozen=True, slots=True)
class Filters:
    """What somebody looks for, as it stands in the address."""

    kind: str
    thing: str
    who: str
    action: str
    since: str
    until: str

    @classmethod
    def of(cls, request: HttpRequest) -> Filters:
        def word(name: str) -> str:
            return request.GET.get(name, "").strip()[:200].replace("\x00", "")

        return cls(word("kind"), word("object"), word("who"), word("action"), word("since"), word("until"))

    @property
    def query(self) -> str:
        """The filters as they stand in a link to another page."""
        names = {"kind": self.kind, "object": self.thing, "who": self.who, "action": self.action,
                 "since": self.since, "until": self.until}  # fmt: skip
        return urlencode({name: value for name, value in names.items() if value})

    def rows(self) -> QuerySet[AuditEntry]:
        """The entries that are looked for."""
        exact = self.thing.isdecimal() or (len(self.thing) == ID and self.thing.isalnum())
        rows = audit.entries(
            kind=self.kind, object_id=self.thing if exact else "", actor_name=self.who, action=self.action,
            since=_midnight(self.since), until=_midnight(self.until, 1),
        )  # fmt: skip
        if self.thing and not exact:
            newest = AuditEntry.objects.order_by("-id").values_list("pk", flat=True).first() or 0
            rows = rows.filter(pk__gt=newest - LATEST, object_name__icontains=self.thing)
        return rows


def _midnight(text: str, later: int = 0) -> dt.datetime | None:
    """The beginning of a day, some days later, in UTC; None for no day."""
    try:
        day = parse_date(text)
        return dt.datetime.combine(day + dt.timedelta(days=later), dt.time(), dt.UTC) if day else None
    except (ValueError, OverflowError):
        return None


def history(request: HttpRequest) -> HttpResponse:
    """One page of the history. By key instead of by number, so the last page costs what the first one does."""
    filters = Filters.of(request)
    rows = filters.rows()
    if not request.user.has_perm(roles.CONFIGURE):
        rows = rows.exclude(object_kind__in=PEOPLE)
    before, after = _key(request, "before"), _key(request, "after")
    if after:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: SIZE + 1])
        newer, older, found = len(found) > SIZE, True, found[:SIZE][::-1]
    else:
        found = list((rows.filter(pk__lt=before) if before else rows)[: SIZE + 1])
        newer, older, found = bool(before), len(found) > SIZE, found[:SIZE]
    values = {
        **admin.site.each_context(request),
        "title": "History",
        "filters": filters,
        "entries": [_shown(entry, link) for entry, link in zip(found, _links(found), strict=True)],
        "newer": f"?{filters.query}&after={found[0].pk}" if newer and found else "",
        "older": f"?{filters.query}&before={found[-1].pk}" if older and found else "",
        "kinds": sorted(_kinds(request).items(), key=lambda pair: pair[1]),
        "people": _people(request),
        "actions": AuditEntry.Action.choices,
        "latest": LATEST,
    }
    return render(request, "admin/audit.html", values)


def _key(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def _models() -> dict[str, type[Model]]:
    """Every kind of row that has a history, by its word."""
    ours = [model for model in apps.get_models() if issubclass(model, Audited)]
    stock: list[type[Model]] = [get_user_model(), apps.get_model("auth.Group")]
    return {str(model._meta.model_name): model for model in (*ours, *stock)}


def _kinds(request: HttpRequest) -> dict[str, str]:
    hidden = () if request.user.has_perm(roles.CONFIGURE) else PEOPLE
    return {
        kind: str(model._meta.verbose_name).capitalize()
        for kind, model in _models().items()
        if kind not in hidden
    }


def _people(request: HttpRequest) -> list[str]:
    """Names that may be chosen; others can be typed."""
    if not request.user.has_perm(roles.CONFIGURE):
        return []
    names: set[str] = set(get_user_model().objects.values_list("username", flat=True)[:200])
    names |= set(ApiToken.objects.values_list("name", flat=True)[:200])
    names |= set(ChatUser.objects.values_list("name", flat=True)[:200])
    return sorted(name for name in names if name)


def _links(entries: list[AuditEntry]) -> list[str]:
    """The page of each entry's object, "" when it is gone or has none. One query for each kind."""
    wanted: dict[str, set[str]] = {}
    for entry in entries:
        wanted.setdefault(entry.object_kind, set()).add(entry.object_id)
    known = _models()
    pages: dict[tuple[str, str], str] = {}
    for kind, ids in wanted.items():
        model = known.get(kind)
        if model is None:
            continue
        name = "public_id" if any(field.name == "public_id" for field in model._meta.fields) else "pk"
        found = model._base_manager.filter(**{f"{name}__in": [each for each in ids if each]})
        for outer, key in found.values_list(name, "pk"):
            try:
                page = reverse(f"admin:{model._meta.app_label}_{kind}_change", args=[key])
            except NoReverseMatch:  # shown on another row's page
                break
            pages[kind, str(outer)] = page
    return [pages.get((entry.object_kind, entry.object_id), "") for entry in entries]


def _shown(entry: AuditEntry, link: str) -> dict[str, Any]:
    model = _models().get(entry.object_kind)
    return {
        "row": entry,
        "link": link,
        "kind": str(model._meta.verbose_name) if model else entry.object_kind,
        "changes": [
            {"field": each["field"].replace("_", " "), "old": words(each["old"]), "new": words(each["new"])}
            for each in entry.changes
        ],
    }


def words(value: Any) -> str:
    """A value as people read it."""
    if value is None or value == "" or value == [] or value == {}:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
