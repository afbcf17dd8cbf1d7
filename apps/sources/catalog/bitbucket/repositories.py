"""Repositories and projects themselves: made, moved, changed, forked, deleted.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Repository-events
"""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Link, Notification, Payload, RawEvent, Severity, from_gfm

from .common import changed, content, page, place_of, repository_name, repository_url, tell, user_name
from .shared import words

events = Events()
GROUP = "Repository"


def facts_of(repository: Payload) -> tuple[Fact, ...]:
    """Project, language, visibility."""
    visibility = ""
    if repository.has("$.is_private"):
        visibility = "Private" if repository.flag("$.is_private") else "Public"
    return (
        Fact(
            "Project", repository.first("$.project.name", "$.project.key"), page(repository.sub("$.project"))
        ),
        Fact("Language", words(repository.opt("$.language"))),
        Fact("Visibility", visibility),
    )


@events.fallback("repo")
@events.many(
    {
        "repo.created": "Repository created",
        "repo.updated": "Repository settings changed",
        "repo.imported": "Repository imported",
        "repo.transferred": "Repository transferred",
        "repo.deleted": "Repository deleted",
    },
    group=GROUP,
    default=["repo.created", "repo.transferred", "repo.deleted"],
)
def repository(event: RawEvent, ctx: Context) -> Notification:
    """Something happened to the repository itself."""
    payload, action = event.payload, event.name.partition(".")[2]
    it = place_of(payload)
    name = repository_name(it)
    facts = (*changed(payload), *facts_of(it))
    if action == "transferred":
        before = payload.sub("$.previous_owner") or payload.sub("$.changes.owner.old")
        after = payload.sub("$.new_owner") or it.sub("$.owner") or it.sub("$.workspace")
        facts = (Fact("From", user_name(before)), Fact("To", user_name(after)), *facts_of(it))
    title = f"Repository {words(action).lower()}".strip()
    renamed = payload.first("$.changes.name.new", "$.changes.full_name.new")
    if action == "updated" and renamed:
        title = "Repository renamed"
    severity = {"deleted": Severity.ATTENTION, "created": Severity.GOOD, "imported": Severity.GOOD}.get(
        action, Severity.WARNING if action == "transferred" else Severity.NEUTRAL
    )
    return tell(
        event,
        title,
        what=name or renamed,
        url=repository_url(it) if action != "deleted" else page(it.sub("$.project")),
        status=words(action) if action != "updated" else "",
        severity=severity,
        text=from_gfm(it.opt("$.description")) if action in ("created", "imported") else "",
        facts=facts,
        button="Open project" if action == "deleted" and it.has("$.project") else "Open repository",
        when=("$.repository.updated_on",),
        thread="repository",
    )


@events.on("repo.forked", group=GROUP, label="Repository forked")
def forked(event: RawEvent, ctx: Context) -> Notification:
    """Somebody made a fork."""
    payload = event.payload
    fork = payload.sub("$.fork")
    name, origin = repository_name(fork), repository_name(place_of(payload))
    return tell(
        event,
        f"Repository {origin} forked" if origin else "Repository forked",
        what=name,
        url=repository_url(fork),
        status="Fork",
        severity=Severity.INFO,
        text=content(Payload({"raw": fork.opt("$.description")})),
        facts=facts_of(fork),
        links=(Link("Original", repository_url(place_of(payload))),) if origin else (),
        button="Open fork",
        when=("$.fork.created_on",),
    )


@events.fallback("project")
@events.on("project.updated", group=GROUP, label="Project changed", default=False)
def project(event: RawEvent, ctx: Context) -> Notification:
    """A project of the workspace was changed."""
    payload, it = event.payload, event.payload.sub("$.project")
    name, key = it.first("$.name", "$.title"), it.opt("$.key")
    return tell(
        event,
        f"Project {words(event.name.partition('.')[2]).lower()}",
        what=f"{name} ({key})" if name and key else name or key or "(unnamed)",
        url=page(it),
        severity=Severity.NEUTRAL,
        facts=(
            *changed(payload),
            Fact("Workspace", payload.first("$.workspace.name", "$.project.workspace.name")),
        ),
        button="Open project",
        when=("$.project.updated_on",),
        thread=f"project/{key}",
    )
