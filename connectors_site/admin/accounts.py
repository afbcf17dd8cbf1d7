"""Accounts, hooks at the sources, and what was done from cards and chat."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.actions.models import ActionRun
from apps.connectors import accounts, hooks
from apps.connectors.forms import option_field
from apps.connectors.models import Account, Hook
from apps.core import roles
from apps.core.admin import (
    STATES,
    Button,
    ConfigAdmin,
    ReadOnlyAdmin,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    display,
)
from apps.core.errors import AppError
from apps.inbound import repair
from apps.sources import registry
from apps.sources.accounts import AccountKind
from apps.sources.source import Source

VALUE = "value_"


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """An account's fields, made of what its sign-in declares. Secrets are write-only."""

    name = forms.CharField(
        max_length=200, widget=UnfoldAdminTextInputWidget(), help_text="As your people know it."
    )
    api_url = forms.CharField(
        label="Server address", max_length=500, required=False, widget=UnfoldAdminTextInputWidget()
    )

    class Meta:
        model = Account
        fields = ("name", "api_url")

    source: Source
    way: AccountKind

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.source = self.instance.source_object()
            self.way = accounts.kind_of(self.source, self.instance.kind)
        own = self.source.api_url
        self.fields["api_url"].help_text = (
            f"Only for a server that you run yourselves. Empty: {own}"
            if own
            else "Such as https://git.example.com"
        )
        self.fields["api_url"].required = not own
        self.initial.setdefault("name", self.source.name)
        for option in self.way.fields:
            field = option_field(option)
            if option.secret:
                field.widget = (
                    UnfoldAdminTextareaWidget(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"})
                    if option.kind == "list"
                    else UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "type": "password"})
                )
                if self.instance.pk:
                    field.required = False
                    field.help_text = f"{option.help} It is set; leave it empty to keep it.".strip()
            elif self.instance.pk:
                field.initial = self.instance.fields.get(option.key, "")
            self.fields[VALUE + option.key] = field

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            values = {option.key: cleaned.get(VALUE + option.key) or "" for option in self.way.fields}
            try:
                # Checked here, stored by the page; a wrong field is told beside the form.
                accounts.check(self.source, self.way, cleaned.get("api_url", ""), values, self.instance)
            except AppError as error:
                raise forms.ValidationError(error.public_message, code=error.code) from error
            self.values = values
        return cleaned

    def save(self, commit: bool = True) -> Account:
        return accounts.save(
            name=self.cleaned_data["name"],
            source=self.source.slug,
            kind=self.way.key,
            api_url=self.cleaned_data.get("api_url", ""),
            values=self.values,
            row=self.instance if self.instance.pk else None,
        )

    def save_m2m(self) -> None:
        """Nothing to do; the admin asks for it."""


@admin.register(Account)
class AccountAdmin(ConfigAdmin):
    """Credentials for sources' APIs: they let buttons act and hooks look after themselves."""

    form = AccountForm
    empty_words = "An account signs in at a source, so that buttons on cards act there and hooks are made and looked after."
    list_display = ("name", "source", "shown_state", "who", "expires_at")
    list_filter = ("source", "state")
    search_fields = ("name", "public_id__exact")
    readonly_fields = (
        "shown_source",
        "shown_state",
        "shown_may",
        "shown_lacks",
        "who",
        "tested_at",
        "expires_at",
        "public_id",
    )
    buttons = (Button("test", "Test it", roles.OPERATE, icon="verified_user"),)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return AccountForm
        source, way = self._chosen(request) or (None, None)
        return type("NewAccountForm", (AccountForm,), {"source": source, "way": way})

    def _chosen(self, request: HttpRequest) -> tuple[Source, AccountKind] | None:
        try:
            source = registry.get(request.GET.get("source", ""))
            return source, accounts.kind_of(source, request.GET.get("kind", ""))
        except AppError:
            return None

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        try:
            chosen = self._chosen(request)
            way = accounts.kind_of(obj.source_object(), obj.kind) if obj else chosen[1] if chosen else None
        except AppError:
            way = None
        keys = [VALUE + option.key for option in way.fields] if way else []
        first = ["shown_source"] if obj else []
        found: list[Any] = [
            (None, {"fields": [*first, "name", *keys, "api_url"], "description": way.help if way else ""})
        ]
        if obj is not None:
            found.append(
                (
                    "What it may do",
                    {
                        "fields": [
                            "shown_state",
                            "who",
                            "shown_may",
                            "shown_lacks",
                            "tested_at",
                            "expires_at",
                            "public_id",
                        ]
                    },
                )
            )
        return found

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First which product and which way to sign in, then the fields of that."""
        if not self.has_add_permission(request):
            return redirect(reverse("admin:connectors_account_changelist"))
        if self._chosen(request) is None or "source" not in request.GET:
            able = [source for source in registry.all_sources() if source.account_kinds]
            context = {**self.admin_site.each_context(request), "title": "New account", "sources": able}
            return render(request, "admin/account_kinds.html", context)
        found: HttpResponse = super().add_view(request, form_url, extra_context)
        return found

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The form's own save has stored it; a test follows at once, because a wrong token is best told now."""
        accounts.test(obj)
        self.message_user(request, _verdict(obj), "success" if obj.state == Account.State.OK else "warning")

    @display(description="Sign-in")
    def shown_source(self, row: Account) -> str:
        try:
            return f"{row.get_source_display()}: {accounts.kind_of(row.source_object(), row.kind).label}"
        except AppError:
            return row.source

    @display(description="State", label=STATES)
    def shown_state(self, row: Account) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description="May")
    def shown_may(self, row: Account) -> str:
        return "; ".join(row.may) or "–"

    @display(description="Lacks")
    def shown_lacks(self, row: Account) -> str:
        return "; ".join(row.lacks) or row.message or "nothing"

    def do_test(self, request: HttpRequest, row: Account) -> str:
        return _verdict(accounts.test(row))


