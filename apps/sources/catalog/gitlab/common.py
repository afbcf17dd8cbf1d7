"""What all of GitLab's events share: who, where, when, and words for states.

https://docs.gitlab.com/user/project/integrations/webhook_events/
"""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import urlsplit

from apps.sources.sdk import (
    Actor,
    Code,
    Context,
    Fact,
    Items,
    Link,
    Markdown,
    Notification,
    Payload,
    RawEvent,
    Severity,
    from_gfm,
    parse_time,
    plain,
)

_BOT = re.compile(
    r"^(project|group)_\d+_bot|^service_account_|[-_.]bot\d*$|\[bot\]$|^(ghost|gitlab-bot|renovate)$",
    re.IGNORECASE,
)
_ZEROS = re.compile(r"0{7,64}")
_UPLOAD = re.compile(r"\]\(/uploads/")


def is_bot(username: str) -> bool:
    """Token users, service accounts, and what calls itself a bot."""
    return bool(_BOT.search(username))


def is_zero(sha: str) -> bool:
    """GitLab's "no commit": forty zeros, before a branch's birth and after its end."""
    return bool(_ZEROS.fullmatch(sha))


def sentence(state: str) -> str:
    """A state as people write it: `waiting_for_resource` -> `Waiting for resource`."""
    return state.replace("_", " ").replace("-", " ").strip().capitalize()


def first_line(text: str) -> str:
    """The first line of a commit message."""
    return text.strip().split("\n")[0].strip()


def short_ref(ref: str) -> str:
    """`refs/heads/main` -> `main`."""
    for prefix in ("refs/heads/", "refs/tags/", "refs/"):
        if ref.startswith(prefix):
            return ref[len(prefix) :]
    return ref


def page(url: str) -> str:
    """A clone URL as the page it belongs to; "" when it is not http."""
    return url.removesuffix("/").removesuffix(".git") if url.startswith(("http://", "https://")) else ""


def project_url(payload: Payload) -> str:
    """The project's page. Versions before 8 send `homepage`, or only the clone URL."""
    for path in (
        "$.project.web_url", "$.project.homepage", "$.repository.homepage", "$.object_attributes.target.web_url",
        "$.object_attributes.target.homepage", "$.project.git_http_url", "$.project.http_url",
        "$.repository.git_http_url", "$.object_attributes.target.http_url", "$.repository.url", "$.project.url",
    ):  # fmt: skip
        found = page(payload.opt(path))
        if found:
            return found
    return ""


def project_name(payload: Payload) -> str:
    """`group/project`. Old versions send a bare name; the address then tells the path."""
    path = payload.first(
        "$.project.path_with_namespace", "$.path_with_namespace", "$.project_path_with_namespace",
        "$.object_attributes.target.path_with_namespace", "$.repository.path_with_namespace",
    )  # fmt: skip
    if path:
        return path
    try:
        path = urlsplit(project_url(payload)).path.strip("/")
    except ValueError:
        path = ""
    return (
        path
        if "/" in path
        else payload.first(
            "$.project.name", "$.project_name", "$.repository.name", "$.object_attributes.target.name"
        )
    )


def site(payload: Payload, ctx: Context) -> str:
    """Where this GitLab lives, also below a path (https://example.com/gitlab); "" when nothing says so."""
    instance = page(ctx.headers.get("x-gitlab-instance", "").strip())
    if instance:
        return instance
    url, path = project_url(payload), payload.opt("$.project.path_with_namespace")
    if path and url.endswith(f"/{path}"):
        return url[: -len(path) - 1]
    for candidate in (url, payload.opt("$.object_attributes.url"), payload.opt("$.user_url")):
        try:
            parts = urlsplit(candidate)
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and parts.netloc:
            return f"{parts.scheme}://{parts.netloc}"
    return ""


def under(payload: Payload, path: str) -> str:
    """A page of the project. GitLab 12 put `/-/` before all of them; older servers know only the plain form."""
    base = project_url(payload)
    if not base:
        return ""
    shown = payload.first(
        "$.object_attributes.url", "$.commits[0].url", "$.commit.url", "$.commit_url", "$.url"
    )
    old = shown.startswith(base) and "/-/" not in shown
    return f"{base}/{path}" if old else f"{base}/-/{path}"


def group_link(payload: Payload, ctx: Context) -> Link | None:
    """The group that a group hook belongs to."""
    group = payload.sub("$.group")
    path = group.first("$.full_path", "$.group_path", "$.path") or payload.first(
        "$.full_path", "$.group_path"
    )
    name = path or group.first("$.group_name", "$.name") or payload.opt("$.group_name")
    if not name:
        return None
    base = site(payload, ctx)
    return Link(name, group.opt("$.web_url") or (f"{base}/groups/{path}" if base and path else ""))


