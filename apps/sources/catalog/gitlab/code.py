"""Pushes, tags, releases and wiki pages.

https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events
"""

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

from .common import (
    body,
    first_line,
    is_zero,
    moment,
    project_url,
    sentence,
    short_ref,
    tell,
    under,
)

events = Events()
GROUP = "Code"
SHOWN = 5


def commits_of(payload: Payload) -> tuple[tuple[Item, ...], int]:
    """The newest commits first, and how many there are; GitLab sends at most twenty, oldest first."""
    found: list[Item] = []
    everyone = list(payload.each("$.commits", 200))
    for commit in reversed(everyone):
        if len(found) == SHOWN:
            break
        sha = commit.opt("$.id")
        url = commit.opt("$.url") or (under(payload, f"commit/{sha}") if sha else "")
        words = commit.opt("$.title") or first_line(commit.opt("$.message"))
        found.append(
            Item(
                words or "(no message)",
                lead=sha[:8],
                url=url,
                trail=commit.first("$.author.name", "$.author"),
            )
        )
    return tuple(found), max(len(everyone), payload.opt_int("$.total_commits_count") or 0)


def compare(payload: Payload) -> str:
    """The page with what came in."""
    before, after = payload.opt("$.before"), payload.opt("$.after")
    if not before or not after or is_zero(before) or is_zero(after):
        return ""
    return under(payload, f"compare/{before[:40]}...{after[:40]}")


def tree(payload: Payload, name: str) -> str:
    """The page of a branch."""
    return under(payload, f"tree/{quote(name)}") if name else ""


@events.on("push", group=GROUP, label="Commits pushed, branch created or deleted")
def push(event: RawEvent, ctx: Context) -> Notification:
    """Commits arrived, or a branch was made or deleted."""
    payload = event.payload
    branch = short_ref(payload.opt("$.ref")) or "an unnamed branch"
    items, total = commits_of(payload)
    counted = f"{total} commit{'' if total == 1 else 's'}"
    latest = payload.each("$.commits")
    message = next((c.opt("$.title") or first_line(c.opt("$.message")) for c in latest), "")
    status, severity, what = "", Severity.INFO, ""
    url = compare(payload) or tree(payload, short_ref(payload.opt("$.ref")))
    button = "Compare changes" if compare(payload) else "Open branch"
    if is_zero(payload.opt("$.after")):
        title, status, severity = f"Branch {branch} deleted", "Deleted", Severity.WARNING
        url, button = project_url(payload), "Open project"
    elif is_zero(payload.opt("$.before")):
        title = f"New branch {branch}" + (f" with {counted}" if total else "")
        status, url, button = "New branch", tree(payload, branch), "Open branch"
    elif total:
        title = f"{counted} pushed to {branch}"
        what = message if total == 1 else ""
    else:
        title = f"Branch {branch} moved"
    return tell(
        event,
        ctx,
        title,
        what=what,
        url=url,
        status=status,
        severity=severity,
        facts=(
            Fact("Branch", branch if items else "", tree(payload, branch)),
            Fact("Protected", "Yes" if payload.flag("$.ref_protected") else ""),
            Fact("Files", _files(payload)),
        ),
        lists=(Items("", items, total=total, more_url=compare(payload)),) if items else (),
        button=button,
        when=moment(payload, "$.commits[-1].timestamp"),
        thread=payload.opt("$.ref"),
    )


def _files(payload: Payload) -> str:
    """`3 added, 1 changed` over all commits that were sent."""
    counts = []
    for key, word in (("added", "added"), ("modified", "changed"), ("removed", "removed")):
        paths = {path for commit in payload.each("$.commits", 50) for path in commit.texts(f"$.{key}", 1000)}
        if paths:
            counts.append(f"{len(paths)} {word}")
    return ", ".join(counts)


@events.on("tag_push", group=GROUP, label="Tag created or deleted")
def tag_push(event: RawEvent, ctx: Context) -> Notification:
    """A tag was made or deleted."""
    payload = event.payload
    name = short_ref(payload.opt("$.ref")) or "(unnamed)"
    gone = is_zero(payload.opt("$.after"))
    sha = payload.opt("$.checkout_sha") or payload.opt("$.after")
    commit = payload.sub("$.commits[-1]")
    headline = commit.opt("$.title") or first_line(commit.opt("$.message"))
    return tell(
        event,
        ctx,
        f"Tag {name} {'deleted' if gone else 'pushed'}",
        url=project_url(payload) if gone else under(payload, f"tags/{quote(name)}"),
        status="Deleted" if gone else "New tag",
        severity=Severity.WARNING if gone else Severity.GOOD,
        text=body(payload, payload.opt("$.message")),
        facts=(
            Fact(
                "Commit",
                "" if gone or not sha or is_zero(sha) else f"{sha[:8]} {headline}".strip(),
                under(payload, f"commit/{sha}"),
            ),
        ),
        button="Open project" if gone else "Open tag",
        when=moment(payload, "$.commits[-1].timestamp"),
        thread=payload.opt("$.ref"),
    )


