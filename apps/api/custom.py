"""Custom sources by REST: their documents are made, changed, exported and imported as they are."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_view
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from apps.api import documents
from apps.api.pages import page
from apps.api.views import body_of
from apps.connectors import custom
from apps.connectors.models import CustomSource


class CustomSourceShape(s.Serializer[Any]):
    slug = s.CharField(required=False, help_text="Made of the name when left out; it begins with “custom-”.")
    name = s.CharField(read_only=True)
    mapping = s.DictField(
        help_text="The document: verification, reading, events. See docs/custom-connectors.md."
    )
    trouble = s.CharField(
        read_only=True, help_text="Why a template failed on the latest real event that it did on."
    )
    trouble_at = s.DateTimeField(read_only=True, allow_null=True)
    updated_at = s.DateTimeField(read_only=True)


def shape(row: CustomSource) -> dict[str, Any]:
    """A custom source with its whole document."""
    return {
        "slug": row.slug, "name": row.name, "mapping": row.document, "trouble": row.trouble,
        "trouble_at": row.trouble_at, "updated_at": row.updated_at,
    }  # fmt: skip


@extend_schema_view(**documents.crud(CustomSourceShape))
class CustomSourceViews(ViewSet):
    """Sources without code."""

    lookup_value_regex = "[a-z0-9-]+"

    def rows(self) -> QuerySet[CustomSource]:
        return CustomSource.objects.order_by("-id")

    def list(self, request: Request) -> Response:
        return page(request, self.rows(), shape)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shape(custom.find(pk)))

    def create(self, request: Request) -> Response:
        body = body_of(request)
        slug = body.get("slug") or ""
        return Response(shape(custom.save(body.get("mapping"), slug=str(slug))), status=201)

    def update(self, request: Request, pk: str) -> Response:
        return Response(shape(custom.save(body_of(request).get("mapping"), row=custom.find(pk))))

    def partial_update(self, request: Request, pk: str) -> Response:
        return self.update(request, pk)

    def destroy(self, request: Request, pk: str) -> Response:
        custom.remove(custom.find(pk))
        return Response(status=204)
