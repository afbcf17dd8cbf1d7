"""What all of Jira's events share: pages for people out of API addresses, who, and texts of three markups."""

from __future__ import annotations

import re

from apps.sources.sdk import (
    Actor,
    Fact,
    Link,
    Markdown,
    Notification,
    Payload,
    RawEvent,
    Severity,
    from_adf,
    from_html,
    from_jira,
    plain,
)

_REST = re.compile(r"^(https?://[^/]+(?:/[^/]+)*?)/rest/(?:api|agile|servicedeskapi|greenhopper)/")
_GATEWAY = re.compile(r"^https?://api\.atlassian\.com/")
_HTML = re.compile(r"</?(?:p|div|br|ul|ol|li|span|a|b|strong|em|h[1-6]|table)\b[^>]*>", re.IGNORECASE)
SELVES = (
    "$.issue.self", "$.comment.self", "$.worklog.self", "$.issue.fields.project.self", "$.sprint.self", "$.version.self",
    "$.board.self", "$.project.self", "$.attachment.self", "$.user.self", "$.issueLink.self", "$.filter.self",
    "$.issuetype.self", "$.self",
)  # fmt: skip
STATES = {"new": Severity.INFO, "indeterminate": Severity.INFO, "done": Severity.GOOD}


def base_of(payload: Payload) -> str:
    """The site's address, with its context path: https://octo.atlassian.net, https://host/jira; else ""."""
    for path in SELVES:
        url = payload.opt(path)
        if url.startswith(("http://", "https://")) and not _GATEWAY.match(url):
            found = _REST.match(url)
            if found:
                return found[1]
    return payload.opt("$.baseUrl").rstrip("/")


def issue_of(payload: Payload) -> Payload:
    """The issue, also when the body is the bare issue."""
    if payload.has("$.issue"):
        return payload.sub("$.issue")
    return payload if payload.has("$.fields") or payload.has("$.key") else Payload({})


def browse(payload: Payload, key: str) -> str:
    """The page of an issue or project, or ""."""
    base = base_of(payload)
    return f"{base}/browse/{key}" if base and key else ""


def person(user: Payload) -> Actor | None:
    """A user of any age: Cloud has accountId, Server has name and key."""
    name = user.first("$.displayName", "$.publicName", "$.name", "$.key", "$.emailAddress")
    if not name:
        return None
    picture = user.first("$.avatarUrls.48x48", "$.avatarUrls.32x32", "$.avatarUrls.24x24")
    bot = user.opt("$.accountType") == "app" or name.lower().startswith("automation")
    return Actor(name, "", picture if picture.startswith("https://") else "", bot=bot)


def actor_of(payload: Payload) -> Actor | None:
    """Who did it."""
    for path in (
        "$.user", "$.comment.updateAuthor", "$.comment.author", "$.worklog.updateAuthor", "$.worklog.author",
        "$.attachment.author", "$.actor", "$.initiator", "$.issue.fields.creator", "$.fields.creator",
    ):  # fmt: skip
        found = person(payload.sub(path))
        if found:
            return found
    return None


def text_of(payload: Payload, path: str, limit: int = 1200) -> Markdown:
    """A description or comment: a document tree, HTML, or wiki markup."""
    value = payload.sub(path)
    if value:
        return from_adf(value.raw, max_chars=limit)
    text = payload.opt(path)
    if _HTML.search(text):
        return from_html(text, max_chars=limit)
    return from_jira(text, max_chars=limit)


def name_at(payload: Payload, path: str) -> str:
    """The name of what stands there: an object with a name, or the text itself."""
    found = payload.sub(path)
    if found:
        return found.first("$.displayName", "$.name", "$.value", "$.key")
    return payload.opt(path)


def names_at(payload: Payload, path: str) -> str:
    """Names of a list in one line."""
    objects = [each.first("$.name", "$.value", "$.displayName") for each in payload.each(path, 50)]
    return ", ".join(each for each in (*objects, *payload.texts(path, 50)) if each)


def headline(issue: Payload) -> str:
    """`PROJ-7 Login fails`."""
    parts = (issue.opt("$.key"), issue.opt("$.fields.summary") or issue.opt("$.summary"))
    return " ".join(part for part in parts if part) or (
        f"#{issue.opt('$.id')}" if issue.opt("$.id") else "an issue"
    )


def project_of(payload: Payload, issue: Payload) -> Link | None:
    """The project, with its page."""
    project = issue.sub("$.fields.project") or payload.sub("$.project")
    key = project.opt("$.key") or issue.opt("$.key").rpartition("-")[0]
    name = project.opt("$.name") or key
    return Link(name, browse(payload, key)) if name else None


def state(issue: Payload) -> tuple[str, Severity]:
    """The status with its colour."""
    status = issue.sub("$.fields.status")
    name = status.opt("$.name") or issue.opt("$.fields.status")
    return name, STATES.get(status.opt("$.statusCategory.key"), Severity.NEUTRAL)


def facts_of(issue: Payload) -> tuple[Fact, ...]:
    """What people want to see of any issue."""
    return (
        Fact("Type", name_at(issue, "$.fields.issuetype")),
        Fact("Priority", name_at(issue, "$.fields.priority")),
        Fact("Status", state(issue)[0]),
        Fact("Assignee", name_at(issue, "$.fields.assignee")),
        Fact("Labels", names_at(issue, "$.fields.labels")),
        Fact("Components", names_at(issue, "$.fields.components")),
        Fact("Fix versions", names_at(issue, "$.fields.fixVersions")),
        Fact("Parent", headline(issue.sub("$.fields.parent")) if issue.sub("$.fields.parent") else ""),
        Fact("Due", issue.opt("$.fields.duedate")),
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
    container: Link | None = None,
    actor: Actor | None = None,
    button: str = "Open in Jira",
    thread: str = "",
) -> Notification:
    """A notification with what all events share."""
    payload = event.payload
    issue = issue_of(payload)
    place = container or project_of(payload, issue)
    whole = plain(f"{title}: {what}" if what else title)
    target = url or (place.url if place else "") or base_of(payload)
    return Notification(
        title=" ".join(whole.split()),
        status=status,
        severity=severity,
        text=text,
        actor=actor or actor_of(payload),
        subject=Link(what or title, target) if target else None,
        container=place,
        facts=facts,
        occurred_at=payload.time("$.timestamp"),
        thread_key=f"jira:{thread or issue.opt('$.key') or issue.opt('$.id')}",
        link_title=button,
    )
