"""The audit history for programs: read by admins alone, changed by nobody."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_view
from rest_framework import serializers as s
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from apps.api import documents, values
from apps.api.models import ApiToken
from apps.api.pages import page
from apps.api.views import find
from apps.core import audit
from apps.core.models import AuditEntry


class ActorShape(s.Serializer[Any]):
    kind = s.ChoiceField(choices=AuditEntry.ActorKind.values)
    id = s.CharField(help_text="Of the person, the token or the Teams user; empty for the system.")
    name = s.CharField()


class ObjectShape(s.Serializer[Any]):
    kind = s.CharField(help_text="Such as channel, webhookurl, connector, secret, subscription, user.")
    id = s.CharField()
    name = s.CharField()


class AuditChangeShape(s.Serializer[Any]):
    field = s.CharField()
    old = s.JSONField(allow_null=True)
    new = s.JSONField(allow_null=True, help_text="Of a secret or a URL: set, changed or removed.")


class AuditShape(s.Serializer[Any]):
    id = s.CharField()
    at = s.DateTimeField()
    actor = ActorShape()
    action = s.ChoiceField(choices=AuditEntry.Action.values)
    words = s.CharField(help_text="What was done, when it is no change of a field.")
    object = ObjectShape()
    changes = AuditChangeShape(many=True)


def shape(row: AuditEntry) -> dict[str, Any]:
    """How an entry looks to a program."""
    return {
        "id": row.public_id,
        "at": row.created_at,
        "actor": {"kind": row.actor_kind, "id": row.actor_id, "name": row.actor_name},
        "action": row.action,
        "words": row.words,
        "object": {"kind": row.object_kind, "id": row.object_id, "name": row.object_name},
        "changes": row.changes,
    }


class AdminOnly(BasePermission):
    """The history tells of people and tokens too, so viewers do not read it."""

    message = "The history is read by admins. Use a token with the role admin."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, ApiToken) and request.auth.role == ApiToken.Role.ADMIN


@extend_schema_view(
    **documents.reads(AuditShape, "kind", "object", "actor", "action", "since", "until"),
)
class AuditViews(ViewSet):
    """Who changed what. `object` is an id; its history holds that of its parts. `actor` is a name."""

    permission_classes = [AdminOnly]

    def list(self, request: Request) -> Response:
        query = request.query_params
        rows = audit.entries(
            kind=values.query(query, "kind"),
            object_id=values.query(query, "object"),
            actor_name=values.query(query, "actor"),
            action=values.query(query, "action", AuditEntry.Action.values),
            since=values.moment(query, "since"),
            until=values.moment(query, "until"),
        )
        return page(request, rows, shape)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shape(find(AuditEntry.objects.all(), pk, "entry")))
