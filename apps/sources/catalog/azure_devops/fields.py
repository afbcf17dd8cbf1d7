"""Fields of work items: readable names and values, and what a revision changed.

https://learn.microsoft.com/azure/devops/boards/work-items/guidance/work-item-field
"""

from __future__ import annotations

import re

from apps.sources.sdk import Fact, Payload, from_html, plain

from .common import capital, person, words

LABELS = {
    "System.AssignedTo": "Assigned to",
    "System.IterationPath": "Iteration",
    "System.AreaPath": "Area",
    "System.TeamProject": "Project",
    "System.WorkItemType": "Type",
    "System.BoardColumn": "Board column",
    "System.BoardLane": "Board lane",
    "System.BoardColumnDone": "Column done",
    "System.Parent": "Parent",
}
# What every revision changes, follows from another field, or means nothing to people.
NOISE = frozenset(
    (
        "Rev", "AuthorizedDate", "RevisedDate", "ChangedDate", "ChangedBy", "Watermark", "AuthorizedAs", "PersonId",
        "CommentCount", "NodeName", "AreaId", "IterationId", "StackRank", "BacklogPriority", "StateChangeDate",
        "ActivatedDate", "ActivatedBy", "ResolvedDate", "ResolvedBy", "ClosedDate", "ClosedBy", "CreatedDate",
        "CreatedBy", "ExternalLinkCount", "HyperLinkCount", "AttachedFileCount", "RelatedLinkCount",
        "RemoteLinkCount", "History", "Id", "TFServer", "ExtensionMarker", "Column.Done", "Column", "Lane",
        "BoardColumnDone", *(f"{path}Level{number}" for path in ("Area", "Iteration") for number in range(1, 15)),
    )
)  # fmt: skip
LONG = frozenset(
    (
        "Description", "ReproSteps", "AcceptanceCriteria", "SystemInfo", "Steps", "Parameters", "LocalDataSource",
        "Symptom", "Resolution",
    )
)  # fmt: skip
_DATE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?$")
_HTML = re.compile(r"</?[a-zA-Z][^<>]*>|&[a-z]{2,6};")
_SHOWN = 8


def tail(name: str) -> str:
    """The last part of a field's reference name: `Microsoft.VSTS.Common.Priority` -> `Priority`."""
    if name.startswith("WEF_") and "Kanban." in name:
        return name.partition("Kanban.")[2]
    return name.rpartition(".")[2]


def label(name: str) -> str:
    """How a field is called on the form, as well as its reference name tells."""
    if name.endswith("Kanban.Column"):
        return "Board column"
    if name in LABELS:
        return LABELS[name]
    last = tail(name)
    if re.fullmatch(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}", last):
        return "Custom field"
    return capital(words(last.replace("_", " "))) or "Field"


def shown(value: object) -> str:
    """A field's value in one line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e15 else ""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**15 else ""
    if isinstance(value, dict):
        return person(value)
    if not isinstance(value, str):
        return ""
    if _DATE.match(value):
        return value[:10]
    if _HTML.search(value[:2000]):
        return plain(from_html(value, max_chars=400))
    return plain(person(value))


class Fields:
    """The fields of a work item, whose names have dots in them."""

    def __init__(self, *sources: Payload) -> None:
        self.raw: dict[str, object] = {}
        for source in sources:
            if isinstance(source.raw, dict):
                for key, value in source.raw.items():
                    if key not in self.raw or self.raw[key] in (None, ""):
                        self.raw[key] = value

    def value(self, name: str) -> object:
        """A field by reference name or by its end (`Common.Priority`), as editions differ in the middle.

        In an update the value is an object with the old and the new one.
        """
        found = self.raw.get(name)
        if found is None:
            found = next((value for key, value in self.raw.items() if key.endswith(f".{name}")), None)
        if isinstance(found, dict) and ("newValue" in found or "oldValue" in found):
            return found.get("newValue")
        return found

    def text(self, name: str) -> str:
        """The field as one line."""
        return shown(self.value(name))

    def html(self, *names: str) -> str:
        """The first of these long texts, as it was sent."""
        for name in names:
            found = self.value(name)
            if isinstance(found, str) and found.strip():
                return found
        return ""


def changes(fields: Payload) -> list[tuple[str, str, str]]:
    """What a revision changed: (reference name, old, new), without what nobody wants to read."""
    found: list[tuple[str, str, str]] = []
    if not isinstance(fields.raw, dict):
        return found
    for name, value in fields.raw.items():
        if not isinstance(value, dict) or not ("oldValue" in value or "newValue" in value):
            continue
        last = tail(name)
        if last in NOISE and not (name.endswith("Kanban.Column") and "System.BoardColumn" not in fields.raw):
            continue
        if name == "System.NodeName" or name.endswith("Column.Done"):
            continue
        old, new = shown(value.get("oldValue")), shown(value.get("newValue"))
        if old != new or last in LONG:
            found.append((name, old, new))
    order = ("System.State", "System.AssignedTo", "System.Title", "System.Reason", "System.IterationPath")
    return sorted(found, key=lambda each: order.index(each[0]) if each[0] in order else len(order))


def change_facts(fields: Payload) -> tuple[Fact, ...]:
    """The changes as facts, old → new."""
    found = []
    for name, old, new in changes(fields):
        if tail(name) in LONG or len(old) + len(new) > 240:
            found.append(Fact(label(name), "changed" if new and old else "removed" if old else "added"))
        else:
            found.append(Fact(label(name), f"{old or 'none'} → {new or 'none'}"))
    more = len(found) - _SHOWN
    if more > 1:
        return (*found[:_SHOWN], Fact("Other fields", f"{more} more changed"))
    return tuple(found)
