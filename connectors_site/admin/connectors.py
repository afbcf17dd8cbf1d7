"""Connectors, their secrets and subscriptions."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.connectors import hooks, services
from apps.connectors.forms import PREFIX, ConnectorForm, SubscriptionForm, has_actions
from apps.connectors.health import health
from apps.connectors.models import Connector, CustomSource, Subscription
from apps.core import roles
from apps.core.admin import STATES, Button, ConfigAdmin, ReadOnlyInline, copied, display
from apps.core.errors import NotFound
from apps.core.models import Counter
from apps.inbound import services as inbound
from connectors_site.admin.mute import MuteMixin
from connectors_site.pages import preview


def can_make_hook(row: Connector) -> bool:
    """Whether the connector's account can make its hook."""
    try:
        return row.account_id is not None and row.source_object().hooks is not None
    except NotFound:
        return False


def _panel(about: str, key: str, connector: Connector) -> dict[str, Any]:
    """The preview beside a form; nothing when the connector's source is not installed."""
    try:
        return preview.panel(about, key, connector.source_object(), connector)
    except NotFound:
        return {}


class SubscriptionInline(ReadOnlyInline):
    """What goes where; each is edited on its own page."""

    model = Subscription
    fields = ("channel", "shown_events", "enabled", "muted_until")
    readonly_fields = fields
    show_change_link = True

    @display(description="Events")
    def shown_events(self, row: Subscription) -> str:
        if not row.events:
            return "The source's defaults"
        shown = ", ".join(row.events[:4])
        return shown + (f" and {len(row.events) - 4} more" if len(row.events) > 4 else "")


@admin.register(Connector)
class ConnectorAdmin(ConfigAdmin):
    """Configured sources."""

    form = ConnectorForm
    change_form_template = "admin/with_preview.html"
    compressed_fields = False  # the preview stands beside the form, so labels stand above their fields
    list_display = ("name", "shown_source", "shown_state", "why", "last_event_at")
    list_filter = ("source", "paused")
    search_fields = ("name", "public_id__exact")
    readonly_fields = (
        "shown_source",
        "shown_url",
        "secrets_known",
        "last_event_at",
        "public_id",
    )
    empty_words = (
        "A connector brings the events of one source. Choose the source in the catalog; it takes two minutes."
    )
    inlines = (SubscriptionInline,)
    buttons = (
        Button("setup", "Set-up steps", roles.SEE, icon="menu_book"),
        Button(
            "subscribe", "Add a channel", roles.CONFIGURE, icon="add", shown=lambda row: row.state != "broken"
        ),
        Button(
            "hook", "Make the hook at the source", roles.CONFIGURE, icon="webhook", shown=can_make_hook
        ),
        Button("sample", "Send a sample", icon="send", shown=lambda row: row.state != "broken"),
        Button(
            "rotate", "New secret", roles.CONFIGURE, icon="key", shown=lambda row: row.state != "broken",
            confirm="Make a new secret? The old one stays valid for a day, so nothing is lost while you change it.",
        ),
        Button(
            "pause", "Pause", icon="pause", shown=lambda row: not row.paused,
            confirm="Pause this connector? Its events are kept but make no cards.",
        ),
        Button("resume", "Resume", shown=lambda row: row.paused),
    )  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Connector | None = None) -> Any:
        fields = [
            "name",
            "shown_source",
            "shown_url",
            "scheme",
            "secrets_known",
            "new_secret",
        ]
        found: list[Any] = [(None, {"fields": [*fields, "paused", "last_event_at", "public_id"]})]
        if obj is not None and has_actions(obj):
            found.append(("Acting at the source", {"fields": ["account", "action_policy"]}))
        try:
            keys = [PREFIX + option.key for option in obj.source_object().options] if obj else []
        except NotFound:
            keys = []
        if keys:
            found.append(("Options", {"fields": keys}))
        return found

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        # The fields of the options are made in the form itself, so the model's machinery must not look for them.
        return ConnectorForm

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return redirect(reverse("admin:catalog"))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> Any:
        row = context.get("original")
        if row is not None and self.has_change_permission(request, row):
            context |= {"panel": _panel("connector", row.public_id, row), "form_id": "connector_form"}
        return super().render_change_form(request, context, **kwargs)

    @display(description="Source", ordering="source")
    def shown_source(self, row: Connector) -> str:
        return row.get_source_display()

    @display(description="State", label=STATES)
    def shown_state(self, row: Connector) -> str:
        return self.health_of(row)[0]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connector]:
        found: QuerySet[Connector] = super().get_queryset(request)
        lately = Counter.objects.filter(
            name="inbound.unverified",
            key=OuterRef("public_id"),
            hour__gte=timezone.now() - dt.timedelta(days=1),
        )
        total = lately.order_by().values("key").annotate(total=Sum("value")).values("total")
        return found.prefetch_related("subscriptions").annotate(refused=Subquery(total))

    @display(description="Why")
    def why(self, row: Connector) -> str:
        return self.health_of(row)[1]

    def health_of(self, row: Connector) -> tuple[str, str]:
        found = health(row, timezone.now(), getattr(row, "refused", 0) or 0)
        return ("needs a person" if found.needs_person and found.state == "ok" else found.state), found.words

    @display(description="Inbound URL")
    def shown_url(self, row: Connector) -> SafeString:
        return copied(row.url)

    @display(description="Secrets")
    def secrets_known(self, row: Connector) -> str:
        rows = list(row.secrets.all()[:5])
        if not rows:
            return "None yet"
        words = []
        for each in rows:
            used = f"last used {each.last_used_at:%d %b %Y, %H:%M} UTC" if each.last_used_at else "never used"
            until = f", valid until {each.valid_until:%d %b %Y, %H:%M} UTC" if each.valid_until else ""
            words.append(f"set {each.created_at:%d %b %Y}, {used}{until}")
        return "; ".join(words)

    def do_setup(self, request: HttpRequest, row: Connector) -> HttpResponse:
        return redirect(reverse("admin:connected", args=[row.public_id]))

    def do_subscribe(self, request: HttpRequest, row: Connector) -> HttpResponse:
        return redirect(reverse("admin:connectors_subscription_add") + f"?connector={row.pk}")

    def do_hook(self, request: HttpRequest, row: Connector) -> HttpResponse:
        return redirect(reverse("admin:make-hook", args=[row.public_id]))

    def do_sample(self, request: HttpRequest, row: Connector) -> str:
        inbound.run_sample(row)
        return "A sample is on its way, as if the source had sent it. See the events for what became of it."

    def do_rotate(self, request: HttpRequest, row: Connector) -> HttpResponse:
        shown = services.rotate_secret(row)
        given, troubles = hooks.give_secret(row)
        if given:
            messages.success(request, f"{given} hook(s) at the source have the new secret already.")
        for trouble in troubles:
            messages.warning(request, f"The new secret could not be given to {trouble}")
        context = {
            **admin.site.each_context(request),
            "title": "New secret",
            "connector": row,
            "secret": shown,
        }
        return render(request, "admin/new_secret.html", context)

    def do_pause(self, request: HttpRequest, row: Connector) -> str:
        services.pause(row)
        return "The connector is paused: its events are kept but make no cards."

    def do_resume(self, request: HttpRequest, row: Connector) -> str:
        services.resume(row)
        return "The connector is resumed."


