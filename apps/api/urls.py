"""The paths below /api/v1/."""

from __future__ import annotations

from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from apps.api import acting, audit, configuration, custom, views
from apps.api.backtest import BacktestView
from apps.api.pages import DocsPage
from apps.api.preview import PreviewView

router = SimpleRouter()
router.trailing_slash = "/?"  # programs forget it
router.register("sources", views.SourceViews, basename="source")
router.register("channels", configuration.ChannelViews, basename="channel")
router.register("webhook-urls", configuration.WebhookURLViews, basename="webhook-url")
router.register("connectors", configuration.ConnectorViews, basename="connector")
router.register("subscriptions", configuration.SubscriptionViews, basename="subscription")
router.register("command-endpoints", configuration.CommandEndpointViews, basename="command-endpoint")
router.register("custom-sources", custom.CustomSourceViews, basename="custom-source")
router.register("accounts", acting.AccountViews, basename="account")
router.register("hooks", acting.HookViews, basename="hook")
router.register("action-runs", acting.ActionRunViews, basename="action-run")
router.register("requests", views.RequestViews, basename="request")
router.register("events", views.EventViews, basename="event")
router.register("replays", views.ReplayViews, basename="replay")
router.register("audit", audit.AuditViews, basename="audit")
router.register("deliveries", views.DeliveryViews, basename="delivery")

urlpatterns = [
    re_path(r"^subscriptions/backtest/?$", BacktestView.as_view(), name="backtest"),
    re_path(r"^preview/?$", PreviewView.as_view(), name="preview"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("schema", SpectacularAPIView.as_view()),
    path("docs", RedirectView.as_view(url="docs/")),
    path("docs/", DocsPage.as_view(url_name="schema"), name="docs"),
    path("", include(router.urls)),
    # What is left over, so that a mistyped path gets a problem document too.
    re_path(r"^[\s\S]*$", views.nothing),
]
