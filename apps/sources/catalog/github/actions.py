"""What buttons and commands do in GitHub.

https://docs.github.com/rest/issues, https://docs.github.com/rest/pulls and https://docs.github.com/rest/actions
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
)

actions = Actions()
MOST = 5  # pages of labels or people that a choice is made of
REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"
ISSUE = rf"(?:https?://[^/\s]+/)?{REPO}(?:#|/issues/|/pull/)(?P<number>\d+)"
RUN = rf"(?:https?://[^/\s]+/)?{REPO}(?:#|/actions/runs/)(?P<run>\d+)"
PULL = (("merge", "Merge commit"), ("squash", "Squash"), ("rebase", "Rebase"))


def _repo(act: Act) -> str:
    repo = act.param("repo")
    if repo.count("/") != 1 or any(part in ("", ".", "..") for part in repo.split("/")):
        raise ActionError("action_params", "The repository is written as owner/name.")
    return f"/repos/{repo}"


def _issue_path(act: Act, rest: str = "") -> str:
    return f"{_repo(act)}/issues/{int(act.param('number'))}{rest}"


def _pull_path(act: Act, rest: str = "") -> str:
    return f"{_repo(act)}/pulls/{int(act.param('number'))}{rest}"


def _run_path(act: Act, rest: str = "") -> str:
    return f"{_repo(act)}/actions/runs/{int(act.param('run'))}{rest}"


def _issue(act: Act) -> Payload:
    return act.api.get(_issue_path(act))


def _subject(found: Payload, act: Act) -> Link:
    number = act.params.get("number", "")
    return Link(f"#{number} {found.opt('$.title')}".strip(), found.opt("$.html_url"))


def _home(act: Act) -> Link:
    return Link(act.params.get("repo", ""))


def _look(act: Act) -> Target:
    found = _issue(act)
    state = "Draft" if found.flag("$.draft") else found.opt("$.state").capitalize()
    return Target(f"#{act.param('number')} {found.opt('$.title')}", state, found.opt("$.html_url"))


def _rows(act: Act, path: str) -> list[Payload]:
    """The rows of a list of the repository, as far as anybody would choose from it."""
    rows: list[Payload] = []
    for number, page in enumerate(act.api.pages(f"{_repo(act)}{path}", per_page=100), 1):
        rows += page.each("$", 100)
        if number == MOST:
            break
    return rows


def _look_labels(act: Act) -> Target:
    seen = _look(act)
    names = tuple((name, name) for each in _rows(act, "/labels") if (name := each.opt("$.name")))
    return Target(seen.title, seen.state, seen.url, {"label": names})


def _look_people(act: Act) -> Target:
    seen = _look(act)
    names = tuple((login, login) for each in _rows(act, "/assignees") if (login := each.opt("$.login")))
    return Target(seen.title, seen.state, seen.url, {"person": names})


def _look_merge(act: Act) -> Target:
    found = act.api.get(_pull_path(act))
    allowed = act.api.get(_repo(act))
    flags = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
    # A token without push rights does not see these settings; then all are offered, and GitHub decides.
    ways = tuple((key, label) for key, label in PULL if allowed.flag(f"$.{flags[key]}", True)) or PULL
    state = (
        "Merged" if found.flag("$.merged") else found.opt("$.mergeable_state").replace("_", " ").capitalize()
    )
    title = f"#{act.param('number')} {found.opt('$.title')}"
    head = found.opt("$.head.sha")
    return Target(
        title, state, found.opt("$.html_url"), {"method": ways}, {"method": ways[0][0], "sha": head[:40]}
    )


def _look_run(act: Act) -> Target:
    found = act.api.get(_run_path(act))
    state = found.first("$.conclusion", "$.status").replace("_", " ").capitalize()
    return Target(
        f"{found.opt('$.name')} #{found.opt_int('$.run_number') or ''}", state, found.opt("$.html_url")
    )


def _environments(act: Act) -> list[tuple[int, str, bool]]:
    found = []
    for each in act.api.get(_run_path(act, "/pending_deployments")).each("$", 100):
        number = each.opt_int("$.environment.id")
        if number is not None:
            found.append(
                (number, each.opt("$.environment.name"), each.flag("$.current_user_can_approve", True))
            )
    return found


def _look_deployment(act: Act) -> Target:
    seen = _look_run(act)
    waiting = _environments(act)
    names = ", ".join(name for _, name, _ in waiting) or "nothing is waiting"
    return Target(seen.title, f"Waiting: {names}", seen.url)


def _signed(act: Act, text: str) -> str:
    # “@” would mention, and backticks or brackets would format, whoever is named so.
    name = "".join(letter for letter in act.who if letter not in "@`[]<>*_#")
    return f"{text}\n\n— {name}, from Microsoft Teams" if name else text


TEXT = (Field("text", "Comment", kind="multiline", help="Markdown works."),)


@actions.on("comment", label="Comment", target=ISSUE, example="octo/hello#12", fields=TEXT, look=_look)
def comment(act: Act) -> Done:
    made = act.api.post(_issue_path(act, "/comments"), {"body": _signed(act, act.text("text"))})
    link = Link(f"#{act.param('number')}", made.opt("$.html_url"))
    return Done("Comment added", link, _home(act), text=act.text("text"))


@actions.on("close", label="Close", target=ISSUE, example="octo/hello#12", look=_look)
def close(act: Act) -> Done:
    return _turn(act, "closed", "Closed")


@actions.on("reopen", label="Reopen", target=ISSUE, example="octo/hello#12", look=_look)
def reopen(act: Act) -> Done:
    return _turn(act, "open", "Reopened")


def _turn(act: Act, state: str, words: str) -> Done:
    before = _issue(act)
    if before.opt("$.state") == state:
        return Done(f"{words} already", _subject(before, act), _home(act))
    found = act.api.call("PATCH", _issue_path(act), json={"state": state}).payload()
    return Done(words, _subject(found, act), _home(act))


@actions.on(
    "label", label="Label", target=ISSUE, example="octo/hello#12", look=_look_labels,
    fields=(Field("label", "Label", kind="choice"),),
)  # fmt: skip
def label(act: Act) -> Done:
    act.api.post(_issue_path(act, "/labels"), {"labels": [act.text("label")]})
    return Done(f"Labelled “{act.text('label')}”", _subject(_issue(act), act), _home(act))


@actions.on(
    "assign", label="Assign", target=ISSUE, example="octo/hello#12", look=_look_people,
    fields=(Field("person", "To", kind="choice"),),
)  # fmt: skip
def assign(act: Act) -> Done:
    found = act.api.post(_issue_path(act, "/assignees"), {"assignees": [act.text("person")]})
    there = [each.opt("$.login").lower() for each in found.each("$.assignees", 20)]
    if act.text("person").lower() not in there:
        # GitHub answers 201 and drops whoever may not be assigned.
        raise ActionError("not_assigned", "GitHub assigned nobody. May the person see the repository?")
    return Done(f"Assigned to {act.text('person')}", _subject(found, act), _home(act))


@actions.on(
    "merge", label="Merge", target=ISSUE, example="octo/hello#12", look=_look_merge, destructive=True,
    confirm="Merging cannot simply be undone.", fields=(
        Field("method", "How", kind="choice", choices=PULL, required=False),
        Field("sha", "Only at this commit", required=False, help="If somebody pushed meanwhile, nothing is merged."),
    ),
)  # fmt: skip
def merge(act: Act) -> Done:
    before = act.api.get(_pull_path(act))
    if before.flag("$.merged"):
        return Done("Merged already", _subject(before, act), _home(act))
    body = {
        "merge_method": act.text("method") or "merge",
        "sha": act.text("sha") or before.text("$.head.sha"),
    }
    answer = act.api.call("PUT", _pull_path(act, "/merge"), json=body, accept=(405, 409))
    if answer.status == 405:
        raise ActionError(
            "not_mergeable", f"GitHub does not merge it now: {answer.payload().opt('$.message')}"
        )
    if answer.status == 409:
        raise ActionError("head_moved", "Somebody pushed meanwhile, so nothing was merged. Look at it again.")
    return Done("Merged", _subject(before, act), _home(act))


@actions.on(
    "approve", label="Approve", target=ISSUE, example="octo/hello#12", look=_look,
    fields=(Field("text", "Comment", kind="multiline", required=False),),
)  # fmt: skip
def approve(act: Act) -> Done:
    act.api.post(_pull_path(act, "/reviews"), {"event": "APPROVE", "body": _signed(act, act.text("text"))})
    return Done("Approved", _subject(_issue(act), act), _home(act))


@actions.on("rerun", label="Re-run failed jobs", target=RUN, example="octo/hello#9876543210", look=_look_run)
def rerun(act: Act) -> Done:
    act.api.call("POST", _run_path(act, "/rerun-failed-jobs"), json={})
    found = act.api.get(_run_path(act))
    return Done("Failed jobs are run again", Link(found.opt("$.name"), found.opt("$.html_url")), _home(act))


@actions.on(
    "approve_deployment", label="Approve deployment", target=RUN, example="octo/hello#9876543210", look=_look_deployment,
    fields=(Field("text", "Comment", required=False),),
)  # fmt: skip
def approve_deployment(act: Act) -> Done:
    return _review(act, "approved", "Deployment approved")


@actions.on(
    "reject_deployment", label="Reject deployment", target=RUN, example="octo/hello#9876543210", look=_look_deployment,
    destructive=True, fields=(Field("text", "Comment", required=False),),
)  # fmt: skip
def reject_deployment(act: Act) -> Done:
    return _review(act, "rejected", "Deployment rejected")


def _review(act: Act, state: str, words: str) -> Done:
    waiting = _environments(act)
    mine = [number for number, _, may in waiting if may]
    if not mine:
        raise ActionError(
            "nothing_waits",
            "The account may approve none of its environments."
            if waiting
            else "No deployment waits there any more.",
        )
    body = {"environment_ids": mine, "state": state, "comment": _signed(act, act.text("text") or words)}
    act.api.post(_run_path(act, "/pending_deployments"), body)
    found = act.api.get(_run_path(act))
    names = ", ".join(name for number, name, _ in waiting if number in mine)
    return Done(f"{words}: {names}", Link(found.opt("$.name"), found.opt("$.html_url")), _home(act))


@actions.on(
    "create", label="Create issue", target=REPO, example="octo/hello",
    fields=(Field("title", "Title"), Field("text", "Description", kind="multiline", required=False)),
)  # fmt: skip
def create(act: Act) -> Done:
    made = act.api.post(
        f"{_repo(act)}/issues", {"title": act.text("title"), "body": _signed(act, act.text("text"))}
    )
    number = made.opt_int("$.number")
    return Done("Issue created", Link(f"#{number} {made.opt('$.title')}", made.opt("$.html_url")), _home(act))


@actions.offer
def threads(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Issues, pull requests and comments on them."""
    payload = event.payload
    kind = event.name.partition(".")[0]
    if kind in ("issues", "issue_comment"):
        found, is_pull = payload.sub("$.issue"), payload.has("$.issue.pull_request")
    elif kind in ("pull_request", "pull_request_review", "pull_request_review_comment"):
        found, is_pull = payload.sub("$.pull_request"), True
    else:
        return
    number, repo = found.opt_int("$.number"), payload.opt("$.repository.full_name")
    if not number or repo.count("/") != 1 or event.name in ("issues.deleted", "issues.transferred"):
        return
    params = (("repo", repo), ("number", str(number)))
    is_open = found.opt("$.state") == "open"
    yield ActionRef("comment", "Comment", params)
    if not is_open:
        if found.opt("$.state") == "closed" and not found.flag("$.merged"):
            yield ActionRef("reopen", "Reopen", params)
        return
    if is_pull:
        yield ActionRef("approve", "Approve", params)
        if not found.flag("$.draft"):
            yield ActionRef("merge", "Merge", params)
    else:
        yield ActionRef("assign", "Assign", params)
        yield ActionRef("label", "Label", params)
    yield ActionRef("close", "Close", params)


@actions.offer
def runs(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Runs that failed, and deployments that wait for somebody."""
    payload, repo = event.payload, event.payload.opt("$.repository.full_name")
    if repo.count("/") != 1:
        return
    run = payload.sub("$.workflow_run")
    number = run.opt_int("$.id")
    if not number:
        return
    params = (("repo", repo), ("run", str(number)))
    if event.name.startswith("workflow_run") and run.opt("$.conclusion") in (
        "failure",
        "timed_out",
        "cancelled",
    ):
        yield ActionRef("rerun", "Re-run failed jobs", params)
    if event.name.startswith("deployment_review.requested") or run.opt("$.status") == "waiting":
        yield ActionRef("approve_deployment", "Approve deployment", params)
        yield ActionRef("reject_deployment", "Reject", params)
