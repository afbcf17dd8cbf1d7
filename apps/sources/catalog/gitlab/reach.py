"""How GitLab's actions reach things: what a target looks like, where it stands in the API, how it is named.

https://docs.gitlab.com/api/rest/#namespaced-paths
"""

from __future__ import annotations

from apps.sources.sdk import Act, ActionError, ApiAnswer, Link, Payload, Target, segment

MOST = 3  # pages of labels or members that a choice is made of
SITE = r"(?:https?://[^/\s]+/)?"
TAIL = r"(?:[/?#]\S*)?"
PROJECT = r"(?P<project>[\w.-]+(?:/[\w.-]+)+)"
# octo/hello#12 is an issue, octo/hello!12 a merge request, as GitLab writes them; or their pages.
THREAD = rf"{SITE}{PROJECT}(?:/-/)?(?P<kind>#|!|issues/|merge_requests/|work_items/)(?P<number>\d+){TAIL}"
ISSUE = rf"{SITE}{PROJECT}(?:#|/-/(?:issues|work_items)/)(?P<number>\d+){TAIL}"
REQUEST = rf"{SITE}{PROJECT}(?:!|/-/merge_requests/)(?P<number>\d+){TAIL}"
PIPELINE = rf"{SITE}{PROJECT}(?:#|/-/pipelines/)(?P<pipeline>\d+){TAIL}"
JOB = rf"{SITE}{PROJECT}(?:#|/-/jobs/)(?P<job>\d+){TAIL}"
DEPLOYMENT = rf"{SITE}{PROJECT}#(?P<deployment>\d+)"


def project_path(act: Act, rest: str = "") -> str:
    """The project in the API."""
    return f"/projects/{segment(act.param('project').removesuffix('/-'))}{rest}"


def numbered_path(act: Act, what: str, key: str, rest: str = "") -> str:
    """A pipeline, job or deployment in the API."""
    return project_path(act, f"/{what}/{int(act.param(key))}{rest}")


def is_request(act: Act) -> bool:
    """Whether a merge request is meant; else it is an issue or another work item."""
    return act.params.get("kind", "!").startswith(("!", "merge"))


def thread_path(act: Act, rest: str = "") -> str:
    """The issue or merge request in the API. GitLab's issues API knows tasks and incidents too."""
    return numbered_path(act, "merge_requests" if is_request(act) else "issues", "number", rest)


def name_of(act: Act, found: Payload) -> str:
    """`!12 Oil the hinges`."""
    mark = "!" if is_request(act) else "#"
    return f"{mark}{act.params.get('number', '')} {found.opt('$.title')}".strip()


def link_of(act: Act, found: Payload) -> Link:
    """The issue or merge request with its page."""
    return Link(name_of(act, found), found.opt("$.web_url"))


def home(act: Act, found: Payload) -> Link:
    """The project; its page is what stands before `/-/` in the address of anything in it."""
    page, mark, _ = found.opt("$.web_url").partition("/-/")
    return Link(act.params.get("project", ""), page if mark else "")


def signed(act: Act, text: str) -> str:
    """A person's text, told to be theirs.

    A line that starts with “/” would be a quick action, done with the account's rights: a backslash keeps it
    text. “@” in the name would mention somebody.
    """
    name = " ".join("".join(letter for letter in act.who if letter not in "@`[]<>*_#!~%$&|\\").split())
    safe = "\n".join(
        f"\\{line.lstrip()}" if line.lstrip().startswith("/") else line for line in text.split("\n")
    )
    return f"{safe}\n\n— {name}, from Microsoft Teams".strip() if name else safe


def look(act: Act) -> Target:
    """The issue or merge request."""
    found = act.api.get(thread_path(act))
    state = "Draft" if found.flag("$.draft") else found.opt("$.state").capitalize()
    return Target(name_of(act, found), state, found.opt("$.web_url"))


def look_labels(act: Act) -> Target:
    """The same, and the labels of the project and of its groups."""
    seen = look(act)
    names = [each.opt("$.name") for each in _rows(act, "/labels")]
    return Target(seen.title, seen.state, seen.url, {"label": tuple((name, name) for name in names if name)})


def look_people(act: Act) -> Target:
    """The same, and the people who may be assigned: active members, also by a group."""
    seen = look(act)
    people = tuple(
        (str(number), f"{each.opt('$.name')} ({each.opt('$.username')})")
        for each in _rows(act, "/members/all")
        if (number := each.opt_int("$.id")) and each.opt("$.state", "active") == "active"
    )
    return Target(seen.title, seen.state, seen.url, {"person": people})


def _rows(act: Act, path: str) -> list[Payload]:
    rows: list[Payload] = []
    for number, page in enumerate(act.api.pages(project_path(act, path), per_page=100), 1):
        rows += page.each("$", 100)
        if number == MOST:
            break
    return rows


def may_not(what: str, answer: ApiAnswer, words: str) -> ActionError:
    """GitLab says 401 also to a good token that may not do this; the account is not to be blamed for it."""
    reason = (
        words if words and not words.startswith(str(answer.status)) else "its role in the project is too low"
    )
    return ActionError("api_forbidden", f"GitLab does not let the account {what}: {reason}.")
