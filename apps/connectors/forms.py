"""Forms made of what a source declares: options, schemes and events."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django import forms

from apps.channels.models import Channel
from apps.connectors import matching, options, services
from apps.connectors.models import Account, ActionPolicy, Connector, Subscription
from apps.core.admin import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)
from apps.core.errors import AppError, NotFound
from apps.sources.events import EventSpec, selects
from apps.sources.source import Option, Source

PREFIX = "option_"


def option_field(option: Option) -> forms.Field:
    """The form field of one option."""
    common: dict[str, Any] = {"label": option.label, "help_text": option.help, "required": option.required}
    if option.kind == "bool":
        return forms.BooleanField(
            **{**common, "required": False},
            initial=bool(option.default),
            widget=UnfoldBooleanSwitchWidget(),
        )
    if option.kind == "choice":
        return forms.ChoiceField(
            **common, choices=option.choices, initial=option.default, widget=UnfoldAdminSelectWidget()
        )
    if option.kind in ("list", "pattern"):
        initial = "\n".join(option.default) if isinstance(option.default, tuple) else option.default
        common["help_text"] = f"{option.help} One entry a line.".strip()
        return forms.CharField(**common, initial=initial, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))
    if option.kind == "url":
        return forms.URLField(
            **common, initial=option.default, assume_scheme="https", widget=UnfoldAdminTextInputWidget()
        )
    return forms.CharField(**common, initial=option.default, widget=UnfoldAdminTextInputWidget())


def option_values(source: Source, cleaned: dict[str, Any]) -> dict[str, Any]:
    """The options out of a form's cleaned data, as `options.clean` wants them."""
    found: dict[str, Any] = {}
    for option in source.options:
        value = cleaned.get(PREFIX + option.key)
        if option.kind in ("list", "pattern"):
            value = [line.strip() for line in str(value or "").splitlines() if line.strip()]
        found[option.key] = value
    return found


def has_actions(row: Connector) -> bool:
    """Whether there is anything to set about acting at the source."""
    try:
        source = row.source_object()
    except NotFound:
        return False
    return bool(source.account_kinds) or source.slug == "incoming_webhook"


