"""Set-up on one page: which channel, which events, what to paste at the source; then it waits live."""

from __future__ import annotations

import json
import time
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from markdown_it import MarkdownIt

from apps.channels import services as channels
from apps.channels.forms import URLField
from apps.channels.models import Channel, Team
from apps.channels.urls_teams import recognise
from apps.connectors import options
from apps.connectors import services as connectors
from apps.connectors.forms import PREFIX, EventsField, option_field, option_values
from apps.connectors.matching import Rules
from apps.connectors.models import Connector
from apps.core import crypto, roles
from apps.core.admin import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget
from apps.core.errors import AppError
from apps.core.models import Counter
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound.models import Event
from apps.inbound.trials import Proposal
from apps.sources.samples import folder
from apps.sources.source import Source
from connectors_site.pages import preview
from connectors_site.pages.catalog import logo, source_or_404

SESSION_KEY = "shown_secret"  # a new secret waits here, encrypted, so that the page survives a reload
KEPT = 30 * 60  # seconds


class ConnectForm(forms.Form):
    """Everything that a new connector needs."""

    name = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget())
    channel = forms.ModelChoiceField(
        queryset=Channel.objects.select_related("team"),
        required=False,
        empty_label="A new channel …",
        widget=UnfoldAdminSelectWidget(),
    )
    team_name = forms.CharField(
        label="Team", max_length=200, required=False, widget=UnfoldAdminTextInputWidget()
    )
    channel_name = forms.CharField(
        label="Channel's name", max_length=200, required=False, widget=UnfoldAdminTextInputWidget()
    )
    webhook_url = URLField(label="Webhook URL of the channel's workflow", required=False)

    def __init__(self, source: Source, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.source = source
        self.fields["events"] = EventsField(source, initial=list(source.events.defaults()))
        self.fields["scheme"] = forms.ChoiceField(
            label="Verified by",
            choices=[(scheme.key, scheme.label) for scheme in source.schemes],
            widget=UnfoldAdminSelectWidget(),
        )
        for option in source.options:
            self.fields[PREFIX + option.key] = option_field(option)

    @property
    def option_fields(self) -> list[forms.BoundField]:
        """The fields that the source declares."""
        return [self[PREFIX + option.key] for option in self.source.options]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("channel") and "channel" not in self.errors:
            if not cleaned.get("channel_name"):
                self.add_error("channel_name", "Give the channel a name, or choose one above.")
            if not cleaned.get("webhook_url") and "webhook_url" not in self.errors:
                self.add_error("webhook_url", "Paste the URL that the workflow shows after it was saved.")
        if not cleaned.get("events"):
            self.add_error("events", "Choose at least one event.")
        try:
            cleaned["option_values"] = options.clean(self.source, option_values(self.source, cleaned))
        except AppError as error:
            self.add_error(None, error.public_message)
        return cleaned

    @transaction.atomic
    def save(self) -> tuple[Connector, str, Channel]:
        """Make the connector, its subscription and, when asked, the channel. Raises AppError."""
        data = self.cleaned_data
        channel: Channel | None = data["channel"]
        if channel is None:
            team, _ = Team.objects.get_or_create(name=data["team_name"].strip() or "Default")
            channel, _ = Channel.objects.get_or_create(team=team, name=data["channel_name"].strip())
            channels.add_url(channel, data["webhook_url"])
        connector, secret = connectors.create_connector(
            name=data["name"],
            source=self.source.slug,
            scheme=data["scheme"],
            option_values=data["option_values"],
        )
        chosen = list(data["events"])
        if set(chosen) == set(self.source.events.defaults()):
            chosen = []  # follow the source's defaults, also those of a later release
        connectors.subscribe(connector, channel, events=chosen)
        return connector, secret, channel


def trial_of(source: Source, data: QueryDict) -> tuple[Proposal, dict[str, list[str]]]:
    """What the form would set up, for the preview, and what is wrong with its options."""
    form = ConnectForm(source, data)
    form.is_valid()
    values = form.cleaned_data.get("option_values")
    events = tuple(form.cleaned_data.get("events") or ())
    errors = {
        name: [str(each) for each in found]
        for name, found in form.errors.items()
        if name.startswith(PREFIX) or name == "events"
    }
    if values is None:
        errors[""] = [str(each) for each in form.non_field_errors()]
    return Proposal(values or {}, (("The channel", Rules(events=events)),) if events else ()), errors


def _keep_secret(request: HttpRequest, connector: Connector, secret: str) -> None:
    value = crypto.keyring().encrypt(secret) if secret else ""
    request.session[SESSION_KEY] = [connector.public_id, value, time.time()]


def _kept_secret(request: HttpRequest, connector: Connector) -> str:
    """The secret of a connector that this very session has just made, else ""."""
    public_id, value, at = request.session.get(SESSION_KEY) or ("", "", 0)
    if public_id != connector.public_id or not value:
        return ""
    if time.time() - at > KEPT:
        del request.session[SESSION_KEY]
        return ""
    return str(crypto.keyring().decrypt(value))


def connect(request: HttpRequest, slug: str) -> HttpResponse:
    """The set-up page of a source."""
    if not request.user.has_perm(roles.CONFIGURE):
        raise PermissionDenied
    source = source_or_404(slug)
    form = ConnectForm(source, request.POST or None, initial={"name": source.name})
    if request.method == "POST" and form.is_valid():
        try:
            connector, secret, channel = form.save()
        except AppError as error:
            form.add_error(None, error.public_message)
        else:
            _keep_secret(request, connector, secret)
            if form.cleaned_data["channel"] is None:
                deliveries.send_test(channel)
                messages.info(request, f"A test card is on its way to {channel}.")
            return redirect(reverse("admin:connected", args=[connector.public_id]))
    values = {
        **admin.site.each_context(request),
        "title": f"Connect {source.name}",
        "source": source,
        "logo": logo(slug),
        "form": form,
        "panel": preview.panel("connect", slug, source),
    }
    return render(request, "admin/connect.html", values)


def set_up_text(source: Source, url: str, secret: str) -> SafeString:
    """The source's set-up steps as HTML, with the URL and the secret filled in."""
    try:
        text = (folder(source) / "setup.md").read_text("utf-8")
    except OSError:
        text = "Paste `{{url}}` at the source."
    shown = secret or "the secret that was shown when it was made"
    text = text.replace("{{url}}", url).replace("{{secret}}", shown)
    return SafeString(MarkdownIt("commonmark", {"html": False}).render(text))


def connected(request: HttpRequest, public_id: str) -> HttpResponse:
    """What to paste at the source; waits for the first event."""
    connector = get_object_or_404(Connector, public_id=public_id)
    secret = _kept_secret(request, connector)
    try:
        source = connector.source_object()
    except AppError:
        source = None
    scheme = connectors.scheme_of(connector) if source else None
    values = {
        **admin.site.each_context(request),
        "title": connector.name,
        "connector": connector,
        "source": source,
        "scheme": scheme,
        "secret": secret,
        "steps": set_up_text(source, connector.url, secret) if source else "",
        "since": timezone.now().isoformat(),
        "may_send": request.user.has_perm(roles.OPERATE),
    }
    return render(request, "admin/connected.html", values)


def arrivals(request: HttpRequest, public_id: str) -> JsonResponse:
    """The latest events of a connector with what became of them, and how many requests were refused lately."""
    connector = get_object_or_404(Connector, public_id=public_id)
    rows = list(Event.objects.filter(connector=connector).order_by("-id")[:5])
    sent: dict[int, list[Delivery]] = {}
    for row in Delivery.objects.filter(event_key__in=[row.pk for row in rows]).select_related(
        "channel__team"
    ):
        sent.setdefault(row.event_key or 0, []).append(row)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    refused = Counter.objects.filter(name="inbound.unverified", key=public_id, hour=hour).first()
    return JsonResponse(
        {
            "refused": refused.value if refused else 0,
            "events": [
                {
                    "id": row.public_id,
                    "title": row.title or row.type,
                    "type": row.type,
                    "outcome": row.outcome,
                    "reason": row.reason,
                    "at": row.received_at.isoformat(),
                    "trace": reverse("admin:trace", args=[row.public_id]),
                    "deliveries": [
                        {
                            "channel": str(each.channel),
                            "status": each.status,
                            "why": each.error_message,
                            "card": json.loads(each.card),
                        }
                        for each in sent.get(row.pk, [])
                    ],
                }
                for row in rows
            ],
        }
    )


@require_POST
def check_url(request: HttpRequest) -> JsonResponse:
    """What a pasted webhook URL is, in words. The URL is neither stored nor logged."""
    from django.conf import settings

    found = recognise(request.POST.get("url", ""), settings.DESTINATION_ALLOW)
    return JsonResponse({"ok": not found.problem, "message": found.message, "kind": found.kind})
