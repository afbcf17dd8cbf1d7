"""Pushes, commit comments, builds, and what happens to repositories, projects and mirrors.

https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html#Eventpayload-repository
"""

from __future__ import annotations

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
    from_gfm,
)

from ..bitbucket.shared import SHOWN, ZERO, build_state, count, duration, first_line, in_url, short_ref, words
from .common import (
    actor,
    container,
    here,
    place_of,
    project_url,
    repository_name,
    repository_url,
    self_url,
    site,
    tell,
    user_name,
)
from .pull_requests import COMMENTED, anchor_of, comment_words

events = Events()


def change_ref(change: Payload) -> tuple[str, str]:
    """(branch or tag, name) of one moved ref."""
    ref = change.first("$.ref.id", "$.refId")
    name = change.opt("$.ref.displayId") or short_ref(ref)
    tag = change.opt("$.ref.type").upper() == "TAG" or ref.startswith("refs/tags/")
    return ("tag" if tag else "branch"), name or "(unnamed)"


def _kind_of_change(change: Payload) -> str:
    kind = change.opt("$.type").upper()
    if kind in ("ADD", "DELETE", "UPDATE"):
        return kind
    if change.opt("$.toHash") == ZERO:
        return "DELETE"
    return "ADD" if change.opt("$.fromHash") == ZERO else "UPDATE"


def commits_of(payload: Payload) -> tuple[list[Payload], int]:
    """The pushed commits, newest first, and how many there are: new, middle-aged and Stash's shape."""
    found = list(payload.each("$.commits", 500))
    if not found:
        found = [each.sub("$.toCommit") for each in payload.each("$.changesets.values", 500)]
    total = max(len(found), payload.opt_int("$.changesets.size") or 0)
    if not found and payload.sub("$.toCommit"):
        found = [payload.sub("$.toCommit")]
        total = 0  # only the last one is told, so the number is not known
    return found, total


def _items(payload: Payload, ctx: Context, commits: list[Payload]) -> tuple[Item, ...]:
    return tuple(
        Item(
            first_line(each.opt("$.message")) or "(no message)",
            lead=each.opt("$.displayId") or each.opt("$.id")[:11],
            url=here(payload, ctx, f"commits/{each.opt('$.id')}") if each.opt("$.id") else "",
            trail=user_name(each.sub("$.author")),
        )
        for each in commits[:SHOWN]
    )


@events.on("repo.push", group="Code", label="Commits pushed, branch or tag created or deleted")
def push(event: RawEvent, ctx: Context) -> Notification:
    """Commits arrived, or a branch or tag was made, moved or deleted."""
    payload = event.payload
    changes = list(payload.each("$.changes", 500))
    if len(changes) != 1:
        return _many(event, ctx, changes)
    change = changes[0]
    (kind, name), what = change_ref(change), _kind_of_change(change)
    ref = change.first("$.ref.id", "$.refId")
    old, new = change.opt("$.fromHash"), change.opt("$.toHash")
    commits, total = commits_of(payload)
    amount = count(total, "commit") if total else ""
    if payload.flag("$.changesets.isLastPage", default=True) is False:
        amount = f"{total}+ commits"
    page = here(payload, ctx, f"browse?at={in_url(ref, safe='')}")
    compare = here(payload, ctx, f"compare/commits?sourceBranch={new}&targetBranch={old}")
    latest = first_line(commits[0].opt("$.message")) if commits and not amount else ""
    title, status, severity = f"{amount or 'Commits'} pushed to {name}", "", Severity.INFO
    if latest:
        title = f"{title}: {latest}"
    url, button = compare, "Compare changes"
    if what == "DELETE":
        title, status, severity = f"{kind.capitalize()} {name} deleted", "Deleted", Severity.WARNING
        url, button = here(payload, ctx), "Open repository"
    elif kind == "tag":
        title, status, severity = (
            f"Tag {name} {'created' if what == 'ADD' else 'moved'}",
            "Tag",
            Severity.GOOD,
        )
        url, button = page, "Open tag"
    elif what == "ADD":
        title, status = f"New branch {name}" + (f" with {amount}" if amount else ""), "New branch"
        url, button = page, "Open branch"
    sha = old if what == "DELETE" else new
    short = "" if sha == ZERO else sha[:11]
    shown = () if what == "DELETE" else _items(payload, ctx, commits)
    label = "Was at" if what == "DELETE" else "Commit"
    moved = what == "UPDATE" and not shown and short and old != ZERO
    return tell(
        event,
        ctx,
        title,
        url=url,
        status=status,
        severity=severity,
        facts=(
            Fact(
                "Moved" if moved else label,
                f"{old[:11]} → {short}" if moved else short if not shown or kind == "tag" else "",
                here(payload, ctx, f"commits/{sha}") if short else "",
            ),
        ),
        lists=(Items("", shown, total=total or None, more_url=url),) if shown else (),
        button=button,
        when=("$.toCommit.committerTimestamp",),
        thread=f"{kind}/{name}",
        who=actor(payload, ctx) or actor(payload, ctx, "$.toCommit.author"),
    )


