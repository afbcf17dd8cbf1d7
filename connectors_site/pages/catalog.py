"""The catalog: every source, what it can tell, and what its cards look like."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from apps.connectors.models import Connector
from apps.core import roles
from apps.core.errors import AppError, NotFound
from apps.sources import registry
from apps.sources.samples import folder, samples
from apps.sources.source import Source
from connectors_site.pages import preview

MAX_LOGO = 40_000  # characters


def source_or_404(slug: str) -> Source:
    """The source of that slug. Raises Http404."""
    try:
        return registry.get(slug)
    except NotFound as error:
        raise Http404 from error


@lru_cache(maxsize=256)
def logo(slug: str) -> str:
    """The source's logo as a data address, so that the page needs no request for each of them."""
    from base64 import b64encode

    try:
        text = (folder(registry.get(slug)) / "logo.svg").read_text("utf-8")[:MAX_LOGO]
    except (OSError, AppError):
        return ""
    return "data:image/svg+xml;base64," + b64encode(text.encode()).decode()


def sample_names(slug: str) -> frozenset[str]:
    """The events of which the source ships a sample."""
    if slug in registry.registry().sources:
        return _shipped(slug)
    return frozenset(each.event for each in samples(registry.get(slug)))  # a custom source may change


@lru_cache(maxsize=256)
def _shipped(slug: str) -> frozenset[str]:
    return frozenset(each.event for each in samples(registry.get(slug)))


def _context(request: HttpRequest, title: str, **values: object) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, **values}


def catalog(request: HttpRequest) -> HttpResponse:
    """All sources as tiles; searching happens in the browser."""
    used: dict[str, int] = {}
    for slug in Connector.objects.values_list("source", flat=True)[:5_000]:
        used[slug] = used.get(slug, 0) + 1
    found = sorted(registry.available(), key=lambda each: (each.category, each.name))
    tiles = [
        {"source": each, "logo": logo(each.slug), "events": len(each.events), "used": used.get(each.slug, 0)}
        for each in found
    ]
    categories = sorted({each.category for each in found})
    problems = registry.registry().problems if request.user.has_perm(roles.CONFIGURE) else ()
    values = _context(request, "Catalog", tiles=tiles, categories=categories, problems=problems)
    return render(request, "admin/catalog.html", values)


def grouped_events(source: Source) -> list[dict[str, Any]]:
    """The catalogue's entries by group, each with whether a sample card can be shown."""
    shown = sample_names(source.slug)
    ordered = sorted(source.events, key=lambda spec: spec.group)
    return [
        {"title": title, "events": [{"spec": each, "sample": each.name in shown} for each in members]}
        for title, members in groupby(ordered, key=lambda spec: spec.group)
    ]


def source(request: HttpRequest, slug: str) -> HttpResponse:
    """What a source can tell, how it is verified, and the way to connect it."""
    found = source_or_404(slug)
    values = _context(
        request,
        found.name,
        source=found,
        logo=logo(slug),
        groups=grouped_events(found),
        panel=preview.panel("source", slug, found),
        connectors=Connector.objects.filter(source=slug)[:50],
        may_connect=request.user.has_perm(roles.CONFIGURE),
        ignored=sorted(found.events.ignored.items()),
    )
    return render(request, "admin/source.html", values)
