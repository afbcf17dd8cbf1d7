"""What a thin notification is about, read from the resource path of Microsoft Graph.

https://learn.microsoft.com/graph/change-notifications-overview#supported-resources
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from apps.sources.sdk import Payload

# What stands in the path, most special first -> (family, noun)
PATHS: tuple[tuple[str, str, str], ...] = (
    (r"communications/callrecords", "call", "Call record"),
    (r"transcripts", "meeting", "Meeting transcript"),
    (r"recordings", "meeting", "Meeting recording"),
    (r"communications/(calls|onlinemeetings)|onlinemeetings|adhoccalls", "meeting", "Online meeting"),
    (r"interactionhistory", "message", "Copilot interaction"),
    (r"sharedwithteams", "channel", "Sharing of a channel"),
    (r"teamsapps.*installations|installedapps", "item", "App installation"),
    (r"approvals?\b|approvalitems", "approval", "Approval"),
    (r"bookingbusinesses", "calendar", "Booking"),
    (r"communications/presences|presences?\b", "presence", "Presence"),
    (r"(chats|channels|teams).*messages.*repl", "message", "Reply"),
    (r"chats.*messages", "message", "Chat message"),
    (r"(channels|teams).*messages", "message", "Channel message"),
    (r"(chats|channels|teams).*members", "membership", "Membership"),
    (r"\bchats\b", "chat", "Chat"),
    (r"\bchannels\b", "channel", "Channel"),
    (r"\bteams\b", "team", "Team"),
    (r"(todo|planner).*tasks?", "task", "Task"),
    (r"lists\(?.*items|lists/[^/]+$|\blists\b", "list", "List"),
    (r"drives?\b.*root|drives?\b|driveitem", "drive", "Files"),
    (r"\bsites?\b", "list", "Site"),
    (r"calendar|events", "calendar", "Calendar event"),
    (r"mailfolders|messages", "mail", "Mail"),
    (r"contacts", "contact", "Contact"),
    (r"threads|conversations", "conversation", "Group conversation"),
    (r"\bgroups\b", "group", "Group"),
    (r"\busers\b", "user", "User"),
    (r"security/alerts", "alert", "Security alert"),
    (r"print", "print", "Print job"),
)  # fmt: skip
TYPES = {
    "message": "mail", "event": "calendar", "contact": "contact", "chatmessage": "message", "chat": "chat",
    "channel": "channel", "team": "team", "conversationmember": "membership", "aaduserconversationmember": "membership",
    "callrecord": "call", "presence": "presence", "driveitem": "drive", "listitem": "list", "list": "list",
    "user": "user", "group": "group", "todotask": "task", "alert": "alert", "printjob": "print",
    "onlinemeeting": "meeting", "approvalitem": "approval",
}  # fmt: skip
# The parts of a path that people can read; whatever else stands there is an id.
WORDS = {
    each.replace(" ", ""): each
    for each in (
        "users", "groups", "teams", "channels", "chats", "messages", "replies", "members", "mail folders", "inbox",
        "sent items", "events", "calendar", "calendars", "contacts", "drive", "drives", "lists", "items", "sites",
        "todo", "tasks", "planner", "plans", "call records", "calls", "online meetings", "transcripts", "recordings",
        "presences", "security", "alerts", "incidents", "printers", "jobs", "conversations", "threads", "posts",
        "approval items", "appointments", "installations", "ad hoc calls",
    )
} | {"getallmessages": "all messages", "getalltranscripts": "all transcripts", "getallrecordings": "all recordings",
     "alerts_v2": "alerts"}  # fmt: skip
NOUNS = {
    "list": "List", "drive": "Files", "mail": "Mail", "calendar": "Calendar event", "contact": "Contact",
    "message": "Message", "chat": "Chat", "channel": "Channel", "team": "Team", "membership": "Membership",
    "call": "Call record", "presence": "Presence", "user": "User", "group": "Group", "task": "Task",
    "alert": "Security alert", "print": "Print job", "meeting": "Online meeting",
    "conversation": "Group conversation", "approval": "Approval", "item": "Item",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thing:
    """family: the catalogue's word; noun: in a sentence."""

    family: str
    noun: str


def thing(item: Payload) -> Thing:
    """What a notification is about. Falls back to “Item”."""
    kind = item.first("$.resourceData.['@odata.type']") or _odata(item)
    path = item.opt("$.resource").lower()
    found = TYPES.get(kind.rpartition(".")[2].lower(), "")
    noun = NOUNS.get(found, "")
    if not found or found == "message":
        for pattern, family, word in PATHS:
            if re.search(pattern, path):
                found, noun = family, word
                break
    if not found and (item.opt("$.siteUrl") or item.has("$.webId")):
        found, noun = "list", "List"
    return Thing(found or "item", noun or "Item")


def path_words(resource: str) -> str:
    """Where the thing is, without ids: `Users/8f2c…/MailFolders('inbox')/Messages/AAMk…` -> `Users › mail folders › …`."""
    path, named = resource.partition("?")[0], []
    for step in re.split(r"[/(),']+", path.lower()):
        if step in WORDS and WORDS[step] not in named:
            named.append(WORDS[step])
    text = " › ".join(named) if len(named) > 1 else ""  # one word alone says what the title says
    return text[:1].upper() + text[1:]


def _odata(item: Payload) -> str:
    data = item.sub("$.resourceData").raw
    value = data.get("@odata.type") if isinstance(data, dict) else ""
    return value if isinstance(value, str) else ""


def page(item: Payload, tenant_host: str) -> str:
    """A page for people, or "": SharePoint's notification names its site; a Graph path rarely does."""
    site = item.opt("$.siteUrl")
    if site.startswith(("https://", "http://")):
        return site
    host = tenant_host or ""
    if site.startswith("/") and host:
        return f"https://{host}{site}"
    named = re.search(r"sites/([a-z0-9-]+\.sharepoint\.(?:com|us|cn))", item.opt("$.resource").lower())
    if named:
        return f"https://{named[1]}"
    return f"https://{host}" if host else ""


def host_of(url: str) -> str:
    """The host of an address or a bare host, or ""."""
    try:
        return (urlsplit(url if "//" in url else f"https://{url}").hostname or "").strip()
    except ValueError:
        return ""
