"""Code: pushes, TFVC check-ins, and repositories.

https://learn.microsoft.com/azure/devops/service-hooks/events#code
"""

from __future__ import annotations

import re

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

from .common import SHOWN, capital, count, said, short_ref, tell, who, words
from .places import (
    collection,
    in_url,
    is_api,
    is_zero,
    page_link,
    project_of,
    project_page,
    project_url,
    repository_url,
)

events = Events()
# "Jamal Hartnett pushed updates to Fabrikam:main"
_PUSHED = re.compile(
    r"^(?P<who>.{1,80}?) (?P<verb>(?:force[- ]?)?pushed (?:updates|a commit|\d+ commits?) to|deleted|created) "
    r"(?P<what>[^\s:]+:\S.*?)\.?$"
)

# "Jamal Hartnett created pull request 1 (my first pull request) in Fabrikam"
_IN = re.compile(r"\bpull request \d{1,12} \(.+\) in (\S[^()]{0,100}?)\.?$")


def repository_of(payload: Payload) -> Payload:
    """The repository of any code event."""
    resource = payload.sub("$.resource")
    for path in ("$.repository", "$.pullRequest.repository", "$.targetRepository"):
        found = resource.sub(path)
        if found:
            return found
    return resource.sub("$.repository")


def repository_link(payload: Payload) -> Link | None:
    """The repository as a link, with its project's name where that differs."""
    repository = repository_of(payload)
    name = repository.opt("$.name")
    if not name:
        return _repository_said(payload)
    project = repository.opt("$.project.name")
    shown = f"{project}/{name}" if project and project != name else name
    return Link(shown, repository_url(payload, repository))


def _heard(payload: Payload) -> re.Match[str] | None:
    """Who pushed to which `repository:branch`, as Microsoft's sentence says it now or said it before."""
    old = r" branch (\S+) of repository (\S.{0,100}?)\.?$"
    return _PUSHED.match(re.sub(old, r" \2:\1", said(payload)))


def _repository_said(payload: Payload) -> Link | None:
    """The repository that Microsoft's sentence names, where no resource was sent."""
    found = _heard(payload)
    name = found["what"].partition(":")[0] if found else ""
    if not name:
        ends = _IN.search(said(payload))
        name = ends[1] if ends else ""
    if not name:
        return None
    base, project = project_page(payload), project_of(payload)
    shown = f"{project}/{name}" if project and project != name else name
    return Link(shown, f"{base}/_git/{in_url(name)}" if base else "")


def commit_url(payload: Payload, commit: Payload) -> str:
    """A commit's page."""
    url = commit.opt("$.url")
    if url.startswith("http") and not is_api(url):
        return url
    base, sha = repository_url(payload, repository_of(payload)), commit.opt("$.commitId")
    return page_link(commit) or (f"{base}/commit/{in_url(sha)}" if base and sha else "")


def commits_list(payload: Payload, path: str = "$.resource.commits") -> tuple[Items, ...]:
    """The commits, newest first as Azure DevOps sends them. Some events give only their ids."""
    found = list(payload.each(path, 500))
    total = max(payload.count(path), payload.opt_int("$.resource.commitsCount") or 0)
    items = []
    for each in found[:SHOWN]:
        message = each.first("$.comment", "$.message").strip().split("\n")[0].strip()
        sha = each.opt("$.commitId")
        if message or sha:
            items.append(
                Item(message or "(message not sent)", lead=sha[:8], url=commit_url(payload, each),
                     trail=who(each.sub("$.author"), "name", "displayName"))
            )  # fmt: skip
    return (Items("", tuple(items), total=max(total, len(items))),) if items else ()


def _none(sha: str) -> bool:
    """Whether it is git's "no object": only zeros, while Microsoft's examples blacken ids as zeros and dashes."""
    return bool(sha) and not sha.strip("0")


def _moves(payload: Payload) -> list[tuple[str, str, str]]:
    """The refs that a push moved: (ref, old object, new object)."""
    moves = []
    for each in payload.each("$.resource.refUpdates", 500):
        ref = each.opt("$.name")
        if ref:
            moves.append((ref, each.opt("$.oldObjectId"), each.opt("$.newObjectId")))
    return moves


def _kind(ref: str) -> str:
    return "tag" if ref.startswith("refs/tags/") else "branch" if ref.startswith("refs/heads/") else "ref"


def _happened(ref: str, old: str, new: str) -> tuple[str, str, Severity]:
    """created, deleted or moved; the pill; the colour."""
    if _none(new) and not _none(old):
        return "deleted", f"{capital(_kind(ref))} deleted", Severity.WARNING
    if _none(old) and not _none(new):
        return "created", f"New {_kind(ref)}", Severity.INFO
    return "updated", "", Severity.INFO


