"""People, groups, API tokens and background tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django_q.models import Failure, OrmQ, Schedule, Success

from apps.api.models import ApiToken
from apps.core import audit, roles
from apps.core.admin import (
    AdminPasswordChangeForm,
    ConfigAdmin,
    ReadOnlyAdmin,
    RolesMixin,
    UnfoldAdminCheckboxSelectMultipleWidget,
    UserChangeForm,
    UserCreationForm,
)
from apps.core.models import AuditEntry
from apps.core.tokens import hash_token, new_api_token

for stock in (User, Group, Success, Failure, Schedule, OrmQ):
    if admin.site.is_registered(stock):
        admin.site.unregister(stock)


class AdminsOnly(RolesMixin):
    """People and tokens are seen by admins alone."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(roles.CONFIGURE)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(roles.CONFIGURE)


class Recorded:
    """Django's own rows know no audit history, so their pages write it."""

    followed: tuple[str, ...] = ()
    followed_secrets: tuple[str, ...] = ()
    model: type[Model]

    def _values(self, pk: object) -> dict[str, Any] | None:
        row = self.model._base_manager.filter(pk=pk).first()
        return audit.values_of(row, (*self.followed, *self.followed_secrets)) if row else None

    @contextmanager
    def _recording(self, pk: object) -> Iterator[None]:
        """Write down what the block changes."""
        with transaction.atomic():
            before = self._values(pk)
            yield
            after = self._values(pk)
            if before is not None and after is not None and before != after:
                found = audit.changes(before, after, self.followed_secrets)
                audit.record(self.model._base_manager.get(pk=pk), AuditEntry.Action.CHANGED, found)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        key = int(object_id) if object_id.isdecimal() and len(object_id) < 19 else None
        if request.method != "POST":
            return super().change_view(request, object_id, *args, **kwargs)  # type: ignore[misc]
        with self._recording(key):
            return super().change_view(request, object_id, *args, **kwargs)  # type: ignore[misc]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        if not change:
            new = self._values(form.instance.pk) or {}
            found = audit.changes({}, new, self.followed_secrets)
            audit.record(form.instance, AuditEntry.Action.CREATED, found)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        with transaction.atomic():
            old = self._values(obj.pk) or {}
            audit.record(obj, AuditEntry.Action.DELETED, audit.changes(old, {}, self.followed_secrets))
            obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            self.delete_model(request, row)


@admin.register(User)
class UserAdmin(Recorded, AdminsOnly, StockUserAdmin, ConfigAdmin):  # type: ignore[type-arg,misc]
    """People who sign in. Their role is the group they are in."""

    followed = ("username", "first_name", "last_name", "email", "is_active", "is_superuser", "groups")
    followed_secrets = ("password",)

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "role", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "Role",
            {
                "fields": ("is_active", "groups", "is_superuser"),
                "description": "A viewer sees all but people and tokens. An operator also retries, replays, pauses and "
                "sends tests. An admin also configures.",
            },
        ),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "usable_password", "password1", "password2", "groups"),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The roles as boxes to tick, in words of ours."""
        if db_field.name != "groups":
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        return forms.ModelMultipleChoiceField(
            label="Role", required=False, queryset=Group.objects.order_by("pk"),
            widget=UnfoldAdminCheckboxSelectMultipleWidget(),
            help_text="Whoever has no role can sign in and sees nothing.",
        )  # fmt: skip

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002
        with self._recording(int(id) if id.isdecimal() and len(id) < 19 else None):
            return super().user_change_password(request, id, form_url)

    @admin.display(description="Role")
    def role(self, row: User) -> str:
        return "superuser" if row.is_superuser else ", ".join(group.name for group in row.groups.all())


@admin.register(Group)
class GroupAdmin(Recorded, AdminsOnly, StockGroupAdmin, ConfigAdmin):  # type: ignore[misc]
    """viewer, operator and admin are made by the product; others may be added."""

    followed = ("name", "permissions")
    filter_horizontal = ()

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "permissions":
            # The pages ask for these three alone.
            own = Permission.objects.filter(content_type__app_label="core", codename__in=roles.ROLES["admin"])
            return forms.ModelMultipleChoiceField(own, required=False, widget=forms.CheckboxSelectMultiple)
        return field


@admin.register(ApiToken)
class ApiTokenAdmin(AdminsOnly, ConfigAdmin):
    """Tokens for programs. A token is shown once, when it is made."""

    empty_words = "A token lets a program use the REST API with the role you give it."
    list_display = ("name", "role", "created_at", "last_used_at")
    list_filter = ("role",)
    fields = ("name", "role", "created_at", "last_used_at")
    readonly_fields = ("created_at", "last_used_at")

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        token = new_api_token()
        obj.hashed = hash_token(token)
        super().save_model(request, obj, form, change)
        messages.warning(request, f"Copy the token now, it is shown only once: {token}")


@admin.register(Schedule)
class ScheduleAdmin(AdminsOnly, ReadOnlyAdmin):
    """What the cluster does by the clock."""

    list_display = ("name", "func", "schedule_type", "next_run", "last_run_at")

    @admin.display(description="Last run")
    def last_run_at(self, row: Any) -> str:
        return str(row.last_run() or "")


@admin.register(Failure)
class FailureAdmin(AdminsOnly, ReadOnlyAdmin):
    """Background tasks that broke off. The rows are the truth, so nothing is lost by them."""

    list_display = ("name", "func", "started", "stopped", "attempt_count")
    search_fields = ("name", "func")


@admin.register(OrmQ)
class QueueAdmin(AdminsOnly, ReadOnlyAdmin):
    """Nudges waiting in the database broker."""

    list_display = ("key", "lock")
