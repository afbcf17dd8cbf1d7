"""Members, groups, projects, users, keys and tokens: group hooks and system hooks.

https://docs.gitlab.com/administration/system_hooks/
"""

from __future__ import annotations

from apps.sources.sdk import Actor, Context, Events, Fact, Link, Notification, RawEvent, Severity

from .common import container, first_line, is_bot, moment, sentence, site, tell

events = Events()
ORDINARY = Severity.INFO

# The last part of the name -> (what happened to {who}, the catalogue's label, colour)
MEMBERS = {
    "added": ("{who} joined {place}", "Member added", Severity.GOOD),
    "updated": ("{who}'s access to {place} changed", "Member's role or expiry changed", Severity.INFO),
    "removed": ("{who} left {place}", "Member removed", Severity.WARNING),
    "access_requested": ("{who} asks for access to {place}", "Access requested", Severity.INFO),
    "access_denied": ("{who}'s request for access to {place} ended", "Access request ended", Severity.NEUTRAL),
}  # fmt: skip


@events.many(
    {f"member.{key}": label for key, (_, label, _) in MEMBERS.items()},
    group="Members",
    default=["member.added", "member.removed", "member.access_requested"],
)
def member(event: RawEvent, ctx: Context) -> Notification:
    """Somebody's place in a group or project changed."""
    payload = event.payload
    title, _, severity = MEMBERS[event.name.partition(".")[2]]
    name = payload.first("$.user_name", "$.user_username", "$.user_email", "$.user.name", "$.user.username")
    username = payload.first("$.user_username", "$.user.username")
    where = container(payload, ctx)
    place = where.title if where else "the group"
    base = site(payload, ctx)
    until = payload.opt("$.expires_at")
    pages = (
        f"{where.url}/-/{'project' if payload.has('$.project_id') else 'group'}_members"
        if where and where.url
        else ""
    )
    return tell(
        event,
        ctx,
        title.replace("{place}", place).replace("{who}", name or "Somebody"),
        url=pages,
        severity=severity,
        facts=(
            Fact("Role", payload.first("$.group_access", "$.access_level", "$.project_access", "$.role")),
            Fact(
                "User", f"@{username}" if username else "", f"{base}/{username}" if base and username else ""
            ),
            Fact("Until", until[:10]),
        ),
        button="Open members",
        when=moment(payload, "$.updated_at", "$.created_at"),
        who=Actor(name or username, f"{base}/{username}" if base and username else "", bot=is_bot(username))
        if name or username
        else None,
    )


# name -> (headline, label, colour, ticked by default)
PLACES = {
    "project.created": ("Project created", ORDINARY, True),
    "project.deleted": ("Project deleted", Severity.WARNING, True),
    "project.renamed": ("Project renamed", ORDINARY, True),
    "project.transferred": ("Project moved", Severity.WARNING, True),
    "project.updated": ("Project changed", Severity.NEUTRAL, False),
    "project.archived": ("Project archived", Severity.WARNING, True),
    "group.created": ("Group created", ORDINARY, True),
    "group.deleted": ("Group deleted", Severity.WARNING, True),
    "group.renamed": ("Group renamed", ORDINARY, True),
    "group.updated": ("Group changed", Severity.NEUTRAL, False),
    "group.transferred": ("Group moved", Severity.WARNING, True),
    "subgroup.created": ("Subgroup created", ORDINARY, True),
    "subgroup.removed": ("Subgroup removed", Severity.WARNING, True),
}


def _visibility(value: str) -> str:
    """`private`; older servers write `visibilitylevel|private`."""
    return sentence(value.rpartition("|")[2].removesuffix("_visibility"))


def place_event(event: RawEvent, ctx: Context) -> Notification:
    """A project, group or subgroup came, went or changed."""
    payload = event.payload
    kind, _, action = event.name.partition(".")
    title, severity, _ = PLACES.get(
        event.name, (f"{sentence(kind)} {sentence(action).lower()}".strip(), Severity.NEUTRAL, False)
    )
    path = payload.first("$.path_with_namespace", "$.full_path", "$.path", "$.group_path")
    name = payload.first("$.name", "$.group_name") or path or "(unnamed)"
    base = site(payload, ctx)
    gone = action in ("deleted", "removed")
    url = (
        ""
        if gone or not base or not path
        else f"{base}/{path}"
        if kind == "project"
        else f"{base}/groups/{path}"
    )
    parent = payload.first("$.parent_full_path", "$.parent_path", "$.parent_name") or path.rpartition("/")[0]
    owners = ", ".join(each.first("$.name", "$.email") for each in payload.each("$.owners", 10))
    old = payload.first("$.old_path_with_namespace", "$.old_full_path", "$.old_path")
    return tell(
        event,
        ctx,
        title,
        what=name,
        url=url,
        status=sentence(action),
        severity=severity,
        facts=(
            Fact("Path", f"{old} → {path}" if old and old != path else path),
            Fact("Owner", owners.strip(", ") or payload.opt("$.owner_name")),
            Fact("Visibility", _visibility(payload.opt("$.project_visibility"))),
        ),
        button=f"Open {parent or 'GitLab'}" if gone else f"Open {kind}",
        when=moment(payload, "$.updated_at", "$.created_at"),
        thread=f"{kind}-{payload.first('$.project_id', '$.group_id')}",
        place=Link(parent, f"{base}/{parent}" if base else "") if parent else Link("GitLab", base),
    )


