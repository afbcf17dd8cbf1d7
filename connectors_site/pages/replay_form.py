"""The form that says what is to be sent once more; what it holds is what the API takes as filters."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from django import forms

from apps.channels.models import Channel
from apps.connectors.models import Connector
from apps.core.admin import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget
from apps.deliveries import holding
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.inbound import replays
from apps.inbound.models import Event, Replay

CODES = (
    ("", "Any reason"),
    (deliveries.DIGESTED, "Covered by a digest"),
    (holding.BUDGET, "Above the noise budget"),
    (holding.MUTED, "The channel was muted"),
    (replays.CANCELLED, "Its replay was cancelled"),
    (deliveries.TAKEN_BACK, "Somebody cancelled it"),
)


def moment_field(label: str) -> forms.DateTimeField:
    """A time as browsers give it."""
    widget = forms.DateTimeInput(
        attrs={"type": "datetime-local", "class": "tc-input"}, format="%Y-%m-%dT%H:%M"
    )
    return forms.DateTimeField(label=label, required=False, widget=widget)


def choice_field(label: str, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=choices, widget=UnfoldAdminSelectWidget())


class ReplayForm(forms.Form):
    """Filters and a target. kind: "events" or "deliveries"."""

    def __init__(self, kind: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        channels = [(each.public_id, str(each)) for each in Channel.objects.select_related("team")[:500]]
        connectors = [(each.public_id, each.name) for each in Connector.objects.all()[:500]]
        self.fields["connector"] = choice_field("Of the connector", [("", "Any connector"), *connectors])
        self.fields["type"] = forms.CharField(
            label="Of the type",
            required=False,
            max_length=200,
            widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "issues or issues.opened"}),
            help_text="A name also means all below it: “issues” takes “issues.opened”.",
        )
        if kind == Replay.Kind.EVENTS:
            outcomes = [("", "Any outcome"), *Event.Outcome.choices]
            self.fields["outcome"] = choice_field("With the outcome", outcomes)
        else:
            self.fields["status"] = choice_field("That are", [("", "Any status"), *Delivery.Status.choices])
            self.fields["code"] = choice_field("Not sent because", CODES)
            self.fields["digest"] = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput())
        sent_to = "That went to" if kind == Replay.Kind.EVENTS else "To the channel"
        self.fields["channel"] = choice_field(sent_to, [("", "Any channel"), *channels])
        self.fields["since"] = moment_field("From (UTC)")
        self.fields["until"] = moment_field("Until (UTC)")
        self.fields["target"] = choice_field("Send them to", [("", "Where each went before"), *channels])

        self._labels = {
            (name, str(key)): str(label)
            for name, field in self.fields.items()
            if isinstance(field, forms.ChoiceField)
            for key, label in cast("list[tuple[str, str]]", field.choices)
        }

    def filters(self) -> dict[str, str]:
        """What was chosen, as `apps.inbound.replays` takes it."""
        found: dict[str, str] = {}
        for name, value in self.cleaned_data.items():
            if name == "target" or value in ("", None):
                continue
            found[name] = value.isoformat() if isinstance(value, dt.datetime) else str(value)
        return found

    def words(self) -> list[str]:
        """What was chosen, for people to check once more."""
        shown = []
        for name, value in self.cleaned_data.items():
            if value in ("", None) or name == "target":
                continue
            if name == "digest":
                shown.append("Covered by one digest card")
                continue
            text = f"{value:%d %b %Y, %H:%M}" if isinstance(value, dt.datetime) else str(value)
            shown.append(f"{self.fields[name].label}: {self._labels.get((name, text), text)}")
        return shown

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until <= since:
            self.add_error("until", "This is not after “From”. Choose a later time.")
        return cleaned
