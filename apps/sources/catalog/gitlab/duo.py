"""What GitLab Duo's agents report about the flows they run.

https://docs.gitlab.com/user/project/integrations/webhook_events/#gitlab-duo-flow-events
"""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Notification, RawEvent, Severity

from .common import body, moment, sentence, tell

events = Events()
STEPS = {
    "started": ("started", "Running", Severity.INFO),
    "completed": ("completed", "Completed", Severity.GOOD),
    "failed": ("failed", "Failed", Severity.ATTENTION),
}


@events.fallback("duo_flow")
@events.many(
    {f"duo_flow.{key}": f"GitLab Duo flow {verb}" for key, (verb, _, _) in STEPS.items()},
    group="GitLab Duo",
    default=["duo_flow.completed", "duo_flow.failed"],
)
def duo_flow(event: RawEvent, ctx: Context) -> Notification:
    """A flow of an agent began, ended or failed."""
    payload, flow = event.payload, event.payload.sub("$.workflow")
    step = event.name.partition(".")[2]
    verb, status, severity = STEPS.get(
        step, (sentence(step).lower(), sentence(flow.opt("$.status")), Severity.INFO)
    )
    goal = flow.first("$.goal", "$.name", "$.title") or payload.opt("$.goal")
    reference = payload.opt("$.client_reference")
    number = flow.opt("$.id")
    return tell(
        event,
        ctx,
        f"GitLab Duo flow {verb}",
        what=goal or reference or (f"#{number}" if number else ""),
        url=flow.opt("$.web_url"),
        status=status,
        severity=severity,
        text=body(payload, payload.first("$.result.message", "$.error.message", "$.message", "$.error")),
        facts=(
            Fact("Reference", reference),
            Fact("State", sentence(flow.opt("$.status"))),
            Fact("Reason", sentence(payload.first("$.error.code", "$.reason"))),
        ),
        button="Open session",
        when=moment(payload, "$.timestamp", "$.occurred_at", "$.created_at"),
        thread=f"duo-{number}",
    )
