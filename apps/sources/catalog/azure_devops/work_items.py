"""Work items: created, changed, commented, deleted, restored.

https://learn.microsoft.com/azure/devops/service-hooks/events#work-items
"""

from __future__ import annotations

import re

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Ignore,
    Item,
    Items,
    Markdown,
    Notification,
    Payload,
    RawEvent,
    Severity,
    from_gfm,
    from_html,
    plain,
)

from .common import SHOWN, capital, person, said, sentence, tell, who, words
from .fields import Fields, change_facts, changes, label, shown, tail
from .places import collection, in_url, page_link, project_of, project_url

events = Events()
GROUP = "Work items"
DONE = frozenset(
    (
        "closed", "done", "resolved", "completed", "fixed", "verified", "released", "geschlossen", "erledigt", "gelöst",
        "fermé", "terminé", "résolu", "cerrado", "listo", "resuelto", "fechado", "concluído", "chiuso", "completato",
        "已关闭", "已完成", "已解决", "完了", "終了",
    )
)  # fmt: skip
# "Bug #5 (Some great new idea!) created by Jamal Hartnett."
_SAID = re.compile(r"^(?P<kind>[^#]{1,80}?) #(?P<id>\d{1,12})(?: ?\((?P<title>.*)\))?(?P<rest>.*)$")
_SAID_DONE = re.compile(
    r"^(?P<kind>[^#]{1,80}?) #(?P<id>\d{1,12}) ?\((?P<title>.*?)\)(?P<rest> (?:was |has been )?"
    r"(?:created|updated|changed|commented|deleted|restored|transitioned|moved|assigned|reassigned)\b.*)$"
)
_TAGGED = re.compile(
    r"</?(?:a|b|i|u|s|p|br|hr|div|span|font|ul|ol|li|strong|em|code|pre|img|table|tr|td|th|tbody|h[1-6]|blockquote)\b"
    r"[^<>]*>|&(?:nbsp|amp|lt|gt|quot|#\d{1,6});",
    re.IGNORECASE,
)
_MOVED = re.compile(r"\b(?:transitioned|moved) to (?P<state>.{1,60}?) by ")
_BY = re.compile(r"\bby (?P<who>.+?)\.?$")
HAPPENINGS: dict[str, tuple[str, str, str, Severity]] = {
    "created": ("Work item created", "created", "", Severity.INFO),
    "updated": ("Work item updated", "updated", "", Severity.NEUTRAL),
    "commented": ("Work item commented on", "commented on", "", Severity.INFO),
    "deleted": ("Work item deleted", "deleted", "Deleted", Severity.WARNING),
    "restored": ("Work item restored", "restored", "Restored", Severity.INFO),
}


def fields_of(payload: Payload) -> Fields:
    """The fields after the event, wherever this event and version has them."""
    resource = payload.sub("$.resource")
    return Fields(resource.sub("$.fields"), resource.sub("$.revision.fields"))


def number_of(payload: Payload) -> str:
    """The work item's number. An update has an id of its own, and samples have 0 for absent ones."""
    resource = payload.sub("$.resource")
    found = re.search(r"/workItems/(\d{1,12})(?:/|$)", resource.opt("$.url"), re.IGNORECASE)
    candidates = [
        resource.opt("$.workItemId"),
        resource.opt("$.revision.id"),
        found[1] if found else "",
        spoken(payload).get("id", ""),
    ]
    update = resource.has("$.workItemId") or resource.has("$.revision")
    candidates.insert(
        len(candidates) if update or "updated" in payload.opt("$.eventType") else 2, resource.opt("$.id")
    )
    return next((number for number in candidates if number not in ("", "0")), "")


def spoken(payload: Payload) -> dict[str, str]:
    """Kind, number, title and person from Microsoft's sentence; {} when it is in another form."""
    line = said(payload) or said(payload, "detailedMessage")
    found = _SAID_DONE.match(line) or _SAID.match(line)
    if not found:
        return {}
    by = _BY.search(found["rest"] or "")
    values = {"kind": found["kind"], "id": found["id"], "title": found["title"] or ""}
    moved = _MOVED.search(found["rest"] or "")
    return {**values, "who": by["who"] if by else "", "state": moved["state"] if moved else ""}


def work_item_url(payload: Payload, number: str) -> str:
    """The work item's page."""
    resource = payload.sub("$.resource")
    url = page_link(resource) or page_link(resource.sub("$.revision"))
    if url and "/wi.aspx" not in url:
        return url
    base = project_url(payload)
    if number and base:
        return f"{base}/_workitems/edit/{in_url(number)}"
    return url


