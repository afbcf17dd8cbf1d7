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


def _look(act: Act) -> Target:
    found = act.api.get(_path(act))
    link = _link(found, act)
    return Target(link.title, found.opt("$.state").capitalize(), link.url)


def _look_merge(act: Act) -> Target:
    found = act.api.get(_path(act))
    link = _link(found, act)
    usual = found.opt("$.destination.branch.default_merge_strategy") or "merge_commit"
    known = found.texts("$.destination.branch.merge_strategies", 10)
    ways = tuple((key, label) for key, label in WAYS if not known or key in known) or WAYS
    start = usual if usual in dict(ways) else ways[0][0]
    return Target(
        link.title, found.opt("$.state").capitalize(), link.url, {"strategy": ways}, {"strategy": start}
    )


def _signed(act: Act, text: str) -> str:
    name = "".join(letter for letter in act.who if letter not in "@`[]<>*_#{}")
    return f"{text}\n\n— {name}, from Microsoft Teams" if name else text


@actions.on(
    "comment", label="Comment", target=PULL, example="octo/hello#12", look=_look,
    fields=(Field("text", "Comment", kind="multiline", help="Markdown works."),),
)  # fmt: skip
def comment(act: Act) -> Done:
    act.api.post(_path(act, "/comments"), {"content": {"raw": _signed(act, act.text("text"))}})
    return Done(
        "Comment added", _link(act.api.get(_path(act)), act), Link(act.param("repo")), text=act.text("text")
    )


@actions.on("approve", label="Approve", target=PULL, example="octo/hello#12", look=_look)
def approve(act: Act) -> Done:
    # 409: approved already, by this very account.
    act.api.call("POST", _path(act, "/approve"), json={}, accept=(409,))
    return Done("Approved", _link(act.api.get(_path(act)), act), Link(act.param("repo")))


@actions.on("request_changes", label="Request changes", target=PULL, example="octo/hello#12", look=_look)
def request_changes(act: Act) -> Done:
    act.api.call("POST", _path(act, "/request-changes"), json={}, accept=(409,))
    return Done("Changes requested", _link(act.api.get(_path(act)), act), Link(act.param("repo")))


@actions.on(
    "merge", label="Merge", target=PULL, example="octo/hello#12", look=_look_merge, destructive=True,
    confirm="Merging cannot simply be undone.",
    fields=(Field("strategy", "How", kind="choice", choices=WAYS, required=False),),
)  # fmt: skip
def merge(act: Act) -> Done:
    before = act.api.get(_path(act))
    if before.opt("$.state") == "MERGED":
        return Done("Merged already", _link(before, act), Link(act.param("repo")))
    body = {"type": "pullrequest", "merge_strategy": act.text("strategy") or "merge_commit"}
    act.api.call("POST", _path(act, "/merge"), json=body)
    return Done("Merged", _link(before, act), Link(act.param("repo")))


@actions.on(
    "decline", label="Decline", target=PULL, example="octo/hello#12", look=_look, destructive=True,
    confirm="A declined pull request cannot be opened again.",
)  # fmt: skip
def decline(act: Act) -> Done:
    before = act.api.get(_path(act))
    if before.opt("$.state") == "DECLINED":
        return Done("Declined already", _link(before, act), Link(act.param("repo")))
    act.api.call("POST", _path(act, "/decline"), json={})
    return Done("Declined", _link(before, act), Link(act.param("repo")))


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
