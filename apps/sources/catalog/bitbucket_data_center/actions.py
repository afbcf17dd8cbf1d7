"""What buttons and commands do in Bitbucket Data Center.

https://developer.atlassian.com/server/bitbucket/rest/v906/api-group-pull-requests/
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.sources.sdk import (
    Act,
    ActionError,
    ActionRef,
    Actions,
    ApiAnswer,
    Context,
    Done,
    Field,
    Link,
    Payload,
    RawEvent,
    Target,
    segment,
)

from .api import ask, explain, person, user_of
from .common import place_of, project_key
from .reach import PULL, home, link_of, look, page_of, pull, pull_path, repository_path, signed, state_of

actions = Actions()
EXAMPLE = "OCTO/hello#12"
STRATEGIES = (
    ("no-ff", "Merge commit"),
    ("ff", "Fast-forward, else merge commit"),
    ("ff-only", "Fast-forward only"),
    ("rebase-no-ff", "Rebase and merge commit"),
    ("rebase-ff-only", "Rebase and fast-forward"),
    ("squash", "Squash"),
    ("squash-ff-only", "Squash, fast-forward only"),
)


@actions.on(
    "comment", label="Comment", target=PULL, example=EXAMPLE, look=look,
    fields=(Field("text", "Comment", kind="multiline", help="Markdown works."),),
)  # fmt: skip
def comment(act: Act) -> Done:
    made = ask(
        act.api, "POST", pull_path(act, "/comments"), json={"text": signed(act, act.text("text"))}
    ).payload()
    found, number = pull(act), made.opt_int("$.id")
    link = link_of(act, found)
    if number:
        link = Link(
            link.title, f"{page_of(act, found).removesuffix('/overview')}/overview?commentId={number}"
        )
    return Done("Comment added", link, home(act, found), text=act.text("text"))


@actions.on("approve", label="Approve", target=PULL, example=EXAMPLE, look=look)
def approve(act: Act) -> Done:
    return _judge(act, "APPROVED", "Approved")


@actions.on("request_changes", label="Needs work", target=PULL, example=EXAMPLE, look=look)
def request_changes(act: Act) -> Done:
    return _judge(act, "NEEDS_WORK", "Marked as needs work")


@actions.on("unapprove", label="Take review back", target=PULL, example=EXAMPLE, look=look)
def unapprove(act: Act) -> Done:
    return _judge(act, "UNAPPROVED", "Review taken back")


def _judge(act: Act, status: str, words: str) -> Done:
    """Set the account's own verdict. It is put below the account's user, whom Bitbucket names in its answers."""
    answer = ask(act.api, "GET", pull_path(act))
    found, name = answer.payload(), user_of(answer)
    subject, where = link_of(act, found), home(act, found)
    _open(found, "review")
    if not name:
        raise ActionError(
            "no_user", "Bitbucket does not tell which user the account is, so it cannot review."
        )
    if _mine(found.sub("$.author"), name):
        raise ActionError("own_request", "The account made this pull request itself, so it cannot review it.")
    people = [*found.each("$.reviewers", 200), *found.each("$.participants", 200)]
    if any(_mine(each, name) and each.opt("$.status") == status for each in people):
        return Done(f"{words} by this account already", subject, where)
    user = next((each.sub("$.user") for each in people if _mine(each, name)), None) or person(act.api, name)
    slug = user.opt("$.slug") or name.lower()
    body = {"user": {"name": name}, "approved": status == "APPROVED", "status": status}
    ask(act.api, "PUT", pull_path(act, f"/participants/{segment(slug)}"), json=body)
    return Done(words, subject, where)


def _mine(participant: Payload, name: str) -> bool:
    return participant.opt("$.user.name").lower() == name.lower()


def _open(found: Payload, what: str) -> None:
    if found.opt("$.state", "OPEN").upper() != "OPEN":
        raise ActionError("not_open", f"It is {state_of(found).lower()}, so there is nothing to {what}.")


def _look_merge(act: Act) -> Target:
    found = pull(act)
    state = state_of(found)
    if state == "Open":
        test = ask(act.api, "GET", pull_path(act, "/merge"), accept=(403, 404, 409))
        checks = test.payload() if test.status < 400 else Payload({})
        vetoes = [each.opt("$.summaryMessage") for each in checks.each("$.vetoes", 3)]
        if checks.flag("$.conflicted"):
            vetoes.insert(0, "It has conflicts")
        state = ". ".join(veto.rstrip(".") for veto in vetoes if veto) or state
    settings = ask(act.api, "GET", repository_path(act, "/settings/pull-requests"), accept=(403, 404))
    config = settings.payload().sub("$.mergeConfig") if settings.status < 400 else Payload({})
    ways = tuple(
        (key, dict(STRATEGIES).get(key) or each.opt("$.name") or key)
        for each in config.each("$.strategies", 20)
        if (key := each.opt("$.id")) and each.flag("$.enabled", True)
    )
    defaults = {"commit": found.opt("$.fromRef.latestCommit")}
    usual = config.opt("$.defaultStrategy.id")
    if usual:
        defaults["strategy"] = usual
    link = link_of(act, found)
    return Target(link.title, state, link.url, {"strategy": ways} if ways else {}, defaults)


@actions.on(
    "merge", label="Merge", target=PULL, example=EXAMPLE, look=_look_merge, destructive=True,
    confirm="Merging cannot simply be undone.",
    fields=(
        Field("strategy", "How", kind="choice", choices=STRATEGIES, required=False),
        Field("commit", "Only at this commit", required=False, help="If somebody pushed meanwhile, nothing is merged."),
    ),
)  # fmt: skip
def merge(act: Act) -> Done:
    found = pull(act)
    subject, where = link_of(act, found), home(act, found)
    if found.opt("$.state").upper() == "MERGED":
        return Done("It was merged already", subject, where)
    _open(found, "merge")
    wanted, head = act.text("commit"), found.opt("$.fromRef.latestCommit")
    if wanted and not head.startswith(wanted):
        raise ActionError("head_moved", "Somebody pushed meanwhile, so nothing was merged. Look at it again.")
    body = {"strategyId": act.text("strategy")} if act.text("strategy") else {}
    answer = _turn(act, "merge", found, body)
    if answer.status == 409:
        raise _conflict(answer, "merge", "not_mergeable")
    return Done("Merged", subject, where)


@actions.on(
    "decline", label="Decline", target=PULL, example=EXAMPLE, look=look, confirm="It can be reopened later."
)
def decline(act: Act) -> Done:
    found = pull(act)
    subject, where = link_of(act, found), home(act, found)
    if found.opt("$.state").upper() == "DECLINED":
        return Done("It was declined already", subject, where)
    _open(found, "decline")
    answer = _turn(act, "decline", found, {})
    if answer.status == 409:
        raise _conflict(answer, "decline", "not_declined")
    return Done("Declined", subject, where)


@actions.on("reopen", label="Reopen", target=PULL, example=EXAMPLE, look=look)
def reopen(act: Act) -> Done:
    found = pull(act)
    subject, where = link_of(act, found), home(act, found)
    state = found.opt("$.state").upper()
    if state == "OPEN":
        return Done("It was open already", subject, where)
    if state == "MERGED":
        raise ActionError("is_merged", "It is merged, so it cannot be reopened.")
    answer = _turn(act, "reopen", found, {})
    if answer.status == 409:
        raise _conflict(answer, "reopen", "not_reopened")
    return Done("Reopened", subject, where)


def _turn(act: Act, verb: str, found: Payload, body: object) -> ApiAnswer:
    """Change the state of the version that was just read; Bitbucket refuses when it changed meanwhile."""
    query = {"version": found.opt_int("$.version") or 0}
    return ask(act.api, "POST", pull_path(act, f"/{verb}"), query=query, json=body, accept=(409,))


def _conflict(answer: ApiAnswer, verb: str, code: str) -> ActionError:
    name = answer.payload().opt("$.errors[0].exceptionName")
    if name.endswith("OutOfDateException"):
        return ActionError("changed", "Somebody changed it meanwhile, so nothing was done. Look at it again.")
    return ActionError(
        code, f"Bitbucket does not {verb} it now. It says: {explain(answer)[:300] or 'nothing more'}"
    )


@actions.offer
def offer(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Pull requests and comments on them."""
    found, repository = event.payload.sub("$.pullRequest"), place_of(event.payload)
    number, repo, project = found.opt_int("$.id"), repository.opt("$.slug"), project_key(repository)
    if not event.name.startswith("pull_request") or not (number and repo and project):
        return
    if event.name == "pull_request.deleted":
        return
    params = (("project", project), ("repo", repo), ("number", str(number)))
    state = found.opt("$.state").upper()
    yield ActionRef("comment", "Comment", params)
    if state == "DECLINED":
        yield ActionRef("reopen", "Reopen", params)
    if state != "OPEN":
        return
    yield ActionRef("approve", "Approve", params)
    if not found.flag("$.draft"):
        yield ActionRef("merge", "Merge", params)
    yield ActionRef("request_changes", "Needs work", params)
