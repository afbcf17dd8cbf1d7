"""Somebody asks to get around a rule: to push against a ruleset or push protection, or to dismiss an alert.

https://docs.github.com/webhooks/webhook-events-and-payloads#bypass_request_push_ruleset
https://docs.github.com/webhooks/webhook-events-and-payloads#dismissal_request_code_scanning
"""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Notification, Payload, RawEvent, Severity

from .common import actor, repository_url, tell, words

events = Events()
# family -> (what is asked for, where its page is under the repository when the payload names none)
BYPASSES = {
    "bypass_request_push_ruleset": ("Push bypass request", "settings/rules/bypass_requests"),
    "exemption_request_push_ruleset": ("Push bypass request", "settings/rules/bypass_requests"),
    "bypass_request_secret_scanning": ("Push protection bypass request", "security/secret-scanning"),
}
DISMISSALS = {
    "dismissal_request_code_scanning": ("Code scanning dismissal request", "security/code-scanning"),
    "dismissal_request_dependabot": ("Dependabot dismissal request", "security/dependabot"),
    "dismissal_request_secret_scanning": ("Secret scanning dismissal request", "security/secret-scanning"),
}
FAMILIES = {**BYPASSES, **DISMISSALS}
ACTIONS = {
    "created": "asked",
    "cancelled": "cancelled",
    "completed": "completed",
    "response_submitted": "answered",
    "response_dismissed": "waits again",
}
ANSWERS = {
    "approved": ("approved", Severity.GOOD),
    "rejected": ("rejected", Severity.ATTENTION),
    "denied": ("rejected", Severity.ATTENTION),
}


def _about(request: Payload) -> str:
    """The alert or rule that it is about."""
    data = request.sub("$.exemption_request_data")
    return request.first("$.metadata.alert_title", "$.metadata.label") or data.first(
        "$.data[0].alert_title", "$.data[0].ruleset_name", "$.data[0].secret_type_display_name", "$.data[0].secret_type"
    )  # fmt: skip


def exemption(event: RawEvent, ctx: Context) -> Notification:
    """Somebody asked, or got an answer."""
    payload, request = event.payload, event.payload.sub("$.exemption_request")
    answer = payload.sub("$.exemption_response")
    family, _, action = event.name.partition(".")
    noun, page = FAMILIES[family]
    place, number = repository_url(payload), request.opt("$.number")
    state = answer.opt("$.status") or request.opt("$.status")
    verb, severity = ACTIONS.get(action, words(action).lower()), Severity.NEUTRAL
    if action == "created":
        verb, severity = "", Severity.WARNING
    elif action in ("response_submitted", "completed") and state in ANSWERS:
        verb, severity = ANSWERS[state]
    # Without their object these words say little: "Push bypass request #12".
    about = _about(request) or (f"#{number}" if number else "")
    requester = request.opt("$.requester_login")
    return tell(
        event,
        f"{noun} {verb}".strip(),
        what=about,
        url=request.opt("$.html_url") or (f"{place}/{page}" if place else ""),
        status="Waiting" if action == "created" else words(state),
        severity=severity,
        text=answer.opt("$.reviewer_comment") or request.opt("$.requester_comment"),
        facts=(
            Fact("Asked by", requester),
            Fact("Reason", words(request.opt("$.metadata.reason"))),
            Fact("Answered by", answer.opt("$.reviewer_login")),
            Fact("Until", (request.opt("$.expires_at") if action == "created" else "")[:10]),
        ),
        button="Open request",
        when="$.exemption_response.created_at" if answer else "$.exemption_request.created_at",
        thread=f"request-{number or request.opt('$.id')}",
        who=actor(payload),
    )


for _family, (_noun, _) in FAMILIES.items():
    events.many(
        {f"{_family}.{action}": f"{_noun} {verb}" for action, verb in ACTIONS.items()},
        group="Security",
        default=False,  # an older Enterprise Server refuses a webhook that asks for an event it does not know
    )(exemption)
    events.fallback(_family)(exemption)
