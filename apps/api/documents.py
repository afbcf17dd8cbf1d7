"""The shapes of bodies and answers, for the OpenAPI document alone; `shapes` makes the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers as s

from apps.connectors.matching import OPS

F = TypeVar("F", bound=Callable[..., Any])
ID: dict[str, Any] = {"help_text": "An opaque id."}


class Problem(s.Serializer[Any]):
    """RFC 9457."""

    type = s.CharField()
    title = s.CharField()
    status = s.IntegerField()
    code = s.CharField(help_text="Stable; programs decide by it.")
    detail = s.CharField(help_text="What is wrong and what to do next.")


class SchemeShape(s.Serializer[Any]):
    key = s.CharField()
    strength = s.ChoiceField(choices=["strong", "shared", "weak"])
    secret = s.BooleanField()


class OptionShape(s.Serializer[Any]):
    key = s.CharField()
    kind = s.ChoiceField(choices=["text", "choice", "bool", "url", "list", "pattern"])
    help = s.CharField()
    choices = s.ListField(child=s.ListField(child=s.CharField()))
    required = s.BooleanField()  # type: ignore[assignment]


class EventKindShape(s.Serializer[Any]):
    name = s.CharField()
    group = s.CharField()


class FieldShape(s.Serializer[Any]):
    key = s.CharField()
    kind = s.CharField()
    required = s.BooleanField()  # type: ignore[assignment]
    choices = s.ListField(child=s.ListField(child=s.CharField()))


class ActionShape(s.Serializer[Any]):
    """Something that buttons and commands may do in the source."""

    name = s.CharField()
    example = s.CharField(help_text="What a chat command may name.")
    destructive = s.BooleanField()
    fields = FieldShape(many=True)  # type: ignore[assignment]


class SignInFieldShape(s.Serializer[Any]):
    key = s.CharField()
    secret = s.BooleanField()
    required = s.BooleanField()  # type: ignore[assignment]


class SignInShape(s.Serializer[Any]):
    """A way to sign in at the source's API."""

    kind = s.CharField()
    fields = SignInFieldShape(many=True)  # type: ignore[assignment]


class SourceShape(s.Serializer[Any]):
    slug = s.CharField()
    name = s.CharField()
    category = s.CharField()
    summary = s.CharField()
    docs_url = s.URLField()
    schemes = SchemeShape(many=True)
    options = OptionShape(many=True)
    events = EventKindShape(many=True)
    actions = s.ListField(child=s.CharField())
    action_details = ActionShape(many=True)
    accounts = SignInShape(many=True)


class WebhookURLShape(s.Serializer[Any]):
    id = s.CharField(read_only=True, **ID)
    channel = s.CharField(**ID)
    url = s.CharField(write_only=True, help_text="The workflow's URL. Stored encrypted, never answered.")
    host = s.CharField(read_only=True)
    fingerprint = s.CharField(read_only=True)
    kind = s.ChoiceField(
        choices=["workflow", "endpoint"],
        required=False,
        help_text="endpoint: any HTTPS service, signed by Standard Webhooks; its secret is answered once.",
    )
    priority = s.IntegerField(required=False, help_text="Tried in this order, lowest first.")
    state = s.ChoiceField(choices=["ok", "failing", "needs_person", "off"], read_only=True)
    state_reason = s.CharField(read_only=True)
    per_second = s.IntegerField(required=False, help_text="The most cards in a second; 0: no limit.")
    per_half_minute = s.IntegerField(required=False)
    per_minute = s.IntegerField(required=False)
    per_hour = s.IntegerField(required=False)
    last_accepted_at = s.DateTimeField(read_only=True, allow_null=True)
    last_failed_at = s.DateTimeField(read_only=True, allow_null=True)


class QuietHoursShape(s.Serializer[Any]):
    start = s.CharField(allow_null=True, help_text="By the channel's clocks: 22:00.")
    end = s.CharField(allow_null=True, help_text="07:00; before the start: of the next day.")
    days = s.ListField(
        child=s.CharField(),
        required=False,
        help_text="mon, tue, wed, thu, fri, sat, sun: on which they begin; left out: every day.",
    )
    whole_days = s.ListField(
        child=s.CharField(),
        required=False,
        help_text="Quiet from midnight to midnight.",
    )
    then = s.ChoiceField(
        choices=["digest", "hold"],
        required=False,
        help_text="What becomes of the held cards: one digest card, or each in order.",
    )
    until = s.DateTimeField(read_only=True, allow_null=True, help_text="When the quiet of now ends.")


