"""Where sources send to. Some tools insist on the shape of a Teams URL, retired or new; it is the same view."""

from __future__ import annotations

from django.urls import path, re_path

from apps.inbound.views import hook

urlpatterns = [
    path("hooks/<str:public_id>", hook, name="hook"),
    path("hooks/<str:public_id>/", hook),
    re_path(
        r"^webhookb2/[^/]+/IncomingWebhook/(?P<public_id>[^/]+)(?:/.*)?$", hook, name="hook-retired-shape"
    ),
    re_path(
        r"^(?:powerautomate/automations/direct/(?:cu/\d+/)?)?workflows/(?P<public_id>[^/]+)/triggers/manual/paths/invoke/?$",
        hook,
        name="hook-workflows-shape",
    ),
]
