"""The theme seam: the only module that imports the admin theme."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin as ThemeModelAdmin
from unfold.admin import TabularInline as ThemeTabularInline

COUNT_CAP = 10_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than a person would page, so that a list of a million rows opens at once."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNT_CAP].count())


class ReadOnlyMixin:
    """Rows that people look at and never edit."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnlyMixin, ThemeModelAdmin):  # type: ignore[misc]
    """A list and a page for looking things up."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    actions: Any = None


class ReadOnlyInline(ReadOnlyMixin, ThemeTabularInline):  # type: ignore[misc]
    """Rows shown below another one."""

    extra = 0
    can_delete = False
