"""Teams outgoing webhooks, the people who use them, and what they asked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from apps.commands import services
from apps.commands.models import ChatUser, CommandEndpoint, CommandUse
from apps.core.admin import STATES, ConfigAdmin, ReadOnlyAdmin, UnfoldAdminTextInputWidget, display
from apps.core.errors import ConfigurationError


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """The token is write-only."""

    new_token = forms.CharField(
        label="Security token",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "type": "password"}),
        help_text="Teams shows it once, when the outgoing webhook is made. It is stored encrypted and never shown "
        "again. Leave it empty to keep what is set.",
    )

    class Meta:
        model = CommandEndpoint
        fields = ("name", "team", "paused")

    def clean_new_token(self) -> str:
        value = self.cleaned_data.get("new_token") or ""
        try:
            return services.check_token(value) if value else ""
        except ConfigurationError as error:
            raise forms.ValidationError(error.public_message, code=error.code) from error

    def save(self, commit: bool = True) -> CommandEndpoint:
        row: CommandEndpoint = super().save(commit=False)
        if self.cleaned_data.get("new_token"):
            row.token = self.cleaned_data["new_token"]
        if commit:
            row.save()
        return row


@admin.register(CommandEndpoint)
class CommandEndpointAdmin(ConfigAdmin):
    """Save it first, paste its URL in Teams (Manage team, Apps, Create an outgoing webhook), then set the token."""

    form = EndpointForm
    list_display = ("name", "team", "shown_state", "last_used_at")
    list_select_related = ("team",)
    search_fields = ("name", "public_id__exact")
    autocomplete_fields = ("team",)
    fields = ("name", "team", "shown_url", "new_token", "paused", "shown_state", "last_used_at", "public_id")
    readonly_fields = ("shown_url", "shown_state", "last_used_at", "public_id")

    @display(description="Callback URL")
    def shown_url(self, row: CommandEndpoint) -> str:
        return row.url if row.pk else "Shown after saving"

    @display(description="State", label=STATES)
    def shown_state(self, row: CommandEndpoint) -> str:
        return row.state if row.pk else ""


@admin.register(ChatUser)
class ChatUserAdmin(ConfigAdmin):
    """Who may do what by chat. Whoever is not here may only ask."""

    list_display = ("name", "role", "teams_id")
    list_filter = ("role",)
    search_fields = ("name", "teams_id")
    fields = ("teams_id", "name", "role")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {key: request.GET[key] for key in ("teams_id", "name") if key in request.GET}


@admin.register(CommandUse)
class CommandUseAdmin(ReadOnlyAdmin):
    """Who asked what."""

    list_display = ("at", "endpoint", "sender_name", "text", "outcome")
    list_select_related = ("endpoint",)
    list_filter = ("endpoint", "outcome")
    fields = ("at", "endpoint", "sender_name", "sender_id", "text", "command", "outcome")
    readonly_fields = fields
