from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.actions import views

app_name = "actions"

urlpatterns: list[URLPattern | URLResolver] = [
    path("<str:token>", views.act, name="act"),
    path("<str:token>/code", views.code, name="code"),
    path("<str:token>/state", views.state, name="state"),
]