class ConnectorForm(forms.ModelForm):  # type: ignore[type-arg]
    """A connector's settings. The fields of its options are added from the source's declaration."""

    name = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget())
    new_secret = forms.CharField(
        label="Set a secret",
        required=False,
        max_length=services.MAX_SECRET,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "type": "password"}),
        help_text="Only if the source shows one for you to paste. It is stored encrypted and never shown again; "
        "the old one stays valid for a day. Leave it empty to keep what is set.",
    )

    class Meta:
        model = Connector
        fields = ("name", "scheme", "paused", "account", "action_policy")
        widgets = {"action_policy": UnfoldAdminSelectWidget()}

    source: Source | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            self.source = self.instance.source_object()
        except NotFound:
            return
        if has_actions(self.instance):
            self.fields["account"] = forms.ModelChoiceField(
                queryset=Account.objects.filter(source=self.instance.source), required=False,
                widget=UnfoldAdminSelectWidget(), empty_label="None: cards only tell",
                help_text="Signs in at the source, for buttons that act there and hooks that look after themselves.",
            )  # fmt: skip
            self.fields["action_policy"].required = False
            if not len(self.source.actions) and self.source.slug != "incoming_webhook":
                del self.fields["action_policy"]
        else:
            del self.fields["account"], self.fields["action_policy"]
        choices = [(scheme.key, scheme.label) for scheme in self.source.schemes]
        self.fields["scheme"] = forms.ChoiceField(
            label="Verified by", choices=choices, widget=UnfoldAdminSelectWidget()
        )
        for option in self.source.options:
            field = option_field(option)
            stored = self.instance.options.get(option.key)
            if stored is not None:
                field.initial = "\n".join(stored) if isinstance(stored, list) else stored
            self.fields[PREFIX + option.key] = field

    def clean_action_policy(self) -> str:
        return (
            self.cleaned_data.get("action_policy")
            or self.initial.get("action_policy")
            or ActionPolicy.SIGN_IN
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.source is not None and not self.errors:
            try:
                self.instance.options = options.clean(self.source, option_values(self.source, cleaned))
            except AppError as error:
                raise forms.ValidationError(error.public_message, code=error.code) from error
        return cleaned

    def save(self, commit: bool = True) -> Connector:
        row: Connector = super().save(commit)
        secret = self.cleaned_data.get("new_secret")
        if secret and row.pk:
            services.rotate_secret(row, secret=secret)
        return row


class EventsWidget(forms.Widget):
    """Tick boxes by group. Its value is the list of ticked names."""

    template_name = "admin/events_widget.html"

    def __init__(self, specs: list[EventSpec]) -> None:
        super().__init__()
        self.specs = specs

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        ticked = set(value or ())
        ordered = sorted(self.specs, key=lambda spec: spec.group)
        groups = []
        for title, members in groupby(ordered, key=lambda spec: spec.group):
            boxes = [
                {
                    "name": each.name,
                    "label": each.label,
                    "ticked": each.name in ticked,
                    "default": each.default,
                }
                for each in members
            ]
            groups.append(
                {"title": title, "boxes": boxes, "ticked": sum(bool(box["ticked"]) for box in boxes)}
            )
        context["groups"] = groups
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return list(data.getlist(name)) if hasattr(data, "getlist") else list(data.get(name) or ())


class EventsField(forms.Field):
    """The chosen events of a source."""

    def __init__(self, source: Source, **kwargs: Any) -> None:
        super().__init__(required=False, label="Events", widget=EventsWidget(list(source.events)), **kwargs)


class SubscriptionForm(forms.ModelForm):  # type: ignore[type-arg]
    """Which events go where, and on what conditions."""

    patterns = forms.CharField(
        label="Also by pattern",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One a line: “*” takes everything, “issues” all events of issues, “*.created” everything created.",
    )
    conditions = forms.CharField(
        label="Only if",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One condition a line, all must hold: “branch is main”, “repository matches octo/*”, "
        "“labels contains bug”, “severity at_least warning”, “author is_not renovate[bot]”, "
        "“branch? matches release/*” (also events without a branch), “event not_matches *.edited”, "
        "“$.issue.priority is high” (any field of the payload, as JMESPath), “$.commits[?distinct] holds”.",
    )

    channel = forms.ModelChoiceField(
        queryset=Channel.objects.select_related("team"), widget=UnfoldAdminSelectWidget()
    )
    muted_until = forms.SplitDateTimeField(
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text="No cards until then (UTC). Events are kept.",
    )

    class Meta:
        model = Subscription
        fields = ("channel", "enabled", "muted_until")

    connector: Connector | None = None  # of a subscription that is being made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.connector is not None and not self.instance.connector_id:
            self.instance.connector = self.connector
        self.source = self.instance.connector.source_object()
        names = [spec.name for spec in self.source.events]
        chosen = self.instance.events or list(self.source.events.defaults())
        ticked = [name for name in names if any(selects(pattern, name) for pattern in chosen)]
        plain = [pattern for pattern in self.instance.events if pattern not in names]
        if plain:
            # A pattern also takes events that a later release adds, so it is kept as it was written.
            ticked = [name for name in names if name in self.instance.events]
        self.fields["events"] = EventsField(self.source, initial=ticked)
        self.fields["patterns"].initial = "\n".join(plain)
        self.fields["conditions"].initial = matching.as_lines(self.instance.filters)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        lines = [line.strip() for line in cleaned.get("patterns", "").splitlines() if line.strip()]
        wanted = [*cleaned.get("events", []), *lines]
        if not lines and set(wanted) == set(self.source.events.defaults()):
            wanted_now: list[str] = []  # the source's defaults, also those of a later release
        else:
            wanted_now = wanted
        try:
            self.instance.events = services.clean_events(self.instance.connector, wanted_now)
        except AppError as error:
            self.add_error("patterns", error.public_message)
        if not wanted:
            self.add_error("patterns", "Choose at least one event, or switch the subscription off.")
        try:
            self.instance.filters = matching.from_lines(cleaned.get("conditions", ""))
        except AppError as error:
            self.add_error("conditions", error.public_message)
        return cleaned