def _headline(kind: str, verb: str, name: str, total: int) -> str:
    """What the push did, in one line."""
    commits = count(total, "commit") if total else ""
    if verb == "deleted":
        return f"{capital(kind)} {name} deleted"
    if verb == "created":
        return f"New {kind} {name} with {commits}" if commits else f"New {kind} {name}"
    return f"{commits} pushed to {name}" if commits else f"{capital(kind)} {name} updated"


def _forced(payload: Payload) -> bool:
    """Whether history was rewritten."""
    if any(each.flag("$.forced") for each in payload.each("$.resource.refUpdates", 500)):
        return True
    return bool(
        re.search(r"\bforce[- ]?push", f"{said(payload)} {said(payload, 'detailedMessage')}", re.IGNORECASE)
    )


def branches_of(payload: Payload) -> tuple[str, ...]:
    """The branches and tags that a push moved."""
    return tuple(dict.fromkeys(short_ref(ref) for ref, _, _ in _moves(payload)))


@events.on("git.push", group="Code", label="Code pushed")
def push(event: RawEvent, ctx: Context) -> Notification:
    """Commits were pushed; branches or tags were made, moved or deleted."""
    payload, moves = event.payload, _moves(event.payload)
    resource, place = payload.sub("$.resource"), repository_link(payload)
    base = repository_url(payload, repository_of(payload)) or (place.url if place else "")
    total = max(payload.count("$.resource.commits"), resource.opt_int("$.commitsCount") or 0)
    title, what, status, severity, url = "Code pushed", "", "", Severity.INFO, base
    heard, headline = _heard(payload), ""
    if len(moves) == 1:
        ref, old, new = moves[0]
        verb, status, severity = _happened(ref, old, new)
        what, mark = short_ref(ref), "GT" if _kind(ref) == "tag" else "GB"
        headline = _headline(_kind(ref), verb, what, total)
        if _forced(payload):
            headline = f"Force-push to {what}" + (f": {count(total, 'commit')}" if total else "")
            status, severity = "Force push", Severity.WARNING
        if base and verb != "deleted" and _kind(ref) != "ref":
            url = f"{base}?version={mark}{in_url(what)}"
    elif moves:
        what = f"{len(moves)} branches and tags"
        headline = f"{count(total, 'commit')} pushed to {what}" if total else f"{what} changed"
    else:
        what = heard["what"] if heard else place.title if place else ""
        branch = what.partition(":")[2] if heard else ""
        if heard and heard["verb"] in ("deleted", "created"):
            gone = heard["verb"] == "deleted"
            headline = f"Branch {branch} deleted" if gone else f"New branch {branch}"
            status, severity = ("Branch deleted", Severity.WARNING) if gone else ("New branch", Severity.INFO)
            what, branch = branch, "" if gone else branch
        if base and branch and " " not in branch:
            url = f"{base}?version=GB{in_url(branch)}"
    refs = tuple(
        Item(short_ref(ref), trail=_happened(ref, old, new)[1] or "updated")
        for ref, old, new in moves[:SHOWN]
    )
    lists = commits_list(payload)
    compare = _compare(base, moves)
    return tell(
        event,
        title,
        what=what,
        headline=headline,
        url=url,
        by=who(resource, "pushedBy") or (heard["who"] if heard else ""),
        status=status,
        severity=severity,
        lists=(*lists, *((Items("Branches and tags", refs, total=len(moves)),) if len(moves) > 1 else ())),
        links=(Link("Compare", compare),) if compare else (),
        place=place,
        button="Open branch" if "?version=GB" in url else "Open repository",
        when=("$.resource.date",),
        thread=f"push:{base}:{moves[0][0]}" if len(moves) == 1 else "",
    )


def _compare(base: str, moves: list[tuple[str, str, str]]) -> str:
    if len(moves) != 1 or not base:
        return ""
    _, old, new = moves[0]
    if len(old) < 40 or len(new) < 40 or is_zero(old) or is_zero(new):
        return ""
    return f"{base}/branchCompare?baseVersion=GC{in_url(old)}&targetVersion=GC{in_url(new)}&_a=commits"