MUTED: dict[str, Any] = {
    "required": False,
    "allow_null": True,
    "help_text": "A time, “forever”, or null. Events are kept, their cards are not sent.",
}


class ChannelShape(s.Serializer[Any]):
    id = s.CharField(read_only=True, **ID)
    name = s.CharField()
    team = s.CharField(required=False, help_text="A team's name; made when there is none.")
    paused = s.BooleanField(required=False)
    state = s.ChoiceField(choices=["ok", "degraded", "failing", "paused"], read_only=True)
    state_reason = s.CharField(read_only=True)
    muted_until = s.CharField(**MUTED)
    time_zone = s.CharField(required=False, help_text="Such as Europe/Berlin; else UTC.")
    stale_after = s.IntegerField(
        required=False, help_text="Minutes after which waiting cards become one digest card; 0: never."
    )
    urgent_severity = s.ChoiceField(
        choices=["attention", "warning", "none"],
        required=False,
        help_text="Cards from this severity on come at once, whatever the rest says.",
    )
    quiet_hours = QuietHoursShape(required=False, allow_null=True)
    budget_per_hour = s.IntegerField(
        required=False, help_text="Cards an hour; what is above comes as one digest card. 0: no limit."
    )
    keep_alive = s.BooleanField(
        required=False, help_text="Send a sign of life before Teams switches an idle workflow off."
    )
    keep_alive_days = s.IntegerField(required=False, help_text="After so many idle days: 1 to 85, else 60.")
    webhook_urls = WebhookURLShape(many=True, read_only=True)


class ConnectorShape(s.Serializer[Any]):
    id = s.CharField(read_only=True, **ID)
    name = s.CharField()
    source = s.CharField(help_text="A source's slug.")  # type: ignore[assignment]
    scheme = s.CharField(required=False, help_text="Left out: the source's default.")
    options = s.DictField(required=False)
    secret = s.CharField(
        required=False, help_text="Made when left out. Answered only by the call that made it."
    )
    url = s.CharField(read_only=True, help_text="The inbound URL to paste at the source.")
    paused = s.BooleanField(required=False)
    state = s.ChoiceField(choices=["ok", "waiting", "paused", "broken"], read_only=True)
    account = s.CharField(
        required=False, allow_null=True, help_text="Acts at the source and looks after hooks."
    )
    action_policy = s.ChoiceField(
        choices=["sign_in", "link", "off"], required=False, help_text="Who may use buttons on cards."
    )


class RotationCall(s.Serializer[Any]):
    source = s.CharField(help_text="A source's slug.")  # type: ignore[assignment]
    connectors = s.ListField(
        child=s.CharField(), required=False, help_text="Only these, by id. Left out: all of the source."
    )


class RotatedShape(s.Serializer[Any]):
    id = s.CharField(**ID)
    name = s.CharField()
    secret = s.CharField(help_text="Answered only here. The old one stays valid for a day.")
    hooks = s.IntegerField(help_text="How many hooks at the source get it by themselves.")


class NotRotatedShape(s.Serializer[Any]):
    id = s.CharField(**ID)
    name = s.CharField()
    reason = s.CharField()


class RotationShape(s.Serializer[Any]):
    rotated = RotatedShape(many=True)
    skipped = NotRotatedShape(many=True)


class FilterShape(s.Serializer[Any]):
    field = s.CharField(
        help_text="severity, event, a field of the source's events (branch, author, labels, repository, "
        "project, bot …), or a JMESPath expression over the payload written with $. in front."
    )
    op = s.ChoiceField(
        choices=list(OPS),
        required=False,
        help_text="is, when left out. matches takes shell patterns; of event also a parent's name. at_least and "
        "at_most compare severities or numbers. holds: the expression is true.",
    )
    value = s.JSONField(
        required=False, help_text="A text, number or boolean, or a list of which one must fit. None for "
        "exists, absent and holds.",
    )  # fmt: skip
    missing = s.ChoiceField(
        choices=["drop", "pass"],
        required=False,
        help_text="What becomes of events that have no such field: dropped, when left out.",
    )


class SubscriptionShape(s.Serializer[Any]):
    id = s.CharField(read_only=True, **ID)
    connector = s.CharField(**ID)
    channel = s.CharField(**ID)
    events = s.ListField(
        child=s.CharField(),
        required=False,
        help_text='Names or patterns; ["*"]: all; left out: the defaults.',
    )
    filters = FilterShape(many=True, required=False, help_text="All must hold.")
    enabled = s.BooleanField(required=False)
    muted_until = s.CharField(**MUTED)


