"""Pull requests and the comments on them.

https://learn.microsoft.com/azure/devops/service-hooks/events#code
One vendor event, git.pullrequest.updated, tells votes, pushes, reviewers and every change of state; which of
them it was stands only in Microsoft's sentence and in the state of the pull request.
"""

from __future__ import annotations

import re

from apps.sources.sdk import (
    Context,
    Events,
    Fact,
    Link,
    Notification,
    Payload,
    RawEvent,
    Severity,
    from_gfm,
    plain,
)

from .code import commits_list, repository_link, repository_of
from .common import capital, said, sentence, short_ref, tell, who, words
from .places import in_url, is_api, message_link, page_link, repository_url

events = Events()
GROUP = "Pull requests"
VOTES = {
    10: "approved",
    5: "approved with suggestions",
    0: "",
    -5: "waits for the author",
    -10: "rejected",
}
MERGES = {
    "succeeded": ("Succeeded", Severity.GOOD),
    "conflicts": ("Conflicts", Severity.WARNING),
    "failure": ("Failed", Severity.ATTENTION),
    "failed": ("Failed", Severity.ATTENTION),
    "unsuccessful": ("Failed", Severity.ATTENTION),
    "rejectedbypolicy": ("Rejected by policy", Severity.ATTENTION),
    "queued": ("Queued", Severity.INFO),
}
UPDATES: dict[str, tuple[str, str, str, Severity]] = {
    "completed": ("Pull request completed", "Pull request completed", "Completed", Severity.GOOD),
    "abandoned": ("Pull request abandoned", "Pull request abandoned", "Abandoned", Severity.WARNING),
    "reactivated": ("Pull request reactivated", "Pull request reactivated", "Active", Severity.INFO),
    "published": ("Draft published", "Pull request published", "Active", Severity.INFO),
    "drafted": ("Turned into a draft", "Pull request turned into a draft", "Draft", Severity.NEUTRAL),
    "approved": ("Pull request approved", "Pull request approved", "Approved", Severity.GOOD),
    "waiting": (
        "Reviewer waits for the author",
        "Pull request waits for its author",
        "Waiting",
        Severity.WARNING,
    ),
    "rejected": ("Pull request rejected", "Pull request rejected", "Rejected", Severity.ATTENTION),
    "voted": ("Vote changed or taken back", "Vote changed on pull request", "", Severity.NEUTRAL),
    "pushed": ("Source branch updated", "Pull request updated with new commits", "", Severity.INFO),
    "reviewers": ("Reviewers changed", "Reviewers changed on pull request", "", Severity.NEUTRAL),
}
QUIET = ("pushed", "reviewers", "voted", "drafted")
# What Microsoft's sentence says for each of them, most telling first.
SENTENCES = (
    ("published", r"\bpublished\b|\bmarked .*\bas ready\b"),
    ("drafted", r"\b(?:marked|converted|changed) .*\b(?:as|to) (?:a )?draft\b"),
    ("completed", r"\b(?:as completed|completed (?:the |a )?pull request)\b|\bcompleted\b(?! with)"),
    ("abandoned", r"\babandoned\b"),
    ("reactivated", r"\breactivated\b|\bas active\b"),
    ("voted", r"\b(?:reset|removed|withdr[ae]w|cleared)\b.*\b(?:vote|feedback|approval)s?\b|\bvoted on\b"),
    ("rejected", r"\brejected\b"),
    ("waiting", r"\bwait(?:s|ing)?\b.*\bauthor\b"),
    ("approved", r"\bapproved\b"),
    ("reviewers", r"\breviewers?\b"),
    ("pushed", r"\b(?:updated|pushed)\b.*\b(?:source branch|commits?|new changes)\b|\bupdated the source\b"),
)  # fmt: skip
_MENTION = re.compile(r"@<([0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})>")
_ACTOR = re.compile(
    r"^(?P<name>.{1,80}?) (?:has |have |is |was |just )?(?:approved|rejected|marked|updated|changed|created|completed|"
    r"abandoned|reactivated|published|converted|added|removed|reset|voted|waiting|commented|edited|deleted|pushed|"
    r"left|set|replied|attempted|merged|liked|declined|waits|withdrew|required|joined|resolved)\b"
)


