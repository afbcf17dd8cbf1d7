"""“Make the hook at the source”: one form, and the hook stands there with exactly the chosen events and secret."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.connectors import hooks
from apps.connectors.forms import PREFIX, option_field
from apps.connectors.models import Connector
from apps.core import roles
from apps.core.errors import AppError


def make(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask where the hook is to stand, and make it there."""
    if not request.user.has_perm(roles.CONFIGURE):
        raise PermissionDenied
    rows = Connector.objects.select_related("account")
    connector = get_object_or_404(rows, public_id=public_id)
    try:
        code = hooks.able(connector)
        wanted = hooks.plan(connector)
    except AppError as error:
        messages.error(request, error.public_message)
        return redirect(reverse("admin:connectors_connector_change", args=[connector.pk]))
    given = {option.key: request.POST.get(PREFIX + option.key, "") for option in code.places}
    trouble = ""
    if request.method == "POST":
        try:
            row = hooks.make(connector, given)
        except AppError as error:
            trouble = error.public_message
        else:
            messages.success(request, f"The hook stands at {row}. It is compared with the plan every night.")
            return redirect(reverse("admin:connectors_hook_change", args=[row.pk]))
    fields: list[dict[str, Any]] = []
    for option in code.places:
        field = option_field(option)
        name = PREFIX + option.key
        value = given[option.key] or field.initial or ""
        attrs = {"id": f"id_{name}", "aria-describedby": f"help_{name}"}
        if option.required:
            attrs["required"] = "required"
        widget = field.widget.render(name, value, attrs=attrs)
        fields.append({"option": option, "id": f"id_{name}", "help": f"help_{name}", "widget": widget})
    context = {
        **site.each_context(request), "title": "Make the hook at the source", "connector": connector, "fields": fields,
        "help": code.places_help, "wanted": wanted, "trouble": trouble, "name": connector.get_source_display(),
    }  # fmt: skip
    return render(request, "admin/make_hook.html", context, status=422 if trouble else 200)
