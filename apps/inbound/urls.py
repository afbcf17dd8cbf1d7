"""Where sources send to. Old tools insist on the shape of a retired Teams URL; it is the same view."""

from __future__ import annotations

from django.urls import path, re_path

from apps.inbound.views import hook

urlpatterns = [
    path("hooks/<str:public_id>", hook, name="hook"),
    path("hooks/<str:public_id>/", hook),
    re_path(
        r"^webhookb2/[^/]+/IncomingWebhook/(?P<public_id>[^/]+)(?:/.*)?$", hook, name="hook-retired-shape"
    ),
]
