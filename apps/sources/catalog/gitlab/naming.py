"""Which event a request is: GitLab says it in `object_kind`, `event_name`, a header, or not at all.

https://docs.gitlab.com/user/project/integrations/webhook_events/
"""

from __future__ import annotations

import re

from apps.sources.sdk import Payload, PayloadError

from .merge_requests import shade
from .notes import target_of
from .pipelines import deployment_name, state_name

FAMILIES = {
    "push": "push", "tag_push": "tag_push", "issue": "issue", "confidential_issue": "issue",
    "work_item": "work_item", "confidential_work_item": "work_item", "epic": "work_item", "note": "note",
    "confidential_note": "note", "merge_request": "merge_request", "wiki_page": "wiki_page",
    "pipeline": "pipeline", "build": "job", "job": "job", "deployment": "deployment", "release": "release",
    "emoji": "emoji", "feature_flag": "feature_flag", "access_token": "access_token",
    "resource_access_token": "access_token", "deploy_token": "deploy_token",
    "resource_deploy_token": "deploy_token", "duo_workflow": "duo_flow", "duo_flow_callback": "duo_flow",
    "milestone": "milestone", "vulnerability": "vulnerability", "repository_update": "repository_update",
    "gitlab_subscription_member_approval": "member_approval",
    "gitlab_subscription_member_approvals": "member_approval",
}  # fmt: skip
# The flat events of groups and of the instance: event_name -> our name
FLAT = {
    "subgroup_create": "subgroup.created", "subgroup_destroy": "subgroup.removed",
    "project_create": "project.created", "project_destroy": "project.deleted", "project_rename": "project.renamed",
    "project_transfer": "project.transferred", "project_update": "project.updated",
    "project_archive": "project.archived", "project_unarchive": "project.unarchived",
    "group_archive": "group.archived", "group_unarchive": "group.unarchived",
    "group_create": "group.created", "group_destroy": "group.deleted",
    "group_rename": "group.renamed", "group_update": "group.updated", "group_transfer": "group.transferred",
    "user_create": "user.created", "user_destroy": "user.deleted", "user_rename": "user.renamed",
    "user_failed_login": "user.failed_login", "key_create": "key.created", "key_destroy": "key.deleted",
}  # fmt: skip
MEMBER = re.compile(
    r"user_(add|update|remove|access_request(?:_revoked|_denied)?)_(?:to|for|from)_(?:group|team|project)"
)
MEMBER_WORDS = {
    "add": "added",
    "update": "updated",
    "remove": "removed",
    "access_request": "access_requested",
    "access_request_revoked": "access_denied",
    "access_request_denied": "access_denied",
}
PLACE = re.compile(r"(subgroup|project|group|user|key)_(\w+)")
ACTIONS = {
    "open": "opened", "opened": "opened", "create": "created", "close": "closed", "closed": "closed",
    "reopen": "reopened", "reopened": "reopened", "update": "updated", "updated": "updated", "merge": "merged",
    "merged": "merged", "delete": "deleted", "destroy": "deleted", "award": "awarded", "revoke": "revoked",
    "enqueue": "requested", "approve": "approved", "deny": "denied", "locked": "updated",
}  # fmt: skip
# Keys that only one family has; for templates and old versions without `object_kind`.
SIGNS = (
    ("object_attributes.noteable_type", "note"), ("object_attributes.awardable_type", "emoji"),
    ("object_attributes.source_branch", "merge_request"), ("object_attributes.target_branch", "merge_request"),
    ("wiki", "wiki_page"), ("builds", "pipeline"), ("build_id", "job"), ("build_name", "job"),
    ("deployable_id", "deployment"), ("deployment_id", "deployment"), ("object_attributes.active", "feature_flag"),
    ("assets", "release"), ("released_at", "release"), ("object_attributes.identifiers", "vulnerability"),
    ("object_attributes.note", "note"), ("object_attributes.iid", "issue"), ("refs", "repository_update"),
)  # fmt: skip


def clean(word: str) -> str:
    """A word of GitLab's as a part of an event's name."""
    return re.sub(r"[^a-z0-9_]+", "_", word.strip().lower())[:60].strip("_")


