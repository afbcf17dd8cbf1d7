"""What a change list says, in words: names instead of ids, long texts cut down to what differs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from apps.sources.sdk import Item, Items, Payload, from_jira, plain, truncate

from .common import moment, with_names

SHOWN = 8
SHORT = 120  # longer values are cut down to the part that differs
PART = 90
LABELS = {
    "assignee": "Assignee", "fixversions": "Fix versions", "fix version": "Fix versions", "duedate": "Due",
    "issuetype": "Type", "timespent": "Time spent", "timeoriginalestimate": "Estimate",
    "issueparentassociation": "Parent", "versions": "Affects versions", "version": "Affects versions",
    "remoteissuelink": "Web link", "component": "Components",
    "components": "Components", "parent": "Parent",
}  # fmt: skip
# What follows from another change, or says nothing to people.
NOISE = frozenset(
    {"worklogid", "rank", "timeestimate", "global rank", "development", "worklogtimespent", "workflow"}
)
TIMES = frozenset({"timespent", "timeoriginalestimate"})
LONG = frozenset({"description", "environment"})
SECRET = frozenset({"comment"})  # the list does not say who may read the comment, so its text stays here
_ID = re.compile(r"^\[?\d+(?:, ?\d+)*\]?$|^\d+:[0-9a-f-]{36}$|^[0-9a-f]{24}$")
_MIDNIGHT = re.compile(r"^(\d{4}-\d\d-\d\d) 00:00:00\.0$")
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
_MACHINE = re.compile(r"^\s*[\[{].*[\]}]\s*$|@[0-9a-f]{6,8}\[", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the list. `field` is in small letters; `words`: old and new can be read by people."""

    field: str
    label: str
    old: str
    new: str
    words: bool = True

    def line(self) -> str:
        """`Priority: Low → High`."""
        if not self.words:
            return f"{self.label} changed"
        if self.field in TIMES:
            return self._told(duration(self.old), duration(self.new))
        if self.field in LONG or max(len(self.old), len(self.new)) > SHORT:
            return self._told(*difference(flat(self.old), flat(self.new)))
        return self._told(flat(self.old), flat(self.new))

    def _told(self, old: str, new: str) -> str:
        if old and new:
            return f"{self.label}: {old} → {new}"
        if new:
            return f"{self.label}: {new}"
        return f"{self.label}: {old} removed" if old else f"{self.label} changed"


def changes_of(payload: Payload) -> Iterator[Change]:
    """The changes that people care for."""
    for each in payload.each("$.changelog.items", 100):
        field = field_of(each)
        if field in NOISE:
            continue
        old, new = (with_names(_value(each, side), payload) for side in ("from", "to"))
        only_ids = not old and not new and bool(each.opt("$.from") or each.opt("$.to"))
        readable = (
            field not in SECRET and not only_ids and not any(_MACHINE.search(text) for text in (old, new))
        )
        yield Change(field, _label(payload, each, field), old, new, readable)


def field_of(item: Payload) -> str:
    """A field's name in small letters: the id of Jira's own fields, because their names may be translated."""
    name, number = item.opt("$.field"), item.opt("$.fieldId")
    own = number if number and not number.startswith("customfield_") else ""
    return (own or name or number).lower()


def _label(payload: Payload, item: Payload, field: str) -> str:
    name = LABELS.get(field) or item.first("$.field", "$.fieldId")
    if name.startswith("customfield_"):
        name = payload.first(f"$.issue.names.{name}", f"$.names.{name}", default="Custom field")
    name = " ".join(name.replace("_", " ").split())[:60] or "Field"
    return name[:1].upper() + name[1:]


def _value(item: Payload, side: str) -> str:
    """The words for people; the raw value only when it is no id."""
    raw = item.opt(f"$.{side}").strip()
    if _DAY.match(raw):
        return moment(raw)
    text = item.first(f"$.{side}String", "$.oldString" if side == "from" else "$.newString").strip()
    if not text:
        return "" if _ID.match(raw) else raw
    midnight = _MIDNIGHT.match(text)
    return moment(midnight[1]) if midnight else text


def field_names(payload: Payload) -> frozenset[str]:
    """The fields in the change list, in small letters."""
    return frozenset(field_of(each) for each in payload.each("$.changelog.items", 100))


def changed(payload: Payload, field: str) -> tuple[str, str]:
    """Old and new words of one field, or two empty texts."""
    for each in payload.each("$.changelog.items", 100):
        if field in (each.opt("$.field").lower(), each.opt("$.fieldId").lower()):
            return _value(each, "from"), _value(each, "to")
    return "", ""


def change_list(payload: Payload) -> Items | None:
    """The list for a card, or None when nothing worth telling changed."""
    lines = [Item(each.line()) for each in changes_of(payload)]
    old, new = payload.opt("$.transition.from_status"), payload.opt("$.transition.to_status")
    if not lines and old and new:
        lines = [Item(Change("status", "Status", old, new).line())]
    return Items("Changes", tuple(lines[:SHOWN]), total=len(lines)) if lines else None


def flat(text: str) -> str:
    """One line without wiki markup."""
    return (
        plain(from_jira(text[:4000], max_chars=2000))
        if "\n" in text or "[" in text
        else " ".join(text.split())
    )


def difference(old: str, new: str) -> tuple[str, str]:
    """The parts of two long texts that differ, with a few words around, at most `PART` characters each."""
    if not old or not new:
        return truncate(old, PART), truncate(new, PART)
    start = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        start += 1
    space = old.rfind(" ", 0, max(0, start - 15))
    start = space + 1 if start > 30 and space > 0 else 0
    lead = "…" if start else ""
    return lead + truncate(old[start:], PART), lead + truncate(new[start:], PART)


def duration(seconds: str) -> str:
    """Seconds as Jira writes them: `1d 2h` of working days of eight hours."""
    if not seconds.strip().lstrip("-").isdigit():
        return seconds
    rest, parts = abs(int(seconds)), []
    for size, unit in ((28_800, "d"), (3_600, "h"), (60, "m")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0m"
