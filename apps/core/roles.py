"""Who may do what: viewers look, operators run (retry, replay, pause, test), admins configure.

Each role is a group of that name with the permissions below; a superuser may do everything.
"""

from __future__ import annotations

from typing import Any

SEE, OPERATE, CONFIGURE = "core.see", "core.operate", "core.configure"
ROLES = {
    "viewer": ("see",),
    "operator": ("see", "operate"),
    "admin": ("see", "operate", "configure"),
}


def sync_groups(**kwargs: Any) -> None:
    """Make the three groups and give them their permissions; what an operator added stays."""
    from django.contrib.auth.models import Group, Permission

    known = {each.codename: each for each in Permission.objects.filter(content_type__app_label="core")}
    for role, names in ROLES.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.add(*(known[name] for name in names if name in known))
