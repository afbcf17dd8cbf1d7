"""The `changes` object of issues and merge requests as lines "old → new".

https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events
"""

from __future__ import annotations

from apps.sources.sdk import Fact, Payload

from .common import sentence

# Bookkeeping that changes with everything else and says nothing to people.
QUIET = frozenset(
    {
        "id", "iid", "relative_position", "merge_status", "lock_version", "merge_params", "url", "time_change",
        "human_time_change", "total_time_spent", "time_estimate", "state", "merge_error", "work_in_progress",
    }
)  # fmt: skip
QUIET_ENDINGS = ("_id", "_ids", "_at", "_sha", "_html")
LABELS = {
    "due_date": "Due",
    "blocking_discussions_resolved": "All threads resolved",
    "target_branch": "Target",
    "source_branch": "Source",
    "health_status": "Health",
}


def changed(payload: Payload) -> tuple[Fact, ...]:
    """What an edit changed, in at most eight lines."""
    found: list[Fact] = []
    changes = payload.sub("$.changes")
    for key in changes.keys("$")[:60]:
        if key in QUIET or key.endswith(QUIET_ENDINGS) or not isinstance(changes.raw.get(key), dict):
            continue
        change = Payload(changes.raw[key])
        title = LABELS.get(key) or sentence(key)
        if key == "description":
            found.append(Fact("Changed", "Description"))
            continue
        old, new = _shown(change, "previous", key), _shown(change, "current", key)
        if isinstance(change.raw.get("current"), list) or isinstance(change.raw.get("previous"), list):
            moves = _moves(change)
            if moves:
                found.append(Fact(title, moves))
        elif old or new:
            found.append(Fact(title, f"{old or 'none'} → {new or 'none'}"))
    item = payload.sub("$.object_attributes")
    if changes.has("total_time_spent"):
        added = item.opt("$.human_time_change")
        total = item.opt("$.human_total_time_spent") or "none"
        found.append(Fact("Time spent", f"{total} ({added} more)" if added else total))
    if changes.has("time_estimate"):
        found.append(Fact("Estimate", item.opt("$.human_time_estimate") or "none"))
    if changes.has("milestone_id"):
        found.append(Fact("Changed", "Milestone"))
    if changes.has("assignee_id") and not changes.has("assignees"):
        found.append(Fact("Changed", "Assignee"))
    return tuple(found[:8])


def _shown(change: Payload, side: str, key: str) -> str:
    value = change.raw.get(side)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return Payload(value).first("$.title", "$.name", "$.username")
    text = change.opt(f"$.{side}")[:200]
    return sentence(text) if key in ("health_status", "severity", "escalation_status") else text


def _names(change: Payload, side: str) -> list[str]:
    found = [each.first("$.title", "$.name", "$.username") for each in change.each(f"$.{side}", 100)]
    return [name for name in found if name] or change.texts(f"$.{side}", 100)


def _moves(change: Payload) -> str:
    """Labels and people: `+ urgent, − later`."""
    old, new = _names(change, "previous"), _names(change, "current")
    parts = [f"+ {name}" for name in new if name not in old] + [
        f"− {name}" for name in old if name not in new
    ]
    parts += [
        f"{each.first('$.name', '$.username')} asked again"
        for each in change.each("$.current", 20)
        if each.flag("$.re_requested") and each.first("$.name", "$.username") in old
    ]
    return ", ".join(parts[:12])