class ErrorShape(s.Serializer[Any]):
    code = s.CharField()
    detail = s.CharField()


class RequestShape(s.Serializer[Any]):
    id = s.CharField(**ID)
    connector = s.CharField(**ID)
    received_at = s.DateTimeField()
    status = s.ChoiceField(choices=["received", "processed", "malformed"])
    error = ErrorShape(allow_null=True)
    size = s.IntegerField(help_text="Bytes of the body.")


class EventShape(s.Serializer[Any]):
    id = s.CharField(**ID)
    connector = s.CharField(**ID)
    request = s.CharField(**ID)
    type = s.CharField()
    title = s.CharField()
    outcome = s.ChoiceField(
        choices=["matched", "unmatched", "ignored", "unsupported", "malformed", "duplicate"]
    )
    reason = s.CharField()
    received_at = s.DateTimeField()
    trace = s.ListField(
        child=s.DictField(), help_text="Each subscription and each of its rules with its verdict."
    )
    deliveries = s.ListField(child=s.CharField())


class AttemptShape(s.Serializer[Any]):
    number = s.IntegerField()
    at = s.DateTimeField()
    status = s.IntegerField(allow_null=True)
    elapsed_ms = s.IntegerField()
    code = s.CharField()
    message = s.CharField()
    ambiguous = s.BooleanField(help_text="The card may have been posted although no answer came.")
    webhook_url = s.CharField(allow_null=True, help_text="By which it went; null once it was deleted.")


class DeliveryShape(s.Serializer[Any]):
    id = s.CharField(**ID)
    event = s.CharField(allow_null=True)
    channel = s.CharField(**ID)
    status = s.ChoiceField(choices=["pending", "accepted", "failed", "cancelled"])
    origin = s.CharField()
    replay = s.IntegerField()
    error = ErrorShape(allow_null=True)
    next_attempt_at = s.DateTimeField(allow_null=True)
    attempts = AttemptShape(many=True)
    card = s.DictField()


class PreviewCall(s.Serializer[Any]):
    source = s.CharField(required=False, help_text="A source's slug; or give a mapping.")  # type: ignore[assignment]
    mapping = s.DictField(required=False, help_text="The document of a custom source that need not be saved.")
    headers = s.DictField(required=False)
    body = s.CharField(required=False, help_text="The request's text as it was sent: JSON, form or XML.")
    event = s.CharField(required=False, help_text="A stored event, in place of source, headers and body.")
    options = s.DictField(required=False, help_text="Of a stored event: else those of its connector.")
    events = s.ListField(child=s.CharField(), required=False, help_text="Patterns to judge it by.")
    filters = FilterShape(many=True, required=False, help_text="Conditions to judge it by.")


class LintShape(s.Serializer[Any]):
    level = s.ChoiceField(choices=["problem", "advice"])
    path = s.CharField()
    message = s.CharField()


class VerdictShape(s.Serializer[Any]):
    matched = s.BooleanField()
    words = s.CharField()
    steps = s.ListField(child=s.DictField(), help_text="Each rule with its verdict and the value it saw.")


class PreviewEvent(s.Serializer[Any]):
    type = s.CharField()
    outcome = s.CharField()
    notification = s.DictField(allow_null=True)
    card = s.DictField(allow_null=True)
    bytes = s.IntegerField()
    budget = s.IntegerField()
    summary = s.CharField(help_text="The line in the activity feed.")
    warnings = s.ListField(child=s.CharField())
    lint = LintShape(many=True)
    verdict = VerdictShape(allow_null=True, help_text="Given when events or filters were.")
    error = ErrorShape(allow_null=True)


class PreviewAnswer(s.Serializer[Any]):
    reply = s.DictField(allow_null=True, help_text="What a set-up probe would be answered.")
    events = PreviewEvent(many=True)


class Made(s.Serializer[Any]):
    """Ids of what was made."""

    deliveries = s.ListField(child=s.CharField(), required=False)
    delivery = s.CharField(required=False)
    request = s.CharField(required=False)


class TestCall(s.Serializer[Any]):
    event = s.CharField(
        required=False, help_text="The name of an event or a sample; left out: the first sample."
    )


class ReplayCall(s.Serializer[Any]):
    channel = s.CharField(required=False, help_text="Another channel; left out: those that wanted it.")


