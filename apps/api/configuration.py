"""Channels, webhook URLs, connectors and subscriptions: made, changed and deleted."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from apps.api import documents, etiquette, shapes
from apps.api.pages import page
from apps.api.values import flag, needs, number, same, text
from apps.api.views import OPERATOR, body_of, by, find, remove
from apps.channels import services as channels
from apps.channels.models import Channel, Team, WebhookURL
from apps.commands import services as commands
from apps.commands.models import CommandEndpoint
from apps.connectors import accounts, hooks, matching, options, rotation
from apps.connectors import services as connectors
from apps.connectors.models import Account, ActionPolicy, Connector, Subscription
from apps.core import audit
from apps.core.errors import ConfigurationError, Conflict, NotFound
from apps.deliveries import holding
from apps.deliveries import services as deliveries
from apps.inbound import services as inbound
from apps.sources import registry


def team_of(name: str) -> Team:
    """The team of that id or name, made when there is none."""
    return Team.objects.filter(public_id=name).first() or Team.objects.get_or_create(name=name)[0]


@extend_schema_view(**documents.crud(documents.ChannelShape))
class ChannelViews(ViewSet):
    """Channels."""

    def rows(self) -> QuerySet[Channel]:
        return Channel.objects.select_related("team").prefetch_related("webhook_urls__channel")

    def list(self, request: Request) -> Response:
        return page(request, self.rows(), shapes.channel)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shapes.channel(find(self.rows(), pk, "channel")))

    def create(self, request: Request) -> Response:
        body = body_of(request)
        name = text(body, "name")
        team_name = text(body, "team") if body.get("team") not in (None, "") else "Default"
        try:
            with transaction.atomic():
                row = Channel(team=team_of(team_name), name=name)
                row.paused = flag(body, "paused") if "paused" in body else False
                etiquette.change(row, body)
                row.save()
        except IntegrityError as error:
            raise Conflict("name_taken", "The team has a channel of this name already.") from error
        return Response(shapes.channel(find(self.rows(), row.public_id, "channel")), status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        row, body = find(self.rows(), pk, "channel"), body_of(request)
        if "name" in body:
            row.name = text(body, "name")
        if "paused" in body:
            row.paused = flag(body, "paused")
        etiquette.change(row, body)
        try:
            with transaction.atomic():
                if "team" in body:
                    row.team = team_of(text(body, "team"))
                row.save()
        except IntegrityError as error:
            raise Conflict("name_taken", "The team has a channel of this name already.") from error
        if "muted_until" in body:
            holding.mute(row, etiquette.mute_end(body), timezone.now())
        return Response(shapes.channel(row))

    def update(self, request: Request, pk: str) -> Response:
        needs(body_of(request), "name")
        return self.partial_update(request, pk)

    def destroy(self, request: Request, pk: str) -> Response:
        return remove(find(self.rows(), pk, "channel"))


@extend_schema_view(
    **documents.crud(documents.WebhookURLShape, "channel"),
    test=documents.call(documents.Made),
    rotate_secret=documents.call(documents.WebhookURLShape, None, 200),
)
class WebhookURLViews(ViewSet):
    """Webhook URLs."""

    roles = {"test": OPERATOR}

    def rows(self) -> QuerySet[WebhookURL]:
        return WebhookURL.objects.select_related("channel")

    def list(self, request: Request) -> Response:
        return page(request, by(self.rows(), request, channel="channel__public_id"), shapes.webhook_url)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shapes.webhook_url(find(self.rows(), pk, "webhook URL")))

    def create(self, request: Request) -> Response:
        body = body_of(request)
        channel = find(Channel.objects.all(), body.get("channel"), "channel")
        priority = number(body, "priority", 1000) if body.get("priority") is not None else None
        kind = text(body, "kind") if body.get("kind") else "workflow"
        row = channels.add_url(channel, body.get("url"), priority, kind, etiquette.limits(body))
        shown = {"secret": row.secret} if row.secret else {}  # of an endpoint, this one time
        return Response({**shapes.webhook_url(row), **shown}, status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        row, body = find(self.rows(), pk, "webhook URL"), body_of(request)
        same(body, "kind", row.kind)
        if "channel" in body:
            row.channel = find(Channel.objects.all(), body["channel"], "channel")
        if "url" in body:
            channels.set_url(row, body["url"])
        if "priority" in body:
            row.priority = number(body, "priority", 1000)
        for name, value in etiquette.limits(body).items():
            setattr(row, name, value)
        row.save()
        return Response(shapes.webhook_url(row))

    def update(self, request: Request, pk: str) -> Response:
        needs(body_of(request), "channel")
        return self.partial_update(request, pk)

    def destroy(self, request: Request, pk: str) -> Response:
        return remove(find(self.rows(), pk, "webhook URL"))

    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        url = find(self.rows(), pk, "webhook URL")
        row = deliveries.send_test(url.channel, via=url)
        audit.did(url, "Send a test card")
        return Response({"delivery": row.public_id}, status=202)

    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        row = find(self.rows(), pk, "webhook URL")
        shown = channels.rotate_endpoint_secret(row)
        return Response({**shapes.webhook_url(row), "secret": shown})


@extend_schema_view(
    **documents.crud(documents.ConnectorShape, "source"),
    test=documents.call(documents.Made, documents.TestCall),
    rotate_secret=documents.call(documents.ConnectorShape, None, 200),
    rotate_secrets=documents.call(documents.RotationShape, documents.RotationCall, 200, with_id=False),
)
class ConnectorViews(ViewSet):
    """Connectors."""

    roles = {"test": OPERATOR}

    def rows(self) -> QuerySet[Connector]:
        return Connector.objects.select_related("account")

    def list(self, request: Request) -> Response:
        return page(request, by(self.rows(), request, source="source"), shapes.connector)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shapes.connector(find(self.rows(), pk, "connector")))

    @transaction.atomic  # all of it or nothing
    def create(self, request: Request) -> Response:
        body = body_of(request)
        secret = body.get("secret") or ""
        if not isinstance(secret, str):
            raise ConfigurationError("invalid", "“secret” must be a text.")
        row, shown = connectors.create_connector(
            name=text(body, "name"),
            source=text(body, "source"),
            scheme=text(body, "scheme") if body.get("scheme") else "",
            option_values=body.get("options"),
            secret=secret,
        )
        if "paused" in body and flag(body, "paused"):
            connectors.pause(row)
        _acting(row, body)
        return Response({**shapes.connector(row), "secret": shown}, status=201)

    @transaction.atomic
    def partial_update(self, request: Request, pk: str) -> Response:
        row, body = find(self.rows(), pk, "connector"), body_of(request)
        same(body, "source", row.source)
        if "name" in body:
            row.name = text(body, "name")
        if "options" in body:
            row.options = options.clean(row.source_object(), body["options"])
        if "scheme" in body:
            row.scheme = connectors.scheme_for(row.source_object(), text(body, "scheme")).key
        if "paused" in body:
            row.paused = flag(body, "paused")
        row.save()
        _acting(row, body)
        if body.get("secret"):
            connectors.rotate_secret(row, secret=text(body, "secret", connectors.MAX_SECRET))
        return Response(shapes.connector(row))

    def update(self, request: Request, pk: str) -> Response:
        needs(body_of(request), "name", "source")
        return self.partial_update(request, pk)

    def destroy(self, request: Request, pk: str) -> Response:
        return remove(find(self.rows(), pk, "connector"))

    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        row, event = find(self.rows(), pk, "connector"), body_of(request).get("event") or ""
        if not isinstance(event, str):
            raise ConfigurationError("invalid", "“event” must be the name of an event or a sample.")
        sent = inbound.run_sample(row, event)
        audit.did(row, "Send a sample")
        return Response({"request": sent.public_id}, status=202)

    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        row = find(self.rows(), pk, "connector")
        shown = connectors.rotate_secret(row)
        # Both sides at once, where the hook is ours; what could not be given shows as drift.
        hooks.give_secret(row)
        return Response({**shapes.connector(row), "secret": shown})

    @action(detail=False, methods=["post"], url_path="rotate-secrets")
    def rotate_secrets(self, request: Request) -> Response:
        body = body_of(request)
        slug, chosen = registry.get(text(body, "source")).slug, body.get("connectors")
        if chosen is not None and not (
            isinstance(chosen, list) and all(isinstance(each, str) for each in chosen)
        ):
            raise ConfigurationError("invalid", "“connectors” is a list of connectors' ids.")
        rows = list(rotation.of_source(slug))
        if chosen is not None:
            unknown = set(chosen) - {row.public_id for row in rows}
            if unknown:
                raise NotFound(
                    "unknown_connector", f"{slug} has no connector {', '.join(sorted(unknown)[:5])}."
                )
            rows = [row for row in rows if row.public_id in chosen]
        return Response(shapes.rotation(rotation.rotate(rows)))


def _acting(row: Connector, body: dict[str, Any]) -> None:
    """Set who acts for the connector, and who may let it act. Raises ConfigurationError."""
    if "account" in body:
        given = body["account"]
        accounts.attach(row, find(Account.objects.all(), given, "account") if given else None)
    if "action_policy" in body:
        policy = text(body, "action_policy")
        if policy not in ActionPolicy.values:
            raise ConfigurationError(
                "invalid", f"“action_policy” is one of {', '.join(ActionPolicy.values)}."
            )
        row.action_policy = policy
        row.save(update_fields=["action_policy"])


@extend_schema_view(**documents.crud(documents.SubscriptionShape, "connector", "channel"))
class SubscriptionViews(ViewSet):
    """Subscriptions."""

    def rows(self) -> QuerySet[Subscription]:
        return Subscription.objects.select_related("connector", "channel")

    def list(self, request: Request) -> Response:
        rows = by(self.rows(), request, connector="connector__public_id", channel="channel__public_id")
        return page(request, rows, shapes.subscription)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shapes.subscription(find(self.rows(), pk, "subscription")))

    @transaction.atomic
    def create(self, request: Request) -> Response:
        body = body_of(request)
        until = etiquette.mute_end(body)  # before anything is made
        row = connectors.subscribe(
            find(Connector.objects.all(), body.get("connector"), "connector"),
            find(Channel.objects.all(), body.get("channel"), "channel"),
            events=body.get("events"),
            filters=body.get("filters"),
            enabled=flag(body, "enabled") if "enabled" in body else True,
        )
        if body.get("muted_until") is not None:
            connectors.mute(row, until)
        return Response(shapes.subscription(row), status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        row, body = find(self.rows(), pk, "subscription"), body_of(request)
        if "connector" in body:
            row.connector = find(Connector.objects.all(), body["connector"], "connector")
        if "channel" in body:
            row.channel = find(Channel.objects.all(), body["channel"], "channel")
        if "events" in body or "connector" in body:  # another source may not know the events
            row.events = connectors.clean_events(row.connector, body.get("events", row.events))
        if "filters" in body:
            row.filters = matching.clean_filters(body["filters"])
        if "enabled" in body:
            row.enabled = flag(body, "enabled")
        if "muted_until" in body:
            row.muted_until = etiquette.mute_end(body)
        row.save()
        return Response(shapes.subscription(row))

    def update(self, request: Request, pk: str) -> Response:
        needs(body_of(request), "connector", "channel")
        return self.partial_update(request, pk)

    def destroy(self, request: Request, pk: str) -> Response:
        return remove(find(self.rows(), pk, "subscription"))


@extend_schema_view(**documents.crud(documents.CommandEndpointShape))
class CommandEndpointViews(ViewSet):
    """Teams outgoing webhooks that may ask."""

    def rows(self) -> QuerySet[CommandEndpoint]:
        return CommandEndpoint.objects.select_related("team", "channel")

    def list(self, request: Request) -> Response:
        return page(request, self.rows(), shapes.command_endpoint)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shapes.command_endpoint(find(self.rows(), pk, "command endpoint")))

    @transaction.atomic
    def create(self, request: Request) -> Response:
        body = body_of(request)
        name, token = text(body, "name"), body.get("token") or ""
        if token:
            commands.check_token(token)
        # All of it before a team is made for nothing.
        paused = flag(body, "paused") if "paused" in body else False
        channel = find(Channel.objects.all(), body["channel"], "channel") if body.get("channel") else None
        row = commands.create_endpoint(name, team_of(text(body, "team")), token)
        row.channel, row.paused = channel, paused
        row.save(update_fields=["channel", "paused"])
        return Response(shapes.command_endpoint(row), status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        row, body = find(self.rows(), pk, "command endpoint"), body_of(request)
        if "name" in body:
            row.name = text(body, "name")
        if "team" in body:
            row.team = team_of(text(body, "team"))
        if "channel" in body:
            row.channel = find(Channel.objects.all(), body["channel"], "channel") if body["channel"] else None
        if "token" in body:
            row.token = commands.check_token(body["token"])
        if "paused" in body:
            row.paused = flag(body, "paused")
        row.save()
        return Response(shapes.command_endpoint(row))

    def update(self, request: Request, pk: str) -> Response:
        needs(body_of(request), "name", "team")
        return self.partial_update(request, pk)

    def destroy(self, request: Request, pk: str) -> Response:
        return remove(find(self.rows(), pk, "command endpoint"))
