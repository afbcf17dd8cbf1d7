"""Forms in which a webhook URL is pasted. The URL is write-only: it is never shown again."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms

from apps.channels import etiquette, rules, services
from apps.channels.models import Channel, WebhookURL
from apps.core.admin import (
    TimeInput,
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)
from apps.core.errors import ConfigurationError

LIMITS = ("per_second", "per_half_minute", "per_minute", "per_hour")
LIMIT_LABELS = ("Most cards in 1 s", "Most in 30 s", "Most in 1 minute", "Most in 1 hour")


class URLField(forms.CharField):
    """A webhook URL, recognised and explained."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"rows": 2, "autocomplete": "off", "spellcheck": "false", "class": "tc-mono"}
        kwargs.setdefault("widget", UnfoldAdminTextareaWidget(attrs=attrs))
        super().__init__(**kwargs)

    def clean(self, value: object) -> str:
        text = str(super().clean(value) or "").strip()
        if not text:
            return ""
        try:
            return services.check_url(text)
        except ConfigurationError as error:
            raise forms.ValidationError(error.public_message, code=error.code) from error


class DaysField(forms.MultipleChoiceField):
    """Days of the week, as boxes."""

    def __init__(self, **kwargs: Any) -> None:
        choices = list(zip(etiquette.DAYS, etiquette.DAY_NAMES, strict=True))
        widget = UnfoldAdminCheckboxSelectMultipleWidget()
        super().__init__(choices=choices, required=False, widget=widget, **kwargs)


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A channel: how its people want to be told, and when not."""

    time_zone = forms.ChoiceField(
        choices=lambda: [(name, name) for name in sorted(zoneinfo.available_timezones())],
        initial="UTC",
        widget=UnfoldAdminSelectWidget(),
        help_text="Quiet hours and digests are told by these clocks.",
    )
    quiet_days = DaysField(label="On these days", help_text="The days on which the quiet hours begin.")
    quiet_whole_days = DaysField(
        label="And all day on", help_text="Quiet from midnight to midnight, whatever stands above."
    )

    class Meta:
        model = Channel
        fields = (
            "team", "name", "time_zone", "stale_after", "urgent_severity", "quiet_start", "quiet_end",
            "quiet_days", "quiet_whole_days", "quiet_then", "budget_per_hour", "keep_alive", "keep_alive_days",
        )  # fmt: skip
        widgets = {
            "quiet_start": TimeInput(),
            "quiet_end": TimeInput(),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("stale_after", "urgent_severity", "quiet_then", "budget_per_hour", "keep_alive_days"):
            if name in self.fields:  # a viewer's form has none
                self.fields[name].required = False
        if not self.instance.quiet_days:
            self.initial["quiet_days"] = list(etiquette.DAYS)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for name in ("stale_after", "urgent_severity", "quiet_then", "budget_per_hour", "keep_alive_days"):
            # What is left empty stays as it is; a new channel gets what everybody gets.
            if cleaned.get(name) in (None, ""):
                cleaned[name] = getattr(self.instance, name)
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        for name, words in rules.problems(self.instance).items():
            if name in self.fields and name not in self.errors:
                self.add_error(name, words)


class WebhookURLForm(forms.ModelForm):  # type: ignore[type-arg]
    """One way into a channel. An empty field keeps the URL that is stored."""

    new_url = forms.CharField(
        label="Webhook URL",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
        help_text="Paste the URL that the workflow shows. It is stored encrypted and never shown again.",
    )

    class Meta:
        model = WebhookURL
        fields = ("kind", "new_url", "priority", "per_second", "per_half_minute", "per_minute", "per_hour")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in zip(LIMITS, LIMIT_LABELS, strict=True):
            if name in self.fields:  # a viewer's form has none
                self.fields[name].required, self.fields[name].label = False, label
        if self.instance.pk:
            field = self.fields["new_url"]
            field.label = f"Webhook URL at {self.instance.host} ({self.instance.fingerprint})"
            field.help_text = "Leave this empty to keep it, or paste another one in its place."

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for name in LIMITS:
            if cleaned.get(name) is None:
                cleaned[name] = getattr(self.instance, name)
        if cleaned.get("new_url"):
            self.instance.kind = cleaned.get("kind") or self.instance.kind
            try:
                services.set_url(self.instance, cleaned["new_url"])
            except ConfigurationError as error:
                self.add_error("new_url", error.public_message)
        elif self.instance.pk and "kind" in self.changed_data:
            self.add_error("kind", "Paste the URL again to change its kind.")
        if not self.instance.pk and not cleaned.get("new_url") and "new_url" not in self.errors:
            self.add_error("new_url", "Paste the URL that the workflow shows after it was saved.")
        return cleaned

    def save(self, commit: bool = True) -> WebhookURL:
        row: WebhookURL = super().save(commit=False)
        if commit:
            row.save()
        return row
