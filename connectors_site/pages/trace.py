"""“Why did I (not) get this?”: everything that happened to a request or an event, in order."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.channels.models import Channel
from apps.core import audit, masking, roles
from apps.core.errors import AppError
from apps.deliveries import services as deliveries_of
from apps.deliveries.models import Delivery
from apps.inbound import lookup, saved
from apps.inbound import services as inbound
from apps.inbound.models import Event, InboundRequest
from connectors_site.pages import preview

SHOWN_BODY = 60_000  # characters
LATEST = 5_000  # events in which a title or a person is looked for
UNREAD = 500  # requests without events whose headers are searched
FOUND = 50  # shown
_NUMBER = re.compile(r"(?:(?P<prefix>[A-Za-z][A-Za-z0-9_]{0,20}-)|[#!])?(?P<number>\d{1,12})")


def find(request: HttpRequest) -> HttpResponse:
    """Events by id, delivery id, title, number or person."""
    query = request.GET.get("q", "").strip()[:200]
    found = _search(query) if query else []
    others = _requests(query) if query and not found else []
    if len(found) == 1:
        return redirect(reverse("admin:trace", args=[found[0].public_id]))
    if len(others) == 1:
        return redirect(reverse("admin:request-trace", args=[others[0].public_id]))
    deliveries = Delivery.objects.filter(public_id=query) if query and not found and not others else None
    values = {
        **admin.site.each_context(request),
        "title": "Why did I (not) get this?",
        "query": query,
        "events": found,
        "latest": LATEST,
        "latest_events": [] if query else Event.objects.select_related("connector").order_by("-id")[:10],
        "requests": others,
        "deliveries": deliveries.select_related("channel__team")[:1] if deliveries is not None else [],
    }
    return render(request, "admin/find.html", values)


def _search(query: str) -> list[Event]:
    rows = Event.objects.select_related("connector").order_by("-id")
    exact = lookup.events_called(query)
    if exact:
        return list(rows.filter(pk__in=exact))
    delivery = Delivery.objects.filter(public_id=query).first()
    if delivery and delivery.event_key:
        return list(rows.filter(pk=delivery.event_key))
    # Words are looked for among the latest events only, so that the page stays fast at a million rows.
    newest = Event.objects.order_by("-id").values_list("pk", flat=True).first() or 0
    recent = rows.filter(pk__gt=newest - LATEST)
    number = _NUMBER.fullmatch(query)
    return _by_number(recent, number) if number else _by_words(recent, query)


def _by_words(recent: QuerySet[Event], query: str) -> list[Event]:
    return list(
        recent.filter(
            Q(title__icontains=query)
            | Q(actor__icontains=query)
            | Q(url__icontains=query)
            | Q(type__iexact=query)
        )[:FOUND]
    )


def _by_number(recent: QuerySet[Event], found: re.Match[str]) -> list[Event]:
    """The number as a word of its own, in the title or the address: 12 is not 123."""
    whole = f"{found['prefix'] or ''}{found['number']}"
    exact = re.compile(rf"(?<![\w.]){re.escape(whole)}(?![\w.]*\d)(?!\w)", re.IGNORECASE)
    rows = recent.filter(Q(title__icontains=whole) | Q(url__icontains=whole))
    return [row for row in rows[:1_000] if exact.search(row.title) or exact.search(row.url)][:FOUND]


def _requests(query: str) -> list[InboundRequest]:
    """Requests by id; those that made no event also by the source's delivery id, which stands in a header."""
    rows = InboundRequest.objects.select_related("connector").defer("body").order_by("-id")
    exact = list(rows.filter(public_id=query)[:1])
    if exact:
        return exact
    unread = rows.filter(status=InboundRequest.Status.MALFORMED)[:UNREAD]
    return [row for row in unread if query in row.headers.values()][:FOUND]


def trace(request: HttpRequest, public_id: str) -> HttpResponse:
    """The whole way of one event: received, verified, parsed, matched, sent, answered."""
    rows = Event.objects.select_related("connector", "request__connector")
    event = get_object_or_404(rows, public_id=public_id)
    if request.method == "POST":
        return _retry(request, event) if "retry" in request.POST else _replay(request, event)
    deliveries = list(
        Delivery.objects.filter(event_key=event.pk)
        .select_related("channel__team")
        .prefetch_related("attempts")
        .order_by("id")[:100]
    )
    shown = [
        {
            "row": each,
            "attempts": list(each.attempts.all()),
            "retry": each.status in (Delivery.Status.FAILED, Delivery.Status.CANCELLED) or each.attempts_made,
        }
        for each in deliveries
    ]
    may_replay = request.user.has_perm(roles.OPERATE)
    values = {
        **_page(request, event.request, reverse("admin:trace", args=[public_id])),
        "title": event.title or event.type,
        "event": event,
        "first": _first(event),
        "answers": _answers(event, deliveries),
        "deliveries": shown,
        "panel": _panel(event),
        "channels": Channel.objects.select_related("team")[:500] if may_replay else [],
        "may_replay": may_replay,
        "may_keep": request.user.has_perm(roles.CONFIGURE),
    }
    return render(request, "admin/trace.html", values)


def request_trace(request: HttpRequest, public_id: str) -> HttpResponse:
    """A request that made no event, or several: received, verified, and what was found in it."""
    row = get_object_or_404(InboundRequest.objects.select_related("connector"), public_id=public_id)
    if request.method == "POST":
        return _process_again(request, row)
    events = list(row.events.order_by("index")[:100])
    if len(events) == 1:
        return redirect(reverse("admin:trace", args=[events[0].public_id]))
    values = {
        **_page(request, row, reverse("admin:request-trace", args=[public_id])),
        "title": f"Request {row.public_id}",
        "row": row,
        "events": events,
        "may_replay": request.user.has_perm(roles.OPERATE),
        "may_keep": request.user.has_perm(roles.CONFIGURE),
    }
    return render(request, "admin/request_trace.html", values)


