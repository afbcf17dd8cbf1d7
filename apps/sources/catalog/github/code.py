"""Pushes, branches, tags, commits, releases and wiki pages."""

from __future__ import annotations

from apps.sources.sdk import (
    Actor,
    Context,
    Events,
    Fact,
    Ignore,
    Item,
    Items,
    Link,
    Notification,
    Outcome,
    Payload,
    RawEvent,
    Severity,
)

from .common import (
    action_of,
    actor,
    body,
    changed,
    first_line,
    repository_url,
    severity_of,
    short_ref,
    tell,
    words,
)

events = Events()
SHOWN = 5


QUEUE = Ignore("GitHub makes and deletes this branch itself, to test a merge queue's group.")


def _is_queue(ref: str) -> bool:
    return short_ref(ref).startswith("gh-readonly-queue/")


def is_zero(sha: str) -> bool:
    """GitHub's "no commit": 40 zeros, or 64 in repositories with SHA-256."""
    return len(sha) >= 40 and not sha.strip("0")


def _commits(payload: Payload, place: str) -> tuple[tuple[Item, ...], int]:
    found: list[Item] = []
    total = 0
    for commit in payload.each("$.commits"):
        total += 1
        if len(found) < SHOWN:
            sha = commit.first("$.id", "$.sha")
            who = commit.first(
                "$.author.username", "$.author.name", "$.committer.username", "$.committer.name"
            )
            url = commit.opt("$.url") or (f"{place}/commit/{sha}" if place and sha else "")
            found.append(
                Item(first_line(commit.opt("$.message")) or "(no message)", lead=sha[:7], url=url, trail=who)
            )
    return tuple(found), max(total, payload.opt_int("$.size") or 0)


def _pusher(payload: Payload) -> Actor | None:
    found = actor(payload)
    name = payload.first("$.pusher.name", "$.pusher.login", "$.pusher.email")
    return found or (Actor(name) if name else None)


@events.on("push", group="Code", label="Commits pushed, branch or tag moved")
def push(event: RawEvent, ctx: Context) -> Outcome:
    """Commits arrived, or a branch or tag was made, moved or deleted."""
    payload, place = event.payload, repository_url(event.payload)
    ref = payload.opt("$.ref")
    if _is_queue(ref):
        return QUEUE
    name, tag = short_ref(ref), ref.startswith("refs/tags/")
    kind = "tag" if tag else "branch"
    before, after = payload.opt("$.before"), payload.opt("$.after")
    items, total = _commits(payload, place)
    gone = payload.flag("$.deleted") or is_zero(after)
    new = payload.flag("$.created") or is_zero(before)
    forced = payload.flag("$.forced")
    url = payload.opt("$.compare")
    if not url and place:
        known = before and not is_zero(before) and not is_zero(after)
        url = f"{place}/compare/{before[:12]}...{after[:12]}" if known else f"{place}/tree/{name}"
    status, severity = "", Severity.INFO
    if gone:
        title, status, severity, url = (
            f"{kind.capitalize()} {name} deleted",
            "Deleted",
            Severity.WARNING,
            place,
        )
    elif tag:
        title, status, severity = f"Tag {name} pushed", "Tag", Severity.GOOD
        url = f"{place}/tree/{name}" if place else url
    else:
        count = f"{total} commit{'' if total == 1 else 's'}"
        title = f"{count} pushed to {name}" if total else f"Branch {name} moved"
        if new:
            title, status = f"New branch {name}" + (f" with {count}" if total else ""), "New branch"
        elif forced:
            title, status, severity = (
                f"Force-push to {name}" + (f": {count}" if total else ""),
                "Forced",
                Severity.WARNING,
            )
    facts = (
        Fact(
            "Latest",
            first_line(payload.opt("$.head_commit.message")) if not items else "",
            payload.opt("$.head_commit.url"),
        ),
        Fact(kind.capitalize(), name, f"{place}/tree/{name}" if place and not gone else ""),
        Fact("From", short_ref(payload.opt("$.base_ref"))),
    )
    lists = (Items("", items, total=total, more_url=url),) if items else ()
    return tell(
        event,
        title,
        url=url,
        status=status,
        severity=severity,
        facts=facts,
        lists=lists,
        button=_button(url, gone=gone),
        when="$.head_commit.timestamp",
        thread=ref,
        who=_pusher(payload),
    )


def _button(url: str, *, gone: bool) -> str:
    if gone:
        return "Open repository"
    return "Compare changes" if "/compare/" in url else "Open"


@events.on("create", group="Code", label="Branch or tag created", default=False)
def create(event: RawEvent, ctx: Context) -> Outcome:
    """A branch or tag was made."""
    return _ref(event, "created", Severity.GOOD)


@events.on("delete", group="Code", label="Branch or tag deleted", default=False)
def delete(event: RawEvent, ctx: Context) -> Outcome:
    """A branch or tag was deleted."""
    return _ref(event, "deleted", Severity.WARNING)