def change_of(payload: Payload) -> Payload:
    """The pull request: the resource itself, or a part of it in comment events."""
    resource = payload.sub("$.resource")
    return resource.sub("$.pullRequest") or resource


def update_of(payload: Payload) -> str:
    """Which kind of update it was; "" when nothing tells."""
    # Neither the title in brackets nor the repository's name after it may be taken for the verb.
    line, title = said(payload), plain(change_of(payload).opt("$.title"))
    if title and f"({title})" in line:
        text = re.sub(r" in \S+$", "", line.replace(f"({title})", ""))
    else:
        before, _, after = line.partition(" (")
        text = f"{before} {re.sub(r'^.* in [^ ]+', '', after)}" if after else before
    for name, pattern in SENTENCES:
        if re.search(pattern, text, re.IGNORECASE):
            return name
    status = change_of(payload).opt("$.status").lower()
    # Editions in other languages: the end of a pull request is still told by its state.
    return status if status in ("completed", "abandoned") else ""


def number_of(payload: Payload) -> str:
    """The pull request's number."""
    change = change_of(payload)
    number = change.first("$.pullRequestId", "$.codeReviewId")
    if number:
        return number
    for text in (change.opt("$.url"), change.opt("$._links.self.href"), message_link(payload)):
        found = re.search(r"/pull-?requests?/(\d{1,12})", text, re.IGNORECASE)
        if found:
            return found[1]
    found = re.search(r"\bpull request (?:#|!)?(\d{1,12})\b", said(payload), re.IGNORECASE)
    return found[1] if found else ""


def change_url(payload: Payload) -> str:
    """The pull request's page."""
    change, number = change_of(payload), number_of(payload)
    url = page_link(change)
    if url:
        return url
    base = repository_url(payload, repository_of(payload))
    if base and number:
        return f"{base}/pullrequest/{in_url(number)}"
    url = change.opt("$.url")
    return url if url.startswith("http") and not is_api(url) else ""


def numbered(payload: Payload) -> str:
    """`!12 Add dark mode`, as Azure DevOps itself writes pull requests."""
    number, title = number_of(payload), change_of(payload).opt("$.title").strip()
    if not title:
        found = re.search(r"\bpull request \d{1,12} \((.+)\)(?: in \S.*)?$", said(payload))
        title = found[1] if found else ""
    return " ".join(part for part in (f"!{number}" if number else "", title) if part)


def actor_of(payload: Payload, action: str) -> str:
    """Who did it: the sentence tells; the author of the pull request did only some of it."""
    resource, change = payload.sub("$.resource"), change_of(payload)
    line = said(payload)
    people = [who(change, "createdBy"), who(change, "closedBy"), who(change, "autoCompleteSetBy")]
    people += [who(each.sub("$"), "displayName", "uniqueName") for each in change.each("$.reviewers", 100)]
    people.append(who(resource.sub("$.comment"), "author"))
    for name in sorted(filter(None, people), key=len, reverse=True):
        if line.startswith(name):
            return name
    found = None if line.lower().startswith(("merge attempted", "pull request")) else _ACTOR.match(line)
    if found:
        return found["name"]
    if action in ("completed", "abandoned"):
        return who(change, "closedBy") or who(change, "createdBy")
    return who(change, "createdBy") if action == "created" else ""


def _reviews(change: Payload) -> tuple[Fact, ...]:
    asked, judged = [], []
    for each in change.each("$.reviewers", 100):
        name = who(each, "displayName", "uniqueName")
        vote = VOTES.get(each.opt_int("$.vote") or 0, "")
        if name and vote:
            judged.append(f"{name} {vote}")
        elif name:
            required = each.flag("$.isRequired")
            asked.append(f"{name} (required)" if required else name)
    return (Fact("Votes", ", ".join(judged[:8])), Fact("Reviewers", ", ".join(asked[:8])))


def branches(change: Payload) -> str:
    """`main ← feature`, with the fork's name where the commits come from one."""
    source, target = short_ref(change.opt("$.sourceRefName")), short_ref(change.opt("$.targetRefName"))
    fork = change.opt("$.forkSource.repository.name")
    source = f"{fork}:{source}" if fork and source else source
    return f"{target} ← {source}" if source and target else source or target


