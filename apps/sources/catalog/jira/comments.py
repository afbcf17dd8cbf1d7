"""Comments, and which of them are meant for everybody."""

from __future__ import annotations

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Ignore,
    Markdown,
    Notification,
    Payload,
    RawEvent,
    Severity,
)

from .changes import change_list, field_names
from .common import facts_of, headline, issue_of, name_at, person, state, tell, text_of
from .names import COMMENTS
from .site import base_of, issue_page

events = Events()
TITLES = {
    "comment.created": "Comment on",
    "comment.edited": "Comment edited on",
    "comment.deleted": "Comment deleted from",
}
HELD_BACK = (
    "The text is left out: Jira did not say whether customers may read it. "
    "The connector's option “Restricted comments too” shows it."
)


def restricted(comment: Payload) -> bool:
    """Whether a comment is meant for some people only: a role, a group, or agents of a service desk."""
    internal = comment.has("$.jsdPublic") and not comment.flag("$.jsdPublic")
    for each in comment.each("$.properties", 20):
        if each.opt("$.key") == "sd.public.comment" and _internal(each):
            internal = True
    return internal or bool(comment.sub("$.visibility")) or bool(comment.opt("$.visibility"))


def _internal(mark: Payload) -> bool:
    return mark.sub("$.value").flag("$.internal") or mark.sub("$.value").opt("$.internal").lower() == "true"


def unmarked(comment: Payload, issue: Payload) -> bool:
    """A comment of a service desk of which Jira does not say who may read it. Customers cannot write internal ones."""
    if comment.flag("$.jsdPublic") or comment.opt("$.author.accountType") == "customer":
        return False
    marks = [each for each in comment.each("$.properties", 20) if each.opt("$.key") == "sd.public.comment"]
    return not marks and service_desk(issue)


def service_desk(issue: Payload) -> bool:
    """Whether the issue is a request of Jira Service Management."""
    fields = issue.sub("$.fields")
    if fields.opt("$.project.projectTypeKey"):
        return fields.opt("$.project.projectTypeKey") == "service_desk"
    # Old versions do not tell the kind of the project, but requests carry a field of the service desk.
    keys = [key for key in fields.keys("$") if key.startswith("customfield_")]
    custom = (fields.sub(f"$.{key}") for key in keys)
    return any(each.sub("$.requestType") or "/servicedesk" in each.opt("$._links.web") for each in custom)


def shared_text(payload: Payload, ctx: Context) -> str | Markdown:
    """The text of a comment that came along with a change, unless it is not for everybody."""
    comment = payload.sub("$.comment")
    hidden = restricted(comment) or unmarked(comment, issue_of(payload))
    return "" if hidden and not ctx.flag("restricted_comments") else _text(payload, comment)


def _text(payload: Payload, comment: Payload) -> Markdown:
    return text_of(comment, "$.body", people=payload) or text_of(comment, "$.renderedBody")


@events.on("comment.created", group="Comments", label="Comment added")
@events.on("comment.edited", group="Comments", label="Comment edited", default=False)
@events.on("comment.deleted", group="Comments", label="Comment deleted", default=False)
def comment(event: RawEvent, ctx: Context) -> Notification | Ignore:
    payload = event.payload
    found, issue = payload.sub("$.comment"), issue_of(payload)
    every = ctx.flag("restricted_comments")
    if restricted(found) and not every:
        return Ignore(
            "The comment is restricted to some people. An option of the connector includes such comments."
        )
    held_back = unmarked(found, issue) and not every and bool(_text(payload, found))
    gone = event.name == "comment.deleted"
    number, url = found.opt("$.id"), issue_page(payload, issue)
    if url and number and not gone:
        url += f"{'&' if '?' in url else '?'}focusedCommentId={number}"
    base = base_of(payload)
    writer = person(found.sub("$.updateAuthor"), base) or person(found.sub("$.author"), base)
    return tell(
        event,
        f"{TITLES[event.name]} {name_at(issue, '$.fields.issuetype').lower() or 'issue'}",
        what=headline(issue, payload),
        url=url,
        status=state(issue)[0],
        severity=Severity.INFO if event.name == "comment.created" else Severity.NEUTRAL,
        text=HELD_BACK if held_back else _text(payload, found),
        facts=(Fact("Comment by", writer.name if gone and writer else ""), *facts_of(issue)[1:4]),
        actor=None if gone else writer,
        button="Open issue" if gone else "Open comment",
        changed=change_list(payload) if field_names(payload) - COMMENTS else None,
    )