@admin.register(Subscription)
class SubscriptionAdmin(MuteMixin, ConfigAdmin):
    """Which events of a connector go to which channel."""

    buttons = MuteMixin.mute_buttons

    form = SubscriptionForm
    change_form_template = "admin/with_preview.html"
    compressed_fields = False  # the preview stands beside the form, so labels stand above their fields
    list_display = ("connector", "channel", "enabled", "muted_until")
    list_filter = ("enabled", "connector")
    empty_words = (
        "A subscription sends a connector’s events to a channel. It is made when a source is connected."
    )
    list_select_related = ("connector", "channel__team")
    search_fields = ("connector__name", "channel__name", "public_id__exact")
    readonly_fields = ("connector", "public_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        found: QuerySet[Subscription] = super().get_queryset(request).select_related("connector")
        return found

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return SubscriptionForm
        return type("NewSubscriptionForm", (SubscriptionForm,), {"connector": self._connector(request)})

    def get_fieldsets(self, request: HttpRequest, obj: Subscription | None = None) -> Any:
        fields = [
            *(["connector"] if obj else []),
            "channel",
            "enabled",
            "muted_until",
            "events",
            "patterns",
            "conditions",
            *(["public_id"] if obj else []),
        ]
        return [(None, {"fields": fields})]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A second channel for a connector: `?connector=<key>` says which."""
        if not self._connector(request):
            messages.info(request, "Choose the connector first, then “Add a channel”.")
            return redirect(reverse("admin:connectors_connector_changelist"))
        found: HttpResponse = super().add_view(request, form_url, extra_context)
        return found

    def zone_of(self, row: Subscription) -> str:
        return row.channel.time_zone

    def mute(self, row: Subscription, until: dt.datetime | None) -> str:
        services.mute(row, until)
        if until is None:
            return "The subscription is heard again."
        return "The subscription is muted: its events are kept and make no cards."

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> Any:
        row = context.get("original")
        connector = row.connector if row is not None else self._connector(request)
        if connector is not None and self.has_change_permission(request, row):
            key = row.public_id if row is not None else f"new:{connector.public_id}"
            context |= {"panel": _panel("subscription", key, connector), "form_id": "subscription_form"}
        return super().render_change_form(request, context, **kwargs)

    def _connector(self, request: HttpRequest) -> Connector | None:
        key = request.GET.get("connector", "")
        row = Connector.objects.filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None
        return row if row is not None and row.state != "broken" else None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or obj.connector.state != "broken"
        )


@admin.register(CustomSource)
class CustomSourceAdmin(ConfigAdmin):
    """Sources without code; each has an editor of its own."""

    list_display = ("name", "slug", "updated_at", "trouble")
    empty_words = "For a tool outside the catalog: say where things stand in its requests; the card changes as you type."
    search_fields = ("name", "slug")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # on the editor's page, where it is checked that nobody uses it

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return redirect(reverse("admin:custom-start"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            return redirect(reverse("admin:connectors_customsource_changelist"))
        return redirect(reverse("admin:custom-edit", args=[row.slug]))
