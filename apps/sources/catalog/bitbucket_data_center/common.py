"""What all of Bitbucket Data Center's events share: who, where, and pages.

Payloads have `links.self[].href` only in some versions, so pages are made of what is known of the
server: any page or clone address in the payload, else the connector's option “Address of Bitbucket”.

https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
"""

from __future__ import annotations

import re

from apps.sources.sdk import (
    Actor,
    Context,
    Fact,
    Items,
    Link,
    Markdown,
    Notification,
    Payload,
    RawEvent,
    Severity,
    plain,
)

from ..bitbucket.shared import in_url, looks_like_bot

_PAGE = re.compile(r"^(https?://[^\s?#]+?)/(?:projects|users)/")
_CLONE = re.compile(r"^(https?://[^\s?#]+?)/scm/")
_WHERE = (
    "repository",
    "pullRequest.toRef.repository",
    "pullRequest.fromRef.repository",
    "new",
    "old",
    "project",
)


def self_url(thing: Payload) -> str:
    """The thing's own page, where the payload has it."""
    url = thing.first("$.links.self[0].href", "$.link.href", "$.link")
    return url if url.startswith("http") and "/rest/" not in url else ""


def site(payload: Payload, ctx: Context) -> str:
    """The server's address without a slash at the end, or ""."""
    things = [payload.sub(f"$.{path}") for path in _WHERE]
    things += [each.sub("$.repository") for each in payload.each("$.secretLocations", 3)]
    pages = [self_url(thing) for thing in (payload.sub("$.pullRequest"), payload.sub("$.actor"), *things)]
    pages += [self_url(thing.sub("$.project")) for thing in things]
    for url in pages:
        found = _PAGE.match(url)
        if found:
            return found[1]
    for thing in things:
        for clone in thing.each("$.links.clone", 10):
            found = _CLONE.match(re.sub(r"//[^/@]*@", "//", clone.opt("$.href")))
            if found:
                return found[1]
    given = ctx.text("base_url").strip().rstrip("/")
    return given if given.startswith(("http://", "https://")) else ""


def user_of(thing: Payload) -> Payload:
    """The user: itself, or inside a participant."""
    return thing.sub("$.user") or thing


def user_name(user: Payload) -> str:
    """How a person is called."""
    return user.first("$.displayName", "$.display_name", "$.name", "$.username", "$.slug")


def is_bot(user: Payload) -> bool:
    """Whether a service account did it."""
    return user.opt("$.type").upper() == "SERVICE" or looks_like_bot(
        user.opt("$.name"), user.opt("$.slug"), user.opt("$.displayName")
    )


def actor(payload: Payload, ctx: Context, path: str = "$.actor") -> Actor | None:
    """The user there, or None."""
    user = user_of(payload.sub(path))
    name, slug, base = user_name(user), user.first("$.slug", "$.name", "$.username"), site(payload, ctx)
    if not name:
        return None
    url = self_url(user) or (f"{base}/users/{in_url(slug.lower())}" if base and slug else "")
    return Actor(name, url, user.opt("$.avatarUrl"), bot=is_bot(user))


def place_of(payload: Payload) -> Payload:
    """The repository of the event."""
    for path in (
        "$.repository",
        "$.pullRequest.toRef.repository",
        "$.new",
        "$.secretLocations[0].repository",
    ):
        found = payload.sub(path)
        if found.has("$.slug") or found.has("$.project"):
            return found
    return payload.sub("$.repository")


def project_key(repository: Payload) -> str:
    """The project's key; `~emma` for a person's own repositories."""
    key = repository.opt("$.project.key")
    if repository.opt("$.project.type") == "PERSONAL" and key and not key.startswith("~"):
        key = f"~{repository.opt('$.project.owner.slug') or key}"
    return key


def repository_name(repository: Payload) -> str:
    """`PROJECT/repository`."""
    name, key = repository.first("$.slug", "$.name"), project_key(repository)
    return f"{key}/{name}" if key and name else name


def project_url(project: Payload, base: str) -> str:
    """A project's page."""
    url, key = self_url(project), project.opt("$.key")
    if url or not base or not key:
        return url
    return (
        f"{base}/users/{in_url(key[1:].lower())}" if key.startswith("~") else f"{base}/projects/{in_url(key)}"
    )


def repository_url(repository: Payload, base: str) -> str:
    """A repository's page, without `/browse`."""
    url = self_url(repository)
    if url:
        return url.removesuffix("/").removesuffix("/browse")
    slug, key = repository.first("$.slug", "$.name"), project_key(repository)
    if not base or not slug or not key:
        return ""
    where = f"users/{in_url(key[1:].lower())}" if key.startswith("~") else f"projects/{in_url(key)}"
    return f"{base}/{where}/repos/{in_url(slug)}"


def here(payload: Payload, ctx: Context, tail: str = "") -> str:
    """A page below the event's repository, or ""."""
    found = repository_url(place_of(payload), site(payload, ctx))
    return f"{found}/{tail}" if found and tail else found


def container(payload: Payload, ctx: Context) -> Link | None:
    """The repository; else the project."""
    repository = place_of(payload)
    name = repository_name(repository)
    if name:
        return Link(name, repository_url(repository, site(payload, ctx)))
    for path in ("$.project", "$.new", "$.old"):
        project = payload.sub(path)
        if project.first("$.name", "$.key"):
            return Link(project.first("$.name", "$.key"), project_url(project, site(payload, ctx)))
    return None


def named(people: list[Payload]) -> str:
    """Several people in one line."""
    return ", ".join(dict.fromkeys(name for name in (user_name(user_of(each)) for each in people) if name))


def tell(
    event: RawEvent,
    ctx: Context,
    title: str,
    *,
    what: str = "",
    url: str = "",
    status: str = "",
    severity: Severity = Severity.NEUTRAL,
    text: str | Markdown = "",
    facts: tuple[Fact, ...] = (),
    lists: tuple[Items, ...] = (),
    links: tuple[Link, ...] = (),
    button: str = "",
    when: tuple[str, ...] = (),
    thread: str = "",
    who: Actor | None = None,
) -> Notification:
    """A notification with everything that the events share filled in.

    title: what happened; what: the object's own title. when: more places of its time.
    """
    payload = event.payload
    place = container(payload, ctx)
    target = url or (place.url if place else "")
    moments = (payload.time(path) for path in ("$.date", *when))
    return Notification(
        title=plain(f"{title}: {what}" if what else title),
        status=status,
        severity=severity,
        text=text,
        actor=who or actor(payload, ctx),
        subject=Link(what or title, target),
        container=place,
        facts=facts,
        lists=lists,
        links=tuple(link for link in links if link.url),
        occurred_at=next((moment for moment in moments if moment), None),
        thread_key=f"bitbucket:{place.title if place else ''}:{thread}" if thread else "",
        link_title=button or "Open in Bitbucket",
    )