def container(payload: Payload, ctx: Context) -> Link | None:
    """The project; else the group; else what the object's own address says (epics name no group)."""
    name = project_name(payload)
    if name:
        path = payload.first("$.path_with_namespace", "$.project_path_with_namespace")
        base = site(payload, ctx)
        url = project_url(payload) or (f"{base}/{path}" if base and path else "")
        return Link(name, url)
    group = group_link(payload, ctx)
    if group:
        return group
    url = payload.opt("$.object_attributes.url")
    found = re.match(r"(https?://[^/]+/(?:groups/)?([^?#]+?))/-/", url)
    return Link(found[2], found[1]) if found else None


def actor(payload: Payload, ctx: Context, path: str = "$.user") -> Actor | None:
    """Who did it: the `user` object, or the flat fields of pushes; None when GitLab does not say."""
    user = payload.sub(path)
    name, username = user.first("$.name", "$.username"), user.opt("$.username")
    image, url = user.opt("$.avatar_url"), payload.opt("$.user_url")
    if not name and path == "$.user":
        name = payload.first("$.user_name", "$.user_username", "$.user")
        username, image = payload.opt("$.user_username"), payload.opt("$.user_avatar")
    if not name:
        return None
    if not url:
        base = site(payload, ctx)
        url = f"{base}/{username}" if base and username else ""
    return Actor(name, url, image if image.startswith("https://") else "", bot=is_bot(username))


def people(payload: Payload, path: str) -> str:
    """The names of a list of users in one line."""
    found = [each.first("$.name", "$.username") for each in payload.each(path, 100)]
    return ", ".join(name for name in found if name)


def labels_of(payload: Payload) -> list[str]:
    """The labels of an issue or merge request, wherever the version puts them."""
    for path in (
        "$.labels",
        "$.object_attributes.labels",
        "$.issue.labels",
        "$.merge_request.labels",
        "$.work_item.labels",
    ):
        found = [each.first("$.title", "$.name") for each in payload.each(path, 100)]
        if any(found):
            return [label for label in found if label]
    return []


EMOJI = {
    "thumbsup": "👍", "thumbsdown": "👎", "rocket": "🚀", "tada": "🎉", "heart": "❤️", "eyes": "👀", "fire": "🔥",
    "smile": "😄", "100": "💯", "white_check_mark": "✅", "clap": "👏", "pray": "🙏", "wave": "👋", "x": "❌",
}  # fmt: skip


def fresh(facts: tuple[Fact, ...], notes: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """The facts that the list of changes does not say already."""
    told = {note.title for note in notes}
    return tuple(fact for fact in facts if fact.title not in told)


def moment(payload: Payload, *paths: str) -> dt.datetime | None:
    """The first usable time among several places; GitLab has four ways to write one."""
    for path in paths:
        value = payload.opt(path)
        found = parse_time(re.sub(r" ([+-]\d{2}):?(\d{2})$", r"\1:\2", value) if value else None)
        if found:
            return found
    return None


def took(seconds: float | None) -> str:
    """`63.4` -> `1 min 3 s`."""
    if seconds is None or seconds < 0 or seconds > 10_000_000:
        return ""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def body(payload: Payload, text: str, limit: int = 1200) -> Markdown:
    """A text that a user wrote, as card text. Uploads are addressed from the project, not from the host."""
    base = project_url(payload)
    if base:
        text = _UPLOAD.sub(f"]({base}/uploads/", text[:20_000])
    return from_gfm(text, base_url=f"{base}/-/blob/HEAD/" if base else "", max_chars=limit)


def tell(
    event: RawEvent,
    ctx: Context,
    title: str,
    *,
    what: str = "",
    url: str = "",
    status: str = "",
    severity: Severity = Severity.NEUTRAL,
    text: str | Markdown = "",
    facts: tuple[Fact, ...] = (),
    lists: tuple[Items, ...] = (),
    links: tuple[Link, ...] = (),
    button: str = "",
    when: dt.datetime | None = None,
    thread: str = "",
    who: Actor | None = None,
    place: Link | None = None,
    code: Code | None = None,
) -> Notification:
    """A notification with everything that GitLab's events share filled in.

    title: what happened; what: the object's own title, put behind it.
    """
    payload = event.payload
    where = place or container(payload, ctx)
    target = url or (where.url if where else "")
    whole = plain(f"{title}: {what}" if what else title)
    return Notification(
        title=whole,
        status=status,
        severity=severity,
        text=text,
        actor=who or actor(payload, ctx),
        subject=Link(plain(what) or title, target) if target else None,
        container=where,
        facts=facts,
        lists=lists,
        code=code,
        links=tuple(link for link in links if link.url),
        occurred_at=when,
        thread_key=f"gitlab:{where.title if where else ''}:{thread}" if thread else "",
        link_title=button or "Open in GitLab",
    )
