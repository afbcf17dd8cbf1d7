"""Set-up on one page: which channel, which events, what to paste at the source; then it waits live."""

from __future__ import annotations

import time
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

from apps.channels import services as channels
from apps.channels.forms import URLField
from apps.channels.models import Channel, Team
from apps.connectors import options
from apps.connectors import services as connectors
from apps.connectors.forms import PREFIX, EventsField, option_field, option_values
from apps.connectors.matching import Rules
from apps.connectors.models import Connector
from apps.core import crypto, roles
from apps.core.admin import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget
from apps.core.errors import AppError
from apps.deliveries import services as deliveries
from apps.inbound.trials import Proposal
from apps.sources.samples import folder
from apps.sources.source import Source
from connectors_site.pages import preview
from connectors_site.pages.catalog import logo, source_or_404
from connectors_site.pages.guide import GUIDES

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
    # Set by the page when a card went to this very URL already; then no second one is sent.
    tested = forms.BooleanField(required=False, widget=forms.HiddenInput())

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
            if form.cleaned_data["channel"] is None and not form.cleaned_data["tested"]:
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
        "guide": GUIDES["workflow"],
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


def done_steps(connector: Connector, source: Source | None) -> list[dict[str, str]]:
    """The two first steps of the set-up as they were done: each channel, and what goes there."""
    usual = len(source.events.defaults()) if source else 0
    labels = {spec.name: spec.label for spec in source.events} if source else {}
    found = []
    for row in connector.subscriptions.select_related("channel__team").order_by("pk")[:20]:
        names = [labels.get(name, name) for name in row.events[:3]]
        more = f" and {len(row.events) - 3} more" if len(row.events) > 3 else ""
        found.append(
            {
                "channel": str(row.channel),
                "link": reverse("admin:channels_channel_change", args=[row.channel_id]),
                "events": ", ".join(names) + more if row.events else f"The usual ones, {usual} kinds",
                "edit": reverse("admin:connectors_subscription_change", args=[row.pk]),
            }
        )
    return found


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
        "done": done_steps(connector, source),
        "may_send": request.user.has_perm(roles.OPERATE),
        "may_configure": request.user.has_perm(roles.CONFIGURE),
    }
    return render(request, "admin/connected.html", values)
