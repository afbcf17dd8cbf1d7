"""What all of Azure DevOps' events share: Microsoft's own sentences, people, states and the frame of a card.

https://learn.microsoft.com/azure/devops/service-hooks/events
A subscription chooses how much is sent: everything, ids only, or no resource at all. Every handler takes
what is there; the sentence in `message` fills the gaps.
"""

from __future__ import annotations

import re
from html import unescape

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

from .places import collection, message_link, project_link, project_of, project_url

SHOWN = 5  # lines of a list
_MAIL = re.compile(r"^\s*([^<>]+?)\s*<[^<>\s]*[@\\][^<>]*>\s*$")
_BARE_URL = re.compile(r"\s*\(?https?://[^\s)]+\)?")
# "… was created with name Fabrikam and ID 278d5cd2-584d-4b63-824a-2ba458937249."
_ID_SAID = re.compile(r" and ID [0-9a-fA-F]{8}-[0-9a-fA-F-]{27}")
_API_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*/_apis/[^()\s]*\)")
_API_BARE = re.compile(r"\(?https?://[^\s()]*/_apis/[^\s()]*\)?")
_API_ANCHOR = re.compile(r"""<a\s[^<>]*href=["'][^"'<>]*/_apis/[^"'<>]*["'][^<>]*>(.*?)</a>""", re.IGNORECASE)
_MD_LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

STATES: dict[str, tuple[str, str, Severity]] = {
    "succeeded": ("succeeded", "Succeeded", Severity.GOOD),
    "partiallysucceeded": ("partially succeeded", "Partially succeeded", Severity.WARNING),
    "succeededwithissues": ("succeeded with issues", "Succeeded with issues", Severity.WARNING),
    "failed": ("failed", "Failed", Severity.ATTENTION),
    "rejected": ("rejected", "Rejected", Severity.ATTENTION),
    "abandoned": ("abandoned", "Abandoned", Severity.WARNING),
    "canceled": ("canceled", "Canceled", Severity.WARNING),
    "cancelled": ("canceled", "Canceled", Severity.WARNING),
    "stopped": ("stopped", "Stopped", Severity.WARNING),
    "skipped": ("skipped", "Skipped", Severity.NEUTRAL),
    "canceling": ("is being canceled", "Canceling", Severity.WARNING),
    "cancelling": ("is being canceled", "Canceling", Severity.WARNING),
    "inprogress": ("started", "In progress", Severity.INFO),
    "running": ("started", "Running", Severity.INFO),
    "started": ("started", "In progress", Severity.INFO),
    "queued": ("queued", "Queued", Severity.INFO),
    "notstarted": ("is not started yet", "Not started", Severity.NEUTRAL),
    "waiting": ("is waiting", "Waiting", Severity.INFO),
    "pending": ("is waiting", "Waiting", Severity.INFO),
    "completed": ("completed", "Completed", Severity.NEUTRAL),
}
_STATE_WORDS = re.compile(
    r"\b(partially succeeded|succeeded with issues|succeeded|failed|rejected|cancell?ing|cancell?ed|stopped|"
    r"skipped|abandoned|in progress|running|started|queued|waiting|pending|completed)\b",
    re.IGNORECASE,
)


def said(payload: Payload, part: str = "message") -> str:
    """Microsoft's own sentence about the event as one plain line, without the address behind it."""
    # A subscription may leave out the message and send the detailed one, which begins with the same sentence.
    text = sentence(payload, part) or sentence(payload, "detailedMessage")
    lines = [line.strip() for line in text.splitlines()]
    line = next((line for line in lines if line and not _BARE_URL.fullmatch(line)), "")
    return plain(_ID_SAID.sub("", _BARE_URL.sub("", line)))


def sentence(payload: Payload, part: str) -> str:
    """The whole message as plain lines. Some editions send a text where others send {text, html, markdown}."""
    text = payload.first(f"$.{part}.text", f"$.{part}")
    if not text and payload.opt(f"$.{part}.markdown"):
        text = _MD_LINK.sub(r"\1", payload.opt(f"$.{part}.markdown")).replace("**", "").replace("`", "")
    if not text:
        text = unescape(
            _TAG.sub("", re.sub(r"<(?:br|li|p|div)\b[^<>]*>", "\n", payload.opt(f"$.{part}.html")))
        )
    return text[:8000].replace("\\r\\n", "\n")


def told(payload: Payload, limit: int = 1200) -> Markdown:
    """The longest of Microsoft's own messages, for events whose resource was not sent."""
    for part in ("detailedMessage", "message"):
        forms = (payload.opt(f"$.{part}.html"), payload.opt(f"$.{part}.markdown"),
                 payload.first(f"$.{part}.text", f"$.{part}"))  # fmt: skip
        # Microsoft's own examples close their list items the wrong way round.
        html, marked, text = (_ID_SAID.sub("", each[:20_000]).replace("<\\li>", "</li>") for each in forms)
        html, marked = _API_ANCHOR.sub(r"\1", html), _API_LINK.sub(r"\1", marked)
        marked, text = _API_BARE.sub("", marked), _API_BARE.sub("", text)
        if marked:
            return from_gfm(marked.replace("\\r\\n", "\n"), max_chars=limit)
        if html:
            return from_html(html.replace("\\r\\n", "<br>"), max_chars=limit)
        if text:
            return from_gfm(text.replace("\\r\\n", "\n"), max_chars=limit)
    return Markdown("")


