"""What buttons and commands do in Bitbucket Cloud.

https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.sources.sdk import (
    Act,
    ActionError,
    ActionRef,
    Actions,
    Context,
    Done,
    Field,
    Link,
    Payload,
    RawEvent,
    Target,
    segment,
)

from .api import explain

actions = Actions()
PULL = r"(?:https?://bitbucket\.org/)?(?P<repo>[\w.-]+/[\w.-]+)(?:#|/pull-requests/)(?P<number>\d+)(?:/\S*)?"
WAYS = (("merge_commit", "Merge commit"), ("squash", "Squash"), ("fast_forward", "Fast forward"))


def _path(act: Act, rest: str = "") -> str:
    owner, _, name = act.param("repo").partition("/")
    if not name or "/" in name or ".." in (owner, name):
        raise ActionError("action_params", "The repository is written as workspace/name.")
    return f"/repositories/{segment(owner)}/{segment(name)}/pullrequests/{int(act.param('number'))}{rest}"


def _link(found: Payload, act: Act) -> Link:
    return Link(f"#{act.param('number')} {found.opt('$.title')}".strip(), found.opt("$.links.html.href"))


def _home(found: Payload, act: Act) -> Link:
    page, mark, _ = found.opt("$.links.html.href").partition("/pull-requests/")
    return Link(act.param("repo"), page if mark else "")


def _state(found: Payload) -> str:
    return "Draft" if found.flag("$.draft") else found.opt("$.state").capitalize()


def _look(act: Act) -> Target:
    found = act.api.get(_path(act))
    link = _link(found, act)
    return Target(link.title, _state(found), link.url)


def _look_merge(act: Act) -> Target:
    found = act.api.get(_path(act))
    link = _link(found, act)
    known = found.texts("$.destination.branch.merge_strategies", 10)
    ways = tuple((key, label) for key, label in WAYS if not known or key in known) or WAYS
    head = found.opt("$.source.commit.hash")
    defaults = {"commit": head} if head else {}
    usual = found.opt("$.destination.branch.default_merge_strategy")
    if usual in dict(ways):
        defaults["strategy"] = usual
    return Target(link.title, _state(found), link.url, {"strategy": ways}, defaults)


def _signed(act: Act, text: str) -> str:
    # “@” and braces in the name would mention somebody.
    name = " ".join("".join(letter for letter in act.who if letter not in "@`[]<>*_#!~{}|\\").split())
    return f"{text}\n\n— {name}, from Microsoft Teams".strip() if name else text


def _open(found: Payload, what: str) -> None:
    state = found.opt("$.state", "OPEN")
    if state != "OPEN":
        raise ActionError("not_open", f"It is {state.lower()}, so there is nothing to {what}.")


@actions.on(
    "comment", label="Comment", target=PULL, example="octo/hello#12", look=_look,
    fields=(Field("text", "Comment", kind="multiline", help="Markdown works."),),
)  # fmt: skip
def comment(act: Act) -> Done:
    made = act.api.post(_path(act, "/comments"), {"content": {"raw": _signed(act, act.text("text"))}})
    found = act.api.get(_path(act))
    link = _link(found, act)
    subject = Link(link.title, made.opt("$.links.html.href") or link.url)
    return Done("Comment added", subject, _home(found, act), text=act.text("text"))


@actions.on("approve", label="Approve", target=PULL, example="octo/hello#12", look=_look)
def approve(act: Act) -> Done:
    return _judge(act, "approve", "Approved", "It was approved by this account already")


@actions.on("request_changes", label="Request changes", target=PULL, example="octo/hello#12", look=_look)
def request_changes(act: Act) -> Done:
    return _judge(
        act, "request-changes", "Changes requested", "This account had asked for changes already"
    )  # fmt: skip


def _judge(act: Act, verb: str, words: str, again: str) -> Done:
    found = act.api.get(_path(act))
    _open(found, "review")
    # 409: this very account said so already.
    answer = act.api.call("POST", _path(act, f"/{verb}"), json={}, accept=(409,))
    return Done(again if answer.status == 409 else words, _link(found, act), _home(found, act))


@actions.on("unapprove", label="Take approval back", target=PULL, example="octo/hello#12", look=_look)
def unapprove(act: Act) -> Done:
    found = act.api.get(_path(act))
    answer = act.api.call("DELETE", _path(act, "/approve"), accept=(400, 404))
    words = "Approval taken back" if answer.status < 400 else "The account had not approved it"
    return Done(words, _link(found, act), _home(found, act))


@actions.on(
    "merge", label="Merge", target=PULL, example="octo/hello#12", look=_look_merge, destructive=True,
    confirm="Merging cannot simply be undone.",
    fields=(
        Field("strategy", "How", kind="choice", choices=WAYS, required=False),
        Field("commit", "Only at this commit", required=False, help="If somebody pushed meanwhile, nothing is merged."),
        Field("close_branch", "Delete the source branch", kind="bool", required=False),
    ),
)  # fmt: skip
def merge(act: Act) -> Done:
    found = act.api.get(_path(act))
    subject, where = _link(found, act), _home(found, act)
    if found.opt("$.state") == "MERGED":
        return Done("It was merged already", subject, where)
    _open(found, "merge")
    wanted, head = act.text("commit"), found.opt("$.source.commit.hash")
    # Bitbucket shows twelve letters of a hash, a person may paste all forty.
    if wanted and head and not (wanted.startswith(head) or head.startswith(wanted)):
        raise ActionError("head_moved", "Somebody pushed meanwhile, so nothing was merged. Look at it again.")
    body: dict[str, object] = {"type": "pullrequest"}
    if act.text("strategy"):
        body["merge_strategy"] = act.text("strategy")
    if act.text("close_branch"):
        body["close_source_branch"] = True
    answer = act.api.call("POST", _path(act, "/merge"), json=body, accept=(409, 555))
    if answer.status == 555:
        raise ActionError(
            "merge_slow", "The merge took Bitbucket too long. Look there in a minute whether it was done."
        )
    if answer.status == 409:
        raise ActionError(
            "not_mergeable", f"Bitbucket does not merge it now. It says: {explain(answer)[:300]}"
        )
    return Done("Merged", subject, where)


@actions.on(
    "decline", label="Decline", target=PULL, example="octo/hello#12", look=_look, destructive=True,
    confirm="A declined pull request cannot be opened again.",
)  # fmt: skip
def decline(act: Act) -> Done:
    found = act.api.get(_path(act))
    subject, where = _link(found, act), _home(found, act)
    if found.opt("$.state") == "DECLINED":
        return Done("It was declined already", subject, where)
    _open(found, "decline")
    act.api.call("POST", _path(act, "/decline"), json={})
    return Done("Declined", subject, where)


@actions.offer
def offer(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Pull requests and comments on them."""
    if not event.name.startswith("pull_request"):
        return
    found = event.payload.sub("$.pullrequest")
    number, repo = found.opt_int("$.id"), event.payload.opt("$.repository.full_name")
    if not number or repo.count("/") != 1:
        return
    params = (("repo", repo), ("number", str(number)))
    yield ActionRef("comment", "Comment", params)
    if found.opt("$.state") != "OPEN":
        return
    yield ActionRef("approve", "Approve", params)
    if not found.flag("$.draft"):
        yield ActionRef("merge", "Merge", params)
    yield ActionRef("request_changes", "Request changes", params)
