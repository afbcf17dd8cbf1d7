"""Accounts, hooks at the sources, and what was done there, by REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_view
from rest_framework import serializers as s
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from apps.actions.models import ActionRun
from apps.api import documents
from apps.api.pages import page
from apps.api.values import query, text
from apps.api.views import OPERATOR, body_of, find, remove
from apps.connectors import accounts, hooks
from apps.connectors.models import Account, Connector, Hook
from apps.core import audit
from apps.core.errors import ConfigurationError
from apps.inbound import repair

ID: dict[str, Any] = {"help_text": "An opaque id."}


class AccountShape(s.Serializer[Any]):
    id = s.CharField(read_only=True, **ID)
    name = s.CharField()
    source = s.CharField(help_text="A source's slug.")  # type: ignore[assignment]
    kind = s.CharField(required=False, help_text="How it signs in; left out: the source's first way.")
    api_url = s.CharField(
        required=False, help_text="Of a server of your own; left out: the vendor's service."
    )
    fields = s.DictField(  # type: ignore[assignment]
        help_text="What the sign-in asks for. Secrets are stored encrypted and answered as “set”."
    )
    state = s.ChoiceField(choices=[each.value for each in Account.State], read_only=True)
    who = s.CharField(read_only=True, help_text="Whom the product knows it as.")
    may = s.ListField(child=s.CharField(), read_only=True)
    lacks = s.ListField(child=s.CharField(), read_only=True)
    message = s.CharField(read_only=True)
    tested_at = s.DateTimeField(read_only=True, allow_null=True)
    expires_at = s.DateTimeField(read_only=True, allow_null=True)


class DifferenceShape(s.Serializer[Any]):
    what = s.CharField()
    ours = s.CharField()
    theirs = s.CharField()


class HookShape(s.Serializer[Any]):
    id = s.CharField(read_only=True, **ID)
    connector = s.CharField(**ID)
    place = s.DictField(help_text="Where it stands; what is asked for depends on the source.")
    state = s.ChoiceField(choices=[each.value for each in Hook.State], read_only=True)
    message = s.CharField(read_only=True)
    drift = DifferenceShape(many=True, read_only=True)
    page = s.CharField(read_only=True)
    checked_at = s.DateTimeField(read_only=True, allow_null=True)
    expires_at = s.DateTimeField(read_only=True, allow_null=True)


class RepairShape(s.Serializer[Any]):
    found = s.IntegerField()
    stored = s.IntegerField()


class ActionRunShape(s.Serializer[Any]):
    id = s.CharField(**ID)
    connector = s.CharField(**ID)
    action = s.CharField()
    params = s.DictField()
    who = s.CharField()
    via = s.ChoiceField(choices=["card", "chat"])
    status = s.ChoiceField(choices=["pending", "running", "done", "failed", "unknown"])
    outcome = s.CharField()
    url = s.CharField()
    created_at = s.DateTimeField()
    finished_at = s.DateTimeField(allow_null=True)


def account(row: Account) -> dict[str, Any]:
    """An account; of its secrets only that they are set."""
    return {
        "id": row.public_id, "name": row.name, "source": row.source, "kind": row.kind, "api_url": row.api_url,
        "fields": accounts.public_fields(row), "state": row.state, "who": row.who, "may": row.may, "lacks": row.lacks,
        "message": row.message, "tested_at": row.tested_at, "expires_at": row.expires_at,
    }  # fmt: skip


def hook(row: Hook) -> dict[str, Any]:
    """A hook at a source and how it differs from what it should be."""
    return {
        "id": row.public_id, "connector": row.connector.public_id, "place": row.place, "state": row.state,
        "message": row.message, "drift": row.drift, "page": row.page, "checked_at": row.checked_at,
        "expires_at": row.expires_at,
    }  # fmt: skip


def action_run(row: ActionRun) -> dict[str, Any]:
    """One use of an action; what people wrote is not shown."""
    return {
        "id": row.public_id, "connector": row.connector.public_id, "action": row.action, "params": row.params,
        "who": row.who, "via": row.via, "status": row.status, "outcome": row.outcome, "url": row.url,
        "created_at": row.created_at, "finished_at": row.finished_at,
    }  # fmt: skip


def _optional(body: dict[str, Any], key: str) -> str:
    value = body.get(key) or ""
    if not isinstance(value, str) or len(value) > 500:
        raise ConfigurationError("invalid", f"“{key}” must be a text of at most 500 characters.")
    return value


@extend_schema_view(**documents.crud(AccountShape), test=documents.call(AccountShape, None, 200))
class AccountViews(ViewSet):
    """Credentials for sources' APIs."""

    roles = {"test": OPERATOR}

    def rows(self) -> QuerySet[Account]:
        return Account.objects.all()

    def list(self, request: Request) -> Response:
        return page(request, self.rows(), account)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(account(find(self.rows(), pk, "account")))

    def create(self, request: Request) -> Response:
        body = body_of(request)
        row = accounts.save(
            name=text(body, "name"), source=text(body, "source"), kind=_optional(body, "kind"),
            api_url=_optional(body, "api_url"), values=body.get("fields"),
        )  # fmt: skip
        return Response(account(row), status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        row, body = find(self.rows(), pk, "account"), body_of(request)
        row = accounts.save(
            name=text(body, "name") if "name" in body else row.name,
            source=text(body, "source") if "source" in body else row.source,
            kind=_optional(body, "kind") or row.kind,
            api_url=_optional(body, "api_url") if "api_url" in body else row.api_url,
            values=body.get("fields"),
            row=row,
        )
        return Response(account(row))

    def update(self, request: Request, pk: str) -> Response:
        return self.partial_update(request, pk)

    def destroy(self, request: Request, pk: str) -> Response:
        row = find(self.rows(), pk, "account")
        accounts.forget(row)
        return remove(row)

    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        return Response(account(accounts.test(find(self.rows(), pk, "account"))))


@extend_schema_view(
    **{key: value for key, value in documents.crud(HookShape, "connector").items() if "update" not in key},
    check=documents.call(HookShape, None, 200),
    mend=documents.call(HookShape, None, 200),
    repair=documents.call(RepairShape, None, 200),
)
class HookViews(ViewSet):
    """Hooks at the sources: made, compared, mended, asked for what they missed, removed."""

    roles = {"check": OPERATOR, "repair": OPERATOR}

    def rows(self) -> QuerySet[Hook]:
        return Hook.objects.select_related("connector__account")

    def list(self, request: Request) -> Response:
        rows, wanted = self.rows(), query(request.query_params, "connector")
        return page(request, rows.filter(connector__public_id=wanted) if wanted else rows, hook)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(hook(find(self.rows(), pk, "hook")))

    def create(self, request: Request) -> Response:
        body = body_of(request)
        row = find(Connector.objects.select_related("account"), body.get("connector"), "connector")
        return Response(hook(hooks.make(row, body.get("place"))), status=201)

    def destroy(self, request: Request, pk: str) -> Response:
        hooks.remove(find(self.rows(), pk, "hook"))
        return Response(status=204)

    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        return Response(hook(hooks.check(find(self.rows(), pk, "hook"))))

    @action(detail=True, methods=["post"])
    def mend(self, request: Request, pk: str) -> Response:
        row = hooks.mend(find(self.rows(), pk, "hook"))
        audit.did(row, "Mend it")
        return Response(hook(row))

    @action(detail=True, methods=["post"])
    def repair(self, request: Request, pk: str) -> Response:
        row = find(self.rows(), pk, "hook")
        missed, changed = repair.repair(row), repair.read_changes(row)
        audit.did(row, "Fetch what was missed")
        return Response({"found": missed.found + changed.found, "stored": missed.stored + changed.stored})


@extend_schema_view(**documents.reads(ActionRunShape, "connector", "status"))
class ActionRunViews(ViewSet):
    """What people did in the sources."""

    def list(self, request: Request) -> Response:
        rows = ActionRun.objects.select_related("connector")
        if wanted := query(request.query_params, "connector"):
            rows = rows.filter(connector__public_id=wanted)
        if wanted := query(request.query_params, "status", ActionRun.Status.values):
            rows = rows.filter(status=wanted)
        return page(request, rows, action_run)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(action_run(find(ActionRun.objects.select_related("connector"), pk, "action run")))
