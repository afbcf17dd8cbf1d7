"""Sprints, versions, boards, projects, people and settings."""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Link, Notification, Payload, RawEvent, Severity

from .common import base_of, browse, person, tell, text_of

events = Events()


@events.on("sprint.created", group="Sprints", label="Sprint created", default=False)
@events.on("sprint.updated", group="Sprints", label="Sprint changed", default=False)
@events.on("sprint.started", group="Sprints", label="Sprint started")
@events.on("sprint.closed", group="Sprints", label="Sprint closed")
@events.on("sprint.deleted", group="Sprints", label="Sprint deleted", default=False)
def sprint(event: RawEvent, ctx: Context) -> Notification:
    found = event.payload.sub("$.sprint")
    verb = event.name.partition(".")[2]
    board = found.first("$.originBoardId", "$.boardId")
    base = base_of(event.payload)
    severity = {"started": Severity.INFO, "closed": Severity.GOOD, "deleted": Severity.WARNING}.get(
        verb, Severity.NEUTRAL
    )
    old = event.payload.sub("$.oldValue")
    return tell(
        event,
        f"Sprint {verb}",
        what=found.opt("$.name") or f"#{found.opt('$.id')}",
        severity=severity,
        status=found.opt("$.state").capitalize(),
        text=text_of(found, "$.goal", 600),
        button="Open board",
        url=f"{base}/secure/RapidBoard.jspa?rapidView={board}" if base and board else "",
        container=Link(f"Board {board}") if board else None,
        thread=f"sprint-{found.opt('$.id')}",
        facts=(
            Fact("Start", found.first("$.startDate", "$.activatedDate")),
            Fact("End", found.opt("$.endDate")),
            Fact("Completed", found.opt("$.completeDate")),
            Fact("Was", old.opt("$.name") if old.opt("$.name") != found.opt("$.name") else ""),
        ),
    )


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
    base, number = base_of(payload), found.opt("$.id")
    severity = {"released": Severity.GOOD, "unreleased": Severity.WARNING, "deleted": Severity.WARNING}.get(
        verb, Severity.NEUTRAL
    )
    project = payload.sub("$.project")
    key = project.opt("$.key")
    where = (
        Link(project.opt("$.name") or key, browse(payload, key))
        if key
        else (Link(f"Project {found.opt('$.projectId')}") if found.opt("$.projectId") else None)
    )
    return tell(
        event,
        f"Version {verb}",
        what=found.opt("$.name") or f"#{number}",
        severity=severity,
        status="Released" if found.flag("$.released") else "",
        text=text_of(found, "$.description", 600),
        url=_version_page(base, key, number),
        container=where,
        thread=f"version-{number}",
        button="Open version",
        facts=(
            Fact("Start", found.first("$.userStartDate", "$.startDate")),
            Fact("Release", found.first("$.userReleaseDate", "$.releaseDate")),
            Fact(
                "Merged into",
                payload.sub("$.mergedTo").opt("$.name") or payload.sub("$.mergeTo").opt("$.name"),
            ),
        ),
    )


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
    bad = verb in ("deleted", "trashed", "archived")
    return tell(
        event,
        f"Project {words}",
        what=f"{name} ({key})" if name and key else name or key or f"#{found.opt('$.id')}",
        severity=Severity.WARNING if bad else Severity.INFO,
        url=browse(event.payload, key) if verb != "deleted" else "",
        container=Link(name or key, "") if name or key else None,
        button="Open project",
        thread=f"project-{key}",
        facts=(
            Fact("Key", key),
            Fact("Lead", lead.name if lead else ""),
            Fact("Type", found.opt("$.projectTypeKey")),
        ),
    )


def _version_page(base: str, key: str, number: str) -> str:
    if not base or not number:
        return ""
    return (
        f"{base}/projects/{key}/versions/{number}"
        if key
        else f"{base}/secure/ReleaseNote.jspa?version={number}"
    )


