"""The webhook URL that answers as a Teams workflow does, and the page that shows what was posted."""

from __future__ import annotations

import functools
import ipaddress
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import RequestDataTooBig
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    JsonResponse,
    UnreadablePostError,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from apps.core import roles
from apps.core.errors import ConfigurationError, PayloadError
from apps.sandbox import flow, services
from apps.sandbox.models import SandboxCard, SandboxChannel

MAX_BODY = 1024 * 1024
PAGE = 50  # cards in one answer of the feed
Fault = SandboxChannel.Fault
View = Callable[..., HttpResponseBase]


# --- The webhook URL ---------------------------------------------------------------------------
def _error(status: int, code: str, message: str, **headers: str) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status, headers=headers)


@csrf_exempt
def invoke(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST of a message: 202 and nothing else, whatever the flow makes of it; errors as Power Automate has them."""
    arrived = time.time()
    if request.method != "POST":
        refused = HttpResponseNotAllowed(["POST"])
        refused.content = b""
        return refused
    channel = SandboxChannel.objects.filter(public_id=public_id).first()
    if channel is None or not settings.SANDBOX_ENABLED:
        return _error(404, "WorkflowNotFound", "The workflow does not exist.")
    refusal = _unauthorised(request, channel)
    if refusal is not None:
        return refusal
    free, fault, value = services.admit(public_id, arrived)
    if not free:
        return _error(429, "TooManyRequests", "More than 4 requests in a second.", **{"Retry-After": "1"})
    if fault == Fault.THROTTLE:
        return _error(429, "TooManyRequests", "Throttled on demand.", **{"Retry-After": str(value)})
    if fault == Fault.STATUS:
        return _error(value, "OnDemand", "An error on demand.")
    if fault == Fault.SLOW:
        time.sleep(min(value, services.LONGEST))
    try:
        if int(request.headers.get("Content-Length") or 0) > MAX_BODY:
            return _error(413, "RequestEntityTooLarge", "The sandbox takes at most 1 MiB.")
        message = flow.read(request.body)
    except PayloadError as error:
        return _error(400, error.code, error.public_message)
    except (UnreadablePostError, RequestDataTooBig, ValueError):
        return _error(400, "InvalidRequestContent", "The body could not be read.")
    return _outcome(channel, message, fault, value)


def _unauthorised(request: HttpRequest, channel: SandboxChannel) -> JsonResponse | None:
    if not request.GET.get("api-version"):
        return _error(400, "MissingApiVersionParameter", "The query parameter “api-version” is missing.")
    if request.headers.get("Authorization"):
        return _error(
            401,
            "DirectApiRequestHasMoreThanOneAuthorization",
            "Send either the signature of the URL or an Authorization header, not both.",
        )
    if not request.GET.get("sig"):
        return _error(401, "DirectApiAuthorizationRequired", "The query parameter “sig” is missing.")
    if not services.signed(channel, request.GET["sig"]):
        return _error(401, "InvalidSignature", "The signature in the URL is wrong.")
    return None


def _outcome(channel: SandboxChannel, message: dict[str, Any], fault: str, value: int) -> HttpResponse:
    if fault == Fault.WORDS:
        # The retired connectors did so: an error with status 200.
        words = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
        return HttpResponse(words, content_type="text/plain; charset=utf-8")
    if fault == Fault.FLOW:
        services.keep(channel, [flow.Run(problem="on_demand", message="The flow failed on demand.")])
        return HttpResponse(status=202)
    services.keep(channel, flow.run(message))
    if fault == Fault.AFTER:
        return _error(value, "OnDemand", "An error on demand, after the card was posted.")
    return HttpResponse(status=202)


# --- The page ----------------------------------------------------------------------------------
def _on_this_machine() -> bool:
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def people(view: View) -> View:
    """Open to everybody while the product serves its own machine alone, else to those who are signed in and have a role."""

    @functools.wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.SANDBOX_ENABLED:
            raise Http404
        if not (_on_this_machine() or (request.user.is_active and request.user.has_perm(roles.SEE))):
            if request.path == reverse("sandbox:feed"):
                return JsonResponse({"error": "Sign in again."}, status=401)
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return checked


def _chosen(request: HttpRequest, channels: list[SandboxChannel]) -> SandboxChannel | None:
    wanted = request.GET.get("channel", "")
    for channel in channels:
        if channel.public_id == wanted:
            return channel
    return channels[0] if channels else None


@never_cache
@require_safe
@people
def page(request: HttpRequest) -> HttpResponse:
    """The channels and, for the chosen one, a frame that the browser fills from the feed."""
    channels = list(SandboxChannel.objects.all())
    chosen = _chosen(request, channels)
    values = {
        "channels": channels,
        "chosen": chosen,
        "url": services.webhook_url(chosen) if chosen else "",
        "faults": Fault.choices,
        "statuses": services.STATUSES,
    }
    return render(request, "sandbox/page.html", values)


@never_cache
@require_safe
@people
def feed(request: HttpRequest) -> JsonResponse:
    """The chosen channel's cards after the one named by `after`, oldest first, at most 50."""
    channel = get_object_or_404(SandboxChannel, public_id=request.GET.get("channel", ""))
    cards = channel.cards.all()
    after = request.GET.get("after", "")
    last = SandboxCard.objects.filter(public_id=after, channel=channel).first() if after else None
    chosen = cards.filter(pk__gt=last.pk).order_by("pk")[:PAGE] if last else reversed(cards[:PAGE])
    return JsonResponse(
        {
            # The named card is gone (cleared, or too old): the page starts afresh.
            "reset": bool(after) and last is None,
            "cards": [_shape(card) for card in chosen],
            "fault": channel.fault,
            "fault_left": channel.fault_left,
        }
    )


def _shape(card: SandboxCard) -> dict[str, Any]:
    return {
        "id": card.public_id,
        "at": card.created_at.isoformat(),
        "card": json.loads(card.content) if card.content else None,
        "bytes": card.size,
        "problem": card.problem,
        "message": card.message,
        "remarks": card.remarks,
    }


def _back(channel: SandboxChannel) -> HttpResponse:
    return redirect(f"{reverse('sandbox:page')}?channel={channel.public_id}")


@require_POST
@people
def add(request: HttpRequest) -> HttpResponse:
    """One more pretend channel."""
    name = " ".join(request.POST.get("name", "").split())[:100]
    if not name:
        messages.error(request, "Give the channel a name.")
        return redirect("sandbox:page")
    if SandboxChannel.objects.count() >= services.MOST_CHANNELS:
        messages.error(request, f"The sandbox has {services.MOST_CHANNELS} channels, and no more.")
        return redirect("sandbox:page")
    return _back(services.put_channel(name))


@require_POST
@people
def fault(request: HttpRequest, public_id: str) -> HttpResponse:
    """Let the channel's next requests go wrong."""
    channel = get_object_or_404(SandboxChannel, public_id=public_id)
    kind = request.POST.get("fault", "")
    field = "seconds" if kind in (Fault.THROTTLE, Fault.SLOW) else "status"
    try:
        services.set_fault(
            channel,
            kind,
            services.whole(request.POST.get(field)),
            services.whole(request.POST.get("count")),
        )
    except ConfigurationError as error:
        messages.error(request, error.public_message)
    return _back(channel)


@require_POST
@people
def clear(request: HttpRequest, public_id: str) -> HttpResponse:
    """Forget the channel's cards."""
    channel = get_object_or_404(SandboxChannel, public_id=public_id)
    services.clear(channel)
    return _back(channel)