def _verdict(row: Account) -> str:
    if row.state == Account.State.OK:
        return f"It works: the product knows it as {row.who}."
    if row.state == Account.State.LIMITED:
        return f"It works as {row.who}, but lacks: {'; '.join(row.lacks)}"
    return row.message or row.get_state_display()


def can_ask(row: Hook) -> bool:
    try:
        code = hooks.able(row.connector)
    except AppError:
        return False
    return code.can_find_missed or code.can_read_changes


@admin.register(Hook)
class HookAdmin(ReadOnlyAdmin):
    """Hooks at the sources that this product made or found there."""

    empty_words = (
        "Hooks that an account made at a source. A connector with an account has a button that makes one."
    )
    list_display = ("connector", "shown_place", "shown_state", "checked_at", "expires_at")
    list_filter = ("state",)
    list_select_related = ("connector",)
    search_fields = ("connector__name", "remote_id")
    fields = ("connector", "shown_place", "shown_state", "message", "shown_drift", "page", "secret_at", "checked_at",
              "expires_at", "repaired_until")  # fmt: skip
    readonly_fields = fields
    buttons = (
        Button("check", "Compare now", roles.OPERATE, icon="compare_arrows"),
        Button("mend", "Mend it", roles.CONFIGURE, icon="build", shown=lambda row: row.state != Hook.State.OK),
        Button("repair", "Fetch what was missed", roles.OPERATE, icon="move_to_inbox", shown=can_ask),
        Button(
            "remove", "Remove at the source", roles.CONFIGURE, icon="delete",
            confirm="Remove this hook at the source? Its events will not come any more.",
        ),
    )  # fmt: skip

    @display(description="Where")
    def shown_place(self, row: Hook) -> str:
        return str(row)

    @display(description="State", label=STATES)
    def shown_state(self, row: Hook) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description="Differences")
    def shown_drift(self, row: Hook) -> str:
        return (
            "; ".join(f"{each['what']}: here {each['ours']}, there {each['theirs']}" for each in row.drift)
            or "none"
        )

    def do_check(self, request: HttpRequest, row: Hook) -> str:
        found = hooks.check(row)
        return f"{found.get_state_display()}. {found.message}".strip()

    def do_mend(self, request: HttpRequest, row: Hook) -> str:
        hooks.mend(row)
        return "The hook at the source is as it should be."

    def do_repair(self, request: HttpRequest, row: Hook) -> str:
        done = repair.repair(row)
        more = repair.read_changes(row)
        return f"{done.stored + more.stored} were taken in; what was known already is not told again."

    def do_remove(self, request: HttpRequest, row: Hook) -> HttpResponse:
        hooks.remove(row)
        self.message_user(request, "The hook is gone at the source.")
        return redirect(reverse("admin:connectors_hook_changelist"))


@admin.register(ActionRun)
class ActionRunAdmin(ReadOnlyAdmin):
    """What people did in the sources, from cards and from chat."""

    empty_words = (
        "Who pressed which button on a card, and what came of it. Buttons come with an account at the source."
    )
    list_display = ("created_at", "label", "who", "connector", "shown_status", "outcome")
    list_filter = ("status", "via")
    list_select_related = ("connector",)
    search_fields = ("public_id__exact", "who")
    fields = ("created_at", "connector", "label", "shown_params", "who", "via", "shown_status", "outcome", "url",
              "started_at", "finished_at", "public_id")  # fmt: skip
    readonly_fields = fields

    @display(description="Status", label=STATES)
    def shown_status(self, row: ActionRun) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @display(description="On")
    def shown_params(self, row: ActionRun) -> str:
        return ", ".join(f"{key}: {value}" for key, value in row.params.items())
