"""Sending many events or deliveries once more: choose, see how many, start, watch, cancel."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.channels.models import Channel
from apps.core import audit, roles
from apps.core.errors import AppError
from apps.deliveries.models import Delivery
from apps.inbound import replay_filters, replays
from apps.inbound.models import Replay
from connectors_site.pages.replay_form import ReplayForm

SHOWN = 50
KINDS = (("events", "Events"), ("deliveries", "Deliveries"))
LEAST_DONE = 10  # rows after which the rest of the time can be guessed


def index(request: HttpRequest) -> HttpResponse:
    """The latest replays and how far each is."""
    rows = list(Replay.objects.select_related("channel__team")[:SHOWN])
    found = replays.results(rows)
    values = {
        **admin.site.each_context(request),
        "title": "Replays",
        "replays": [{"row": row, **_figures(row, found[row.pk])} for row in rows],
        "may_start": request.user.has_perm(roles.OPERATE),
    }
    return render(request, "admin/replays.html", values)


def new(request: HttpRequest) -> HttpResponse:
    """Choose what to send again (GET, so that it can be linked to), see how many, start it (POST)."""
    if not request.user.has_perm(roles.OPERATE):
        raise PermissionDenied
    data = request.POST if request.method == "POST" else request.GET
    kind = "deliveries" if data.get("kind") == "deliveries" else "events"
    asked = request.method == "POST" or any(name not in ("kind", "_changelist_filters") for name in data)
    form = ReplayForm(kind, data if asked else None)
    values = {
        **admin.site.each_context(request),
        "title": "Send again",
        "form": form,
        "kind": kind,
        "kinds": KINDS,
        "digest": form["digest"].value() if kind == "deliveries" else "",
    }
    if asked and form.is_valid():
        try:
            if request.method == "POST":
                return _start(request, form)
            number = replay_filters.count(kind, form.filters())
            values |= {"number": number, "words": form.words(), "target": _target(form)}
        except AppError as error:
            form.add_error(None, error.public_message)
    return render(request, "admin/replay_new.html", values)


def _target(form: ReplayForm) -> Channel | None:
    wanted = form.cleaned_data.get("target")
    return Channel.objects.select_related("team").filter(public_id=wanted).first() if wanted else None


def _start(request: HttpRequest, form: ReplayForm) -> HttpResponse:
    row = replays.start(form.kind, form.filters(), _target(form), request.user.get_username())
    audit.did(row, "Start")
    return redirect(reverse("admin:replay", args=[row.public_id]))


def progress(request: HttpRequest, public_id: str) -> HttpResponse:
    """One replay, live."""
    row = get_object_or_404(Replay.objects.select_related("channel__team"), public_id=public_id)
    figures = _figures(row, replays.results([row])[row.pk])
    values = {
        **admin.site.each_context(request),
        "title": f"Replay of {row.total:,} {row.kind}",
        "replay": row,
        "figures": figures,
        "cards": reverse("admin:deliveries_delivery_changelist") + f"?replay_key__exact={row.pk}",
        "filters": _filters(row),
        "may_cancel": request.user.has_perm(roles.OPERATE),
    }
    return render(request, "admin/replay.html", values)


def _filters(row: Replay) -> list[str]:
    """What was chosen, in words; as it stands when what it names is gone."""
    form = ReplayForm(row.kind, row.filters)
    return form.words() if form.is_valid() else [f"{name}: {value}" for name, value in row.filters.items()]


def state(request: HttpRequest, public_id: str) -> JsonResponse:
    """How far a replay is, for the page that shows it live."""
    row = get_object_or_404(Replay, public_id=public_id)
    return JsonResponse(_figures(row, replays.results([row])[row.pk]))


@require_POST
def cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Send no more of it."""
    if not request.user.has_perm(roles.OPERATE):
        raise PermissionDenied
    row = get_object_or_404(Replay, public_id=public_id)
    try:
        replays.cancel(row)
        audit.did(row, "Cancel")
        messages.success(request, "The replay is cancelled. What was sent stays sent.")
    except AppError as error:
        messages.error(request, error.public_message)
    return redirect(reverse("admin:replay", args=[row.public_id]))


def _figures(row: Replay, results: dict[str, int]) -> dict[str, Any]:
    """What the page shows, in numbers and in words."""
    taken = row.done + row.skipped
    pending = results[Delivery.Status.PENDING]
    # A row counts as finished when its cards have left: until then the bar must not be full.
    finished = max(0, taken - pending)
    over = row.status != Replay.Status.RUNNING and not pending
    return {
        "status": "sending" if row.status == Replay.Status.DONE and pending else row.status,
        "total": row.total,
        "finished": finished,
        "percent": 100
        if over and row.status == Replay.Status.DONE
        else min(99, _percent(finished, row.total)),
        "accepted": results[Delivery.Status.ACCEPTED],
        "waiting": pending,
        "failed": results[Delivery.Status.FAILED],
        "skipped": row.skipped,
        "over": over,
        "words": _words(row, results, over),
    }


def _percent(part: int, whole: int) -> int:
    return part * 100 // whole if whole else 0


def _words(row: Replay, results: dict[str, int], over: bool) -> str:
    accepted, failed = results[Delivery.Status.ACCEPTED], results[Delivery.Status.FAILED]
    sent = f"{accepted:,} card{'' if accepted == 1 else 's'} accepted by Teams"
    if failed:
        sent += f", {failed:,} failed"
    if row.skipped:
        sent += f", {row.skipped:,} of {row.total:,} {row.kind} had nothing to send"
    if row.status == Replay.Status.CANCELLED:
        return f"Cancelled after {row.done + row.skipped:,} of {row.total:,} {row.kind}: {sent}."
    if over:
        return f"Done: {sent}."
    left = _left(row, results)
    return f"{row.done + row.skipped:,} of {row.total:,} {row.kind} taken up: {sent}.{left}"


def _left(row: Replay, results: dict[str, int]) -> str:
    finished = row.done + row.skipped - results[Delivery.Status.PENDING]
    if finished < LEAST_DONE:
        return " Live events go first."
    seconds = (timezone.now() - row.created_at).total_seconds() / finished * (row.total - finished)
    words = "less than a minute" if seconds < 60 else _span(dt.timedelta(seconds=seconds))
    return f" About {words} left; live events go first."


def _span(span: dt.timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes < 90:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    return f"{round(minutes / 60)} hours"
