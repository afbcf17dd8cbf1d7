"""Paths under /api/v1/. The last slash may be left out."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path
from rest_framework.routers import SimpleRouter

from apps.api.base import Nothing
from apps.api.docs import Docs, Index, Schema
from apps.api.preview import PreviewView
from apps.api.sources import SourcesView

app_name = "api"
router = SimpleRouter()
router.trailing_slash = "/?"
router.register("sources", SourcesView, basename="source")
router.register("preview", PreviewView, basename="preview")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", Index.as_view(), name="index"),
    re_path(r"^schema/?$", Schema.as_view(), name="schema"),
    re_path(r"^docs/?$", Docs.as_view(), name="docs"),
    *router.urls,
    re_path(r"^.*$", Nothing.as_view()),
]
