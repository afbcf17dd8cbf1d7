"""The editor of custom connectors: mapping, payload and card side by side."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.cards import adaptive, limits
from apps.cards.notification import Notification
from apps.connectors import custom
from apps.connectors.models import Connector, CustomSource
from apps.core import masking, roles
from apps.core.errors import AppError, PayloadError
from apps.inbound.models import InboundRequest
from apps.inbound.understanding import http_of
from apps.sources import declarative
from apps.sources.declarative.document import Document, DocumentError
from apps.sources.declarative.source import DeclarativeSource
from apps.sources.declarative.templates import FILTERS
from apps.sources.http import Headers, Http
from apps.sources.source import Context, Source, Understood
from apps.sources.understand import understand_all

MAX_BODY = 256 * 1024
CAPTURED = 20
HIDDEN = frozenset({"cookie", "authorization", "x-real-ip", "x-forwarded-for"})


def start(request: HttpRequest) -> HttpResponse:
    """Choose a starting point, or import a file."""
    _configure(request)
    shown = []
    for name, document in custom.starters().items():
        shown.append({"name": name, "title": document["name"], "summary": document["summary"]})
    context = {**site.each_context(request), "title": "New custom connector", "starters": shown}
    return render(request, "admin/custom_start.html", context)


def _configure(request: HttpRequest) -> None:
    if not request.user.has_perm(roles.CONFIGURE):
        raise PermissionDenied


def edit(request: HttpRequest, slug: str = "") -> HttpResponse:
    """The editor, for a custom source that exists or for a new one from a starting point."""
    row = get_object_or_404(CustomSource, slug=slug) if slug else None
    problems: list[dict[str, Any]] = []
    if request.method == "POST":
        _configure(request)
        text = request.POST.get("document", "")
        upload = request.FILES.get("file")
        if upload is not None:
            text = upload.read(MAX_BODY * 4).decode("utf-8", "replace")
        try:
            saved = custom.save(_json(text), row=row)
        except DocumentError as error:
            problems = [
                {"where": each.where, "line": each.line, "message": each.message} for each in error.problems
            ]
        except AppError as error:
            problems = [{"where": "mapping", "line": 0, "message": error.public_message}]
        else:
            messages.success(request, "Saved. It works from the next event on.")
            return redirect(reverse("admin:custom-edit", args=[saved.slug]))
    elif row is not None:
        text = json.dumps(row.document, indent=2, ensure_ascii=False)
    else:
        _configure(request)
        found = custom.starters().get(request.GET.get("from", ""), custom.starters()["json"])
        text = json.dumps(found, indent=2, ensure_ascii=False)
    connectors = list(Connector.objects.filter(source=row.slug)[:20]) if row else []
    context = {
        **site.each_context(request),
        "title": row.name if row else "New custom connector",
        "row": row,
        "document": text,
        "problems": problems,
        "connectors": connectors,
        "captured": _captured(connectors),
        "may_configure": request.user.has_perm(roles.CONFIGURE),
        "filters": sorted(name for name in FILTERS if not name.startswith("_")),
    }
    return render(request, "admin/custom_edit.html", context, status=422 if problems else 200)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise DocumentError(
            [declarative.Problem("mapping", "This is no JSON. Check commas and quotes there.", line)]
        ) from None


def _captured(connectors: list[Connector]) -> list[InboundRequest]:
    """The connectors' latest requests, to be taken over as the payload."""
    rows = InboundRequest.objects.filter(connector__in=connectors).defer("body").order_by("-id")
    return list(rows[:CAPTURED])


def captured(request: HttpRequest, slug: str, public_id: str) -> JsonResponse:
    """A stored request of the source's connectors: headers and body as text, with secrets masked."""
    rows = InboundRequest.objects.filter(connector__source=slug).select_related("connector")
    http = http_of(get_object_or_404(rows, public_id=public_id))
    shown = {name: value for name, value in http.headers.items() if name not in HIDDEN}
    body = masking.mask_body(http.body[:MAX_BODY].decode("utf-8", "replace"), http.content_type, indent=2)
    return JsonResponse({"headers": masking.mask_headers(shown), "body": body})


@require_POST
def preview(request: HttpRequest) -> JsonResponse:
    """What a mapping makes of a payload, and every mistake in it with its place."""
    try:
        data = json.loads(request.body)
        text, headers = str(data.get("body") or "")[:MAX_BODY], data.get("headers")
        document = data.get("mapping")
    except (ValueError, AttributeError, RecursionError):
        return JsonResponse({"problems": [_problem("mapping", 0, "This is no JSON yet.")], "events": []})
    try:
        found = declarative.load(document)
    except DocumentError as error:
        problems = [_problem(each.where, each.line, each.message) for each in error.problems]
        return JsonResponse({"problems": problems, "events": []})
    return JsonResponse({"problems": [], **_try(found, headers if isinstance(headers, dict) else {}, text)})


def _problem(where: str, line: int, message: str) -> dict[str, Any]:
    return {"where": where, "line": line, "message": message}


def _try(document: Document, headers: dict[str, Any], text: str) -> dict[str, Any]:
    source = DeclarativeSource("custom-preview", document)
    found = Headers({str(key): str(value) for key, value in list(headers.items())[:100]})
    http = Http(headers=found, body=text.encode("utf-8", "replace"), received_at=timezone.now())
    ctx = Context(now=timezone.now(), headers=found)
    try:
        events = [_event(source, item) for item in understand_all(source, http, ctx)][:20]
    except PayloadError as error:
        return {"events": [], "trouble": error.public_message}
    return {"events": events}


def _event(source: Source, item: Understood) -> dict[str, Any]:
    told = item.notification
    made = adaptive.render(told) if isinstance(told, Notification) else told
    shown: dict[str, Any] = {
        "name": item.event.name, "id": item.event.id, "outcome": item.outcome, "reason": item.reason,
        "attributes": {key: str(value) for key, value in item.attributes.items()},
    }  # fmt: skip
    if made is not None:
        shown |= {
            "card": made.content, "summary": made.summary, "bytes": limits.size(made.content), "budget": limits.BUDGET,
            "lint": limits.check(made.content), "warnings": list(made.warnings),
        }  # fmt: skip
    return shown


def export(request: HttpRequest, slug: str) -> HttpResponse:
    """The document as a file, to be imported elsewhere."""
    row = get_object_or_404(CustomSource, slug=slug)
    response = HttpResponse(
        json.dumps(row.document, indent=2, ensure_ascii=False) + "\n", content_type="application/json"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{row.slug}.json"'
    return response


@require_POST
def copy(request: HttpRequest, slug: str) -> HttpResponse:
    """A second custom source with the same mapping."""
    _configure(request)
    row = get_object_or_404(CustomSource, slug=slug)
    made = custom.save({**row.document, "name": f"{row.name} (copy)"[:80]})
    messages.success(request, "This is the copy.")
    return redirect(reverse("admin:custom-edit", args=[made.slug]))


@require_POST
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete a custom source that nobody uses."""
    _configure(request)
    row = get_object_or_404(CustomSource, slug=slug)
    try:
        custom.remove(row)
    except AppError as error:
        messages.error(request, error.public_message)
        return redirect(reverse("admin:custom-edit", args=[row.slug]))
    messages.success(request, f"“{row.name}” is deleted.")
    return redirect(reverse("admin:connectors_customsource_changelist"))
