"""How the actions reach a pull request: what a target looks like, where it stands in the API, how it is named."""

from __future__ import annotations

from apps.sources.sdk import Act, ActionError, Link, Payload, Target, segment

from .api import ask, site_of

PULL = (
    r"(?:https?://\S*?/(?:projects/|(?P<personal>users/)))?(?P<project>~?[\w.-]+)/(?:repos/)?(?P<repo>[\w.-]+)"
    r"(?:#|/pull-requests/)(?P<number>\d+)(?:[/?#]\S*)?"
)
STATES = {"OPEN": "Open", "MERGED": "Merged", "DECLINED": "Declined"}


def project_of(act: Act) -> str:
    """The project's key; a person's own repositories are written `~name`."""
    key = act.param("project")
    return f"~{key}" if act.params.get("personal") and not key.startswith("~") else key


def repository_path(act: Act, rest: str = "") -> str:
    """The repository in the API."""
    project, repo = project_of(act), act.param("repo")
    if any(part in (".", "..") or "/" in part for part in (project, repo)):
        raise ActionError("action_params", "The repository is written as PROJECT/name.")
    return f"/projects/{segment(project)}/repos/{segment(repo)}{rest}"


def pull_path(act: Act, rest: str = "") -> str:
    """The pull request in the API."""
    return repository_path(act, f"/pull-requests/{int(act.param('number'))}{rest}")


def pull(act: Act) -> Payload:
    """The pull request as it stands."""
    return ask(act.api, "GET", pull_path(act)).payload()


def page_of(act: Act, found: Payload) -> str:
    """The pull request's page; made from its place when the server sends none."""
    url = found.opt("$.links.self[0].href")
    if url.startswith("http") and "/rest/" not in url:
        return url
    project, repo = project_of(act), act.param("repo")
    where = f"users/{segment(project[1:])}" if project.startswith("~") else f"projects/{segment(project)}"
    return f"{site_of(act.api.base)}/{where}/repos/{segment(repo)}/pull-requests/{int(act.param('number'))}"


def link_of(act: Act, found: Payload) -> Link:
    """`#12 Oil the hinges` with its page."""
    return Link(f"#{act.param('number')} {found.opt('$.title')}".strip(), page_of(act, found))


def home(act: Act, found: Payload) -> Link:
    """The repository."""
    page = page_of(act, found).partition("/pull-requests/")[0]
    return Link(f"{project_of(act)}/{act.param('repo')}", page)


def state_of(found: Payload) -> str:
    """The state in a word."""
    state = found.opt("$.state").upper()
    return "Draft" if state == "OPEN" and found.flag("$.draft") else STATES.get(state, state.capitalize())


def look(act: Act) -> Target:
    """The pull request."""
    found = pull(act)
    link = link_of(act, found)
    return Target(link.title, state_of(found), link.url)


def signed(act: Act, text: str) -> str:
    """A person's text, told to be theirs. “@” in the name would mention somebody."""
    name = " ".join("".join(letter for letter in act.who if letter not in "@`[]<>*_#!~{}|\\").split())
    return f"{text}\n\n— {name}, from Microsoft Teams".strip() if name else text
