"""Bitbucket Cloud's event keys and the names of our catalogue.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
"""

from __future__ import annotations

from collections.abc import Mapping

# Bitbucket's event key -> our name. Unknown verbs keep their own word and meet a family's fallback.
NAMES: Mapping[str, str] = {
    "repo:push": "repo.push",
    "repo:fork": "repo.forked",
    "repo:transfer": "repo.transferred",
    "repo:commit_comment_created": "commit_comment.created",
    "repo:commit_status_created": "commit_status.created",
    "repo:commit_status_updated": "commit_status.updated",
    "issue:comment_created": "issue_comment.created",
    "pullrequest:push": "pull_request.pushed",
    "pullrequest:changes_request_created": "pull_request.changes_requested",
    "pullrequest:changes_request_removed": "pull_request.changes_request_removed",
    "pullrequest:fulfilled": "pull_request.merged",
    "pullrequest:rejected": "pull_request.declined",
}
FAMILIES = {"pullrequest": "pull_request", "pull_request": "pull_request"}

# What a webhook may be asked for -> our name.
KNOWN: Mapping[str, str] = {
    **NAMES,
    "repo:created": "repo.created", "repo:updated": "repo.updated", "repo:imported": "repo.imported",
    "repo:deleted": "repo.deleted", "issue:created": "issue.created", "issue:updated": "issue.updated",
    "pullrequest:created": "pull_request.created", "pullrequest:updated": "pull_request.updated",
    "pullrequest:approved": "pull_request.approved", "pullrequest:unapproved": "pull_request.unapproved",
    "pullrequest:comment_created": "pull_request_comment.created",
    "pullrequest:comment_updated": "pull_request_comment.updated",
    "pullrequest:comment_deleted": "pull_request_comment.deleted",
    "pullrequest:comment_resolved": "pull_request_comment.resolved",
    "pullrequest:comment_reopened": "pull_request_comment.reopened", "project:updated": "project.updated",
}  # fmt: skip
