"""What all of Jira's events share: who, texts of three markups, moments, and the frame of a card."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC

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
    from_adf,
    from_html,
    from_jira,
    parse_time,
    plain,
)

from .site import base_of, browse, issue_number, page_url, profile, site_link

_HTML = re.compile(r"</?(?:p|div|br|ul|ol|li|span|a|b|strong|em|h[1-6]|table)\b[^>]*>", re.IGNORECASE)
_MENTION = re.compile(r"\[~(?:(accountid):)?([^\]\n]{1,100})\]", re.IGNORECASE)
_MARKUP = str.maketrans("", "", "[]{}|*_~\n")
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
FINAL = ("done", "closed", "resolved")
BARE = frozenset({"id", "key", "self", "expand", "changelog", "renderedFields", "properties"})
# How rules call fields -> Jira's own name.
WRITTEN = {
    "type": "issuetype", "issuetype": "issuetype", "issue_type": "issuetype", "title": "summary", "due": "duedate",
    "duedate": "duedate", "due_date": "duedate", "fixversions": "fixVersions", "fix_versions": "fixVersions",
    "projectname": "project", "projectkey": "project",
}  # fmt: skip
STATES = {"new": Severity.INFO, "indeterminate": Severity.INFO, "done": Severity.GOOD}
PEOPLE = (
    "$.user", "$.comment.author", "$.comment.updateAuthor", "$.worklog.author", "$.worklog.updateAuthor",
    "$.attachment.author", "$.issue.fields.assignee", "$.issue.fields.reporter", "$.issue.fields.creator",
    "$.fields.assignee", "$.fields.reporter", "$.fields.creator",
)  # fmt: skip


def issue_of(payload: Payload) -> Payload:
    """The issue, also when the body is the bare issue, or a rule wrote its fields beside its key."""
    found = payload.sub("$.issue")
    if found:
        return found if found.has("$.fields") or not set(found.keys()) - BARE else _filled(found)
    if isinstance(payload.raw, dict) and isinstance(payload.raw.get("issue"), str):
        return Payload({})  # a rule's own field of that name
    return payload if payload.has("$.fields") or payload.has("$.key") else Payload({})


def _filled(issue: Payload) -> Payload:
    """`{"key": …, "summary": …, "status": "Open"}` in the shape that Jira itself gives an issue."""
    fields = {WRITTEN.get(key.lower(), key): value for key, value in issue.raw.items() if key not in BARE}
    return Payload({**{key: issue.raw[key] for key in BARE if key in issue.raw}, "fields": fields}, issue.at)


def person(user: Payload, base: str = "") -> Actor | None:
    """A user of any age: Cloud has accountId, Server has name and key."""
    name = user.first("$.displayName", "$.publicName", "$.name", "$.key", "$.emailAddress")
    if not name:
        return None
    picture = user.first("$.avatarUrls.48x48", "$.avatarUrls.32x32", "$.avatarUrls.24x24")
    bot = user.opt("$.accountType") == "app" or name.lower().startswith("automation")
    return Actor(name, profile(base, user), picture if picture.startswith("https://") else "", bot=bot)


def actor_of(payload: Payload) -> Actor | None:
    """Who did it. Whoever wrote a thing need not be the one who deleted it, so no author stands in for that."""
    kind = payload.opt("$.webhookEvent") or payload.opt("$.issue_event_type_name")
    paths = ["$.user", "$.actor", "$.initiator"]
    if not kind.endswith("deleted"):
        paths += ["$.comment.updateAuthor", "$.comment.author", "$.worklog.updateAuthor", "$.worklog.author",
                  "$.attachment.author"]  # fmt: skip
    if kind.endswith("issue_created"):
        paths += ["$.issue.fields.creator", "$.issue.fields.reporter"]
    base = base_of(payload)
    found = next((found for path in paths if (found := person(payload.sub(path), base))), None)
    if found:
        return found
    # Strict profiles give the account id alone; another place in the payload may name the same person.
    account = payload.first("$.user.accountId", "$.actor.accountId")
    name = dict(_names(payload)).get(account, "") if account else ""
    return Actor(name, profile(base, payload.sub("$.user"))) if name else None


def text_of(payload: Payload, path: str, limit: int = 1200, people: Payload | None = None) -> Markdown:
    """A description or comment: a document tree, HTML, or wiki markup. `people`: a payload that names the mentioned."""
    value = payload.sub(path)
    if value:
        return from_adf(value.raw, max_chars=limit)
    text = payload.opt(path)
    if _HTML.search(text):
        return from_html(text, max_chars=limit)
    return from_jira(with_names(text, people or payload), max_chars=limit)


def with_names(text: str, payload: Payload) -> str:
    """Wiki markup with names in place of [~accountid:…]; nobody reads an account id."""
    if "[~" not in text:
        return text
    known = dict(_names(payload))

    def name(found: re.Match[str]) -> str:
        who = known.get(found[2]) or ("someone" if found[1] else found[2])
        return "@" + who.translate(_MARKUP)

    return _MENTION.sub(name, text)


def _names(payload: Payload) -> Iterator[tuple[str, str]]:
    for path in PEOPLE:
        user = payload.sub(path)
        name = user.opt("$.displayName")
        for key in ("$.accountId", "$.name", "$.key"):
            if name and user.opt(key):
                yield user.opt(key), name


def moment(text: str) -> str:
    """A date or moment as people read it; other texts as they are."""
    found = parse_time(text)
    if found is None:
        return text
    if _DAY.match(text):
        return found.strftime("%d %b %Y")
    return found.astimezone(UTC).strftime("%d %b %Y, %H:%M UTC")


def named(thing: Payload) -> str:
    """A thing's name, else its number, else nothing."""
    return thing.opt("$.name") or (f"#{thing.opt('$.id')}" if thing.opt("$.id") else "")


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


