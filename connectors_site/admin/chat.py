"""Teams outgoing webhooks, the people who use them, and what they asked."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.commands import services
from apps.commands import views as chat
from apps.commands.models import ChatUser, CommandEndpoint, CommandUse
from apps.core import roles
from apps.core.admin import (
    STATES,
    Button,
    ConfigAdmin,
    ReadOnlyAdmin,
    UnfoldAdminTextInputWidget,
    copied,
    display,
)
from apps.core.errors import AppError, ConfigurationError


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
        fields = ("name", "team", "channel", "paused")

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
    empty_words = (
        "With an endpoint a team asks by chat: “@Connector status”, “mute”, “replay”. It takes five minutes."
    )
    list_display = ("name", "team", "shown_state", "why", "last_used_at")
    list_select_related = ("team",)
    search_fields = ("name", "public_id__exact")
    autocomplete_fields = ("team", "channel")
    fields = (
        "name",
        "team",
        "channel",
        "shown_url",
        "new_token",
        "paused",
        "last_used_at",
        "public_id",
    )
    readonly_fields = ("shown_url", "last_used_at", "public_id")
    buttons = (
        Button("guide", "How to set it up in Teams", roles.SEE, icon="menu_book"),
        Button("trial", "Test", icon="play_arrow", shown=lambda row: bool(row.token)),
    )

    @display(description="Callback URL")
    def shown_url(self, row: CommandEndpoint) -> SafeString | str:
        return copied(row.url) if row.pk else "Shown after saving"

    @display(description="State", label=STATES)
    def shown_state(self, row: CommandEndpoint) -> str:
        return row.state if row.pk else ""

    @display(description="Why")
    def why(self, row: CommandEndpoint) -> str:
        return (
            {
                "paused": "Paused: commands are answered with a word about it.",
                "broken": "It has no security token yet, so every message is refused.",
                "waiting": "Nobody has asked anything yet.",
                "ok": "Commands are answered.",
            }[row.state]
            if row.pk
            else ""
        )

    def health_of(self, row: CommandEndpoint) -> tuple[str, str]:
        return row.state, self.why(row)

    def do_guide(self, request: HttpRequest, row: CommandEndpoint) -> HttpResponse:
        return redirect(reverse("admin:guide", args=["commands"]))

    def do_trial(self, request: HttpRequest, row: CommandEndpoint) -> HttpResponse:
        values = {**admin.site.each_context(request), "title": f"Test of {row.name}", "endpoint": row}
        try:
            answer = json.loads(chat.trial(row).content)
        except AppError as error:
            return render(request, "admin/command_trial.html", {**values, "problem": error.public_message})
        card = json.dumps(answer["attachments"][0]["content"])
        return render(request, "admin/command_trial.html", {**values, "card": card})


@admin.register(ChatUser)
class ChatUserAdmin(ConfigAdmin):
    """Who may do what by chat. Whoever is not here may only ask."""

    empty_words = "Whoever writes a command may only ask, until you give them a role here by their Teams id."
    list_display = ("name", "role", "teams_id")
    list_filter = ("role",)
    search_fields = ("name", "teams_id")
    fields = ("teams_id", "name", "role")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {key: request.GET[key] for key in ("teams_id", "name") if key in request.GET}


class CarriedOut(admin.SimpleListFilter):
    """By whether the command was carried out. The kinds of refusal are many, and listing them reads every row."""

    title = "answer"
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("ok", "Carried out"), ("no", "Refused or failed")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "ok":
            return queryset.filter(outcome="ok")
        return queryset.exclude(outcome="ok") if self.value() == "no" else queryset


@admin.register(CommandUse)
class CommandUseAdmin(ReadOnlyAdmin):
    """Who asked what."""

    empty_words = "Nobody has asked by chat yet."
    list_display = ("at", "endpoint", "sender_name", "text", "outcome")
    list_select_related = ("endpoint",)
    list_filter = ("endpoint", CarriedOut)
    fields = ("at", "endpoint", "sender_name", "sender_id", "text", "command", "outcome")
    readonly_fields = fields
