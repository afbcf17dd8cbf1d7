"""Gitea's payloads in the shape of GitHub's, from which they descend.

https://docs.gitea.com/usage/repository/webhooks and https://forgejo.org/docs/latest/user/webhooks/. Names, nesting
and wording differ by product and version; the mapping to cards need not know.
"""

from __future__ import annotations

import re
from typing import Any

from apps.sources.sdk import Payload

ZERO = "0" * 40
DEPTH = 7
# The action as Gitea says it -> as GitHub does.
ACTIONS = {
    "label_updated": "labels updated", "label_cleared": "labels cleared", "synchronized": "synchronize",
    "updated": "edited", "milestone_updated": "milestoned",
}  # fmt: skip
REVIEWS = {
    "pull_request_review_approved": "approved", "pull_request_approved": "approved", "approved": "approved",
    "pull_request_review_rejected": "changes_requested", "pull_request_rejected": "changes_requested",
    "rejected": "changes_requested", "pull_request_review_comment": "commented", "comment": "commented",
}  # fmt: skip


def base_of(body: dict[str, Any]) -> str:
    """The installation's address, from the repository's: https://git.example.com/group."""
    payload = Payload(body)
    for path in ("$.repository", "$.run.repository", "$.package.repository"):
        page, name = payload.opt(f"{path}.html_url"), payload.opt(f"{path}.full_name")
        if page and name and page.rstrip("/").endswith(name):
            return page.rstrip("/")[: -len(name)].rstrip("/")
    found = re.match(r"(https?://[^?#]+?)/[^/?#]+/-/packages/", payload.opt("$.package.html_url"))
    return found[1] if found else ""


def normal(body: dict[str, Any], kind: str) -> dict[str, Any]:
    """The payload as GitHub would send it. kind: Gitea's event type. The argument is left as it is."""
    base = base_of(body)
    found: dict[str, Any] = {key: _walk(value, base, 0) for key, value in body.items() if key != "secret"}
    if isinstance(found.get("action"), str):
        found["action"] = ACTIONS.get(found["action"], found["action"])
    if "sender" not in found and isinstance(found.get("pusher"), dict):
        found["sender"] = found["pusher"]
    page = Payload(found).opt("$.repository.html_url").rstrip("/")
    for key, path in (("issue", "issues"), ("pull_request", "pulls")):
        if isinstance(found.get(key), dict):
            change = isinstance(found[key].get("pull_request"), dict)  # a pull request seen as an issue
            _numbered(found[key], page, "pulls" if change or found.get("is_pull") is True else path)
            _named(found, found[key])
    if isinstance(found.get("workflow_run"), dict):
        _run(found["workflow_run"])
    if kind == "push" or ("commits" in found and "ref" in found):
        _push(found, page)
    if kind == "fork" and isinstance(found.get("forkee"), dict):
        # Here `forkee` is what was forked, and `repository` is the fork; GitHub says it the other way round.
        found["forkee"], found["repository"] = found.get("repository"), found["forkee"]
    if isinstance(found.get("review"), dict):
        _review(found, kind)
    if kind == "wiki":
        _wiki(found, page)
    if kind == "package" and isinstance(found.get("package"), dict):
        _package(found)
    if isinstance(found.get("pull_request"), dict) and isinstance(found.get("issue"), dict):
        found["issue"].setdefault("pull_request", {"html_url": found["pull_request"].get("html_url")})
    elif found.get("is_pull") is True and isinstance(found.get("issue"), dict):
        found["issue"].setdefault("pull_request", {"html_url": found["issue"].get("html_url")})
    return found


