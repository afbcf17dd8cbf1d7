"""`/act/<token>`: a click on a card's button. GET asks and never acts; POST acts, once."""

from __future__ import annotations

from functools import wraps
from typing import Any, Protocol

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.actions import forms, inputs, links, services, visitors
from apps.actions.models import ActionRun
from apps.connectors.models import Connector
from apps.core import rates
from apps.core.errors import AppError, Conflict
from apps.core.middleware import STRICT
from apps.sources.actions import ActionSpec, Target

FLOOD = 60  # pages that one address may open in a minute


class _View(Protocol):
    def __call__(self, request: HttpRequest, token: str) -> HttpResponse: ...


def _guarded(view: _View) -> _View:
    """Errors become pages in words, and every answer carries strict headers."""

    @wraps(view)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        wait = rates.over(f"act:{request.META.get('REMOTE_ADDR', '')}", FLOOD)
        try:
            if wait is not None:
                response = _message(
                    request, 429, "Too many tries", "Wait a minute, then open the button again."
                )
            else:
                response = view(request, token)
        except AppError as error:
            response = _message(request, _status(error), "This button does not work", error.public_message)
        response.headers["Content-Security-Policy"] = STRICT
        # Not “no-referrer”: browsers would then send a null origin with our own form, which is refused.
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return guarded


def _status(error: AppError) -> int:
    return {"unknown_link": 404, "link_expired": 410, "link_used": 409, "actions_off": 403}.get(
        error.code, error.status
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@_guarded
def act(request: HttpRequest, token: str) -> HttpResponse:
    """Ask before acting (GET), act (POST), or show what came of it."""
    link = links.read(token)
    connector = services.connector_of(link)
    spec = services.spec_of(connector, link.action)
    visitor = visitors.identify(request, connector)
    if visitor is None:
        return _who_are_you(request, token, spec, connector, link)
    run = services.used(token)
    if run is not None and (run.status != ActionRun.Status.FAILED or request.method != "POST"):
        if request.method == "POST":
            raise Conflict("link_used", "This button was used already; it works once.")
        if run.status != ActionRun.Status.FAILED or "again" not in request.GET:
            return _page(request, "actions/run.html", {"run": run, "token": token, "spec": spec})
    if not visitor.may_act:
        return _message(request, 403, "You may not do this", visitor.refusal)
    if request.method == "POST":
        return _act(request, token, link, connector, spec, visitor)
    target, trouble = _look(request, connector, link)
    form = forms.ActionForm(spec, target)
    return _ask(request, connector, spec, target, form, visitor, trouble)


def _act(
    request: HttpRequest,
    token: str,
    link: links.Link,
    connector: Connector,
    spec: ActionSpec,
    visitor: visitors.Visitor,
) -> HttpResponse:
    values = {field.key: ";".join(request.POST.getlist(field.key)) if field.kind == "choices"
              else request.POST.get(field.key, "") for field in spec.fields}  # fmt: skip
    dynamic = any(field.kind == "choice" and not field.choices for field in spec.fields)
    target, trouble = _look(request, connector, link) if dynamic else (Target(), "")
    try:
        checked = inputs.clean(spec.fields, values, target.choices)
    except inputs.InputError as error:
        if not dynamic:
            target, trouble = _look(request, connector, link)
        form = forms.ActionForm(spec, target, values=values, error=error)
        return _ask(request, connector, spec, target, form, visitor, trouble, status=422)
    channels, event = services.told(link, connector)
    services.start(
        connector, link.action, link.params, checked,
        who=visitor.name, token=token, channels=channels, event=event,
    )  # fmt: skip
    return redirect(request.path)


def _look(request: HttpRequest, connector: Connector, link: links.Link) -> tuple[Target, str]:
    """What the action is about, and what is in the way of finding out. A scanner's HEAD asks nobody."""
    if request.method == "HEAD":
        return Target(), ""
    try:
        return services.look(connector, link.action, link.params), ""
    except AppError as error:
        return Target(), error.public_message


def _ask(
    request: HttpRequest,
    connector: Connector,
    spec: ActionSpec,
    target: Target,
    form: forms.ActionForm,
    visitor: visitors.Visitor,
    trouble: str,
    status: int = 200,
) -> HttpResponse:
    values = {
        "connector": connector,
        "spec": spec,
        "target": target,
        "form": form,
        "visitor": visitor,
        "trouble": trouble,
        "where": _where(request),
    }
    return _page(request, "actions/ask.html", values, status)


def _where(request: HttpRequest) -> str:
    """The things the link names ("octo/hello #12"), for people; never an address."""
    token = request.path.rstrip("/").rpartition("/")[2]
    return ", ".join(value for value in links.read(token).params.values() if "://" not in value)[:200]


def _who_are_you(
    request: HttpRequest, token: str, spec: ActionSpec, connector: Connector, link: links.Link
) -> HttpResponse:
    if request.method == "POST":
        return _message(
            request,
            403,
            "Who are you?",
            "Open the button again, and sign in or confirm yourself in Teams first.",
        )
    values = {
        "spec": spec,
        "connector": connector,
        "where": _where(request),
        "login": f"{settings.LOGIN_URL}?next={request.path}",
        "token": token,
        "code": visitors.waiting(request),
    }
    return _page(request, "actions/who.html", values)


@never_cache
@require_POST
@_guarded
def code(request: HttpRequest, token: str) -> HttpResponse:
    """Make a code that the person writes to the bot in Teams."""
    links.read(token)
    response = redirect("actions:act", token=token)
    visitors.ask(request, response, secure=request.is_secure())
    return response


@never_cache
@_guarded
def state(request: HttpRequest, token: str) -> HttpResponse:
    """What a waiting page asks for every second: `ready` once there is something new to show."""
    link = links.read(token)
    connector = services.connector_of(link)
    if visitors.identify(request, connector) is None:
        return JsonResponse({"ready": False})
    run = services.used(token)
    waits = run is not None and run.status in (ActionRun.Status.PENDING, ActionRun.Status.RUNNING)
    return JsonResponse({"ready": not waits})


def _page(request: HttpRequest, template: str, values: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, template, values, status=status)


def _message(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    return _page(request, "actions/message.html", {"title": title, "text": text}, status)
