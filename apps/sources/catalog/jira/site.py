"""Pages for people: the site that a payload comes from, and the addresses on it. Never an address of the REST API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from apps.sources.sdk import Link, Payload

_REST = re.compile(
    r"^(https?://[^/?#]+(?:/[^/?#]+)*?)/rest/(?:api|agile|servicedeskapi|greenhopper|software)/"
)
_PAGE = re.compile(r"^(https?://[^/?#]+(?:/[^/?#]+)*?)/(?:secure|browse|images/icons|servicedesk/customer)/")
# The gateway of OAuth apps: https://api.atlassian.com/ex/jira/<cloud id>/rest/api/3/…
_GATEWAY = re.compile(r"^https?://api\.(?:[a-z]+\.)?atlassian\.com/", re.IGNORECASE)
_IN_COMMENT = re.compile(r"/issue/([^/?#]+)/(?:comment|worklog)/")
# Fields that Jira itself fills with its own addresses. Texts and custom fields may name other sites.
_OWN = frozenset({"self", "iconUrl", "content", "thumbnail", "viewUrl", "16x16", "24x24", "32x32", "48x48"})
_SELVES = (
    "$.issue.self", "$.comment.self", "$.worklog.self", "$.issue.fields.project.self", "$.sprint.self", "$.version.self",
    "$.board.self", "$.project.self", "$.attachment.self", "$.issueLink.self", "$.filter.self", "$.self", "$.user.self",
)  # fmt: skip
_FIELDS_SEEN = 3_000


def base_of(payload: Payload) -> str:
    """The site's address, with its context path: https://octo.atlassian.net, https://host/jira; else ""."""
    for path in _SELVES:
        found = _site(payload.opt(path))
        if found:
            return found
    for pattern in (_REST, _PAGE):
        for url in _own_urls(payload.raw):
            found = _site(url, pattern)
            if found:
                return found
    stated = payload.opt("$.baseUrl").rstrip("/")
    return stated if stated.startswith(("http://", "https://")) and not _GATEWAY.match(f"{stated}/") else ""


def _site(url: str, pattern: re.Pattern[str] = _REST) -> str:
    found = None if _GATEWAY.match(url) else pattern.match(url)
    return found[1] if found else ""


def _own_urls(value: Any) -> Iterator[str]:
    """Addresses that Jira wrote about its own things, the outermost first."""
    level, seen = [value], 0
    while level and seen < _FIELDS_SEEN:
        inner: list[Any] = []
        for item in level:
            if isinstance(item, list):
                inner += [each for each in item[:20] if isinstance(each, dict)]
            elif isinstance(item, dict):
                for key, each in item.items():
                    seen += 1
                    if isinstance(each, str) and key in _OWN:
                        yield each
                    elif isinstance(each, (dict, list)) and not str(key).startswith("customfield_"):
                        inner.append(each)
        level = inner


def page_url(url: str) -> str:
    """The address when it is one that people can open, else ""."""
    if not url.startswith(("http://", "https://")) or _GATEWAY.match(url) or "/rest/" in url:
        return ""
    return url


def browse(payload: Payload, key: str) -> str:
    """The page of an issue or project, or ""."""
    base = base_of(payload)
    return f"{base}/browse/{quote(key, safe='-_')}" if base and key else ""


def project_page(url: str, key: str) -> str:
    """The page of the project of an issue whose page is known, or ""."""
    start, browsed, rest = url.partition("/browse/")
    return f"{start}/browse/{key.rpartition('-')[0]}" if browsed and key and rest.startswith(key) else ""


def site_link(payload: Payload) -> Link | None:
    """The site itself, for what belongs to no project."""
    base = base_of(payload)
    return Link(base.partition("://")[2], base) if base else None


def issue_page(payload: Payload, issue: Payload) -> str:
    """The issue's page, by its key, else by its number, else ""."""
    key = issue.opt("$.key")
    stated = next((page for name in ("url", "link") if (page := page_url(issue.opt(f"$.fields.{name}")))), "")
    if key:
        return browse(payload, key) or stated
    base, number = base_of(payload), issue_number(payload, issue)
    return f"{base}/secure/ViewIssue.jspa?id={number}" if base and number else ""


def issue_number(payload: Payload, issue: Payload) -> str:
    """The issue's number in the database; thin payloads only show it in the address of the comment."""
    number = issue.opt("$.id") or payload.opt("$.worklog.issueId") or payload.opt("$.comment.issueId")
    for path in ("$.comment.self", "$.worklog.self"):
        found = _IN_COMMENT.search(payload.opt(path))
        number = number or (found[1] if found else "")
    return number if number.isdigit() else ""


def profile(base: str, user: Payload) -> str:
    """A person's page: Cloud knows account ids, Data Center user names."""
    account, name = user.opt("$.accountId"), user.opt("$.name")
    if not base or user.opt("$.accountType") == "app":
        return ""
    if account:
        return f"{base}/jira/people/{quote(account, safe=':-')}"
    return f"{base}/secure/ViewProfile.jspa?name={quote(name, safe='')}" if name else ""


def file_page(payload: Payload, attachment: Payload) -> str:
    """Where a browser gets an attachment; newer sites only state the address of the API."""
    stated = page_url(attachment.opt("$.content"))
    base, number, name = base_of(payload), attachment.opt("$.id"), attachment.opt("$.filename")
    if stated or not (base and number and name):
        return stated
    return f"{base}/secure/attachment/{number}/{quote(name)}"