def _facts(payload: Payload, change: Payload, by: str) -> tuple[Fact, ...]:
    author, merge = who(change, "createdBy"), change.opt("$.mergeStatus").lower()
    tasks = [each.opt("$.id") for each in change.each("$.workItemRefs", 20)]
    labels = [each.opt("$.name") for each in change.each("$.labels", 50) if each.flag("$.active", True)]
    return (
        Fact("Branch", branches(change)),
        Fact("Author", author if author != by else ""),
        *_reviews(change),
        Fact("Merge", MERGES.get(merge, ("", Severity.INFO))[0] if merge not in ("succeeded", "notset") else ""),
        Fact("Merge message", change.opt("$.mergeFailureMessage")),
        Fact("Auto-complete set by", who(change, "autoCompleteSetBy")),
        Fact("Labels", ", ".join(label for label in labels if label)),
        Fact("Work items", ", ".join(f"#{ident}" for ident in tasks if ident)),
    )  # fmt: skip


def _with_names(text: str, change: Payload) -> str:
    """A text with names in place of `@<identity>`; only people of the pull request are known by name."""
    if "@<" not in text:
        return text
    people = [change.sub("$.createdBy"), change.sub("$.closedBy"), *change.each("$.reviewers", 100)]
    known = {each.opt("$.id").lower(): who(each, "displayName", "uniqueName") for each in people}
    return _MENTION.sub(lambda found: f"@{known.get(found[1].lower()) or 'someone'}", text)


def _merge_commit(payload: Payload, change: Payload) -> Fact:
    sha = change.opt("$.lastMergeCommit.commitId")
    base = repository_url(payload, repository_of(payload))
    return Fact("Merge commit", sha[:8], f"{base}/commit/{in_url(sha)}" if base and sha else "")


def _card(event: RawEvent, title: str, action: str, status: str, severity: Severity) -> Notification:
    payload, change = event.payload, change_of(event.payload)
    by = actor_of(payload, action)
    if change.flag("$.isDraft") and action in ("created", "updated", "pushed"):
        status, title = "Draft", title.replace("Pull request", "Draft pull request")
        severity = Severity.NEUTRAL
    facts = _facts(payload, change, by)
    if action in ("completed", "merged"):
        facts = (*facts, _merge_commit(payload, change))
    text = (
        from_gfm(_with_names(change.opt("$.description"), change), max_chars=1200)
        if action == "created"
        else ""
    )
    if action == "updated" and change.has("$.title"):
        text = from_gfm(said(payload))
    lists = commits_list(payload) if action == "pushed" else ()
    return tell(
        event,
        title,
        what=numbered(payload),
        url=change_url(payload),
        by=by,
        status=status,
        severity=severity,
        text=text,
        facts=facts if change.has("$.title") or change.has("$.sourceRefName") else (),
        lists=lists if any("not sent" not in item.text for part in lists for item in part.items) else (),
        place=repository_link(payload),
        button="Open pull request",
        when=("$.resource.creationDate",)
        if action == "created"
        else ("$.createdDate", "$.resource.closedDate"),
        thread=f"pr{number_of(payload)}" if number_of(payload) else "",
    )


@events.on("git.pullrequest.created", group=GROUP, label="Pull request created")
def created(event: RawEvent, ctx: Context) -> Notification:
    """A pull request was opened."""
    return _card(event, "Pull request created", "created", "Open", Severity.INFO)


@events.fallback("git.pullrequest")
@events.on("git.pullrequest.updated", group=GROUP, label="Pull request: another change")
@events.many(
    {f"git.pullrequest.updated.{key}": value[0] for key, value in UPDATES.items()},
    group=GROUP,
    default=[f"git.pullrequest.updated.{key}" for key in UPDATES if key not in QUIET],
)
def updated(event: RawEvent, ctx: Context) -> Notification:
    """A pull request's state, votes, reviewers or commits changed."""
    action = event.name.rpartition(".")[2]
    known = UPDATES.get(action)
    if known:
        title, status, severity = known[1:]
        if action == "approved" and "suggestion" in said(event.payload).lower():
            title, status = "Pull request approved with suggestions", "Approved with suggestions"
        return _card(event, title, action, status, severity)
    title = "Pull request updated" if action == "updated" else f"Pull request {words(action)}"
    status = capital(change_of(event.payload).opt("$.status"))
    return _card(event, title, "updated", status, Severity.NEUTRAL)