def _actor(payload: Payload, action: str, fields: Fields) -> str:
    resource = payload.sub("$.resource")
    if action == "created":
        name = person(fields.value("System.CreatedBy")) or person(fields.value("System.ChangedBy"))
    else:
        name = who(resource, "deletedBy", "restoredBy", "revisedBy") or person(
            fields.value("System.ChangedBy")
        )
    # After a deletion ChangedBy is the one who changed it before.
    said_by = spoken(payload).get("who", "")
    return said_by if said_by and (not name or action in ("deleted", "restored")) else name


def state_facts(fields: Fields, *, skip: frozenset[str] = frozenset()) -> tuple[Fact, ...]:
    """Where the work item stands."""
    names = (
        "System.State", "System.AssignedTo", "System.IterationPath", "System.AreaPath", "Common.Priority",
        "Common.Severity", "Scheduling.StoryPoints", "System.Tags",
    )  # fmt: skip
    found = []
    for name in names:
        value = fields.text(name)
        if label(name) in skip or (name == "System.AreaPath" and value == fields.text("System.TeamProject")):
            continue
        if name == "System.IterationPath" and value == fields.text("System.TeamProject"):
            continue
        found.append(Fact(label(name), ", ".join(part.strip() for part in value.split(";") if part.strip())))
    return tuple(found)


def _rich(value: str, payload: Payload) -> Markdown:
    """A long text: HTML, or Markdown where the project uses it, or plain."""
    if _TAGGED.search(value[:20_000]):
        named = re.sub(r"""<a\s[^<>]*href=["']#["'][^<>]*>""", "<a>", value)  # mentions link to nothing
        # Pictures are kept behind the API, which answers to whoever is signed in there.
        named = re.sub(
            r"""<img\s[^<>]*src=["'][^"'<>]*/_apis/[^<>]*>""", "(picture)", named, flags=re.IGNORECASE
        )
        return from_html(named, base_url=collection(payload), max_chars=1200)
    return from_gfm(value, max_chars=1200)


def _relation(relation: Payload) -> Item:
    name = relation.opt("$.attributes.name")
    kind = {
        "System.LinkTypes.Hierarchy-Forward": "Child",
        "System.LinkTypes.Hierarchy-Reverse": "Parent",
        "System.LinkTypes.Related": "Related",
        "System.LinkTypes.Dependency-Forward": "Successor",
        "System.LinkTypes.Dependency-Reverse": "Predecessor",
        "AttachedFile": "Attachment",
        "Hyperlink": "Hyperlink",
    }.get(relation.opt("$.rel"), capital(words(relation.opt("$.rel").rpartition(".")[2])))
    url = relation.opt("$.url")
    number = re.search(r"/workItems/(\d{1,12})/?$", url, re.IGNORECASE)
    if number:
        text = f"{name or kind} #{number[1]}"
        return Item(
            text, url=f"{url[: url.index('/_apis/')]}/_workitems/edit/{number[1]}" if "/_apis/" in url else ""
        )
    if kind == "Hyperlink":
        return Item(relation.opt("$.attributes.comment") or url or "Hyperlink", url=url)
    artifact = re.search(r"vstfs:///[^/]+/(\w+)/.*?([^/%]+)$", url)
    text = name if kind != "Attachment" else f"Attachment {name}".strip()
    return Item(text or kind or "Link", trail=artifact[2][:8] if artifact and artifact[1] == "Commit" else "")


def _relations(resource: Payload) -> tuple[Items, ...]:
    found = []
    for key, title in (("added", "Links added"), ("removed", "Links removed")):
        items = list(resource.each(f"$.relations.{key}", 200))
        if items:
            found.append(Items(title, tuple(_relation(each) for each in items[:SHOWN]), total=len(items)))
    return tuple(found)


def _verb(changed: dict[str, tuple[str, str]], comment: bool, linked: bool) -> str:
    """What an update did, in the words of the title."""
    if "System.State" in changed and changed["System.State"][1]:
        return f"moved to {changed['System.State'][1]}"
    if "System.AssignedTo" in changed:
        new = changed["System.AssignedTo"][1]
        return f"assigned to {new}" if new else "unassigned"
    if comment and not changed:
        return "commented on"
    if linked and not changed:
        return "links changed"
    if len(changed) == 1:
        return {"System.Title": "renamed", "System.IterationPath": "moved to another iteration"}.get(
            next(iter(changed)), "updated"
        )
    return "updated"