for _name, (_label, _, _ticked) in PLACES.items():
    _part = _name.partition(".")[0]
    events.on(_name, group="Projects and groups", label=_label, default=_ticked)(place_event)
    events.fallback(_part)(place_event)

USERS = {
    "user.created": ("User created", ORDINARY),
    "user.deleted": ("User deleted", Severity.WARNING),
    "user.renamed": ("User renamed", ORDINARY),
    "user.failed_login": ("Blocked user tried to sign in", Severity.WARNING),
    "key.created": ("SSH key added", ORDINARY),
    "key.deleted": ("SSH key removed", Severity.WARNING),
}


@events.fallback("user")
@events.fallback("key")
@events.many(
    {name: label for name, (label, _) in USERS.items()}, group="Instance", default=["user.failed_login"]
)
def user(event: RawEvent, ctx: Context) -> Notification:
    """An account or a key of one changed, as system hooks tell."""
    payload = event.payload
    title, severity = USERS.get(event.name, (sentence(event.name.replace(".", " ")), Severity.NEUTRAL))
    username, name = payload.opt("$.username"), payload.opt("$.name")
    base = site(payload, ctx)
    old = payload.opt("$.old_username")
    url = f"{base}/{username}" if base and username and event.name != "user.deleted" else ""
    comment = payload.opt("$.key").split(" ")[2:]  # the key itself is nobody's business in a channel
    return tell(
        event,
        ctx,
        title,
        what=f"{name} (@{username})" if name and username else name or username or payload.opt("$.email"),
        url=url,
        severity=severity,
        facts=(
            Fact("User name", f"{old} → {username}" if old else ""),
            Fact("State", sentence(payload.opt("$.state"))),
            Fact("Key", first_line(" ".join(comment))[:80] or (payload.opt("$.key").split(" ")[0])[:20]),
        ),
        button="Open user",
        when=moment(payload, "$.updated_at", "$.created_at"),
        thread=f"user-{username}",
    )


@events.fallback("access_token")
@events.fallback("deploy_token")
@events.many(
    {
        "access_token.expiring": "Access token expires soon",
        "access_token.expired": "Access token expired",
        "deploy_token.expiring": "Deploy token expires soon",
    },
    group="Security",
)
def token(event: RawEvent, ctx: Context) -> Notification:
    """A token of a project or group is about to end."""
    payload, item = event.payload, event.payload.sub("$.object_attributes")
    where = container(payload, ctx)
    until = item.opt("$.expires_at")
    noun = "Deploy token" if event.name.startswith("deploy") else "Access token"
    end = moment(payload, "$.object_attributes.expires_at")
    days = (end.date() - ctx.now.date()).days if end else None
    left = f"{until[:10]}" + (
        f", in {days} day{'' if days == 1 else 's'}" if days is not None and 0 <= days <= 90 else ""
    )
    past = event.name.endswith("expired")
    return tell(
        event,
        ctx,
        f"{noun} {'expired' if past else 'expires soon'}",
        what=item.opt("$.name"),
        url=f"{where.url}/-/settings/{'repository' if noun[0] == 'D' else 'access_tokens'}"
        if where and where.url
        else "",
        status="Expired" if past else "Expiring",
        severity=Severity.ATTENTION if past else Severity.WARNING,
        facts=(
            Fact("Expires", left),
            Fact("Created", item.opt("$.created_at")[:10]),
            Fact("Last used", item.opt("$.last_used_at")[:10]),
        ),
        button="Open tokens",
        thread=f"token-{item.opt('$.id')}",
    )


ROLES = {
    "5": "Minimal access",
    "10": "Guest",
    "15": "Planner",
    "20": "Reporter",
    "30": "Developer",
    "40": "Maintainer",
}


def _role(level: str) -> str:
    return ROLES.get(level, "Owner" if level == "50" else level)


@events.fallback("member_approval")
@events.many(
    {
        "member_approval.requested": "Paid seat asked for",
        "member_approval.approved": "Paid seat approved",
        "member_approval.denied": "Paid seat denied",
    },
    group="Instance",
    default=False,
)
def member_approval(event: RawEvent, ctx: Context) -> Notification:
    """An administrator must agree, or has, to a role that takes up a paid seat."""
    payload, item = event.payload, event.payload.sub("$.object_attributes")
    action = event.name.partition(".")[2]
    title = {
        "requested": "Paid seat asked for",
        "approved": "Paid seat approved",
        "denied": "Paid seat denied",
    }
    base = site(payload, ctx)
    return tell(
        event,
        ctx,
        title.get(action, f"Paid seat {sentence(action).lower()}"),
        what=payload.first("$.object_attributes.user.name", "$.user.name", "$.user_name"),
        url=f"{base}/admin/role_promotion_requests" if base else "",
        severity=Severity.GOOD if action == "approved" else Severity.WARNING,
        facts=(
            Fact("Role", _role(item.first("$.new_access_level", "$.access_level"))),
            Fact("Was", _role(item.opt("$.old_access_level"))),
            Fact("Status", sentence(item.opt("$.status"))),
        ),
        when=moment(payload, "$.object_attributes.updated_at", "$.object_attributes.created_at"),
    )
