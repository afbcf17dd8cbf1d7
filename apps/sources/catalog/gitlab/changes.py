"""The `changes` object of issues and merge requests as lines "old → new".

https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events
"""

from __future__ import annotations

from apps.sources.sdk import Fact, Payload

from .common import sentence

# Bookkeeping that changes with everything else and says nothing to people.
QUIET = frozenset(
    {
        "updated_at", "updated_by_id", "last_edited_at", "last_edited_by_id", "relative_position", "id", "iid",
        "created_at", "author_id", "project_id", "source_project_id", "target_project_id", "state_id", "merge_status",
        "prepared_at", "lock_version", "title_html", "description_html", "merge_params", "url", "closed_at",
        "merge_commit_sha", "latest_merge_request_diff_id", "head_pipeline_id", "time_change",
        "human_time_change", "total_time_spent", "time_estimate", "assignee_id", "assignee_ids", "state",
        "milestone_id", "merge_error", "work_in_progress", "rebase_commit_sha", "in_progress_merge_commit_sha",
    }
)  # fmt: skip
LABELS = {
    "human_total_time_spent": "Time spent",
    "human_time_estimate": "Estimate",
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
        if key in QUIET or not isinstance(changes.raw.get(key), dict):
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
    for key, title in (("milestone_id", "Milestone"),):
        if changes.has(key):
            found.append(Fact("Changed", title))
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
