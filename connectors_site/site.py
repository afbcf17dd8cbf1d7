"""The admin site: who may come in, the navigation, the dashboard, and the pages beyond rows."""

from __future__ import annotations

import functools
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from apps.core import audit, roles
from apps.core.admin import ThemeSite
from apps.core.middleware import THEME

# Group title -> (title, icon, page, permission)
NAVIGATION: tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...] = (
    (
        "",
        (
            ("Dashboard", "dashboard", "index", roles.SEE),
            ("Catalog", "apps", "catalog", roles.SEE),
            ("Why did I (not) get this?", "search", "find", roles.SEE),
        ),
    ),
    (
        "Set-up",
        (
            ("Connectors", "hub", "connectors_connector_changelist", roles.SEE),
            ("Subscriptions", "alt_route", "connectors_subscription_changelist", roles.SEE),
            ("Channels", "forum", "channels_channel_changelist", roles.SEE),
            ("Teams", "groups", "channels_team_changelist", roles.SEE),
            ("Custom connectors", "data_object", "connectors_customsource_changelist", roles.SEE),
            ("Accounts", "badge", "connectors_account_changelist", roles.SEE),
            ("Hooks at sources", "webhook", "connectors_hook_changelist", roles.SEE),
        ),
    ),
    (
        "Traffic",
        (
            ("Events", "bolt", "inbound_event_changelist", roles.SEE),
            ("Deliveries", "send", "deliveries_delivery_changelist", roles.SEE),
            ("Replays", "replay", "replays", roles.SEE),
            ("Actions", "touch_app", "actions_actionrun_changelist", roles.SEE),
            ("Requests", "input", "inbound_inboundrequest_changelist", roles.SEE),
            ("Saved samples", "bookmark", "inbound_savedsample_changelist", roles.SEE),
        ),
    ),
    (
        "Chat",
        (
            ("Command endpoints", "terminal", "commands_commandendpoint_changelist", roles.SEE),
            ("Chat users", "person_search", "commands_chatuser_changelist", roles.SEE),
            ("Commands used", "chat", "commands_commanduse_changelist", roles.SEE),
        ),
    ),
    (
        "Administration",
        (
            ("People", "person", "auth_user_changelist", roles.CONFIGURE),
            ("API tokens", "key", "api_apitoken_changelist", roles.CONFIGURE),
            ("History", "history", "audit", roles.SEE),
            ("Background tasks", "schedule", "django_q_schedule_changelist", roles.CONFIGURE),
        ),
    ),
)


class SignIn(AuthenticationForm):
    """Lets in whoever has a role. Django's own form asks for its staff flag, which nobody here ever sees."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "This is not the right username and password. Capital and small letters differ.",
        "no_role": "This account has no role here. Ask an admin for one.",
    }

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if not user.has_perm(roles.SEE):
            raise ValidationError(self.error_messages["no_role"], code="no_role")


class Site(ThemeSite):  # type: ignore[misc]
    """The product's own pages around the admin of each room."""

    index_title = "Dashboard"
    login_form = SignIn
    index_template = "admin/dashboard.html"

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and user.has_perm(roles.SEE))

    def extra_urls(self) -> list[URLPattern]:
        """The pages beyond rows. Imported late: they use the rows, which load after this class."""
        from connectors_site.pages import (
            arrivals,
            audit,
            backtest,
            catalog,
            connect,
            custom,
            guide,
            hooks,
            preview,
            replays,
            rotate,
            trace,
            urls,
        )

        def page(route: str, view: Any, name: str) -> URLPattern:
            found: URLPattern = path(route, self.admin_view(view), name=name)
            return found

        return [
            page("catalog/", catalog.catalog, "catalog"),
            page("catalog/<slug:slug>/", catalog.source, "source"),
            page("catalog/<slug:slug>/connect/", connect.connect, "connect"),
            page("catalog/<slug:slug>/secrets/", rotate.rotate, "rotate"),
            page("connected/<str:public_id>/", connect.connected, "connected"),
            page("connected/<str:public_id>/arrivals/", arrivals.arrivals, "arrivals"),
            page("custom/", custom.start, "custom-start"),
            page("custom/new/", custom.edit, "custom-new"),
            page("custom/preview/", custom.preview, "custom-preview"),
            page("custom/<slug:slug>/", custom.edit, "custom-edit"),
            page("custom/<slug:slug>/export/", custom.export, "custom-export"),
            page("custom/<slug:slug>/copy/", custom.copy, "custom-copy"),
            page("custom/<slug:slug>/remove/", custom.remove, "custom-remove"),
            page("custom/<slug:slug>/request/<str:public_id>/", custom.captured, "custom-captured"),
            page("connected/<str:public_id>/hook/", hooks.make, "make-hook"),
            page("audit/", audit.history, "audit"),
            page("guide/<slug:slug>/", guide.guide, "guide"),
            page("check-url/", urls.check, "check-url"),
            page("try-url/", urls.try_out, "try-url"),
            page("preview/", preview.preview, "preview"),
            page("backtest/", backtest.backtest, "backtest"),
            page("find/", trace.find, "find"),
            page("replays/", replays.index, "replays"),
            page("replays/new/", replays.new, "replay-new"),
            page("replays/<str:public_id>/", replays.progress, "replay"),
            page("replays/<str:public_id>/state/", replays.state, "replay-state"),
            page("replays/<str:public_id>/cancel/", replays.cancel, "replay-cancel"),
            page("trace/request/<str:public_id>/", trace.request_trace, "request-trace"),
            page("trace/request/<str:public_id>/sample/", trace.keep_request, "request-keep"),
            page("trace/<str:public_id>/", trace.trace, "trace"),
            page("trace/<str:public_id>/sample/", trace.keep, "trace-keep"),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """The theme's colours stand in a style sheet of ours instead of in every page, so that the policy can be strict."""
        found: dict[str, Any] = super().each_context(request)
        return {**found, "colors": None}

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Every page of the theme carries the policy that the theme can live with."""
        inner = super().admin_view(view, cacheable)

        @functools.wraps(view)
        def with_policy(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            response = inner(request, *args, **kwargs)
            response.headers.setdefault("Content-Security-Policy", THEME)
            return response

        return with_policy

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        groups = []
        for title, pages in NAVIGATION:
            items = [
                {
                    "title": name,
                    "icon": icon,
                    "link": reverse(f"{self.name}:{page}"),
                    "active": _is_active(request, reverse(f"{self.name}:{page}")),
                    "has_permission": True,
                }
                for name, icon, page, permission in pages
                if request.user.has_perm(permission)
            ]
            if items:
                groups.append(
                    {"title": title, "separator": bool(title), "collapsible": False, "items": items}
                )
        return groups

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's own page; that a password was changed is written down."""
        from django.contrib.auth import get_user_model

        people = get_user_model().objects.filter(pk=request.user.pk or 0)
        before = people.values_list("password", flat=True).first()
        found: HttpResponse = super().password_change(request, extra_context)
        row = people.first()
        if row is not None and row.password != before:
            changed = [{"field": "password", "old": None, "new": "changed"}]
            audit.record(row, "changed", changed)
        return found

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from connectors_site.pages import dashboard

        found: TemplateResponse = super().index(request, {**dashboard.context(), **(extra_context or {})})
        return found


def _is_active(request: HttpRequest, link: str) -> bool:
    return request.path == link if link.endswith("/admin/") else request.path.startswith(link)
