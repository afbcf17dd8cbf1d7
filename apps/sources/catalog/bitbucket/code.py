"""Pushes, and comments on commits.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Push
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
)

from .common import actor, content, here, page, place_of, repository_name, tell, user_name
from .shared import SHOWN, count, first_line, in_url, mail_name

events = Events()
TAGS = ("tag", "annotated_tag")


def author(commit: Payload) -> str:
    """Who wrote a commit: the account where Bitbucket knows it, else the name in the commit."""
    return (
        user_name(commit.sub("$.author.user"))
        or user_name(commit.sub("$.author"))
        or mail_name(commit.opt("$.author.raw"))
        or mail_name(commit.opt("$.author"))
    )


def ref_of(change: Payload) -> Payload:
    """The branch or tag of a change: the new one, else the one that is gone."""
    return change.sub("$.new") or change.sub("$.old")


def changes_of(payload: Payload) -> list[Payload]:
    """What a push moved; Bitbucket lists also what it could not work out, with neither an old nor a new end."""
    return [each for each in payload.each("$.push.changes", 500) if ref_of(each)]


def _kind(ref: Payload) -> str:
    kind = ref.opt("$.type")
    return "tag" if kind in TAGS else "bookmark" if kind == "bookmark" else "branch"


def commit_items(payload: Payload, change: Payload) -> tuple[tuple[Item, ...], int]:
    """The newest commits as lines, and how many the change lists."""
    found = [
        Item(
            first_line(each.first("$.message", "$.summary.raw")) or "(no message)",
            lead=each.opt("$.hash")[:7],
            url=page(each, here(payload, f"commits/{each.opt('$.hash')}") if each.opt("$.hash") else ""),
            trail=author(each),
        )
        for each in change.each("$.commits", 500)
    ]
    return tuple(found[:SHOWN]), len(found)


def _how_many(total: int, change: Payload) -> str:
    """`3 commits`; `5+ commits` when Bitbucket cut its list."""
    if not total:
        return ""
    return f"{total}+ commits" if change.flag("$.truncated") else count(total, "commit")


@events.on("repo.push", group="Code", label="Commits pushed, branch or tag created or deleted")
def push(event: RawEvent, ctx: Context) -> Notification:
    """Commits arrived, or a branch or tag was made, moved or deleted."""
    payload = event.payload
    changes = changes_of(payload)
    if len(changes) != 1:
        return _many(event, changes)
    change = changes[0]
    ref = ref_of(change)
    name, kind = ref.opt("$.name") or "(unnamed)", _kind(ref)
    gone = change.flag("$.closed") or (change.has("$.old") and not change.has("$.new"))
    new = not gone and (change.flag("$.created") or not change.has("$.old"))
    items, total = commit_items(payload, change)
    amount = _how_many(total, change)
    tail = f"branch/{in_url(name)}" if kind != "tag" else f"src/{in_url(name)}"
    ref_page = page(ref, here(payload, tail)) if not gone else here(payload, "")
    compare = page(change) if change.has("$.links.html.href") else ""
    before, after = change.opt("$.old.target.hash"), change.opt("$.new.target.hash")
    if not compare and before and after and repository_name(place_of(payload)):
        compare = here(payload, f"branches/compare/{after}..{before}")
    title, status, severity = f"{amount or 'Commits'} pushed to {name}", "", Severity.INFO
    url, button = (compare or ref_page), "Compare changes" if compare else f"Open {kind}"
    if gone:
        title, status, severity = f"{kind.capitalize()} {name} deleted", "Deleted", Severity.WARNING
        url, button = ref_page, "Open repository"
    elif kind == "tag":
        title, status, severity = f"Tag {name} {'created' if new else 'moved'}", "Tag", Severity.GOOD
        url, button = ref_page, "Open tag"
    elif new:
        title, status = f"New {kind} {name}" + (f" with {amount}" if amount else ""), f"New {kind}"
        url, button = ref_page, f"Open {kind}"
    elif change.flag("$.forced"):
        title = f"Force-push to {name}" + (f": {amount}" if amount else "")
        status, severity = "Forced", Severity.WARNING
    elif not amount:
        title = f"{kind.capitalize()} {name} updated"
    head = change.sub("$.new.target")
    message = ref.opt("$.message") if kind == "tag" and not gone else ""
    sha = (change.sub("$.old.target") if gone else head).opt("$.hash")
    facts = (
        Fact("Was at" if gone else "Commit", sha[:12] if gone or kind == "tag" or not items else "",
             here(payload, f"commits/{sha}") if sha else ""),
        Fact("Latest", first_line(head.first("$.message", "$.summary.raw")) if not items else ""),
        Fact("Tagger", mail_name(ref.opt("$.tagger.raw")) if message else ""),
    )  # fmt: skip
    more = (Link("All commits", here(payload, f"commits/branch/{in_url(name)}")),)
    return tell(
        event,
        title,
        url=url,
        status=status,
        severity=severity,
        text=first_line(message),
        facts=facts,
        lists=(Items("", items, total=total, more_url=url),) if items and not gone else (),
        links=more if change.flag("$.truncated") and not gone and kind != "tag" else (),
        button=button,
        thread=f"{kind}/{name}",
        who=actor(payload) or actor(change, "$.new.target.author.user"),
    )


def _many(event: RawEvent, changes: list[Payload]) -> Notification:
    """A push that moved many branches and tags at once; or, with none listed, just the fact."""
    payload = event.payload
    name = repository_name(place_of(payload))
    if not changes:
        return tell(
            event, f"Push to {name}" if name else "Push", severity=Severity.INFO, button="Open repository"
        )
    items = []
    for change in changes[:SHOWN]:
        ref = ref_of(change)
        gone = not change.has("$.new")
        verb = "deleted" if gone else "updated" if change.has("$.old") else "created"
        total = _how_many(change.count("$.commits"), change)
        items.append(
            Item(
                f"{_kind(ref)} {ref.opt('$.name') or '(unnamed)'} {verb}",
                url="" if gone else page(ref),
                trail=total,
            )
        )
    kinds = {_kind(ref_of(change)) for change in changes}
    noun = kinds.pop() if len(kinds) == 1 else "branch or tag"
    amount = count(len(changes), noun) if noun != "branch or tag" else f"{len(changes)} branches and tags"
    return tell(
        event,
        f"{amount} changed",
        what=name,
        severity=Severity.INFO,
        lists=(Items("", tuple(items), total=len(changes)),),
        button="Open repository",
    )


@events.fallback("commit_comment")
@events.on("commit_comment.created", group="Code", label="Comment on a commit")
def commit_comment(event: RawEvent, ctx: Context) -> Notification:
    """Somebody commented on a commit."""
    payload = event.payload
    said, commit = payload.sub("$.comment"), payload.sub("$.commit")
    sha = commit.first("$.hash", "$.raw_node") or said.opt("$.commit.hash")
    commit_page = page(commit, here(payload, f"commits/{sha}") if sha else "")
    ident, path = said.opt("$.id"), said.opt("$.inline.path")
    line = said.first("$.inline.to", "$.inline.from")
    message = first_line(commit.first("$.message", "$.summary.raw"))
    return tell(
        event,
        "Comment on commit",
        what=" ".join(part for part in (sha[:7], message) if part) or "(unnamed commit)",
        url=page(said, f"{commit_page}#comment-{ident}" if commit_page and ident else commit_page),
        severity=Severity.INFO,
        text=content(said.sub("$.content")) or content(Payload({"raw": said.opt("$.content")})),
        facts=(
            Fact("File", f"{path}:{line}" if path and line else path),
            Fact("Commit by", author(commit)),
        ),
        links=(Link("Commit", commit_page),) if commit_page else (),
        button="Open comment",
        when=("$.comment.updated_on", "$.comment.created_on"),
        thread=f"commit/{sha[:12]}",
        who=actor(payload) or actor(payload, "$.comment.user"),
    )
