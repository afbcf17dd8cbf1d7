"""From Microsoft's event types to the names of our catalogue.

https://learn.microsoft.com/azure/devops/service-hooks/events
The same event has had several ids: `ms.vss-release.` is `ms.azure-devops-release.` in newer documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from apps.sources.sdk import Payload

from .pipelines import run_phase
from .pull_requests import update_of

VENDOR: Mapping[str, str] = {
    "build.complete": "build.complete",
    "build.completed": "build.complete",
    "ms.vss-build.build-completed-event": "build.complete",
    "ms.vss-release.release-created-event": "release.created",
    "ms.vss-release.release-abandoned-event": "release.abandoned",
    "ms.vss-release.deployment-approval-pending-event": "release.approval_pending",
    "ms.vss-release.deployment-approval-completed-event": "release.approval_completed",
    "ms.vss-release.deployment-started-event": "release.deployment_started",
    "ms.vss-release.deployment-completed-event": "release.deployment_completed",
    "ms.vss-release.deployment-mi-pending-event": "release.intervention_pending",
    "ms.vss-pipelines.run-state-changed-event": "pipeline.run",
    "ms.vss-pipelines.stage-state-changed-event": "pipeline.stage",
    "ms.vss-pipelines.job-state-changed-event": "pipeline.job",
    "ms.vss-pipelinechecks-events.approval-pending": "pipeline.approval_pending",
    "ms.vss-pipelinechecks-events.approval-completed": "pipeline.approval_completed",
    "ms.vss-pipelinechecks-events.check-updated": "pipeline.check_updated",
    "ms.vss-pipelinechecks-events.check-updated-event": "pipeline.check_updated",
    "ms.vss-pipelinechecks-events.approval-pending-event": "pipeline.approval_pending",
    "ms.vss-pipelinechecks-events.approval-completed-event": "pipeline.approval_completed",
    "manualintervention.pending": "pipeline.intervention_pending",
    "ms.vss-pipelinechecks-events.manual-validation-pending-event": "pipeline.intervention_pending",
    "ms.vss-pipelinechecks-events.manual-validation-completed-event": "pipeline.intervention_completed",
    "manualintervention.completed": "pipeline.intervention_completed",
    "tfvc.checkin": "tfvc.checkin",
    "git.push": "git.push",
    "git.pullrequest.created": "git.pullrequest.created",
    "git.pullrequest.updated": "git.pullrequest.updated",
    "git.pullrequest.merged": "git.pullrequest.merged",
    "git.pullrequest.commented": "git.pullrequest.commented",
    "ms.vss-code.git-pullrequest-comment-event": "git.pullrequest.commented",
    "git.repo.created": "git.repo.created",
    "git.repo.deleted": "git.repo.deleted",
    "git.repo.undeleted": "git.repo.undeleted",
    "git.repo.forked": "git.repo.forked",
    "git.repo.renamed": "git.repo.renamed",
    "git.repo.statuschanged": "git.repo.statuschanged",
    "git.branch.download": "git.branch.download",
    "workitem.created": "workitem.created",
    "workitem.updated": "workitem.updated",
    "workitem.commented": "workitem.commented",
    "workitem.deleted": "workitem.deleted",
    "workitem.restored": "workitem.restored",
    "ms.vss-alerts.alert-created-event": "security_alert.created",
    "ms.vss-alerts.alert-state-changed-event": "security_alert.state_changed",
    "ms.vss-alerts.alert-updated-event": "security_alert.updated",
    "ms.vss-endpoint.endpoint-created": "service_connection.created",
    "ms.vss-endpoint.endpoint-updated": "service_connection.updated",
    "elasticagentpool.resized": "agent_pool.resized",
    "agentqueue.created": "agent_pool.created",
    "agentqueue.updated": "agent_pool.updated",
    "message.posted": "message.posted",
}
# Families whose other members have a handler too: (pattern of the vendor's id, our parent).
FAMILIES = (
    (r"workitem\.(.+)", "workitem"),
    (r"git\.pullrequest\.(.+)", "git.pullrequest"),
    (r"git\.repo\.(.+)", "git.repo"),
    (r"build\.(.+)", "build"),
    (r"ms\.vss-alerts\.alert-(.+?)(?:-event)?", "security_alert"),
    (r"ms\.advanced-?security\.(?:alert\.)?(?:alert-?)?(.+?)(?:-?event)?", "security_alert"),
    (r"serviceendpoint\.(.+)", "service_connection"),
    (r"agent(?:queue|pool)\.(.+)", "agent_pool"),
    (r"ms\.vss-release\.(.+?)(?:-event)?", "release"),
    (r"ms\.vss-pipelines\.(.+?)(?:-event)?", "pipeline"),
    (r"ms\.vss-(?:service)?endpoints?\.(?:service)?-?endpoint-?(.+?)(?:-event)?", "service_connection"),
)


def catalog_name(payload: Payload) -> str:
    """Our name of the event; "" when the request is none of Azure DevOps'."""
    kind = payload.first("$.eventType", "$.eventId").strip().lower()
    if not kind:
        kind = guess(payload)
        if not kind:
            return ""
    kind = kind.replace("ms.azure-devops-", "ms.vss-")
    name = VENDOR.get(kind, "")
    if name == "pipeline.run":
        phase = run_phase(payload)
        return f"{name}.{phase}" if phase else name
    if name == "git.pullrequest.updated":
        update = update_of(payload)
        return f"{name}.{update}" if update else name
    if name:
        return name
    for pattern, parent in FAMILIES:
        found = re.fullmatch(pattern, kind)
        if found:
            return f"{parent}.{_safe(found[1])}"
    return f"other.{_safe(kind)}" if kind != "other" else "other"


def _safe(kind: str) -> str:
    """The vendor's id as a part of our names, without dots."""
    return re.sub(r"[^a-z0-9]+", "_", kind[:80]).strip("_") or "event"


def guess(payload: Payload) -> str:
    """The vendor's id of a body that lost its event type; "" when nothing tells."""
    resource = payload.sub("$.resource")
    for path, kind in (
        ("refUpdates", "git.push"),
        ("pullRequest", "ms.vss-code.git-pullrequest-comment-event"),
        ("pullRequestId", "git.pullrequest.updated"),
        ("buildNumber", "build.complete"),
        ("changesetId", "tfvc.checkin"),
        ("workItemId", "workitem.updated"),
        ("fields", "workitem.updated" if resource.has("$.revision") else "workitem.created"),
        ("job", "ms.vss-pipelines.job-state-changed-event"),
        ("stage", "ms.vss-pipelines.stage-state-changed-event"),
        ("run", "ms.vss-pipelines.run-state-changed-event"),
        ("alertId", "ms.vss-alerts.alert-updated-event"),
    ):
        if resource.has(f"$.{path}"):
            return kind
    message = payload.sub("$.message") or payload.sub("$.detailedMessage")
    azure = any(
        payload.has(f"$.{key}") for key in ("resource", "publisherId", "subscriptionId", "notificationId")
    )
    return "other" if message or azure else ""
