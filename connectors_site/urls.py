"""Every path of the product, and which room answers it."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import site
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from apps.core import views

admin.autodiscover()

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(url="/admin/"), name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
    path("admin/", site.urls),
    # /hooks/<id> and /webhookb2/... : the sources call these.
    path("", include("apps.inbound.urls")),
    path("act/", include("apps.actions.urls")),
    path("teams/", include("apps.commands.urls")),
    path("api/v1/", include("apps.api.urls")),
    # Answers 404 unless the sandbox is on.
    path("sandbox/", include("apps.sandbox.urls")),
]