def family_of(payload: Payload, header: str) -> str:
    """The family, "" for the flat events. Raises PayloadError when nothing tells."""
    hook = clean(re.sub(r"\bhook\b", "", header, flags=re.IGNORECASE))
    kind, name = clean(payload.opt("$.object_kind")), clean(payload.opt("$.event_name"))
    for word in (kind, name):
        if word in FAMILIES:
            return FAMILIES[word]
    if name in FLAT or MEMBER.fullmatch(name) or (name and PLACE.fullmatch(name)):
        return ""
    if hook in FAMILIES:
        return FAMILIES[hook]
    if (
        payload.has("$.ref")
        and (payload.has("$.before") or payload.has("$.commits"))
        and not payload.has("$.build_id")
    ):
        return "tag_push" if payload.opt("$.ref").startswith("refs/tags/") else "push"
    for key, family in SIGNS:
        if payload.has(f"$.{key}"):
            return family
    if payload.has("$.entity_type") and payload.has("$.details"):
        return "audit_event"
    if hook == "member":
        return "member"
    if kind or name or hook not in ("", "system"):
        return "other"
    raise PayloadError(
        "no_event",
        "The body has neither object_kind nor event_name, and there is no X-Gitlab-Event header. "
        "Keep “object_kind” in a custom webhook template.",
        path="$.object_kind",
    )


def name_of(payload: Payload, header: str) -> str:
    """The catalogue name of the event in this body."""
    family = family_of(payload, header)
    item = payload.sub("$.object_attributes")
    given = clean(item.opt("$.action") or payload.opt("$.action"))
    action = ACTIONS.get(given, given)
    event_name = clean(payload.opt("$.event_name"))
    if not family:
        return _flat(event_name)
    if family in ("push", "tag_push", "repository_update", "audit_event", "other"):
        return family
    if family in ("issue", "work_item"):
        action = {"created": "opened"}.get(action, action) or _by_state(item)
        action = _moved(payload) or action if action == "updated" else action
    elif family == "merge_request":
        action = {"created": "opened"}.get(action, action) or _by_state(item)
        action = shade(payload) if action == "updated" else action
    elif family == "note":
        action = target_of(payload)
    elif family == "pipeline":
        action = state_name(item.opt("$.status") or item.opt("$.detailed_status")) or "changed"
    elif family == "job":
        action = state_name(payload.opt("$.build_status") or item.opt("$.status")) or "changed"
    elif family == "deployment":
        action = deployment_name(payload.opt("$.status")) or "changed"
    elif family == "emoji":
        action = action or ("revoked" if payload.opt("$.event_type") == "revoke" else "awarded")
    elif family == "feature_flag":
        action = "enabled" if item.flag("$.active") else "disabled"
    elif family == "vulnerability":
        action = item.opt("$.state") or "changed"
    elif family in ("access_token", "deploy_token"):
        action = "expired" if event_name.startswith("expired") else "expiring"
    elif family == "member":
        action = action if action in MEMBER_WORDS.values() else "updated"
    elif family == "duo_flow":
        action = clean(payload.opt("$.event").rpartition(".")[2]) or clean(payload.opt("$.workflow.status"))
    elif family == "milestone":
        action = action or ("closed" if item.opt("$.state") == "closed" else "created")
    action = action or {"release": "created", "wiki_page": "updated"}.get(family, "changed")
    return f"{family}.{clean(action) or 'changed'}"


def _flat(event_name: str) -> str:
    if event_name in FLAT:
        return FLAT[event_name]
    member = MEMBER.fullmatch(event_name)
    if member:
        return f"member.{MEMBER_WORDS[member[1]]}"
    place = PLACE.fullmatch(event_name)
    return f"{place[1]}.{place[2]}" if place else "other"


def _moved(payload: Payload) -> str:
    """Requirements are archived and reopened by an `update` that changes the state alone."""
    before, after = (payload.opt_int(f"$.changes.state_id.{side}") for side in ("previous", "current"))
    if before is None or before == after:
        return ""
    return {1: "reopened", 2: "closed"}.get(after or 0, "")


def _by_state(item: Payload) -> str:
    """Before GitLab 6.9 there was no action: the state is all there is."""
    state = clean(item.opt("$.state"))
    return ACTIONS.get(state, "updated") if state else "updated"
