"""Where Teams outgoing webhooks call."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.commands.views import answer

app_name = "commands"

urlpatterns: list[URLPattern | URLResolver] = [
    path("<str:public_id>", answer, name="answer"),
    path("<str:public_id>/", answer),
]