@events.on("git.pullrequest.merged", group=GROUP, label="Pull request: merge attempted", default=False)
def merged(event: RawEvent, ctx: Context) -> Notification:
    """Azure DevOps tried to merge, which it does after every push; it does not close the pull request."""
    change = change_of(event.payload)
    result = change.opt("$.mergeStatus").lower()
    status, severity = MERGES.get(result, (capital(words(change.opt("$.mergeStatus"))), Severity.NEUTRAL))
    if change.opt("$.status").lower() == "completed" and result in ("succeeded", ""):
        return _card(event, "Pull request merged", "merged", "Merged", Severity.GOOD)
    title = {
        "conflicts": "Merge conflicts in pull request",
        "rejectedbypolicy": "Merge of pull request rejected by policy",
    }.get(
        result,
        "Merge of pull request failed" if severity is Severity.ATTENTION else "Merge of pull request tried",
    )
    return _card(event, title, "merged", status, severity)


@events.on("git.pullrequest.commented", group=GROUP, label="Pull request commented on")
def commented(event: RawEvent, ctx: Context) -> Notification:
    """Somebody commented on a pull request, answered, or edited or deleted a comment."""
    payload, change = event.payload, change_of(event.payload)
    resource = payload.sub("$.resource")
    comment = resource.sub("$.comment") or (
        resource if resource.has("$.content") else resource.sub("$.comment")
    )
    line = said(payload).lower()
    title, status, severity = "Comment on pull request", "", Severity.INFO
    if comment.flag("$.isDeleted") or " deleted " in line:
        title, status, severity = "Comment deleted from pull request", "Deleted", Severity.WARNING
    elif " edited " in line:
        title = "Comment edited on pull request"
    elif (comment.opt_int("$.parentCommentId") or 0) > 0 or " replied " in line:
        title = "Reply on pull request"
    elif comment.opt("$.commentType").lower() == "system":
        title, severity = "System comment on pull request", Severity.NEUTRAL
    url, thread = change_url(payload), _thread_of(comment)
    if url and thread and "discussionId" not in url:
        page = url.partition("#")[0]
        url = f"{page}{'&' if '?' in page else '?'}discussionId={in_url(thread)}"
    text = comment.opt("$.content")
    if not text and not comment:
        text = "\n".join(sentence(payload, "detailedMessage").splitlines()[1:])
    by = who(comment, "author") or actor_of(payload, "commented")
    author = who(change, "createdBy")
    link = change_url(payload)
    return tell(
        event,
        title,
        what=numbered(payload),
        url=url,
        by=by,
        status=status,
        severity=severity,
        text=from_gfm(_with_names(text, change), max_chars=1200) if text and status != "Deleted" else "",
        facts=(
            Fact("File", comment.opt("$.threadContext.filePath") or resource.opt("$.threadContext.filePath")),
            Fact("Branch", branches(change)),
            Fact("Author", author if author != by else ""),
        ) if change.has("$.title") else (),
        links=(Link("Pull request", link),) if link and link != url else (),
        place=repository_link(payload),
        button="Open comment" if url != link else "Open pull request",
        when=("$.resource.comment.lastUpdatedDate", "$.resource.comment.publishedDate"),
        thread=f"pr{number_of(payload)}" if number_of(payload) else "",
    )  # fmt: skip


def _thread_of(comment: Payload) -> str:
    links = comment.raw.get("_links") if isinstance(comment.raw, dict) else None
    threads = links.get("threads") if isinstance(links, dict) else None
    href = threads.get("href") if isinstance(threads, dict) else ""
    own = comment.opt("$._links.self.href")
    for text in (href, own):
        found = re.search(r"/threads/(\d{1,12})", text) if isinstance(text, str) else None
        if found:
            return found[1]
    return ""
