"""New secrets for all connectors of a source, shown once in one table."""

from __future__ import annotations

from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from apps.connectors import rotation
from apps.core import roles
from connectors_site.pages.catalog import source_or_404


@never_cache
def rotate(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask which; then make the new secrets and show them."""
    if not request.user.has_perm(roles.CONFIGURE):
        raise PermissionDenied
    source = source_or_404(slug)
    rows = list(rotation.of_source(slug))
    context = {**site.each_context(request), "title": f"New secrets for {source.name}", "source": source}
    if request.method == "POST":
        chosen = set(request.POST.getlist("connector"))
        wanted = [row for row in rows if row.public_id in chosen]
        if wanted:
            context["done"] = rotation.rotate(wanted)
            return render(request, "admin/rotated.html", context)
        context["trouble"] = "Tick at least one connector."
    context["connectors"] = [
        {
            "row": row,
            "why_not": rotation.why_not(row),
            "newest": next(iter(row.secrets.all()), None),
            "hooks": len(row.hooks.all()) if row.account_id else 0,
        }
        for row in rows
    ]
    context["possible"] = any(not each["why_not"] for each in context["connectors"])
    return render(request, "admin/rotate.html", context, status=422 if "trouble" in context else 200)