def _ref(event: RawEvent, verb: str, severity: Severity) -> Outcome:
    payload, place = event.payload, repository_url(event.payload)
    if _is_queue(payload.opt("$.ref")):
        return QUEUE
    name, kind = short_ref(payload.opt("$.ref")), payload.opt("$.ref_type") or "branch"
    url = f"{place}/tree/{name}" if place and verb == "created" else place
    return tell(
        event,
        f"{kind.capitalize()} {name} {verb}".replace("  ", " "),
        url=url,
        status=verb.capitalize(),
        severity=severity,
        text=payload.opt("$.description") if kind == "repository" else "",
        button=f"Open {kind}" if verb == "created" else "Open repository",
        thread=name,
    )


@events.fallback("commit_comment")
@events.on("commit_comment.created", group="Code", label="Comment on a commit")
def commit_comment(event: RawEvent, ctx: Context) -> Notification:
    """A comment on a commit."""
    payload = event.payload
    sha, path = payload.opt("$.comment.commit_id"), payload.opt("$.comment.path")
    line = payload.first("$.comment.line", "$.comment.position")
    return tell(
        event,
        f"Comment on commit {sha[:7]}".strip(),
        url=payload.opt("$.comment.html_url") or repository_url(payload),
        severity=Severity.INFO,
        text=body(payload, "$.comment.body"),
        facts=(Fact("File", f"{path}:{line}" if path and line else path),),
        button="Open comment",
        when="$.comment.updated_at",
        thread=sha,
    )


RELEASES = {
    "published": "Release published", "released": "Release is the full version", "prereleased": "Pre-release published",
    "created": "Release draft saved", "edited": "Release edited", "deleted": "Release deleted",
    "unpublished": "Release unpublished",
}  # fmt: skip


@events.fallback("release")
@events.many(
    {f"release.{key}": label for key, label in RELEASES.items()},
    group="Releases",
    default=["release.published"],
)
def release(event: RawEvent, ctx: Context) -> Notification:
    """A release changed."""
    payload, made = event.payload, event.payload.sub("$.release")
    action, place = payload.opt("$.action"), repository_url(event.payload)
    tag = made.opt("$.tag_name")
    pre, draft = made.flag("$.prerelease"), made.flag("$.draft")
    status = "Draft" if draft else "Pre-release" if pre else "Release"
    bad = action in ("deleted", "unpublished")
    assets = tuple(
        Item(each.opt("$.name"), url=each.opt("$.browser_download_url"))
        for each in made.each("$.assets")
        if each.opt("$.name")
    )
    return tell(
        event,
        "Release is the full version"
        if action == "released"
        else f"{'Pre-release' if pre else 'Release'} {action_of(event)}".replace("prereleased", "published"),
        what=made.opt("$.name") or tag or "(untitled)",
        url=made.opt("$.html_url") or (f"{place}/releases/tag/{tag}" if place and tag else place),
        status=status,
        severity=Severity.WARNING if bad else Severity.GOOD if not draft else Severity.NEUTRAL,
        text=body(made, "$.body", 1500) if not bad else "",
        facts=(
            Fact("Tag", tag),
            Fact("Target", short_ref(made.opt("$.target_commitish"))),
            *changed(payload),
        ),
        lists=(Items("Files", assets[:SHOWN], total=len(assets), more_url=made.opt("$.html_url")),)
        if assets
        else (),
        button="Open release",
        when="$.release.published_at",
        thread=f"release-{tag}",
    )


@events.on("gollum", group="Wiki", label="Wiki page created or edited")
def gollum(event: RawEvent, ctx: Context) -> Notification:
    """Wiki pages changed."""
    payload, place = event.payload, repository_url(event.payload)
    pages = [
        Item(
            page.first("$.title", "$.page_name") or "(untitled)",
            url=page.opt("$.html_url"),
            trail=" ".join(part for part in (page.opt("$.action"), page.opt("$.summary")) if part),
        )
        for page in payload.each("$.pages")
    ]
    single = pages[0] if len(pages) == 1 else None
    title = (
        f"Wiki page {payload.opt('$.pages[0].action') or 'changed'}"
        if single
        else f"{len(pages)} wiki pages changed"
    )
    return tell(
        event,
        title,
        what=str(single.text) if single else "",
        url=single.url if single and single.url else f"{place}/wiki" if place else "",
        severity=Severity.INFO,
        text=payload.opt("$.pages[0].summary") if single else "",
        lists=()
        if single
        else (Items("", tuple(pages[:SHOWN]), total=len(pages), more_url=f"{place}/wiki"),),
        button="Open wiki",
    )


@events.on("status", group="Checks", label="Commit status changed", default=False)
def status(event: RawEvent, ctx: Context) -> Notification:
    """A commit status from an outside service."""
    payload, place = event.payload, repository_url(event.payload)
    state, sha = payload.opt("$.state"), payload.opt("$.sha")
    target = payload.opt("$.target_url")
    page = payload.opt("$.commit.html_url") or (f"{place}/commit/{sha}" if place and sha else place)
    return tell(
        event,
        f"{payload.opt('$.context') or 'Commit status'}: {words(state) or 'changed'}",
        url=page,
        status=words(state),
        severity=severity_of(state),
        text=payload.opt("$.description"),
        facts=(
            Fact("Commit", first_line(payload.opt("$.commit.commit.message")) or sha[:7], page),
            Fact("Branch", payload.opt("$.branches[0].name")),
        ),
        links=(Link("Details", target),) if target else (),
        button="Open commit",
        when="$.updated_at",
        thread=sha,
    )
