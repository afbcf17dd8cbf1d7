"""Sprints, versions and projects."""

from __future__ import annotations

from urllib.parse import quote

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Item,
    Items,
    Link,
    Notification,
    Payload,
    RawEvent,
    Severity,
)

from .common import moment, named, person, tell, text_of
from .names import MERGED
from .site import base_of, browse

events = Events()
SPRINT = (("name", "Name"), ("goal", "Goal"), ("startDate", "Start"), ("endDate", "End"), ("state", "State"))


def board_page(base: str, number: str) -> str:
    """The page of a board; its new address needs a project, this one works everywhere."""
    return f"{base}/secure/RapidBoard.jspa?rapidView={number}" if base and number else ""


@events.on("sprint.created", group="Sprints", label="Sprint created", default=False)
@events.on("sprint.updated", group="Sprints", label="Sprint changed", default=False)
@events.on("sprint.started", group="Sprints", label="Sprint started")
@events.on("sprint.closed", group="Sprints", label="Sprint closed")
@events.on("sprint.deleted", group="Sprints", label="Sprint deleted", default=False)
def sprint(event: RawEvent, ctx: Context) -> Notification:
    found = event.payload.sub("$.sprint")
    verb = event.name.partition(".")[2]
    board = found.first("$.originBoardId", "$.boardId")
    page = board_page(base_of(event.payload), board)
    severity = {"started": Severity.INFO, "closed": Severity.GOOD, "deleted": Severity.WARNING}.get(
        verb, Severity.NEUTRAL
    )
    return tell(
        event,
        f"Sprint {verb}",
        what=named(found),
        severity=severity,
        status=found.opt("$.state").capitalize(),
        text=text_of(found, "$.goal", 600),
        button="Open board",
        url=page,
        container=Link(f"Board {board}", page) if board else None,
        thread=f"sprint-{found.opt('$.id')}",
        facts=(
            Fact("Start", moment(found.first("$.startDate", "$.activatedDate"))),
            Fact("End", moment(found.opt("$.endDate"))),
            Fact("Completed", moment(found.opt("$.completeDate"))),
        ),
        changed=_sprint_changes(event.payload.sub("$.oldValue"), found),
    )


def _sprint_changes(old: Payload, new: Payload) -> Items | None:
    lines = []
    for key, label in SPRINT:
        if not (old.has(f"$.{key}") or old.has("$.id")):
            continue  # what only names some fields says nothing of the others
        before, after = moment(old.opt(f"$.{key}")), moment(new.opt(f"$.{key}"))
        if old and before != after:
            lines.append(Item(f"{label}: {before or '–'} → {after or '–'}"))
    return Items("Changes", tuple(lines)) if lines else None


@events.on("version.released", group="Versions", label="Version released")
@events.on("version.unreleased", group="Versions", label="Release of a version withdrawn")
@events.on("version.created", group="Versions", label="Version created", default=False)
@events.on("version.updated", group="Versions", label="Version changed", default=False)
@events.on("version.moved", group="Versions", label="Version moved", default=False)
@events.on("version.merged", group="Versions", label="Versions merged", default=False)
@events.on("version.deleted", group="Versions", label="Version deleted", default=False)
def version(event: RawEvent, ctx: Context) -> Notification:
    payload = event.payload
    found = payload.sub("$.version")
    verb = event.name.partition(".")[2]
    number = found.opt("$.id")
    severity = {"released": Severity.GOOD, "unreleased": Severity.WARNING, "deleted": Severity.WARNING}.get(
        verb, Severity.NEUTRAL
    )
    into = next((payload.sub(f"$.{key}") for key in MERGED if payload.sub(f"$.{key}")), Payload({}))
    other, name = named(into), named(found)
    # What was merged or deleted has no page any more.
    shown = into if verb == "merged" else Payload({}) if verb == "deleted" else found
    return tell(
        event,
        f"Version {verb}",
        what=f"{name} into {other}" if verb == "merged" and other else name,
        severity=severity,
        status="Released" if found.flag("$.released") else "Archived" if found.flag("$.archived") else "",
        text=text_of(found, "$.description", 600),
        url=_version_page(payload, found, shown.opt("$.id")),
        container=_project_of(payload, found),
        thread=f"version-{number}",
        button="Open version",
        facts=(
            Fact("Start", moment(found.first("$.startDate", "$.userStartDate"))),
            Fact("Release", moment(found.first("$.releaseDate", "$.userReleaseDate"))),
            Fact("Merged into", other),
            Fact("Overdue", "Yes" if found.flag("$.overdue") else ""),
        ),
    )


def _project_of(payload: Payload, found: Payload) -> Link | None:
    key, number = _keys(payload, found)
    if key:
        return Link(payload.opt("$.project.name") or key, browse(payload, key))
    base = base_of(payload)
    page = f"{base}/secure/BrowseProject.jspa?id={number}" if base else ""
    return Link(f"Project {number}", page) if number else None


def _keys(payload: Payload, found: Payload) -> tuple[str, str]:
    """Key and number of the version's project, each "" when unknown."""
    stated = payload.opt("$.project.key") or found.opt("$.project")
    number = found.opt("$.projectId") or payload.opt("$.project.id")
    return ("", number or stated) if stated.isdigit() else (stated, number)


def _version_page(payload: Payload, found: Payload, number: str) -> str:
    base = base_of(payload)
    key, project = _keys(payload, found)
    if not base or not number.isdigit():
        return ""
    if key:
        return f"{base}/projects/{quote(key, safe='')}/versions/{number}"
    if project:
        return f"{base}/secure/ReleaseNote.jspa?projectId={project}&version={number}"
    return f"{base}/issues/?jql=fixVersion%3D{number}"


@events.on("project.created", group="Projects", label="Project created")
@events.on("project.updated", group="Projects", label="Project changed", default=False)
@events.on("project.deleted", group="Projects", label="Project deleted")
@events.on("project.trashed", group="Projects", label="Project moved to trash")
@events.on("project.restored", group="Projects", label="Project restored from trash")
@events.on("project.archived", group="Projects", label="Project archived")
@events.on("project.unarchived", group="Projects", label="Project restored from the archive")
def project(event: RawEvent, ctx: Context) -> Notification:
    found = event.payload.sub("$.project")
    verb = event.name.partition(".")[2]
    words = {
        "trashed": "moved to trash",
        "restored": "restored",
        "unarchived": "restored from the archive",
    }.get(verb, verb)
    name, key = found.opt("$.name"), found.opt("$.key")
    lead = person(found.sub("$.projectLead")) or person(found.sub("$.lead"))
    gone = verb in ("deleted", "trashed")
    page = "" if gone else browse(event.payload, key)
    return tell(
        event,
        f"Project {words}",
        what=f"{name} ({key})" if name and key else key or named(found),
        severity=Severity.WARNING if gone or verb == "archived" else Severity.INFO,
        url=page,
        container=Link(name or key, page) if name or key else None,
        button="Open project",
        thread=f"project-{key}",
        facts=(
            Fact("Key", key),
            Fact("Lead", lead.name if lead else ""),
            Fact("Type", found.opt("$.projectTypeKey").replace("_", " ").capitalize()),
        ),
    )
