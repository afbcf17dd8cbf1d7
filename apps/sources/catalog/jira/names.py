"""From Jira's event names, of all ages, to ours.

https://developer.atlassian.com/cloud/jira/platform/webhooks/#registering-a-webhook-using-the-jira-rest-api--other-integrations-
"""

from __future__ import annotations

import re

from apps.sources.sdk import Payload

from .changes import field_names

MERGED = ("mergedTo", "mergeTo", "mergedVersion")

# webhookEvent without its "jira:" -> our name. Issues and what hangs on them are told apart below.
NAMES = {
    "issue_created": "issue.created", "issue_deleted": "issue.deleted", "issue_updated": "issue.updated",
    "issue_generic": "issue.updated", "worklog_updated": "worklog.changed",
    "issuelink_created": "link.created", "issuelink_deleted": "link.deleted",
    "comment_created": "comment.created", "comment_updated": "comment.edited", "comment_deleted": "comment.deleted",
    "worklog_created": "worklog.created", "worklog_deleted": "worklog.deleted",
    "attachment_created": "attachment.created", "attachment_deleted": "attachment.deleted",
    "sprint_created": "sprint.created", "sprint_updated": "sprint.updated", "sprint_deleted": "sprint.deleted",
    "sprint_started": "sprint.started", "sprint_closed": "sprint.closed",
    "version_created": "version.created", "version_updated": "version.updated", "version_deleted": "version.deleted",
    "version_released": "version.released", "version_unreleased": "version.unreleased",
    "version_moved": "version.moved", "version_merged": "version.merged",
    "board_created": "board.created", "board_updated": "board.updated", "board_deleted": "board.deleted",
    "board_configuration_changed": "board.configuration",
    "project_created": "project.created", "project_updated": "project.updated", "project_deleted": "project.deleted",
    "project_soft_deleted": "project.trashed", "project_restored_deleted": "project.restored",
    "project_archived": "project.archived", "project_restored_archived": "project.unarchived",
    "project_restored": "project.unarchived",
    "user_created": "user.created", "user_updated": "user.updated", "user_deleted": "user.deleted",
    "issuetype_created": "issuetype.created", "issuetype_updated": "issuetype.updated",
    "issuetype_deleted": "issuetype.deleted", "filter_created": "filter.created", "filter_updated": "filter.updated",
    "filter_deleted": "filter.deleted", "issue_property_set": "property.set",
    "issue_property_deleted": "property.deleted", "jira_expression_evaluation_failed": "setting.expression_failed",
    "option_voting_changed": "setting.changed", "option_watching_changed": "setting.changed",
    "option_unassigned_issues_changed": "setting.changed", "option_subtasks_changed": "setting.changed",
    "option_attachments_changed": "setting.changed", "option_issuelinks_changed": "setting.changed",
    "option_timetracking_changed": "setting.changed", "option_timetracking_provider_changed": "setting.changed",
    "connect_addon_enabled": "app.enabled", "connect_addon_disabled": "app.disabled",
    "connect_addon_installed": "app.enabled", "connect_addon_uninstalled": "app.disabled",
    "app_access_to_objects_blocked": "app.blocked",
    "app_access_to_objects_in_container_blocked": "app.blocked",
    "issue_commented": "comment.created", "issue_comment_edited": "comment.edited",
    "issue_comment_deleted": "comment.deleted", "issue_worklogged": "worklog.created",
}  # fmt: skip
# issue_event_type_name of an update that Jira itself names; "generic" and "updated" look at what changed.
TYPES = {
    "issue_created": "issue.created", "issue_deleted": "issue.deleted", "issue_moved": "issue.moved",
    "issue_commented": "comment.created", "issue_comment_edited": "comment.edited",
    "issue_comment_deleted": "comment.deleted", "issue_work_logged": "worklog.created",
    "issue_worklogged": "worklog.created", "issue_worklog_updated": "worklog.changed",
    "issue_work_log_updated": "worklog.changed", "issue_worklog_deleted": "worklog.deleted",
    "issue_work_log_deleted": "worklog.deleted", "issue_assigned": "issue.assigned",
    "issue_resolved": "issue.transitioned", "issue_closed": "issue.transitioned",
    "issue_reopened": "issue.transitioned", "issue_work_started": "issue.transitioned",
    "issue_started": "issue.transitioned", "issue_work_stopped": "issue.transitioned",
    "issue_stopped": "issue.transitioned",
}  # fmt: skip
# The field that changed -> our name, the most telling first. These three name the event whatever else changed …
TELLING = (("project", "issue.moved"), ("status", "issue.transitioned"), ("assignee", "issue.assigned"))
# … and these only when nothing but their kind (and what follows from it) changed.
KINDS = (
    (frozenset({"link", "remoteissuelink"}), "issue.linked"),
    (frozenset({"attachment"}), "issue.attached"),
    (frozenset({"sprint"}), "issue.sprint"),
    (frozenset({"worklogid", "timespent", "timeestimate", "timeoriginalestimate", "worklogtimespent"}), "worklog.changed"),
)  # fmt: skip
RANKS = frozenset({"rank", "global rank"})
COMMENTS = frozenset({"comment"})
# Names of Forge events: avi:jira:created:issue, avi:jira-software:started:sprint
_FORGE = re.compile(r"^avi:jira(?:-software)?:([a-z]+):([a-z]+)$")


