"""The live preview: what one event would become under the settings that stand in a form, not saved yet.

One panel (templates/admin/preview.html, static/connectors/preview.js) posts here from every page on which
a card is decided. `about` says which page it is; the fields of the page's own form come along.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from django.core.exceptions import PermissionDenied
from django.forms import BaseForm
from django.http import Http404, HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.connectors import fields
from apps.connectors.forms import ConnectorForm, SubscriptionForm
from apps.connectors.models import Connector, Subscription
from apps.core import roles
from apps.core.errors import AppError, ConfigurationError
from apps.inbound import trials
from apps.inbound.models import Event, SavedSample
from apps.inbound.trials import Material, Proposal
from apps.sources.samples import sample, samples
from apps.sources.source import Source

RECENT = 30  # events offered


@dataclass(slots=True)
class Scene:
    """What a page decides: the settings in its form, those that are saved, and what is wrong with the form."""

    source: Source
    connector: Connector | None = None
    new: Proposal = field(default_factory=Proposal)
    old: Proposal | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)


def _errors(form: BaseForm, *, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """The form's errors by the name of the field; not those that have nothing to do with a card."""
    return {
        "" if name == "__all__" else name: [str(each) for each in found]
        for name, found in form.errors.items()
        if name not in but
    }


def _subscription(request: HttpRequest, key: str) -> Scene:
    """A subscription's form: key is its id, or `new:<connector's id>`."""
    kind, _, connector_id = key.partition(":")
    if kind == "new":
        connector = _connector_row(connector_id)
        form = SubscriptionForm(request.POST, instance=Subscription(connector=connector))
        old = None
    else:
        row = Subscription.objects.select_related("connector", "channel__team").filter(public_id=key).first()
        if row is None:
            raise Http404
        connector, old = row.connector, trials.of_subscription(row)
        form = SubscriptionForm(request.POST, instance=row)
    form.is_valid()  # sets what can be read on the row, which is never saved here
    errors = _errors(form, but=("channel",))
    new = trials.of_subscription(form.instance)
    hints = fields.hints(form.instance.filters, fields.known(form.source))
    return Scene(form.source, connector, new, old, errors, hints)


def _connector(request: HttpRequest, key: str) -> Scene:
    """A connector's form: its options, with the subscriptions as they are."""
    row = _connector_row(key)
    old = trials.current(row)
    form = ConnectorForm(request.POST, instance=row)
    form.is_valid()
    errors = _errors(form, but=("name", "new_secret"))
    new = replace(old, options=form.instance.options, paused=bool(form.instance.paused))
    return Scene(row.source_object(), row, new, old, errors)


def _event(request: HttpRequest, key: str) -> Scene:
    """A stored event: today's settings of its connector."""
    row = _connector_row(key)
    return Scene(row.source_object(), row, trials.current(row))


def _source(request: HttpRequest, key: str) -> Scene:
    """A source of the catalog, with its options' defaults."""
    from connectors_site.pages.catalog import source_or_404

    return Scene(source_or_404(key))


def _connect(request: HttpRequest, key: str) -> Scene:
    """The set-up page: options and ticked events of a connector that is being made."""
    from connectors_site.pages.connect import trial_of

    found = _source(request, key)
    found.new, errors = trial_of(found.source, request.POST)
    found.errors = errors
    return found


SCENES: dict[str, Callable[[HttpRequest, str], Scene]] = {
    "subscription": _subscription,
    "connector": _connector,
    "event": _event,
    "source": _source,
    "connect": _connect,
}
FORMS = ("subscription", "connector", "connect")  # pages on which only admins work


def scene(request: HttpRequest) -> Scene:
    """What the page that asks is about. Raises Http404, PermissionDenied or AppError."""
    about = request.POST.get("preview_about", "")
    if about not in SCENES:
        raise Http404
    if about in FORMS and not request.user.has_perm(roles.CONFIGURE):
        raise PermissionDenied
    return SCENES[about](request, request.POST.get("preview_key", "")[:200])


