"""What all of Bitbucket Cloud's events share: who, where, when, and pages for API addresses.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
"""

from __future__ import annotations

import re

from apps.sources.sdk import (
    Actor,
    Fact,
    Items,
    Link,
    Markdown,
    Notification,
    Payload,
    RawEvent,
    Severity,
    from_gfm,
    from_html,
    plain,
)

from .shared import in_url, looks_like_bot, words

SITE = "https://bitbucket.org"
_API = re.compile(
    r"^https?://(?:api\.bitbucket\.org(?=/|$)|bitbucket\.org/!?api(?=/[12]\.0))(?:/api)?(?:/[12]\.0)?/*"
)
_CARD = re.compile(r"\{:\s*data-[\w-]+=(?:'[^'\n]{0,20}'|\"[^\"\n]{0,20}\")\s*\}")
_PLACEHOLDER = re.compile(r"@\{[^{}\s]{1,100}\}")
USERS = (
    "actor", "pullrequest.author", "pullrequest.closed_by", "comment.user", "comment.author", "issue.reporter",
    "issue.assignee", "repository.owner",
)  # fmt: skip


def is_api(url: str) -> bool:
    """Whether the address answers JSON, not a page. Documentation and old versions give such "html" links."""
    return bool(_API.match(url))


def page(thing: Payload, derived: str = "") -> str:
    """The thing's page: its html link; else `derived`; else what its API address stands for."""
    url = thing.opt("$.links.html.href")
    if url and not is_api(url):
        return url
    if derived:
        return derived
    url = url or thing.opt("$.links.self.href")
    if not is_api(url):
        return url if url.startswith("http") else ""
    path = re.sub(r"^(?:repositories|users|teams|workspaces)/", "", _API.sub("", url))
    path = path.replace("/commit/", "/commits/").replace("/pullrequests/", "/pull-requests/")
    return f"{SITE}/{path}" if path else ""


def user_name(user: Payload) -> str:
    """How a person, team or app is called. Old payloads have a username, new ones a nickname."""
    return user.first("$.display_name", "$.nickname", "$.username", "$.name")


def is_bot(user: Payload) -> bool:
    """Whether an app, an access token or a bot account did it."""
    kind = user.opt("$.type").lower().replace("_", "")
    return (
        kind == "appuser"
        or "token" in user.opt("$.kind")
        or looks_like_bot(user.opt("$.nickname"), user.opt("$.username"), user.opt("$.display_name"))
    )


def actor(payload: Payload, path: str = "$.actor") -> Actor | None:
    """The user there; None when Bitbucket sends none (deleted accounts, system events)."""
    user = payload.sub(path)
    name = user_name(user)
    if not name:
        return None
    handle = user.opt("$.username")
    profile = page(user, f"{SITE}/{in_url(handle)}/" if handle else "")
    return Actor(name, profile, user.opt("$.links.avatar.href"), bot=is_bot(user))


def repository_name(repository: Payload) -> str:
    """`workspace/repository`, or just its name."""
    return repository.first("$.full_name", "$.name", "$.slug")


def repository_url(repository: Payload) -> str:
    """The repository's page."""
    name = repository.opt("$.full_name")
    return page(repository, f"{SITE}/{in_url(name)}" if "/" in name else "")


def place_of(payload: Payload) -> Payload:
    """The repository of the event; where it is missing, the one that the pull request goes to."""
    for path in ("$.repository", "$.pullrequest.destination.repository", "$.issue.repository"):
        found = payload.sub(path)
        if found:
            return found
    return payload.sub("$.repository")


def container(payload: Payload) -> Link | None:
    """The repository; else the workspace; else the project."""
    repository = place_of(payload)
    if repository_name(repository):
        return Link(repository_name(repository), repository_url(repository))
    for path in ("$.workspace", "$.project.workspace", "$.project"):
        found = payload.sub(path)
        title = found.first("$.name", "$.key", "$.slug")
        if title:
            return Link(title, page(found))
    return None


def here(payload: Payload, tail: str) -> str:
    """A page below the event's repository, or "" when that is not known."""
    base = repository_url(place_of(payload))
    return f"{base.rstrip('/')}/{tail}" if base and tail else base


def content(thing: Payload, limit: int = 1200) -> Markdown:
    """A text that somebody wrote: {raw, markup, html}."""
    raw, html = thing.opt("$.raw"), thing.opt("$.html")
    if html and (not raw or _PLACEHOLDER.search(raw) or thing.opt("$.markup") in ("creole", "textile")):
        return from_html(html, base_url=SITE, max_chars=limit)  # here the mentioned people have names
    return from_gfm(_CARD.sub("", raw), base_url=SITE, max_chars=limit)


def mentions_named(payload: Payload, text: str) -> str:
    """The text with `@{account id}` replaced by the name, where the payload tells it."""
    if "@{" not in text:
        return text
    people = [payload.sub(f"$.{path}") for path in USERS]
    for path in ("$.pullrequest.reviewers", "$.pullrequest.participants"):
        people += [each.sub("$.user") or each for each in payload.each(path, 100)]
    for user in people:
        for key in ("account_id", "uuid"):
            ident = user.opt(f"$.{key}").strip("{}")
            if ident and user_name(user):
                text = text.replace(f"@{{{ident}}}", f"@{user_name(user)}")
    return _PLACEHOLDER.sub("@someone", text)


def named(users: list[Payload]) -> str:
    """Several people in one line."""
    return ", ".join(dict.fromkeys(name for name in (user_name(user) for user in users) if name))


def change_text(value: Payload, key: str) -> str:
    """One side of a change: a text, or an object's name."""
    found = value.opt(f"$.{key}")
    if found:
        return found
    if value.flag(f"$.{key}") or (value.has(f"$.{key}") and value.sub("$").raw.get(key) is False):
        return "yes" if value.flag(f"$.{key}") else "no"
    thing = value.sub(f"$.{key}")
    return user_name(thing) or thing.first("$.title", "$.full_name", "$.key", "$.slug", "$.raw", "$.href")


def changed(payload: Payload) -> tuple[Fact, ...]:
    """What was changed, old → new, from `changes`."""
    found: list[Fact] = []
    for key in payload.sub("$.changes").keys("$")[:12]:
        if key in ("links", "full_name", "slug") and payload.has("$.changes.name"):
            continue  # they follow the name
        each, label = payload.sub(f"$.changes.{key}"), words("type" if key == "kind" else key)
        old, new = change_text(each, "old"), change_text(each, "new")
        if key == "content" or "\n" in old + new or len(old) + len(new) > 160:
            found.append(Fact(label if key != "content" else "Description", "changed"))
        elif old or new:
            found.append(Fact(label, f"{old or 'none'} → {new or 'none'}"))
    return tuple(found[:8])


def tell(
    event: RawEvent,
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

    title: what happened; what: the object's own title. when: the paths of its time, best first.
    """
    payload = event.payload
    place = container(payload)
    target = url or (place.url if place else "")
    moments = (payload.time(path) for path in when)
    return Notification(
        title=plain(f"{title}: {what}" if what else title),
        status=status,
        severity=severity,
        text=text,
        actor=who or actor(payload),
        subject=Link(what or title, target) if target else None,
        container=place,
        facts=facts,
        lists=lists,
        links=links,
        occurred_at=next((moment for moment in moments if moment), None),
        thread_key=f"bitbucket:{place.title if place else ''}:{thread}" if thread else "",
        link_title=button or "Open in Bitbucket",
    )
