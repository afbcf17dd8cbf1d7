"""Forms in which a webhook URL is pasted. The URL is write-only: it is never shown again."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms

from apps.channels import services
from apps.channels.models import Channel, WebhookURL
from apps.core.admin import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget
from apps.core.errors import ConfigurationError


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


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A channel, with the time zone of its people."""

    time_zone = forms.ChoiceField(
        choices=lambda: [(name, name) for name in sorted(zoneinfo.available_timezones())],
        initial="UTC",
        widget=UnfoldAdminSelectWidget(),
    )

    class Meta:
        model = Channel
        fields = ("team", "name", "time_zone", "stale_after")


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
        fields = ("kind", "new_url", "priority")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            field = self.fields["new_url"]
            field.label = f"Webhook URL at {self.instance.host} ({self.instance.fingerprint})"
            field.help_text = "Leave this empty to keep it, or paste another one in its place."

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
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