@events.fallback("workitem")
@events.many({f"workitem.{key}": value[0] for key, value in HAPPENINGS.items()}, group=GROUP)
def work_item(event: RawEvent, ctx: Context) -> Notification | Ignore:
    """Something happened to a work item."""
    payload, action = event.payload, event.name.partition(".")[2].partition(".")[0]
    resource, fields, number = payload.sub("$.resource"), fields_of(payload), number_of(payload)
    _, verb, status, severity = HAPPENINGS.get(action, ("", words(action) or "changed", "", Severity.NEUTRAL))
    heard = spoken(payload)
    kind = fields.text("System.WorkItemType") or heard.get("kind", "") or "Work item"
    title = fields.text("System.Title") or heard.get("title", "") or plain(resource.opt("$.name"))
    comment = fields.html("System.History") or resource.first("$.comment.text", "$.text")
    state, skip = fields.text("System.State") or heard.get("state", ""), frozenset[str]()
    facts: tuple[Fact, ...] = ()
    text: str | Markdown = ""
    if action == "updated":
        table = resource.sub("$.fields") or resource.sub("$.revision.fields")
        changed = {name: (old, new) for name, old, new in changes(table)}
        linked = resource.count("$.relations.added") + resource.count("$.relations.removed") > 0
        if not changed and not comment and not linked and _reordered(table):
            return Ignore("Only the order in the backlog changed.")
        verb = _verb(changed, bool(comment), linked)
        facts = change_facts(table)
        skip = frozenset(label(name) for name in changed)
        if heard.get("state") and not changed:
            verb = f"moved to {heard['state']}"
        if "System.State" in changed or (heard.get("state") and not changed):
            severity = Severity.GOOD if state.lower() in DONE else Severity.INFO
        text = _rich(comment, payload) if comment else _new_text(table, payload)
    elif action == "commented":
        text = _rich(comment or _said_comment(payload), payload)
    elif action in ("created", "restored"):
        found = fields.html("System.Description", "TCM.ReproSteps", "Common.AcceptanceCriteria")
        text = _rich(found, payload) if found else ""
    label_ = " ".join(part for part in (f"#{number}" if number else "", title) if part)
    # An update's own facts say what changed; the state is on the pill.
    rest = state_facts(fields, skip=skip | {"State"} if state and not status else skip)
    return tell(
        event,
        f"{kind} {verb}",
        what=label_,
        url=work_item_url(payload, number) if action != "deleted" else "",
        by=_actor(payload, action, fields),
        status=status or state,
        severity=severity,
        text=text,
        facts=(*facts, *(rest if action != "updated" else rest[:3])),
        lists=_relations(resource),
        button=f"Open {kind.lower() if kind == 'Work item' else kind}"
        if action != "deleted"
        else "Open project",
        when=("$.resource.revisedDate",) if resource.opt("$.revisedDate")[:4] not in ("", "9999") else (),
        thread=f"workitem{number}" if number else "",
    )


def _reordered(table: Payload) -> bool:
    return any(tail(name) in ("StackRank", "BacklogPriority") for name in table.keys("$"))


def _new_text(table: Payload, payload: Payload) -> str | Markdown:
    """The description, when the update wrote one for the first time or anew."""
    for name in ("System.Description", "Microsoft.VSTS.TCM.ReproSteps"):
        value = table.raw.get(name) if isinstance(table.raw, dict) else None
        new = value.get("newValue") if isinstance(value, dict) else None
        if isinstance(new, str) and new.strip():
            return _rich(new, payload)
    return ""


def _said_comment(payload: Payload) -> str:
    """The comment from the detailed message, whose first line (and an address) is the sentence itself."""
    lines = sentence(payload, "detailedMessage").splitlines()
    rest = [line for line in lines[1:] if not re.fullmatch(r"\s*\(?https?://\S+\)?\s*", line)]
    return "\n".join(rest).strip()


def attributes_of(payload: Payload) -> dict[str, str | tuple[str, ...]]:
    """What filters may ask about a work item."""
    fields = fields_of(payload)
    tags = fields.text("System.Tags")
    return {
        "type": fields.text("System.WorkItemType") or spoken(payload).get("kind", ""),
        "area_path": fields.text("System.AreaPath"),
        "iteration_path": fields.text("System.IterationPath"),
        "state": fields.text("System.State").lower(),
        "priority": fields.text("Common.Priority"),
        "severity": fields.text("Common.Severity"),
        "assignee": shown(fields.value("System.AssignedTo")),
        "labels": tuple(tag.strip() for tag in tags.split(";") if tag.strip()),
        "project": fields.text("System.TeamProject") or project_of(payload),
    }