def headline(issue: Payload, payload: Payload | None = None) -> str:
    """`PROJ-7 Login fails`; "" when nothing names the issue."""
    parts = (issue.opt("$.key"), issue.opt("$.fields.summary") or issue.opt("$.summary"))
    number = issue.opt("$.id") or (issue_number(payload, issue) if payload else "")
    return " ".join(part for part in parts if part) or (f"#{number}" if number else "")


def project_of(payload: Payload, issue: Payload) -> Link | None:
    """The project, with its page."""
    project = issue.sub("$.fields.project") or payload.sub("$.project")
    key = project.opt("$.key") or issue.opt("$.key").rpartition("-")[0]
    name = project.opt("$.name") or issue.opt("$.fields.project") or key
    return Link(name, browse(payload, key)) if name else None


def state(issue: Payload) -> tuple[str, Severity]:
    """The status with its colour."""
    status = issue.sub("$.fields.status")
    name = status.opt("$.name") or issue.opt("$.fields.status")
    category = status.opt("$.statusCategory.key")
    if not category and (issue.opt("$.fields.resolution.name") or name.lower() in FINAL):
        category = "done"  # versions before 6.2 know no categories
    return name, STATES.get(category, Severity.NEUTRAL)


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
        Fact("Due", moment(issue.opt("$.fields.duedate"))),
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
    anonymous: bool = False,
    button: str = "Open in Jira",
    thread: str = "",
    changed: Items | None = None,
) -> Notification:
    """A notification with what all events share. anonymous: nobody is known to have done it."""
    payload = event.payload
    issue = issue_of(payload)
    project = container or project_of(payload, issue)
    place = project or site_link(payload)
    whole = plain(f"{title}: {what}" if what else title)
    own, at_place = page_url(url), place.url if place else ""
    target = own or at_place or base_of(payload)
    number = thread or issue.opt("$.key") or issue.opt("$.id") or issue_number(payload, issue)
    return Notification(
        title=" ".join(whole.split()),
        status=status,
        severity=severity,
        text=text,
        actor=None if anonymous else actor or actor_of(payload),
        subject=Link(what or title, target) if target else None,
        container=place,
        facts=facts,
        lists=(changed,) if changed else (),
        occurred_at=payload.time("$.timestamp"),
        thread_key=f"jira:{number}" if number else "",
        link_title=button
        if own
        else "Open project"
        if project and at_place and not container
        else "Open in Jira",
    )