def _connector_row(public_id: str) -> Connector:
    row = Connector.objects.filter(public_id=public_id).first()
    if row is None:
        raise Http404
    return row


def material(found: Scene, chosen: str) -> Material:
    """What the panel's list says: `event:<id>`, `saved:<id>` or `sample:<name>`. Raises ConfigurationError."""
    kind, _, key = chosen.partition(":")
    if kind == "event" and found.connector:
        rows = Event.objects.filter(connector=found.connector).select_related("request__connector")
        event = rows.filter(public_id=key).first()
        if event is not None:
            return trials.stored(event)
    elif kind == "saved" and found.connector:
        row = SavedSample.objects.filter(connector=found.connector, public_id=key).first()
        if row is not None:
            return trials.kept(row)
    elif kind == "sample":
        shipped = sample(found.source, key)
        if shipped is not None:
            return Material(found.source.sample_http(shipped.event, shipped.body))
    raise ConfigurationError("no_material", "This event is not stored any more. Choose another one.")


@require_POST
def preview(request: HttpRequest) -> JsonResponse:
    """The card and the verdict of one event under the settings of a form."""
    try:
        found = scene(request)
        wanted = material(found, request.POST.get("preview_material", ""))
        trial = trials.run(found.source, wanted, found.new, timezone.now())
    except AppError as error:
        return JsonResponse({"problem": error.public_message}, status=error.status)
    answer: dict[str, Any] = {"errors": found.errors, "hints": found.hints}
    if isinstance(trial, AppError):
        return JsonResponse({**answer, "outcome": "malformed", "words": trial.public_message})
    raw = trial.item.event
    answer |= {
        "type": raw.name,
        "outcome": trial.item.outcome,
        "sent": bool(trial.cards),
        "judged": not found.errors and (bool(trial.verdicts) or trial.card is None),
        "words": trial.words,
        "verdicts": trials.verdicts(trial),
        "fields": fields.suggestions(raw.name, trial.item.attributes, raw.payload.raw),
    }
    if trial.card is not None:
        answer |= trials.drawn(trial.card)
    return JsonResponse(answer)


def choices(source: Source, connector: Connector | None) -> list[dict[str, Any]]:
    """What can be previewed, in groups: stored events, saved samples, the source's own samples."""
    groups: list[dict[str, Any]] = []
    if connector is not None:
        rows = Event.objects.filter(connector=connector).exclude(outcome=Event.Outcome.DUPLICATE)
        recent = [
            {
                "value": f"event:{row.public_id}",
                "label": f"{row.title or row.type} ({row.received_at:%d %b %H:%M})",
            }
            for row in rows.order_by("-id")[:RECENT]
        ]
        kept = [
            {"value": f"saved:{row.public_id}", "label": row.name}
            for row in connector.saved_samples.defer("body").order_by("name")
        ]
        groups += [{"label": "Latest events", "entries": recent}, {"label": "Saved samples", "entries": kept}]
    labels = {spec.name: (spec.group, spec.label) for spec in source.events}
    shipped = sorted(
        (*labels.get(each.event, ("Other", each.event)), each.variant.replace("_", " "), each.name)
        for each in samples(source)
    )
    for group, members in groupby(shipped, key=lambda each: each[0]):
        items = [
            {"value": f"sample:{name}", "label": f"{label}{f', {variant}' if variant else ''}"}
            for _, label, variant, name in members
        ]
        groups.append({"label": f"Sample: {group}", "entries": items})
    return [group for group in groups if group["entries"]]


def panel(about: str, key: str, source: Source, connector: Connector | None = None) -> dict[str, Any]:
    """What the panel's template wants. `first` is what it shows at once."""
    groups = choices(source, connector)
    first = groups[0]["entries"][0]["value"] if groups else ""
    if first.startswith("sample:"):
        # The source's own order puts what people know best first; its usual events are sent.
        offered = {each["value"] for group in groups for each in group["entries"]}
        usual = (f"sample:{name}" for name in source.events.defaults())
        first = next((each for each in usual if each in offered), first)
    return {"about": about, "key": key, "choices": groups, "first": first}
