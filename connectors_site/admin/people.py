"""People, groups, API tokens and background tasks."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django_q.models import Failure, OrmQ, Schedule, Success

from apps.api.models import ApiToken
from apps.core import roles
from apps.core.admin import (
    AdminPasswordChangeForm,
    ConfigAdmin,
    ReadOnlyAdmin,
    RolesMixin,
    UserChangeForm,
    UserCreationForm,
)
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


@admin.register(User)
class UserAdmin(AdminsOnly, StockUserAdmin, ConfigAdmin):  # type: ignore[type-arg,misc]
    """People who sign in. Their role is the group they are in."""

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
                "description": "viewer sees, operator also retries, replays and pauses, admin also configures.",
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

    @admin.display(description="Role")
    def role(self, row: User) -> str:
        return "superuser" if row.is_superuser else ", ".join(group.name for group in row.groups.all())


@admin.register(Group)
class GroupAdmin(AdminsOnly, StockGroupAdmin, ConfigAdmin):  # type: ignore[misc]
    """viewer, operator and admin are made by the product; others may be added."""


@admin.register(ApiToken)
class ApiTokenAdmin(AdminsOnly, ConfigAdmin):
    """Tokens for programs. A token is shown once, when it is made."""

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


@admin.register(LogEntry)
class HistoryAdmin(ReadOnlyAdmin):
    """Who changed what."""

    list_display = ("action_time", "user", "content_type", "object_repr", "shown_change")
    list_select_related = ("user", "content_type")
    list_filter = ("action_flag", "user")
    fields = ("action_time", "user", "content_type", "object_repr", "shown_change")
    readonly_fields = fields

    @admin.display(description="Change")
    def shown_change(self, row: LogEntry) -> str:
        return row.get_change_message() or row.get_action_flag_display()


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
