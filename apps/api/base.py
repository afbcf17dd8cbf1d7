"""What all views of the API share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.db.models import Model
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from apps.api import problems
from apps.api.auth import BearerAuthentication, HasRole, TokenThrottle
from apps.api.paging import KeyPaging
from apps.api.wire import AlwaysJSON, SafeJSON, StrictJSON

M = TypeVar("M", bound=Model)
ID = r"[0-9A-Za-z_-]{1,64}"


class Common(APIView):
    """Authentication, roles, limits, JSON and problem documents, whatever the settings say."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = (HasRole,)
    throttle_classes = (TokenThrottle,)
    parser_classes = (StrictJSON,)
    renderer_classes = (SafeJSON,)
    content_negotiation_class = AlwaysJSON
    metadata_class = None
    viewer_actions: ClassVar[tuple[str, ...]] = ()
    operator_actions: ClassVar[tuple[str, ...]] = ()

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        """Ours."""
        return problems.handle


class PlainViews(ViewSetMixin, Common):
    """A resource that is no table."""


class Resource(Common, GenericViewSet[M]):
    """A resource that is a table, known by public ids."""

    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_regex = ID
    pagination_class = KeyPaging


class Nothing(Common):
    """Every path of the API that does not exist."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    schema = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """404 for every method."""
        self.args, self.kwargs = args, kwargs
        self.headers = self.default_response_headers
        self.request = self.initialize_request(request, *args, **kwargs)
        self.format_kwarg = None
        self.request.accepted_renderer = SafeJSON()
        self.request.accepted_media_type = SafeJSON.media_type
        return self.finalize_response(self.request, self.handle_exception(NotFound()), *args, **kwargs)


class PublicIdField(serializers.SlugRelatedField[M]):
    """Another row, by its public id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="public_id", **kwargs)
        self.error_messages["does_not_exist"] = "There is none with this id."
        self.error_messages["invalid"] = "An id is a text."

    def to_internal_value(self, data: Any) -> M:
        """The row. Ids are texts and nothing else."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


def empty_body(request: Request) -> dict[str, Any]:
    """The body of a call that needs none: {} or an object. Raises InputError for anything else."""
    data = request.data
    if not data:
        return {}
    if not isinstance(data, dict):
        raise problems.InputError("invalid", "The body is a JSON object, or empty.")
    return data
