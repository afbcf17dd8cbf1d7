"""Lists, boards, labels, custom fields, Power-Ups, workspaces and members."""

from __future__ import annotations

import re

from apps.sources.sdk import Context, Events, Fact, Notification, Payload, RawEvent, Severity, from_gfm

from .events import board, member, names_of, shown_as, tell
from .names import snake

events = Events()


events.ignore("list.reordered", reason="Only the order of the lists changed.")


@events.on("list.created", group="Lists", label="List created")
@events.on("list.renamed", group="Lists", label="List renamed")
@events.on("list.archived", group="Lists", label="List archived")
@events.on("list.unarchived", group="Lists", label="List sent back to the board", default=False)
@events.on("list.arrived", group="Lists", label="List came from another board", default=False)
@events.on("list.left", group="Lists", label="List went to another board", default=False)
@events.on("list.deleted", group="Lists", label="List deleted", default=False)
@events.on("list.updated", group="Lists", label="Another change of a list", default=False)
def lists(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    titles = {
        "list.created": "List created", "list.renamed": "List renamed", "list.archived": "List archived",
        "list.unarchived": "List sent back to the board", "list.arrived": "List came from another board",
        "list.left": "List went to another board", "list.deleted": "List deleted", "list.updated": "List changed",
    }  # fmt: skip
    place = board(event.payload)
    gone = event.name in ("list.archived", "list.deleted", "list.left")
    return tell(
        event, titles[event.name], what=data.opt("$.list.name"), url=place.url if place else "",
        severity=Severity.WARNING if gone else Severity.INFO,
        facts=(
            Fact("Was", data.opt("$.old.name")),
            Fact("Other board", data.first("$.boardSource.name", "$.boardTarget.name")),
            Fact("Changed", names_of(data.sub("$.old")) if event.name == "list.updated" else ""),
        ),
    )  # fmt: skip


BOARD = {
    "board.created": ("Board created", Severity.GOOD),
    "board.copied": ("Board copied", Severity.INFO),
    "board.renamed": ("Board renamed", Severity.INFO),
    "board.updated": ("Board changed", Severity.NEUTRAL),
    "board.preferences": ("Settings of the board changed", Severity.NEUTRAL),
    "board.closed": ("Board closed", Severity.WARNING),
    "board.reopened": ("Board reopened", Severity.INFO),
    "board.deleted": ("Board deleted", Severity.WARNING),
    "board.starred": ("Board starred", Severity.NEUTRAL),
    "board.workspace_added": ("Board added to a workspace", Severity.INFO),
    "board.workspace_removed": ("Board removed from a workspace", Severity.WARNING),
    "board.invitation_deleted": ("Invitation to the board withdrawn", Severity.NEUTRAL),
}


@events.many(
    {name: title for name, (title, _) in BOARD.items()}, group="Boards",
    default=["board.created", "board.renamed", "board.closed", "board.reopened", "board.deleted"],
)  # fmt: skip
def boards(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    title, severity = BOARD[event.name]
    if event.payload.opt("$.action.type") == "removeBoardsPinnedFromMember":
        title = "Board no longer starred"
    place = board(event.payload)
    return tell(
        event, title, what=data.opt("$.board.name") or (place.title if place else ""), severity=severity,
        text=from_gfm(data.opt("$.board.desc"), max_chars=600),
        facts=(
            Fact("Was", data.opt("$.old.name")), Fact("From", data.opt("$.boardSource.name")),
            Fact("Workspace", data.opt("$.organization.name")), *_settings(data),
        ),
    )  # fmt: skip


def _settings(data: Payload) -> list[Fact]:
    """What changed in the board's settings and names of labels, old → new."""
    facts = []
    for place, lead in (("prefs", ""), ("labelNames", "Label ")):
        now, before = data.sub(f"$.board.{place}"), data.sub(f"$.old.{place}")
        for key in (now.keys("$") or before.keys("$"))[:6]:
            old, new = _setting(before, key), _setting(now, key)
            words = f"{lead}{snake(key).replace('_', ' ')}"
            value = f"{old} → {new}" if old and new else new or "changed"
            if old and not new and not now.opt(f"$.{key}"):
                value = f"{old} removed"
            facts.append(Fact(words[:1].upper() + words[1:], value))
    return facts


def _setting(values: Payload, key: str) -> str:
    """A setting in words; uploaded pictures and the like are only known by their ids, which are left out."""
    if isinstance(values.raw, dict) and isinstance(values.raw.get(key), bool):
        return "on" if values.raw[key] else "off"
    value = values.opt(f"$.{key}")
    return "" if re.fullmatch(r"[0-9a-f]{24}", value) or "://" in value else value[:60]


@events.on("board.member_added", group="Boards", label="Member joined a board")
@events.on("board.member_removed", group="Boards", label="Member left a board")
@events.on("board.member_role", group="Boards", label="Role of a board's member changed", default=False)
@events.on("board.invited", group="Boards", label="Invitation to a board", default=False)
@events.on("workspace.member_added", group="Workspaces", label="Member joined a workspace")
@events.on("workspace.member_removed", group="Workspaces", label="Member left a workspace")
@events.on(
    "workspace.member_role", group="Workspaces", label="Role of a workspace's member changed", default=False
)
@events.on("workspace.invited", group="Workspaces", label="Invitation to a workspace", default=False)
def members(event: RawEvent, ctx: Context) -> Notification:
    action = event.payload.sub("$.action")
    who = (
        member(action.sub("$.member"))
        or member(action.sub("$.data.member"))
        or member(shown_as(event.payload, "member"))
    )
    subject = action.first(
        "$.data.idMemberAdded", "$.data.idMember", "$.data.idMemberRemoved", "$.member.id", "$.data.member.id"
    )
    if not who and subject in ("", action.opt("$.memberCreator.id")):
        who = member(action.sub("$.memberCreator"))
    name = who.name if who else "A member"
    noun, _, what = event.name.partition(".")
    kind = action.opt("$.type")
    role = (
        "now an admin"
        if "Admin" in kind
        else "now an observer"
        if "Observer" in kind
        else "now a normal member"
    )
    if kind.startswith("removeAdmin"):
        role = "no longer an admin"
    active = next((word for word in ("deactivated", "reactivated") if kind.startswith(word)), "")
    if kind.endswith("Enterprise"):
        noun = "enterprise"
    # Who adds or removes somebody else is the actor of the card.
    by_other = bool(subject) and subject != action.opt("$.memberCreator.id") and kind != "memberJoinedBoard"
    phrases = {
        "member_added": f"{name} {'was added to' if by_other else 'joined'} the {noun}",
        "member_removed": f"{name} {'was removed from' if by_other else 'left'} the {noun}",
        "member_role": f"{name} was {active} in the {noun}" if active else f"{name} is {role} of the {noun}",
        "invited": f"{name} was invited to the {noun}",
    }  # fmt: skip
    place = board(event.payload)
    return tell(
        event, phrases[what], what=place.title if place else "",
        severity=Severity.WARNING if what == "member_removed" else Severity.INFO,
        facts=(
            Fact("Member", name if who else "", who.url if who else ""),
            Fact("Role", action.first("$.data.memberType", "$.data.board.memberType")),
        ),
    )  # fmt: skip


THINGS = {
    "label.created": ("Label created", "Labels", "label"),
    "label.updated": ("Label changed", "Labels", "label"),
    "label.deleted": ("Label deleted", "Labels", "label"),
    "customfield.created": ("Custom field created", "Custom fields", "customField"),
    "customfield.updated": ("Custom field changed", "Custom fields", "customField"),
    "customfield.deleted": ("Custom field deleted", "Custom fields", "customField"),
    "powerup.enabled": ("Power-Up enabled", "Power-Ups", "plugin"),
    "powerup.disabled": ("Power-Up disabled", "Power-Ups", "plugin"),
    "powerup.allowed": ("Power-Up allowed in the enterprise", "Power-Ups", "plugin"),
    "powerup.forbidden": ("Power-Up no longer allowed in the enterprise", "Power-Ups", "plugin"),
    "powerup.allow_list": ("List of allowed Power-Ups switched", "Power-Ups", "plugin"),
    "workspace.created": ("Workspace created", "Workspaces", "organization"),
    "workspace.updated": ("Workspace changed", "Workspaces", "organization"),
    "workspace.deleted": ("Workspace deleted", "Workspaces", "organization"),
    "workspace.invitation_deleted": ("Invitation to the workspace withdrawn", "Workspaces", "organization"),
    "workspace.enterprise_added": ("Workspace joined an enterprise", "Workspaces", "organization"),
    "workspace.enterprise_removed": ("Workspace left an enterprise", "Workspaces", "organization"),
    "member.joined": ("Member joined Trello", "Members", "member"),
    "member.updated": ("Member's profile changed", "Members", "member"),
}


def things(event: RawEvent, ctx: Context) -> Notification:
    """Anything that has a name and little else."""
    action = event.payload.sub("$.action")
    data = action.sub("$.data")
    title, _, key = THINGS[event.name]
    found = data.sub(f"$.{key}")
    page = found.opt("$.url")
    name = found.first("$.name", "$.displayName", "$.fullName", "$.color") or (
        data.opt("$.value") if key == "plugin" else ""
    )
    if key == "member" and not name:
        who = member(action.sub("$.member")) or member(action.sub("$.memberCreator"))
        name = who.name if who else ""
    gone = event.name.endswith(("deleted", "disabled", "forbidden", "removed"))
    return tell(
        event, title, what=name, severity=Severity.WARNING if gone else Severity.NEUTRAL,
        # The address of somebody's own Power-Up is a file for programs; Trello's has a page.
        url=page if key != "plugin" or page.startswith("https://trello.com/") else "",
        facts=(
            Fact("Was", data.first("$.old.name", "$.old.displayName", "$.old.color")),
            Fact("Colour", found.opt("$.color") if key == "label" else ""), Fact("Type", found.opt("$.type")),
            Fact("Enterprise", data.opt("$.enterprise.name")),
        ),
    )  # fmt: skip


for _name, (_label, _group, _) in THINGS.items():
    events.on(_name, group=_group, label=_label, default=_name.startswith("workspace.created"))(things)


@events.fallback("other")
def other(event: RawEvent, ctx: Context) -> Notification:
    """A type that Trello added later: what its data names, in order of interest."""
    action = event.payload.sub("$.action")
    data = action.sub("$.data")
    words = event.name.partition(".")[2].replace("_", " ").capitalize()
    named = [
        Fact(snake(key).replace("_", " ").capitalize(), data.first(f"$.{key}.name", f"$.{key}.text"))
        for key in data.keys("$")[:8]
        if key not in ("board", "card")
    ]
    return tell(
        event,
        words or "Something happened",
        facts=tuple(named),
        text=from_gfm(data.opt("$.text"), max_chars=800),
    )