@events.on("repository_update", group="Instance", label="Repository updated (system hook)", default=False)
def repository_update(event: RawEvent, ctx: Context) -> Notification:
    """A push, told once however many branches and tags it moved."""
    payload = event.payload
    changes = list(payload.each("$.changes", 200))
    refs = payload.texts("$.refs", 200) or [change.opt("$.ref") for change in changes]
    lines = tuple(
        Item(short_ref(change.opt("$.ref")), lead=_short(change.opt("$.after")), trail=_moved(change))
        for change in changes[:SHOWN]
    )
    names = ", ".join(short_ref(ref) for ref in refs[:3]) + (", …" if len(refs) > 3 else "")
    return tell(
        event,
        ctx,
        "Repository updated",
        what=names,
        url=project_url(payload),
        severity=Severity.INFO,
        lists=(Items("", lines, total=payload.count("$.changes")),) if lines else (),
        button="Open project",
    )


def _short(sha: str) -> str:
    return "" if is_zero(sha) else sha[:8]


def _moved(change: Payload) -> str:
    kind = "tag" if change.opt("$.ref").startswith("refs/tags/") else "branch"
    if is_zero(change.opt("$.after")):
        return f"{kind} deleted"
    return f"new {kind}" if is_zero(change.opt("$.before")) else f"{kind} moved"


RELEASES = {
    "created": ("Release published", "Published", Severity.GOOD),
    "updated": ("Release updated", "Updated", Severity.INFO),
    "deleted": ("Release deleted", "Deleted", Severity.WARNING),
}


@events.fallback("release")
@events.many(
    {
        "release.created": "Release published",
        "release.updated": "Release updated",
        "release.deleted": "Release deleted",
    },
    group="Releases",
    default=["release.created"],
)
def release(event: RawEvent, ctx: Context) -> Notification:
    """A release was published, edited or deleted."""
    payload = event.payload
    action = event.name.partition(".")[2]
    title, status, severity = RELEASES.get(
        action, (f"Release {sentence(action).lower()}", "", Severity.NEUTRAL)
    )
    name, tag = payload.opt("$.name") or payload.opt("$.object_attributes.name"), payload.opt("$.tag")
    what = f"{name} ({tag})" if name and tag and tag not in name else name or tag
    links = tuple(Link(each.opt("$.name"), each.opt("$.url")) for each in payload.each("$.assets.links", 3))
    commit = payload.sub("$.commit")
    return tell(
        event,
        ctx,
        title.strip(),
        what=what,
        url=project_url(payload) if action == "deleted" else payload.opt("$.url"),
        status=status,
        severity=severity,
        text=body(payload, payload.opt("$.description"), 2000),
        facts=(
            Fact("Tag", tag, under(payload, f"tags/{quote(tag)}") if tag else ""),
            Fact(
                "Commit",
                f"{commit.opt('$.id')[:8]} {commit.opt('$.title') or first_line(commit.opt('$.message'))}".strip(),
                commit.opt("$.url"),
            ),
            Fact("Commit by", commit.opt("$.author.name")),  # nobody is named who published it
            Fact("Assets", payload.opt("$.assets.count") if payload.opt_int("$.assets.count") else ""),
        ),
        links=tuple(link for link in links if link.title),
        button="Open project" if action == "deleted" else "Open release",
        when=moment(payload, "$.released_at", "$.created_at"),
        thread=f"release-{tag}",
    )


@events.fallback("wiki_page")
@events.many(
    {
        "wiki_page.created": "Wiki page created",
        "wiki_page.updated": "Wiki page edited",
        "wiki_page.deleted": "Wiki page deleted",
    },
    group="Wiki",
    default=False,
)
def wiki_page(event: RawEvent, ctx: Context) -> Notification:
    """Somebody wrote in the wiki."""
    payload, attributes = event.payload, event.payload.sub("$.object_attributes")
    action = event.name.partition(".")[2]
    gone = action == "deleted"
    words = {"updated": "edited"}.get(action, sentence(action).lower())
    return tell(
        event,
        ctx,
        f"Wiki page {words}".strip(),
        what=attributes.first("$.title", "$.slug"),
        url=payload.opt("$.wiki.web_url") if gone else attributes.opt("$.url"),
        severity=Severity.WARNING if gone else Severity.INFO,
        text="" if gone else body(payload, attributes.opt("$.content"), 800),
        facts=(Fact("Message", attributes.opt("$.message")),),
        links=(Link("What changed", attributes.opt("$.diff_url")),),
        button="Open wiki" if gone else "Open page",
        thread=f"wiki-{attributes.opt('$.slug')}",
    )