def _many(event: RawEvent, ctx: Context, changes: list[Payload]) -> Notification:
    """A push that moved many branches and tags at once; or, with none listed, just the fact."""
    payload = event.payload
    name = repository_name(place_of(payload))
    if not changes:
        return tell(event, ctx, f"Push to {name}" if name else "Push", severity=Severity.INFO)
    return tell(
        event,
        ctx,
        _amount(changes) + " changed",
        what=name,
        severity=Severity.INFO,
        lists=(_ref_items(payload, ctx, changes),),
        button="Open repository",
    )


def _amount(changes: list[Payload]) -> str:
    kinds = {change_ref(change)[0] for change in changes}
    return count(len(changes), kinds.pop()) if len(kinds) == 1 else f"{len(changes)} branches and tags"


def _ref_items(payload: Payload, ctx: Context, changes: list[Payload]) -> Items:
    verbs = {"ADD": "created", "DELETE": "deleted", "UPDATE": "updated"}
    items = []
    for change in changes[:SHOWN]:
        (kind, name), what = change_ref(change), _kind_of_change(change)
        sha = change.opt("$.toHash")
        live = what != "DELETE" and sha
        items.append(
            Item(
                f"{kind} {name} {verbs[what]}",
                url=here(payload, ctx, f"commits/{sha}") if live else "",
                trail=sha[:11] if live else "",
            )
        )
    return Items("", tuple(items), total=len(changes))


@events.fallback("commit_comment")
@events.many(
    {f"commit_comment.{key}": f"{value[0]} (commit)" for key, value in COMMENTED.items()},
    group="Code",
    default=["commit_comment.created"],
)
def commit_comment(event: RawEvent, ctx: Context) -> Notification:
    """Somebody commented on a commit, or a comment was edited or deleted."""
    payload, action = event.payload, event.name.partition(".")[2]
    said = payload.sub("$.comment")
    title, status, severity = comment_words(payload, action, "commit")
    sha, ident = payload.first("$.commit", "$.commit.id", "$.commitId"), said.opt("$.id")
    message = first_line(payload.opt("$.commit.message"))
    page = here(payload, ctx, f"commits/{sha}") if sha else ""
    before = payload.opt("$.previousComment")
    return tell(
        event,
        ctx,
        title,
        what=" ".join(part for part in (sha[:11], message) if part) or "(unnamed commit)",
        url=f"{page}?commentId={ident}" if page and ident and action != "deleted" else page,
        status=status,
        severity=severity,
        text=from_gfm(said.opt("$.text"), base_url=site(payload, ctx), max_chars=1200),
        facts=(
            Fact("File", anchor_of(payload, said)),
            Fact("Before", first_line(before) if before != said.opt("$.text") else ""),
        ),
        links=(Link("Commit", page),),
        button="Open comment" if action != "deleted" else "Open commit",
        when=("$.comment.updatedDate", "$.comment.createdDate"),
        thread=f"commit/{sha[:11]}",
        who=actor(payload, ctx) or actor(payload, ctx, "$.comment.author"),
    )