class ReplayShape(s.Serializer[Any]):
    id = s.CharField(read_only=True, **ID)
    kind = s.ChoiceField(choices=["events", "deliveries"], read_only=True)
    filters = s.DictField(read_only=True)
    channel = s.CharField(
        required=False, allow_null=True, help_text="Where all of it goes; left out: as before."
    )
    status = s.ChoiceField(choices=["running", "done", "cancelled"], read_only=True)
    total = s.IntegerField(read_only=True)
    done = s.IntegerField(read_only=True)
    skipped = s.IntegerField(read_only=True)
    cards = s.DictField(
        child=s.IntegerField(), read_only=True, help_text="What became of the cards: status -> number."
    )
    created_at = s.DateTimeField(read_only=True)


class CommandEndpointShape(s.Serializer[Any]):
    id = s.CharField(read_only=True, **ID)
    name = s.CharField()
    team = s.CharField(help_text="A team's name; made when there is none.")
    token = s.CharField(
        write_only=True, required=False, help_text="The base64 token that Teams showed. Never answered."
    )
    channel = s.CharField(
        required=False, allow_null=True, help_text="Where late answers go; left out: the team's only channel."
    )
    url = s.CharField(read_only=True, help_text="The callback URL to paste in Teams.")
    paused = s.BooleanField(required=False)
    state = s.ChoiceField(choices=["ok", "waiting", "paused", "broken"], read_only=True)


class ReplaysCall(s.Serializer[Any]):
    events = s.DictField(required=False, help_text="connector, type, outcome, channel, since, until")
    deliveries = s.DictField(
        required=False, help_text="connector, type, channel, status, code, event, digest, since, until"
    )
    channel = s.CharField(required=False, help_text="Another channel for all of it.")


def paged(shape: type[s.Serializer[Any]]) -> type[s.Serializer[Any]]:
    """The answer of a list of `shape`."""
    fields = {
        "count": s.IntegerField(help_text="Exact up to 10,000; 10000 means that or more."),
        "next": s.URLField(allow_null=True),
        "previous": s.URLField(allow_null=True),
        "results": shape(many=True),
    }
    made: type[s.Serializer[Any]] = type(
        shape.__name__.removesuffix("Shape") + "List", (s.Serializer,), fields
    )
    found: type[s.Serializer[Any]] = extend_schema_serializer(many=False)(made)
    return found


PAGE = (
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "default": 50},
        description="How many at most; a larger number means 200.",
    ),
    OpenApiParameter("cursor", str, description="Opaque; taken from `next` or `previous`."),
)
THE_ID = [OpenApiParameter("id", str, OpenApiParameter.PATH, description="An opaque id, or a source's slug.")]
FILTERS: dict[str, Any] = {"since": OpenApiTypes.DATETIME, "until": OpenApiTypes.DATETIME}
# Named once, so that its shape is in the document; apps.api.openapi says where it is answered.
PROBLEM = OpenApiResponse(Problem, description="A problem document.")


def queries(*names: str) -> list[OpenApiParameter]:
    """The filters of a list, beside those of every list."""
    return [*PAGE, *(OpenApiParameter(name, FILTERS.get(name, str)) for name in names)]


def reads(shape: type[s.Serializer[Any]], *filters: str) -> dict[str, Any]:
    """What a resource that is only read says of itself."""
    return {
        "list": extend_schema(parameters=queries(*filters), responses={200: paged(shape), 400: PROBLEM}),
        "retrieve": extend_schema(parameters=THE_ID, responses={200: shape}),
    }


def crud(shape: type[s.Serializer[Any]], *filters: str) -> dict[str, Any]:
    """What a resource that is made, changed and deleted says of itself."""
    return {
        **reads(shape, *filters),
        "create": extend_schema(request=shape, responses={201: shape}),
        "update": extend_schema(parameters=THE_ID, request=shape, responses={200: shape}),
        "partial_update": extend_schema(parameters=THE_ID, request=shape, responses={200: shape}),
        "destroy": extend_schema(parameters=THE_ID, responses={204: None}),
    }


def call(
    answer: type[s.Serializer[Any]],
    body: type[s.Serializer[Any]] | None = None,
    status: int = 202,
    *,
    with_id: bool = True,
) -> Callable[[F], F]:
    """What an action says of itself."""
    where = THE_ID if with_id else []
    found: Callable[[F], F] = extend_schema(parameters=where, request=body, responses={status: answer})
    return found


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[misc]
    """How `apps.api.auth.BearerToken` is named in the document."""

    target_class = "apps.api.auth.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


__all__ = ["call", "crud", "extend_schema_view", "paged", "reads"]