THINGS = {
    "board.created": ("Board created", "Boards", "board"), "board.updated": ("Board changed", "Boards", "board"),
    "board.deleted": ("Board deleted", "Boards", "board"),
    "board.configuration": ("Configuration of the board changed", "Boards", "configuration"),
    "user.created": ("User created", "Administration", "user"), "user.updated": ("User changed", "Administration", "user"),
    "user.deleted": ("User deleted", "Administration", "user"),
    "issuetype.created": ("Issue type created", "Administration", "issuetype"),
    "issuetype.updated": ("Issue type changed", "Administration", "issuetype"),
    "issuetype.deleted": ("Issue type deleted", "Administration", "issuetype"),
    "filter.created": ("Filter created", "Administration", "filter"),
    "filter.updated": ("Filter changed", "Administration", "filter"),
    "filter.deleted": ("Filter deleted", "Administration", "filter"),
    "setting.changed": ("Setting changed", "Administration", "property"),
    "setting.expression_failed": ("Jira expression failed", "Administration", "expression"),
    "app.enabled": ("App enabled", "Administration", "app"), "app.disabled": ("App disabled", "Administration", "app"),
    "app.blocked": ("App's access was blocked", "Administration", "app"),
}  # fmt: skip


def _sentence(payload: Payload) -> str:
    kind = payload.first("$.webhookEvent").removeprefix("jira:")
    return kind.removeprefix("option_").replace("_", " ")


def thing(event: RawEvent, ctx: Context) -> Notification:
    """Anything that has a name and little else."""
    payload = event.payload
    title, _, key = THINGS[event.name]
    found = payload.sub(f"$.{key}") or payload.sub("$.issueType" if key == "issuetype" else "$.board")
    who = person(found) if key == "user" else None
    name = (who.name if who else "") or found.first("$.name", "$.displayName", "$.key", "$.id")
    if event.name.startswith("setting."):
        name = _sentence(payload)
    base, number = base_of(payload), found.opt("$.id")
    bad = event.name.endswith(("deleted", "blocked", "failed"))
    severity = Severity.WARNING if bad else Severity.NEUTRAL
    url = ""
    if base and number and key in ("board", "configuration") and not event.name.endswith("deleted"):
        url = f"{base}/secure/RapidBoard.jspa?rapidView={number}"
    if base and number and key == "filter":
        url = f"{base}/issues/?filter={number}"
    return tell(
        event,
        title,
        what=name,
        url=url,
        severity=severity,
        container=Link(found.opt("$.location.name") or "Jira", base),
        thread=f"{key}-{number or name}",
        facts=(
            Fact("Type", found.opt("$.type")),
            Fact("E-mail", found.opt("$.emailAddress")),
            Fact("Query", found.opt("$.jql")),
            Fact("Value", payload.first("$.property.value", "$.value")),
            Fact("Description", found.opt("$.description")),
            Fact("Errors", ", ".join(payload.texts("$.errorMessages", 5))),
        ),
    )


for _name, (_label, _group, _) in THINGS.items():
    events.on(_name, group=_group, label=_label, default=False)(thing)


@events.on("automation.message", group="Issues", label="Message of an automation rule")
def automation(event: RawEvent, ctx: Context) -> Notification:
    """A body that a rule was told to send: what is readable in it."""
    payload = event.payload
    title = payload.first("$.title", "$.summary", "$.message", "$.text", "$.name", "$.subject", "$.key")
    raw = payload.raw if isinstance(payload.raw, dict) else {}
    facts = tuple(
        Fact(str(key)[:60], str(value)[:300])
        for key, value in list(raw.items())[:12]
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and str(value) != title
    )
    return tell(event, title or "Message of an automation rule", facts=facts, url=payload.first("$.url", "$.link"),
                text=text_of(payload, "$.description"))  # fmt: skip


@events.fallback("other")
def other(event: RawEvent, ctx: Context) -> Notification:
    """An event that Jira added later."""
    payload = event.payload
    words = event.name.partition(".")[2].replace("_", " ").capitalize()
    raw = payload.raw if isinstance(payload.raw, dict) else {}
    named = [
        Fact(
            str(key)[:60],
            payload.first(f"$.{key}.name", f"$.{key}.displayName", f"$.{key}.key", f"$.{key}.id"),
        )
        for key in list(raw)[:10]
        if isinstance(raw[key], dict)
    ]
    return tell(event, words or "Something happened in Jira", facts=tuple(named))