def _differences(old: Payload, new: Payload) -> tuple[Fact, ...]:
    """What changed between two versions of a repository or project."""
    found: list[Fact] = []
    for path, label in (
        ("name", "Name"), ("key", "Key"), ("slug", "Slug"), ("project.name", "Project"), ("description", "Description"),
        ("defaultBranch", "Default branch"),
    ):  # fmt: skip
        before, after = old.opt(f"$.{path}"), new.opt(f"$.{path}")
        if before != after and (path != "slug" or not found):
            found.append(Fact(label, f"{before or 'none'} → {after or 'none'}"))
    for path, label in (("public", "Public"), ("forkable", "Forkable"), ("archived", "Archived")):
        if old.has(f"$.{path}") and new.has(f"$.{path}") and old.flag(f"$.{path}") != new.flag(f"$.{path}"):
            found.append(Fact(label, "no → yes" if new.flag(f"$.{path}") else "yes → no"))
    return tuple(found)


@events.fallback("repo")
@events.on("repo.updated", group="Repository", label="Repository renamed, moved or changed", default=False)
def modified(event: RawEvent, ctx: Context) -> Notification:
    """A repository was renamed, moved or changed in another way."""
    payload, action = event.payload, event.name.partition(".")[2]
    old, new = payload.sub("$.old"), payload.sub("$.new") or place_of(payload)
    title = f"Repository {words(action).lower()}"
    if action == "updated" and old:
        renamed = old.opt("$.name") != new.opt("$.name")
        moved = old.opt("$.project.key") != new.opt("$.project.key")
        title = "Repository moved" if moved else "Repository renamed" if renamed else title
    return tell(
        event,
        ctx,
        title,
        what=repository_name(new) or "(unnamed)",
        url=repository_url(new, site(payload, ctx)),
        facts=_differences(old, new) if old else (),
        severity=Severity.NEUTRAL if action == "updated" else Severity.INFO,
        button="Open repository",
        thread="repository",
    )


@events.on("repo.forked", group="Repository", label="Repository forked")
def forked(event: RawEvent, ctx: Context) -> Notification:
    """Somebody made a fork: the payload's repository is the fork, with its origin."""
    payload = event.payload
    origin = payload.sub("$.repository.origin")
    name = repository_name(origin)
    return tell(
        event,
        ctx,
        f"Repository {name} forked" if name else "Repository forked",
        what=repository_name(place_of(payload)) or "(unnamed)",
        status="Fork",
        severity=Severity.INFO,
        links=(Link("Original", repository_url(origin, site(payload, ctx))),),
        button="Open fork",
    )


@events.on("repo.secret_detected", group="Repository", label="Secret found in a push")
def secret_detected(event: RawEvent, ctx: Context) -> Notification:
    """Secret scanning found something in pushed commits."""
    payload = event.payload
    found = list(payload.each("$.secretLocations", 1000))
    items = []
    for each in found[:SHOWN]:
        sha, path, line = each.opt("$.commitId"), each.opt("$.path"), each.opt("$.line")
        page = here(payload, ctx, f"browse/{in_url(path)}?at={sha}#{line}") if sha and path else ""
        items.append(
            Item(
                f"{path}:{line}" if path and line else path or "(unknown file)",
                lead=sha[:11],
                url=page,
                trail=each.opt("$.ruleName"),
            )
        )
    first = found[0].opt("$.commitId") if found else ""
    name = repository_name(place_of(payload))
    return tell(
        event,
        ctx,
        f"{count(len(found), 'secret') if found else 'Secret'} pushed",
        what=name,
        url=here(payload, ctx, f"commits/{first}") if first else "",
        status="Secret",
        severity=Severity.ATTENTION,
        text="Revoke what was pushed: it stays in the history even when the file is changed.",
        lists=(Items("Found in", tuple(items), total=len(found)),) if items else (),
        button="Open commit",
    )


