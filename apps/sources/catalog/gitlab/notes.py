"""Comments and emoji reactions.

https://docs.gitlab.com/user/project/integrations/webhook_events/#comment-events
"""

from __future__ import annotations

import re
from urllib.parse import quote

from apps.sources.sdk import (
    Code,
    Context,
    Events,
    Fact,
    Ignore,
    Notification,
    Outcome,
    Payload,
    RawEvent,
    Severity,
)

from .common import EMOJI, body, first_line, moment, sentence, tell, under
from .issues import numbered

events = Events()
GROUP = "Comments"
TARGETS = {
    "commit": "commit",
    "merge_request": "merge request",
    "issue": "issue",
    "snippet": "snippet",
    "work_item": "work item",
    "epic": "epic",
    "design": "design",
    "wiki_page": "wiki page",
    "vulnerability": "vulnerability",
    "other": "something else",
}
_DESIGN = re.compile(r"designs/issue-(\d+)/([^/]+)")  # where a design lies in the repository
COMMON = ("commit", "merge_request", "issue", "snippet")


def target_of(payload: Payload) -> str:
    """What was commented on, as the catalogue calls it."""
    kind = payload.first("$.object_attributes.noteable_type", "$.note.noteable_type")
    if not kind:
        kind = next((key for key in (*COMMON, "work_item", "epic") if payload.has(f"$.{key}")), "")
    if not kind and payload.opt("$.object_attributes.commit_id"):
        kind = "commit"
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.split("::")[0]).lower()
    name = {"design_management": "design", "wiki_page_meta": "wiki_page", "wiki": "wiki_page"}.get(name, name)
    name = "snippet" if name.endswith("snippet") else name
    return name if name in TARGETS else "other"


def about(payload: Payload, target: str) -> tuple[str, str]:
    """The title of what a comment or reaction is on, and its thread."""
    item = payload.sub(f"$.{target}")
    if target == "commit":
        sha = item.opt("$.id") or payload.opt("$.object_attributes.commit_id")
        title = item.opt("$.title") or first_line(item.opt("$.message"))
        return f"{sha[:8]} {title}".strip(), sha
    if target == "merge_request":
        return numbered(item, "!"), f"!{item.opt('$.iid')}"
    if target in ("issue", "work_item", "epic"):
        item = item or payload.sub("$.issue") or payload.sub("$.work_item")
        return numbered(item), f"#{item.opt('$.iid')}"
    if target == "snippet":
        number = item.opt("$.id") or payload.opt("$.object_attributes.noteable_id")
        name = item.first("$.title", "$.file_name")
        return " ".join(part for part in (f"${number}" if number else "", name) if part), f"snippet-{number}"
    found = payload.sub(f"$.{target}")
    picture = payload.first("$.note.position.new_path", "$.object_attributes.position.new_path")
    name = found.first("$.title", "$.filename", "$.name") or (picture if target == "design" else "")
    return name.rpartition("/")[2] if target == "design" else name, f"{target}-{found.opt('$.id') or name}"


@events.fallback("note")
@events.many(
    {
        f"note.{key}": f"Comment on a{'n' if word[0] in 'aeiou' else ''} {word}"
        if key != "other"
        else "Comment on something else"
        for key, word in TARGETS.items()
    },
    group=GROUP,
    default=[f"note.{key}" for key in ("commit", "merge_request", "issue", "work_item", "epic", "design")],
)
def note(event: RawEvent, ctx: Context) -> Outcome:
    """Somebody commented."""
    payload, comment = event.payload, event.payload.sub("$.object_attributes")
    if comment.flag("$.system"):
        return Ignore("GitLab wrote this comment itself.")
    target = event.name.partition(".")[2] or "other"
    noun = TARGETS.get(target, "object")
    kind = sentence(payload.first(f"$.{target}.type", f"$.{target}.issue_type")).lower()
    if target in ("issue", "work_item") and kind:
        noun = kind
    what, thread = about(payload, target)
    title = "Comment" if target == "other" else f"Comment on {noun}"
    if comment.opt("$.type") == "DiffNote" or comment.opt("$.position.new_path"):
        title = f"Comment on the code of {noun}" if target == "merge_request" else title
    if comment.opt("$.action") == "update":
        title += " edited"
    if comment.flag("$.internal") or comment.flag("$.confidential"):
        title = f"Internal {title[0].lower()}{title[1:]}"
    path = comment.first(
        "$.position.new_path", "$.position.old_path", "$.st_diff.new_path", "$.original_position.new_path"
    )
    line = comment.first("$.position.new_line", "$.position.old_line")
    diff = comment.opt("$.st_diff.diff") if target == "commit" else ""
    resolved = comment.opt("$.resolved_at")
    return tell(
        event,
        ctx,
        title,
        what=what,
        url=comment.opt("$.url") or _fallback(payload, target),
        status="Resolved" if resolved else "",
        severity=Severity.GOOD if resolved else Severity.INFO,
        text=body(payload, comment.first("$.note", "$.description"), 2000),
        facts=(
            Fact("File", f"{path}:{line}" if path and line else path),
            Fact("State", sentence(payload.opt(f"$.{target}.state"))),
        ),
        button="Open comment",
        when=moment(payload, "$.object_attributes.updated_at", "$.object_attributes.created_at"),
        thread=thread,
        code=Code(diff[:1500]) if diff else None,
    )


def _fallback(payload: Payload, target: str) -> str:
    """The page of what was commented on, when the comment names none."""
    item = payload.sub(f"$.{target}")
    url, number = item.opt("$.url"), item.first("$.iid", "$.id")
    drawing = _DESIGN.fullmatch(
        payload.first("$.note.position.new_path", "$.object_attributes.position.new_path")
    )
    if target == "design" and drawing and not url:
        return under(payload, f"issues/{drawing[1]}/designs/{quote(drawing[2])}")
    pages = {
        "merge_request": "merge_requests",
        "issue": "issues",
        "work_item": "work_items",
        "snippet": "snippets",
    }
    if url or not number:
        return url
    return under(payload, f"{pages.get(target, target)}/{number}") if target in {*pages, "commit"} else ""


@events.fallback("emoji")
@events.many(
    {"emoji.awarded": "Emoji reaction added", "emoji.revoked": "Emoji reaction removed"},
    group=GROUP,
    default=False,
)
def emoji(event: RawEvent, ctx: Context) -> Notification:
    """Somebody reacted."""
    payload, award = event.payload, event.payload.sub("$.object_attributes")
    kind = award.opt("$.awardable_type")
    target = "merge_request" if payload.has("$.merge_request") else target_of(payload)
    if target == "other" and kind and kind != "Note":
        target = {"MergeRequest": "merge_request"}.get(kind, kind.lower())
    what, thread = about(payload, target)
    name = award.opt("$.name") or "emoji"
    icon = EMOJI.get(name, f":{name}:")
    gone = event.name.endswith("revoked")
    quoted = payload.opt("$.note.note") if kind == "Note" or payload.has("$.note") else ""
    noun = TARGETS.get(target, sentence(kind).lower())
    on = f"a comment on {noun}" if quoted and noun else noun
    title = (
        f"{icon} {'removed from' if gone else 'on'} {on}"
        if on
        else f"{icon} {'removed' if gone else 'added'}"
    )
    return tell(
        event,
        ctx,
        f"Reaction {title}",
        what=what,
        url=award.opt("$.awarded_on_url") or payload.opt("$.note.url") or _fallback(payload, target),
        text=body(payload, quoted, 400),
        button="Open comment" if quoted else "Open",
        when=moment(payload, "$.object_attributes.updated_at"),
        thread=thread,
    )
