"""Cards of changed files, folders and list items, as they were read by delta query.

https://learn.microsoft.com/graph/api/resources/driveitem and https://learn.microsoft.com/graph/api/resources/listitem
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from urllib.parse import unquote, urlsplit

from apps.sources.sdk import (
    Actor,
    Attribute,
    Context,
    Events,
    Fact,
    Link,
    Notification,
    Payload,
    RawEvent,
    Severity,
    from_html,
    parse_time,
    plain,
)

WORDS = {"created": "added", "changed": "changed", "deleted": "deleted"}
KINDS = {"file": "File", "folder": "Folder", "entry": "List item"}
CHANGES = {"created": "created", "updated": "changed", "deleted": "deleted"}
SHOWN_FIELDS = 8
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_TAG = re.compile(r"</?(?:div|p|br|span|a|ul|ol|li|b|i|strong|em|table|font)\b[^<>]*>", re.IGNORECASE)
# Columns that every list has and nobody asks about.
DULL = frozenset({
    "title", "linktitle", "linktitlenomenu", "id", "contenttype", "modified", "created", "authorlookupid",
    "editorlookupid", "attachments", "edit", "itemchildcount", "folderchildcount", "_uiversionstring",
    "_compliancetag", "_complianceflags", "_compliancetagwrittentime", "_compliancetaguserid", "appauthorlookupid",
    "appeditorlookupid", "fileleafref", "docicon", "checkedoutuserid", "filesizedisplay", "_colortag",
})  # fmt: skip


def name(item: Payload) -> str:
    """The event's name."""
    return f"{_kind(item)}.{CHANGES.get(item.opt('$.changeType'), 'changed')}"


def _kind(item: Payload) -> str:
    if item.has("$.item.folder"):
        return "folder"
    is_list = (
        item.has("$.item.fields")
        or item.has("$.item.contentType")
        or item.has("$.item.sharepointIds.listItemId")
    )
    return "entry" if is_list and not item.has("$.item.file") else "file"


def attributes(item: Payload) -> Mapping[str, Attribute]:
    """What filters may ask about."""
    return {
        "kind": _kind(item),
        "change": item.opt("$.changeType"),
        "folder": _folder(item),
        "name": item.opt("$.item.name"),
        "author": _who(item),
    }


def _who(item: Payload) -> str:
    by = "$.item.lastModifiedBy" if item.opt("$.changeType") != "created" else "$.item.createdBy"
    return item.first(
        f"{by}.user.displayName", f"{by}.user.email", f"{by}.application.displayName",
        "$.item.lastModifiedBy.user.displayName", "$.item.createdBy.user.displayName",
    )  # fmt: skip


def _folder(item: Payload) -> str:
    """The folder's path inside the library: “/drives/…/root:/Invoices/2026” -> “Invoices/2026”."""
    path = item.opt("$.item.parentReference.path")
    return unquote(path.partition("root:")[2]).strip("/")


def _site(item: Payload) -> tuple[str, str]:
    """The site's name and address, read from the item's own address."""
    parts = urlsplit(item.opt("$.item.webUrl"))
    steps = [step for step in parts.path.split("/") if step]
    if len(steps) > 1 and steps[0].lower() in ("sites", "teams", "personal"):
        return unquote(steps[1]), f"{parts.scheme}://{parts.netloc}/{steps[0]}/{steps[1]}"
    return (parts.netloc, f"{parts.scheme}://{parts.netloc}") if parts.netloc else ("", "")


def told(event: RawEvent, ctx: Context) -> Notification:
    """A file, folder or list item was added, changed or deleted."""
    item = event.payload
    kind, _, verb = event.name.partition(".")
    noun, url = KINDS.get(kind, "Item"), item.opt("$.item.webUrl")
    title = item.first("$.item.fields.Title", "$.item.fields.LinkTitle", "$.item.name")
    if kind != "entry":
        title = item.first("$.item.name", "$.item.fields.FileLeafRef", "$.item.fields.Title")
    who, folder = _who(item), _folder(item)
    site, site_url = _site(item)
    place = ctx.text("what") or site
    return Notification(
        title=f"{noun} {WORDS.get(verb, verb)}" + (f": {title}" if title else ""),
        status=WORDS.get(verb, verb).capitalize(),
        severity=Severity.WARNING if verb == "deleted" else Severity.INFO,
        actor=Actor(who) if who else None,
        subject=Link(title or noun, url) if url or title else None,
        container=Link(place or "SharePoint", ctx.text("what_url") or site_url),
        facts=(
            Fact("Folder", folder),
            Fact("Size", _size(item.opt_int("$.item.size")) if kind == "file" and verb != "deleted" else ""),
            *_columns(item),
        ),
        occurred_at=parse_time(item.opt("$.item.lastModifiedDateTime")),
        thread_key=f"sharepoint:{item.opt('$.item.id')}",
        link_title=f"Open {noun.lower()}",
    )


def _columns(item: Payload) -> list[Fact]:
    found = item.sub("$.item.fields").raw
    if not isinstance(found, dict):
        return []
    facts = []
    for key, value in found.items():
        if (
            str(key).startswith(("@", "_"))
            or str(key).lower() in DULL
            or isinstance(value, (dict, list, bool))
        ):
            continue
        # A person or another item is only known by its number in a list.
        if value in (None, "") or str(key).endswith("LookupId"):
            continue
        facts.append(Fact(_column(str(key)), _cell(value)))
    return facts[:SHOWN_FIELDS]


def _column(name: str) -> str:
    """A column's name as it was given: SharePoint writes `Due_x0020_date` for “Due date”."""
    return re.sub(r"_x([0-9a-fA-F]{4})_", lambda found: chr(int(found[1], 16)), name)[:60]


def _cell(value: object) -> str:
    """A column's value in one line."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = str(value)
    if _TAG.search(text[:2_000]):
        return plain(from_html(text, max_chars=300))
    return moment(text)[:300]


def moment(text: str) -> str:
    """A moment as people read it; other texts as they are."""
    found = parse_time(text) if _MOMENT.match(text) else None
    return f"{found.astimezone(UTC):%d %b %Y, %H:%M UTC}" if found else text


def _size(count: int | None) -> str:
    if count is None or count < 0:
        return ""
    size = float(count)
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return ""


def register(events: Events) -> None:
    """Add the events of read changes to the catalogue."""
    for kind, noun in KINDS.items():
        names = {f"{kind}.{verb}": f"{noun} {word}" for verb, word in WORDS.items()}
        events.many(names, group="Files and list items, with an account")(told)