def words(name: str) -> str:
    """`partiallySucceeded` or `StoryPoints` as people write it."""
    split = _WORDS.sub(" ", name.replace("_", " ").replace("-", " ")).split()
    return " ".join([*(split[:1]), *(word if word.isupper() else word.lower() for word in split[1:])])


def capital(text: str) -> str:
    """The text with a capital at its start; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def count(number: int, noun: str) -> str:
    """`1 commit`, `3 commits`."""
    return f"{number} {noun if number == 1 else f'{noun}s'}"


def duration(seconds: float | None) -> str:
    """`2 h 5 min`, `3 min 12 s`, `41 s`; "" when it is not known."""
    if seconds is None or not 0 <= seconds < 1e8:
        return ""
    whole = int(seconds + 0.5)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def between(thing: Payload, *pairs: tuple[str, str]) -> str:
    """The time from one moment to another, for the first pair that is there."""
    for first, last in pairs:
        start, end = thing.time(f"$.{first}"), thing.time(f"$.{last}")
        if start and end:
            return duration((end - start).total_seconds())
    return ""


def state_words(state: str) -> tuple[str, str, Severity]:
    """What a state says in a title, on the pill, and by colour."""
    key = state.replace(" ", "").replace("_", "").lower()
    known = words(state)
    return STATES.get(key) or (known.lower() or "changed", capital(known), Severity.NEUTRAL)


def state_said(payload: Payload) -> str:
    """The state that Microsoft's sentence names, for events without a resource."""
    found = _STATE_WORDS.findall(said(payload))
    return found[-1].lower().replace(" ", "") if found else ""


def outcome_in(payload: Payload, state: str) -> str:
    """The state; the one that Microsoft's sentence names when it is absent or undefined."""
    return state if state.lower() not in ("", "undefined", "none", "unknown") else state_said(payload)


def short_ref(ref: str) -> str:
    """`refs/heads/main` -> `main`, `refs/pull/12/merge` -> `pull request 12`."""
    found = re.match(r"^refs/pull/(\d+)/", ref)
    if found:
        return f"pull request {found[1]}"
    for prefix in ("refs/heads/", "refs/tags/", "refs/"):
        if ref.startswith(prefix):
            return ref[len(prefix) :]
    return ref


def person(value: object) -> str:
    """A person's name from an identity object, `Name <mail>`, or a bare text."""
    if isinstance(value, dict):
        for key in ("displayName", "name", "uniqueName", "directoryAlias"):
            found = value.get(key)
            if isinstance(found, str) and found.strip():
                return person(found)
        return ""
    if not isinstance(value, str):
        return ""
    if value.startswith("vstfs:///"):  # a team or group: vstfs:///Classification/TeamProject/<id>\Web Team
        value = value.rpartition("\\")[2] if "\\" in value else ""
    named = _MAIL.match(value)
    return (named[1] if named else value).strip()


def who(thing: Payload, *keys: str) -> str:
    """The first person that one of these fields names."""
    if isinstance(thing.raw, dict):
        for key in keys:
            name = person(thing.raw.get(key))
            if name:
                return name
    return ""


def looks_like_bot(name: str) -> bool:
    """Whether a program acts under this name."""
    low = name.lower()
    return (
        "build service (" in low
        or low.startswith(("microsoft.visualstudio.services", "microsoft.teamfoundation", "azure pipelines"))
        or low.endswith(("[bot]", "-bot", "_bot", " bot"))
        or low in ("dependabot", "renovate")
    )


def actor(name: str) -> Actor | None:
    """Who did it. Profile pages and pictures need a login at Azure DevOps, so neither is shown."""
    return Actor(name, bot=looks_like_bot(name)) if name else None


def tell(
    event: RawEvent,
    title: str,
    *,
    what: str = "",
    headline: str = "",
    url: str = "",
    by: str = "",
    status: str = "",
    severity: Severity = Severity.NEUTRAL,
    text: str | Markdown = "",
    facts: tuple[Fact, ...] = (),
    lists: tuple[Items, ...] = (),
    links: tuple[Link, ...] = (),
    place: Link | None = None,
    button: str = "",
    when: tuple[str, ...] = (),
    thread: str = "",
) -> Notification:
    """A notification with everything that the events share filled in.

    title: what happened; what: the object's own title; headline: both, where they make one sentence.
    When the payload names no object, Microsoft's own sentence is the title.
    when: the paths of its time, best first.
    """
    payload = event.payload
    shown = headline or (f"{title}: {what}" if what else said(payload) or title)
    target = url or message_link(payload) or project_url(payload)
    body = text
    if not body and not payload.sub("$.resource") and not facts:
        body = told(payload)
        # The title says it already, in full or with Microsoft's own words turned into ours.
        if plain(body).rstrip(". ") in (plain(shown).rstrip(". "), said(payload).rstrip(". ")):
            body = ""
    moments = (payload.time(path) for path in (*when, "$.createdDate"))
    where = collection(payload) or project_of(payload)
    return Notification(
        title=plain(shown) or title,
        status=status,
        severity=severity,
        text=body,
        actor=actor(by),
        subject=Link(what or shown, target) if target else None,
        container=place or project_link(payload),
        facts=facts,
        lists=lists,
        links=links,
        occurred_at=next((moment for moment in moments if moment), None),
        thread_key=f"azure_devops:{where}:{thread}" if thread else "",
        link_title=button or "Open in Azure DevOps",
    )