def name_of(payload: Payload) -> str:
    """The catalogue name of a payload."""
    kind = payload.first("$.webhookEvent", "$.event", "$.eventType").strip().lower().removeprefix("jira:")
    forge = _FORGE.match(kind)
    # Rules write it as they like: issue.created, Issue created.
    kind = f"{forge[2]}_{forge[1]}" if forge else re.sub(r"[\s.-]+", "_", kind)
    if payload.sub("$.issue") and kind in ("issue_updated", "issue_generic", ""):
        return _updated(payload)
    if kind in NAMES and kind != "worklog_updated":
        return _merged(NAMES[kind], payload)
    if kind == "worklog_updated":
        named = TYPES.get(payload.opt("$.issue_event_type_name").lower(), "")
        return named if named.startswith("worklog.") else NAMES[kind]
    if kind in TYPES:
        return TYPES[kind]
    if not kind:
        return _guess(payload)
    return f"other.{kind.replace('.', '_')[:60]}"


def _merged(name: str, payload: Payload) -> str:
    """A version that was merged into another one is told as deleted too."""
    if name == "version.deleted" and any(payload.sub(f"$.{key}") for key in MERGED):
        return "version.merged"
    return name


def _updated(payload: Payload) -> str:
    kind, changed = payload.opt("$.issue_event_type_name").lower(), field_names(payload)
    if payload.has("$.transition.to_status") and not changed:
        return "issue.transitioned"  # the post function “Trigger a webhook” of a workflow
    named = TYPES.get(kind, "")
    if named == "issue.assigned":
        named = named if changed <= {"assignee"} | RANKS else ""
    elif named == "issue.moved":
        named = named if not changed or "project" in changed else ""
    if named:
        return named
    if changed and changed <= COMMENTS:
        # Versions before 7 tell what became of a comment as a change of the issue's.
        return "comment.edited" if payload.sub("$.comment") else "comment.deleted"
    if payload.sub("$.comment") and changed <= RANKS:
        return "comment.created" if _fresh(payload) else "comment.edited"
    if payload.has("$.worklog") and not changed:
        return "worklog.created"
    if changed and changed <= RANKS:
        return "issue.ranked"
    for field, name in TELLING:
        if field in changed:
            return name
    for fields, name in KINDS:
        if changed and changed <= fields | RANKS:
            return name
    return "issue.updated" if changed or payload.has("$.webhookEvent") else "issue.sent"


def _fresh(payload: Payload) -> bool:
    made, touched = payload.opt("$.comment.created"), payload.opt("$.comment.updated")
    return not touched or made == touched


def _guess(payload: Payload) -> str:
    """A body without a name: automation rules send what they are told to, often the bare issue."""
    if isinstance(payload.raw, dict) and isinstance(payload.raw.get("issue"), str):
        return "automation.message"
    for key, name in (
        ("comment", "comment.created"), ("worklog", "worklog.created"), ("issue", "issue.sent"),
        ("sprint", "sprint.updated"), ("version", "version.updated"), ("board", "board.updated"),
        ("issueLink", "link.created"), ("attachment", "attachment.created"), ("project", "project.updated"),
    ):  # fmt: skip
        if payload.sub(f"$.{key}"):
            return name
    if payload.sub("$.fields") or (payload.has("$.key") and payload.has("$.self")):
        return "issue.sent"
    return "automation.message"