@events.on("tfvc.checkin", group="Code", label="Code checked in (TFVC)")
def checkin(event: RawEvent, ctx: Context) -> Notification:
    """A changeset was checked in."""
    payload = event.payload
    resource = payload.sub("$.resource")
    found = re.search(r"changeset (\d{1,12})", said(payload))
    number = resource.opt("$.changesetId") or (found[1] if found else "")
    comment, base = resource.opt("$.comment").strip(), project_url(payload)
    line = comment.split("\n")[0]
    what = " ".join(part for part in (number, line) if part)
    author, by = who(resource, "author"), who(resource, "checkedInBy", "author")
    paths = [each.opt("$.item.path") or each.opt("$.path") for each in resource.each("$.changes", 200)]
    items = tuple(Item(path) for path in paths[:SHOWN] if path)
    return tell(
        event,
        "Changeset checked in",
        what=what,
        url=page_link(resource)
        or (f"{base}/_versionControl/changeset/{in_url(number)}" if base and number else ""),
        by=by,
        severity=Severity.INFO,
        text=from_gfm(comment) if "\n" in comment else "",
        facts=(Fact("Author", author if author != by else ""),),
        lists=(Items("Files", items, total=len(paths)),) if items else (),
        button="Open changeset",
        when=("$.resource.createdDate",),
        thread=f"changeset{number}" if number else "",
    )


REPOSITORY = {
    "created": ("Repository created", Severity.GOOD),
    "deleted": ("Repository deleted", Severity.WARNING),
    "undeleted": ("Repository restored", Severity.INFO),
    "forked": ("Repository forked", Severity.INFO),
    "renamed": ("Repository renamed", Severity.INFO),
    "statuschanged": ("Repository status changed", Severity.INFO),
}


@events.fallback("git.repo")
@events.many({f"git.repo.{key}": value[0] for key, value in REPOSITORY.items()}, group="Repositories")
def repository(event: RawEvent, ctx: Context) -> Notification:
    """A repository was made, renamed, forked, disabled, deleted or restored."""
    payload, action = event.payload, event.name.rpartition(".")[2]
    resource = payload.sub("$.resource")
    title, severity = REPOSITORY.get(action, (f"Repository {words(action)}", Severity.NEUTRAL))
    thing = repository_of(payload)
    heard = re.search(r" with name (\S.{0,100}?)\.?$", said(payload))
    name = thing.first("$.name") or resource.first("$.newName", "$.repositoryName", "$.name")
    name = name or (heard[1] if heard else "")
    project = thing.opt("$.project.name") or project_of(payload)
    status, what = "", f"{project}/{name}" if project and name and project != name else name
    old = resource.first("$.oldName", "$.previousName")
    if action == "renamed" and old:
        what = f"{old} → {name}" if name else old
    disabled = resource.has("$.disabled") or thing.has("$.isDisabled")
    if action == "statuschanged" and disabled:
        off = resource.flag("$.disabled") if resource.has("$.disabled") else thing.flag("$.isDisabled")
        title, status = ("Repository disabled", "Disabled") if off else ("Repository enabled", "Enabled")
        severity = Severity.WARNING if off else Severity.GOOD
    parent = thing.sub("$.parentRepository")
    if not parent:
        parent = resource.sub("$.sourceRepository")
    base, url = collection(payload), repository_url(payload, thing)
    initiator = who(resource, "initiatedBy", "createdBy", "deletedBy", "renamedBy", "pushedBy")
    return tell(
        event,
        title,
        what=what,
        url=url if action != "deleted" else project_url(payload) or base,
        by=initiator,
        status=status,
        severity=severity,
        facts=(
            Fact("Default branch", short_ref(thing.opt("$.defaultBranch"))),
            Fact("Forked from", parent.opt("$.name"), repository_url(payload, parent) if parent else ""),
            Fact("Repository id", resource.opt("$.repositoryId") if not name else ""),
            Fact("Deleted for good", "yes" if resource.flag("$.isHardDelete") else ""),
        ),
        button="Open repository" if action != "deleted" else "Open project",
        when=("$.resource.utcTimestamp", "$.resource.timestamp"),
        thread=f"repository{thing.opt('$.id') or resource.opt('$.repositoryId')}",
    )


@events.on("git.branch.download", group="Repositories", label="Branch downloaded", default=False)
def downloaded(event: RawEvent, ctx: Context) -> Notification:
    """Somebody downloaded a branch as a ZIP file."""
    payload = event.payload
    resource, place = payload.sub("$.resource"), repository_link(payload)
    branch = short_ref(resource.first("$.branch", "$.refName", "$.version"))
    what = " of ".join(part for part in (branch, place.title if place else "") if part)
    by = who(resource, "initiatedBy", "downloadedBy", "user")
    return tell(event, "Branch downloaded", what=what, url=place.url if place else "", by=by, place=place)