def _walk(value: Any, base: str, depth: int) -> Any:
    """Copies a value; users get a `login` and a page."""
    if depth > DEPTH:
        return value
    if isinstance(value, list):
        return [_walk(item, base, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _walk(inner, base, depth + 1) for key, inner in value.items()}
    name = found.get("login") or found.get("username") or found.get("user_name")
    if isinstance(name, str) and name and ("avatar_url" in found or "full_name" in found or "email" in found):
        found["login"] = name
        if base and not found.get("html_url") and "message" not in found:
            found["html_url"] = f"{base}/{name}"
    return found


def _numbered(item: dict[str, Any], page: str, path: str) -> None:
    number = item.get("number") or item.get("index")
    if number and not item.get("number"):
        item["number"] = number
    url = item.get("html_url")
    if page and number and (not isinstance(url, str) or not url):
        item["html_url"] = f"{page}/{path}/{number}"
    for side in ("head", "base"):  # Gogs
        if not isinstance(item.get(side), dict) and isinstance(item.get(f"{side}_branch"), str):
            item[side] = {"ref": item[f"{side}_branch"], "repo": item.get(f"{side}_repo")}
    if isinstance(item.get("title"), str) and item["title"].upper().startswith(("WIP:", "[WIP]")):
        item.setdefault("draft", True)


def _named(found: dict[str, Any], item: dict[str, Any]) -> None:
    """GitHub names the milestone and the person beside the object, Gitea only in it."""
    if found.get("action") == "milestoned":
        found.setdefault("milestone", item.get("milestone"))
    people = item.get("assignees") or [item.get("assignee")]
    if found.get("action") == "assigned" and isinstance(people, list) and len(people) == 1:
        found.setdefault("assignee", people[0])


def _run(run: dict[str, Any]) -> None:
    """The times of a workflow's run, which GitHub calls otherwise."""
    run.setdefault("run_started_at", run.get("started_at"))
    run.setdefault("updated_at", run.get("completed_at" if run.get("conclusion") else "started_at"))


def _push(found: dict[str, Any], page: str) -> None:
    before, after = str(found.get("before") or ""), str(found.get("after") or "")
    url = str(found.get("compare_url") or "")
    if not url.startswith(("http://", "https://")) or ZERO in url:
        # Old Gogs sends a path or nothing; nothing can be compared with a branch's birth or end.
        ref = str(found.get("ref") or "").removeprefix("refs/heads/")
        url = (
            ""
            if before.strip("0") and after.strip("0")
            else f"{page}/tree/{ref}"
            if page and after.strip("0")
            else page
        )
    found.setdefault("compare", url)
    found.setdefault("created", bool(before) and not before.strip("0"))
    found.setdefault("deleted", bool(after) and not after.strip("0"))
    commits = found.get("commits")
    if not isinstance(commits, list):
        found["commits"] = commits = []
    # GitHub lists the oldest commit first, Gitea the newest.
    found["commits"] = commits[::-1]
    if not found.get("head_commit") and commits:
        found["head_commit"] = commits[0]
    total = found.get("total_commits")
    if isinstance(total, int) and total > len(commits):
        found["size"] = total


def _review(found: dict[str, Any], kind: str) -> None:
    review = found["review"]
    state = REVIEWS.get(str(review.get("type") or "")) or REVIEWS.get(kind) or "commented"
    review["state"] = state
    review.setdefault("body", review.get("content"))
    review.setdefault("user", found.get("sender"))
    change = found.get("pull_request")
    if isinstance(change, dict):
        review.setdefault("html_url", change.get("html_url"))


def _wiki(found: dict[str, Any], page: str) -> None:
    name = str(found.get("page") or "")
    action = str(found.get("action") or "edited")
    entry = {
        "page_name": name, "title": name, "action": action, "summary": found.get("comment"),
        "html_url": f"{page}/wiki/{name.replace(' ', '-')}" if page and action != "deleted" else f"{page}/wiki",
    }  # fmt: skip
    found["pages"] = [entry]


def _package(found: dict[str, Any]) -> None:
    package = found["package"]
    package.setdefault("package_type", package.get("type"))
    package.setdefault(
        "package_version", {"version": package.get("version"), "author": package.get("creator")}
    )
