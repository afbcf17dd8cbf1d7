"""The theme seam: the only module that imports the admin theme.

Pages follow the roles of `apps.core.roles`. What changes something outside a form is a `Button`: a POST
with a CSRF token and a permission, never a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin as ThemeModelAdmin
from unfold.admin import StackedInline as ThemeStackedInline
from unfold.admin import TabularInline as ThemeTabularInline
from unfold.decorators import display as theme_display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.sites import UnfoldAdminSite as ThemeSite
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.core import audit, roles
from apps.core.errors import AppError

COUNT_CAP = 10_000
# Colours of the state words in lists.
STATES = {
    "ok": "success", "accepted": "success", "matched": "success", "processed": "success",
    "waiting": "info", "running": "info", "done": "success", "pending": "info", "received": "info", "unmatched": "info",
    "degraded": "warning", "paused": "warning", "cancelled": "warning", "duplicate": "warning",
    "failing": "danger", "failed": "danger", "malformed": "danger", "broken": "danger", "unsupported": "warning",
    "needs_person": "danger", "off": "warning", "untested": "info", "limited": "warning", "refused": "danger",
    "needs a person": "danger", "unreachable": "warning", "drifted": "warning", "gone": "danger", "unknown": "warning",
}  # fmt: skip


F = TypeVar("F", bound=Callable[..., Any])


def display(
    *, description: str, label: Mapping[str, str] | None = None, ordering: str | None = None
) -> Callable[[F], F]:
    """A column or field that is worked out. label: values and their colours, for a pill."""

    def mark(function: F) -> F:
        made: F = theme_display(description=description, label=label, ordering=ordering)(function)
        return made

    return mark


def copied(value: str) -> SafeString:
    """A value that people carry elsewhere, with a button that copies it."""
    return format_html(
        '<span class="tc-copy tc-copy-inline"><code class="tc-copy-value">{}</code><button type="button" '
        'class="tc-button" data-copy="{}" aria-label="Copy">Copy</button></span>',
        value, value,
    )  # fmt: skip


def breakable(name: str) -> SafeString:
    """A technical name that a narrow column breaks at its dots and underscores, not in the middle of a word."""
    return format_html_join("", "{}<wbr>", ((part,) for part in re.split(r"(?<=[._])", name)))


class TimeInput(forms.TimeInput):
    """A time of day, with the browser's own way to choose one."""

    input_type = "time"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs=UnfoldAdminTextInputWidget(attrs).attrs, format="%H:%M")


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than a person would page, so that a list of a million rows opens at once."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNT_CAP].count())


@dataclass(frozen=True, slots=True)
class Button:
    """Something that the page of a row offers to do. The admin's method `do_<name>(request, row)` does it.

    The method returns the words that say what happened, or a response of its own; an AppError is shown.
    confirm: the question that is asked before; "" when it hurts nobody.
    shown: whether the row, as it is, can have it done.
    """

    name: str
    label: str
    permission: str = roles.OPERATE
    confirm: str = ""
    icon: str = "play_arrow"
    shown: Callable[[Any], bool] = lambda row: True


class RolesMixin:
    """Permissions by role, whatever the model: looking needs `see`, changing needs `configure`."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(roles.SEE)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(roles.SEE)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(roles.CONFIGURE)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(roles.CONFIGURE)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(roles.CONFIGURE)


class HistoryMixin:
    """The audit history takes the place of the log that Django keeps: rows and services write it themselves."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        """Nothing: the row has written it down."""

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:
        """Nothing, as above."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """Nothing, as above."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The row's own part of the history."""
        row = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if row is None:
            raise Http404
        query = urlencode({"kind": audit.kind_of(row), "object": audit.id_of(row)})
        return redirect(f"{reverse('admin:audit')}?{query}")


class ButtonsMixin(HistoryMixin):
    """Buttons on the page of a row."""

    buttons: tuple[Button, ...] = ()
    change_form_template = "admin/with_buttons.html"
    # What an empty list says: why there is nothing yet, and what to do next.
    empty_words: str = ""
    model: type[Model]
    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.model._meta.app_label}_{self.model._meta.model_name}_do"
        own = path(
            "<path:object_id>/do/<slug:button>/", self.admin_site.admin_view(self.button_view), name=name
        )
        found: list[URLPattern] = super().get_urls()  # type: ignore[misc]
        return [own, *found]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> Any:
        row = kwargs.get("obj")
        context["health"] = self.health_of(row) if row is not None else None
        context["buttons"] = [
            each
            for each in self.buttons
            if row is not None and request.user.has_perm(each.permission) and each.shown(row)
        ]
        return super().render_change_form(request, context, **kwargs)  # type: ignore[misc]

    def health_of(self, row: Any) -> tuple[str, str] | None:
        """How the row is, in a word, and why; shown at the top of its page. None: nothing to say."""
        return None

    def button_view(self, request: HttpRequest, object_id: str, button: str) -> HttpResponseBase:
        """Do what a button says. Only by POST."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        chosen = next((each for each in self.buttons if each.name == button), None)
        row = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if chosen is None or row is None:
            raise Http404
        if not request.user.has_perm(chosen.permission):
            raise PermissionDenied
        known = audit.values_of(row, getattr(row, "audited", ()))
        try:
            done: str | HttpResponse = getattr(self, f"do_{chosen.name}")(request, row)
        except AppError as error:
            messages.error(request, error.public_message)
        else:
            if chosen.permission != roles.SEE and known == audit.values_of(row, getattr(row, "audited", ())):
                audit.did(row, chosen.label)
            if isinstance(done, HttpResponseBase):
                return done
            messages.success(request, done)
        page = f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_change"
        return redirect(reverse(page, args=[row.pk]))


class ConfigAdmin(RolesMixin, ButtonsMixin, ThemeModelAdmin):  # type: ignore[misc]
    """Rows that an admin makes and edits."""

    show_facets = ShowFacets.NEVER
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    warn_unsaved_form = True


class ReadOnlyMixin(RolesMixin):
    """Rows that people look at and never edit."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnlyMixin, ButtonsMixin, ThemeModelAdmin):  # type: ignore[misc]
    """A list and a page for looking things up."""

    show_facets = ShowFacets.NEVER  # they would count every value in the whole table
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    actions: Any = None


class ReadOnlyInline(ReadOnlyMixin, ThemeTabularInline):  # type: ignore[misc]
    """Rows shown below another one."""

    extra = 0
    can_delete = False


class ConfigInline(RolesMixin, ThemeStackedInline):  # type: ignore[misc]
    """Rows edited below another one."""

    extra = 0


__all__ = [
    "STATES",
    "AdminPasswordChangeForm",
    "Button",
    "CappedPaginator",
    "ConfigAdmin",
    "ConfigInline",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "RolesMixin",
    "ThemeSite",
    "TimeInput",
    "UnfoldAdminCheckboxSelectMultipleWidget",
    "UnfoldAdminSelectWidget",
    "UnfoldAdminSplitDateTimeWidget",
    "UnfoldAdminTextInputWidget",
    "UnfoldAdminTextareaWidget",
    "UnfoldBooleanSwitchWidget",
    "UserChangeForm",
    "UserCreationForm",
    "copied",
    "display",
]
