"""The pretend Teams. Every view answers 404 unless SANDBOX is on."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from apps.sandbox import views

app_name = "sandbox"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.page, name="page"),
    path("feed", views.feed, name="feed"),
    path("channels/", views.add, name="add"),
    path("channels/<str:public_id>/fault", views.fault, name="fault"),
    path("channels/<str:public_id>/clear", views.clear, name="clear"),
    # With or without the slash that some copies of such URLs have before the "?".
    re_path(r"^workflows/(?P<public_id>[^/]+)/triggers/manual/paths/invoke/?$", views.invoke, name="invoke"),
]
