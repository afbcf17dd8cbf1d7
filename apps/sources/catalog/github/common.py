"""What all of GitHub's events share: who, where, when, and words for states.

https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import re

from apps.sources.sdk import (
    Actor,
    Code,
    Fact,
    Image,
    Items,
    Link,
    Markdown,
    Notification,
    Payload,
    RawEvent,
    Severity,
    from_gfm,
    plain,
)

GOOD = frozenset({"success", "approved", "fixed", "resolved", "published", "answered"})
BAD = frozenset({"failure", "error", "timed_out", "startup_failure", "rejected", "action_required"})


def action_of(event: RawEvent) -> str:
    """The payload's action in words: "review_requested" -> "review requested"."""
    return (event.payload.opt("$.action") or event.name.partition(".")[2]).replace("_", " ").replace("-", " ")


def actor(payload: Payload, path: str = "$.sender") -> Actor | None:
    """The user there; None when GitHub sends none (deleted accounts, system events)."""
    user = payload.sub(path)
    name = user.first("$.login", "$.name", "$.slug")
    if not name:
        return None
    bot = user.opt("$.type") == "Bot" or name.endswith("[bot]")
    return Actor(name, user.opt("$.html_url"), user.opt("$.avatar_url"), bot=bot)


def login(payload: Payload, path: str) -> str:
    """The login there, or ""."""
    return payload.sub(path).first("$.login", "$.name", "$.slug")


def container(payload: Payload) -> Link | None:
    """The repository; else the organisation, enterprise or account that the hook belongs to."""
    repository = payload.sub("$.repository")
    name = repository.opt("$.full_name") or "/".join(
        # The oldest payloads know only the parts.
        part
        for part in (repository.first("$.owner.login", "$.owner.name"), repository.opt("$.name"))
        if part
    )
    if name:
        return Link(name, repository_url(payload))
    for key in ("organization", "enterprise", "business", "installation.account"):
        found = payload.sub(f"$.{key}")
        title = found.first("$.name", "$.login", "$.slug")
        if title:
            return Link(title, found.opt("$.html_url") or _home(found))
    return None


def _home(owner: Payload) -> str:
    """The page of an organisation or user of which only the API's address is known."""
    found = re.match(r"(https?://)(?:api\.(github\.com|[^/]+\.ghe\.com)|([^/]+)/api/v3)/", owner.opt("$.url"))
    login = owner.opt("$.login")
    return f"{found[1]}{found[2] or found[3]}/{login}" if found and login else ""


def repository_url(payload: Payload) -> str:
    """The repository's page, or ""; the oldest payloads call it `url`, which is the API's address today."""
    repository = payload.sub("$.repository")
    url = repository.opt("$.html_url") or repository.opt("$.url")
    return url if not re.match(r"https?://(api\.|[^/]+/api/)", url) else ""


def body(payload: Payload, path: str, limit: int = 1200) -> Markdown:
    """A text that a user wrote, as card text."""
    base = repository_url(payload)
    return from_gfm(payload.opt(path), base_url=f"{base}/blob/HEAD" if base else "", max_chars=limit)


def names(payload: Payload, path: str, *keys: str) -> str:
    """A list's names in one line."""
    found = [
        each.first(*(f"$.{key}" for key in (keys or ("login", "name", "slug"))))
        for each in payload.each(path)
    ]
    return ", ".join(name for name in found if name)


def short_ref(ref: str) -> str:
    """`refs/heads/main` -> `main`."""
    for prefix in ("refs/heads/", "refs/tags/", "refs/"):
        if ref.startswith(prefix):
            return ref[len(prefix) :]
    return ref


def first_line(text: str) -> str:
    """The first line of a commit message."""
    return text.strip().split("\n")[0].strip()


def words(state: str) -> str:
    """A state as people write it: "timed_out" -> "Timed out"."""
    return state.replace("_", " ").replace("-", " ").strip().capitalize()


def severity_of(state: str) -> Severity:
    """The colour of a conclusion or state."""
    if state in GOOD:
        return Severity.GOOD
    if state in BAD:
        return Severity.ATTENTION
    return (
        Severity.WARNING
        if state in ("cancelled", "changes_requested", "stale", "dismissed")
        else Severity.NEUTRAL
    )


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
    code: Code | None = None,
    image: Image | None = None,
    button: str = "",
    when: str = "",
    thread: str = "",
    who: Actor | None = None,
) -> Notification:
    """A notification with everything that GitHub's events share filled in.

    title: what happened; what: the object's own title, put behind it. when: the path of its time.
    """
    payload = event.payload
    place = container(payload)
    whole = f"{title}: {what}" if what else title
    target = url or (place.url if place else "")
    return Notification(
        title=" ".join(plain(whole).split()),
        status=status,
        severity=severity,
        text=text,
        actor=who or actor(payload),
        subject=Link(what or title, target) if target else None,
        container=place,
        facts=facts,
        lists=lists,
        links=links,
        code=code,
        image=image,
        occurred_at=payload.time(when) if when else None,
        thread_key=f"github:{place.title if place else ''}:{thread}" if thread else "",
        link_title=button or "Open on GitHub",
    )


def changed(payload: Payload) -> tuple[Fact, ...]:
    """The old values of what was edited, from `changes`."""
    found = []
    for key in payload.sub("$.changes").keys("$")[:6]:
        old = payload.first(f"$.changes.{key}.from", f"$.changes.{key}.old", f"$.changes.{key}.from.name")
        if key == "field_value" and old:
            continue  # its own facts name the field
        if key == "body":
            found.append(Fact("Changed", "Description"))
        elif old:
            found.append(Fact(f"{words(key)} was", old))
        elif payload.has(f"$.changes.{key}"):
            found.append(Fact("Changed", words(key)))
    return tuple(found)