@events.fallback("mirror")
@events.on("mirror.synchronized", group="Repository", label="Mirror synchronized", default=False)
def mirror(event: RawEvent, ctx: Context) -> Notification:
    """A mirror has caught up with a repository."""
    payload = event.payload
    changes = list(payload.each("$.changes", 500))
    name = payload.first("$.mirrorServer.name", "$.mirrorServer.id")
    return tell(
        event,
        ctx,
        f"Mirror {words(event.name.partition('.')[2]).lower()}",
        what=repository_name(place_of(payload)) or name or "(unnamed)",
        severity=Severity.NEUTRAL,
        facts=(
            Fact("Mirror", name),
            Fact("Kind", words(payload.opt("$.syncType"))),
            Fact("Changes", "more than are listed" if payload.flag("$.refLimitExceeded") else ""),
        ),
        lists=(_ref_items(payload, ctx, changes),) if changes else (),
        button="Open repository",
    )


@events.fallback("project")
@events.on("project.updated", group="Repository", label="Project changed", default=False)
def project(event: RawEvent, ctx: Context) -> Notification:
    """A project was renamed or changed."""
    payload = event.payload
    old, new = payload.sub("$.old"), payload.sub("$.new") or payload.sub("$.project")
    name, key = new.opt("$.name"), new.opt("$.key")
    renamed = old.opt("$.name") and old.opt("$.name") != name
    return tell(
        event,
        ctx,
        "Project renamed" if renamed else f"Project {words(event.name.partition('.')[2]).lower()}",
        what=f"{name} ({key})" if name and key else name or key or "(unnamed)",
        url=project_url(new, site(payload, ctx)),
        facts=_differences(old, new) if old else (),
        button="Open project",
        thread=f"project/{key}",
    )


@events.fallback("build")
@events.on("build.status", group="Builds", label="Build status reported")
def build(event: RawEvent, ctx: Context) -> Notification:
    """A build tool reported on a commit. Sent by the Post Webhooks plug-in and by newer servers."""
    payload = event.payload
    it = next(
        (
            found
            for key in ("buildStatus", "build", "commit_status", "status")
            if (found := payload.sub(f"$.{key}"))
        ),
        payload,
    )
    verb, status, severity = build_state(
        it.first("$.state", "$.status") or payload.first("$.state", "$.status")
    )
    name = it.first("$.name", "$.key", "$.buildNumber") or "Build"
    sha = payload.first("$.commit", "$.commit.id", "$.commitId", "$.hash") or it.first(
        "$.commit", "$.commit.id"
    )
    page = here(payload, ctx, f"commits/{sha}") if sha else ""
    url = it.opt("$.url") or self_url(it)
    took = it.opt_float("$.duration")
    return tell(
        event,
        ctx,
        f"Build {verb}",
        what=name,
        url=url if url.startswith("http") else page,
        status=status,
        severity=severity,
        text=it.opt("$.description"),
        facts=(
            Fact("Branch", short_ref(it.first("$.ref", "$.refName"))),
            Fact("Commit", sha[:11], page),
            Fact("Duration", duration(took / 1000 if took is not None else None)),
        ),
        links=(Link("Commit", page),),
        button="Open build",
        when=("$.timestamp", "$.buildStatus.updatedDate", "$.build.updatedDate"),
        thread=f"build/{name}/{sha[:11]}",
    )


@events.on("ping", group="Set-up", label="Test connection", default=False)
def ping(event: RawEvent, ctx: Context) -> Notification:
    """Somebody pressed “Test connection”."""
    place = container(event.payload, ctx)
    return tell(
        event,
        ctx,
        "Bitbucket is connected",
        what=place.title if place else "",
        status="Test",
        severity=Severity.GOOD,
        text="This is the webhook's test. Events of the chosen kinds will follow.",
    )