def _page(request: HttpRequest, row: InboundRequest, path: str) -> dict[str, Any]:
    """What both pages show: their own address, and on request what was sent."""
    asked = "body" in request.GET
    body = saved.readable(row, indent=2) if asked else ""
    return {
        **admin.site.each_context(request),
        "link": f"{settings.PUBLIC_URL.rstrip('/')}{path}",
        "asked": asked,
        "body": body[:SHOWN_BODY] + ("\n…" if len(body) > SHOWN_BODY else ""),
        "headers": sorted(masking.mask_headers(row.headers).items()) if asked else [],
        "query": masking.mask_query(row.query) if asked else "",
    }


def _answers(event: Event, deliveries: list[Delivery]) -> list[tuple[str, str]]:
    """“Did it get there, and if not, why?”, for each channel: a level and a sentence."""
    latest = {row.channel_id: row for row in deliveries}
    found = []
    for row in latest.values():
        why = f" {row.error_message}" if row.error_message else ""
        level, words = {
            Delivery.Status.ACCEPTED: ("ok", f"got the card: Teams accepted it at {row.accepted_at:%H:%M:%S} UTC."
                                       if row.accepted_at else "got the card: Teams accepted it."),
            Delivery.Status.PENDING: ("waiting", f"gets the card: it waits.{why}"),
            Delivery.Status.FAILED: ("failing", f"did not get the card: Teams did not take it.{why}"),
            Delivery.Status.CANCELLED: ("degraded", f"did not get the card: it was not sent.{why}"),
        }[Delivery.Status(row.status)]  # fmt: skip
        found.append((level, f"{row.channel} {words}"))
    for entry in event.trace:
        stops = [step["detail"] for step in entry["steps"] if step["verdict"] != "pass"]
        if not entry["matched"] and stops:
            found.append(("degraded", f"{entry['channel']} did not get it: {' '.join(stops)}"))
    if not found:
        found.append(("degraded", f"Nobody got a card. {event.reason}".strip()))
    return found


def _first(event: Event) -> Event | None:
    """Of a duplicate, the event that was told."""
    if event.outcome != Event.Outcome.DUPLICATE or not event.source_event_id:
        return None
    rows = Event.objects.filter(connector=event.connector, source_event_id=event.source_event_id)
    return rows.exclude(outcome=Event.Outcome.DUPLICATE).first()


def _panel(event: Event) -> dict[str, Any] | None:
    try:
        source = event.connector.source_object()
    except AppError:
        return None  # its source is not installed any more
    return {
        **preview.panel("event", event.connector.public_id, source, None),
        "fixed": f"event:{event.public_id}",
        "choices": [],
    }


@require_POST
def keep(request: HttpRequest, public_id: str) -> HttpResponse:
    """Save the event's request as a sample of its connector."""
    if not request.user.has_perm(roles.CONFIGURE):
        raise PermissionDenied
    rows = Event.objects.select_related("request__connector")
    event = get_object_or_404(rows, public_id=public_id)
    _save(request, event.request, event.type)
    return redirect(reverse("admin:trace", args=[public_id]))


@require_POST
def keep_request(request: HttpRequest, public_id: str) -> HttpResponse:
    """Save a request as a sample of its connector, also one in which no event was found."""
    if not request.user.has_perm(roles.CONFIGURE):
        raise PermissionDenied
    row = get_object_or_404(InboundRequest.objects.select_related("connector"), public_id=public_id)
    _save(request, row, "")
    return redirect(reverse("admin:request-trace", args=[public_id]))


def _save(request: HttpRequest, row: InboundRequest, event: str) -> None:
    name, by = request.POST.get("name", ""), request.user.get_username()
    try:
        made = saved.save(row, name, event=event, saved_by=by)
        messages.success(
            request, f"“{made}” is kept, with secrets masked. It can be chosen in every preview."
        )
    except AppError as error:
        messages.error(request, error.public_message)


def _process_again(request: HttpRequest, row: InboundRequest) -> HttpResponse:
    if not request.user.has_perm(roles.OPERATE):
        raise PermissionDenied
    try:
        inbound.replay_request(row)
        audit.did(row, "Process again")
        messages.success(request, "The request is processed again. Load this page again in a moment.")
    except AppError as error:
        messages.error(request, error.public_message)
    return redirect(reverse("admin:request-trace", args=[row.public_id]))


def _retry(request: HttpRequest, event: Event) -> HttpResponse:
    """Try one of the event's cards again, without leaving the page."""
    if not request.user.has_perm(roles.OPERATE):
        raise PermissionDenied
    row = get_object_or_404(Delivery, public_id=request.POST["retry"], event_key=event.pk)
    try:
        deliveries_of.retry(row)
        audit.did(row, "Try again now")
        messages.success(request, "The card goes out at the next occasion.")
    except AppError as error:
        messages.error(request, error.public_message)
    return redirect(reverse("admin:trace", args=[event.public_id]))


def _replay(request: HttpRequest, event: Event) -> HttpResponse:
    if not request.user.has_perm(roles.OPERATE):
        raise PermissionDenied
    wanted = request.POST.get("channel", "")
    channel = Channel.objects.filter(public_id=wanted).first() if wanted else None
    if wanted and channel is None:
        raise Http404
    try:
        made = inbound.replay_event(event, channel)
        audit.did(event, "Send again")
        messages.success(request, f"{len(made)} card{'' if len(made) == 1 else 's'} will be sent again.")
    except AppError as error:
        messages.error(request, error.public_message)
    return redirect(reverse("admin:trace", args=[event.public_id]))
