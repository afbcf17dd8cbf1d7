"""A pasted webhook URL: what it is, in words, and at once a card through it. It is neither stored nor logged."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from apps.cards.envelope import envelope
from apps.channels import transport
from apps.channels.urls_teams import Recognised, recognise
from apps.core import roles
from apps.core.errors import AppError
from apps.deliveries import services as deliveries

TIMEOUT = (5.0, 12.0)  # seconds to connect, to wait for the answer: somebody sits before the page


def _recognised(request: HttpRequest) -> Recognised:
    return recognise(request.POST.get("url", ""), settings.DESTINATION_ALLOW)


@require_POST
def check(request: HttpRequest) -> JsonResponse:
    """What a pasted webhook URL is, in words."""
    found = _recognised(request)
    return JsonResponse({"ok": not found.problem, "message": found.message, "kind": found.kind})


@require_POST
def try_out(request: HttpRequest) -> JsonResponse:
    """Post a test card to a pasted webhook URL now, and say what Teams answered."""
    if not request.user.has_perm(roles.CONFIGURE):
        raise PermissionDenied
    found = _recognised(request)
    if found.problem:
        return JsonResponse({"ok": False, "message": found.message})
    place = request.POST.get("place", "").strip()[:200] or "The new channel"
    card = deliveries.test_card(place)
    try:
        answer = transport.send(request.POST["url"].strip(), envelope(card.content), TIMEOUT)
    except AppError as error:
        return JsonResponse({"ok": False, "message": f"The card was not taken. {error.public_message}"})
    took = f"Teams took the test card ({answer.status}, after {answer.elapsed_ms} ms)."
    look = (
        "Look into the channel: it stands there within a minute. If not, the workflow’s run history says why."
    )
    return JsonResponse({"ok": True, "message": f"{took} {look}"})
