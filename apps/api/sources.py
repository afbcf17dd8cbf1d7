"""`sources/`: what can be connected."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.base import PlainViews
from apps.api.problems import InputError
from apps.core.errors import NotFound
from apps.sources import registry
from apps.sources.source import Source


class SchemeShape(serializers.Serializer[Any]):
    """One way of verifying requests."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    secret_help = serializers.CharField()
    needs_secret = serializers.BooleanField()
    generates = serializers.BooleanField(help_text="Whether we make the secret; else the vendor shows it.")
    strength = serializers.ChoiceField(choices=["strong", "shared", "weak"])


class OptionShape(serializers.Serializer[Any]):
    """One setting of a connector."""

    key = serializers.CharField()
    kind = serializers.ChoiceField(choices=["text", "choice", "bool", "url", "list", "pattern"])
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()
    default = serializers.JSONField()  # type: ignore[assignment]
    choices = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    secret = serializers.BooleanField()
    required = serializers.BooleanField()  # type: ignore[assignment]


class EventShape(serializers.Serializer[Any]):
    """One entry of the catalogue."""

    name = serializers.CharField()
    group = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    default = serializers.BooleanField()  # type: ignore[assignment]


class SourceShape(serializers.Serializer[Any]):
    """A source."""

    slug = serializers.CharField()
    name = serializers.CharField()
    category = serializers.CharField()
    summary = serializers.CharField()
    docs_url = serializers.CharField()
    schemes = SchemeShape(many=True)
    options = OptionShape(many=True)
    events = EventShape(many=True)
    actions = serializers.ListField(child=serializers.DictField())


class SourceList(serializers.Serializer[Any]):
    """All of them on one page."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = SourceShape(many=True)


def describe(source: Source) -> dict[str, Any]:
    """The source as the API shows it."""
    return {
        "slug": source.slug,
        "name": source.name,
        "category": source.category,
        "summary": source.summary,
        "docs_url": source.docs_url,
        "schemes": [
            {
                "key": scheme.key,
                "label": scheme.label,
                "secret_help": scheme.secret_help,
                "needs_secret": scheme.needs_secret,
                "generates": scheme.generates,
                "strength": scheme.strength,
            }
            for scheme in source.schemes
        ],
        "options": [asdict(option) for option in source.options],
        "events": [
            {"name": spec.name, "group": spec.group, "label": spec.label, "default": spec.default}
            for spec in source.events
        ],
        "actions": [asdict(action) for action in source.actions],
    }


def named(slug: str) -> Source:
    """The source that a body names. Raises InputError, because the path itself is right."""
    try:
        return registry.get(slug)
    except NotFound as error:
        raise InputError(error.code, error.public_message, "source") from error


class SourcesView(PlainViews):
    """What can be connected, with its events, options and ways of verification."""

    lookup_field = "slug"
    lookup_value_regex = r"[0-9A-Za-z_-]{1,100}"

    @extend_schema(responses=SourceList)
    def list(self, request: Request) -> Response:
        """All sources, by name."""
        found = [describe(source) for source in registry.all_sources()]
        return Response({"count": len(found), "next": None, "previous": None, "results": found})

    @extend_schema(responses=SourceShape)
    def retrieve(self, request: Request, slug: str) -> Response:
        """One source."""
        return Response(describe(registry.get(slug)))
