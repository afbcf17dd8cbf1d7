"""“Why did I (not) get this?”: everything that happened to a request or an event, in order."""

from __future__ import annotations

import contextlib
import json
import zlib
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.channels.models import Channel
from apps.core import roles
from apps.core.errors import AppError
from apps.deliveries.models import Delivery
from apps.inbound import lookup
from apps.inbound import services as inbound
from apps.inbound.models import Event, InboundRequest

SHOWN_BODY = 60_000  # characters
LATEST = 5_000  # events in which a title or a person is looked for
HIDDEN = ("secret", "token", "password", "signature", "authorization", "clientstate", "sessionid", "api_key")


def find(request: HttpRequest) -> HttpResponse:
    """Events by id, delivery id, title, number or person."""
    query = request.GET.get("q", "").strip()[:200]
    found: list[Event] = list(_search(query)) if query else []
    if len(found) == 1:
        return redirect(reverse("admin:trace", args=[found[0].public_id]))
    values = {
        **admin.site.each_context(request),
        "title": "Why did I (not) get this?",
        "query": query,
        "events": found,
        "latest": LATEST,
        "requests": _requests(query) if query and not found else [],
    }
    return render(request, "admin/find.html", values)


def _search(query: str) -> QuerySet[Event]:
    rows = Event.objects.select_related("connector").order_by("-id")
    exact = lookup.events_called(query)
    if exact:
        return rows.filter(pk__in=exact)
    delivery = Delivery.objects.filter(public_id=query).first()
    if delivery and delivery.event_key:
        return rows.filter(pk=delivery.event_key)
    # Words are looked for among the latest events only, so that the page stays fast at a million rows.
    newest = Event.objects.order_by("-id").values_list("pk", flat=True).first() or 0
    recent = rows.filter(pk__gt=newest - LATEST)
    return recent.filter(
        Q(title__icontains=query)
        | Q(actor__icontains=query)
        | Q(url__icontains=query)
        | Q(type__iexact=query)
    )[:50]


def _requests(query: str) -> list[InboundRequest]:
    return list(InboundRequest.objects.filter(public_id=query).select_related("connector").defer("body")[:1])


def trace(request: HttpRequest, public_id: str) -> HttpResponse:
    """The whole way of one event: received, verified, parsed, matched, sent, answered."""
    rows = Event.objects.select_related("connector", "request__connector")
    event = get_object_or_404(rows, public_id=public_id)
    if request.method == "POST":
        return _replay(request, event)
    deliveries = list(
        Delivery.objects.filter(event_key=event.pk)
        .select_related("channel__team")
        .prefetch_related("attempts")
        .order_by("id")[:100]
    )
    shown = [{"row": each, "attempts": list(each.attempts.all())} for each in deliveries]
    values = {
        **admin.site.each_context(request),
        "title": event.title or event.type,
        "event": event,
        "deliveries": shown,
        "card": deliveries[0].card if deliveries else _card(event),
        "body": _body(event.request) if "body" in request.GET else "",
        "headers": _headers(event.request) if "body" in request.GET else [],
        "channels": Channel.objects.select_related("team")[:500]
        if request.user.has_perm(roles.OPERATE)
        else [],
        "may_replay": request.user.has_perm(roles.OPERATE),
    }
    return render(request, "admin/trace.html", values)


def _replay(request: HttpRequest, event: Event) -> HttpResponse:
    if not request.user.has_perm(roles.OPERATE):
        raise PermissionDenied
    wanted = request.POST.get("channel", "")
    channel = Channel.objects.filter(public_id=wanted).first() if wanted else None
    if wanted and channel is None:
        raise Http404
    try:
        made = inbound.replay_event(event, channel)
        messages.success(request, f"{len(made)} card{'' if len(made) == 1 else 's'} will be sent again.")
    except AppError as error:
        messages.error(request, error.public_message)
    return redirect(reverse("admin:trace", args=[event.public_id]))


def _card(event: Event) -> str:
    """The card that the event would make now; "" when it makes none."""
    try:
        return json.dumps(inbound.card_of(event)[0].content)
    except AppError:
        return ""


def _body(row: InboundRequest) -> str:
    """The raw body, formatted, with what looks like a secret masked."""
    text = zlib.decompress(bytes(row.body)).decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):  # form, XML or plain text is shown as it came
        text = json.dumps(masked(json.loads(text)), indent=2, ensure_ascii=False)
    return text[:SHOWN_BODY] + ("\n…" if len(text) > SHOWN_BODY else "")


def _headers(row: InboundRequest) -> list[tuple[str, str]]:
    return [(name, "•••" if _is_secret(name) else value) for name, value in sorted(row.headers.items())]


def _is_secret(name: str) -> bool:
    return any(word in name.lower().replace("-", "").replace("_", "") for word in HIDDEN)


def masked(value: Any) -> Any:
    """The JSON value with every field masked whose name says that it is a credential."""
    if isinstance(value, dict):
        return {
            key: "•••" if isinstance(inner, str) and inner and _is_secret(str(key)) else masked(inner)
            for key, inner in value.items()
        }
    return [masked(item) for item in value] if isinstance(value, list) else value
