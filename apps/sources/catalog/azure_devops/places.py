"""Where things stand: collection, project and pages, also from addresses of the REST API.

https://learn.microsoft.com/azure/devops/service-hooks/events#resource-containers
Three forms of address exist: https://dev.azure.com/{organization}, the older
https://{organization}.visualstudio.com, and a server's collection (https://tfs.host/tfs/DefaultCollection).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlsplit

from apps.sources.sdk import Link, Payload

_GUID = re.compile(r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")
_PROJECT = re.compile(r"/([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})/_apis/")
_REPOSITORY = re.compile(r"/git/repositories/([0-9a-fA-F-]{36})(?:/|$)")
_CLOUD = re.compile(r"^https?://(?:(?:vsrm\.)?dev\.azure\.com/|[^/]+\.visualstudio\.com/)")
_IN_HTML = re.compile(r"""href\s*=\s*["']?(https?://[^"'\s<>]+)""", re.IGNORECASE)
_IN_TEXT = re.compile(r"https?://[^\s<>()\"']+")
# Where an API address may be found, best first. Identities are left out: they live on another host.
URLS = (
    "url", "repository.url", "revision.url", "pullRequest.url", "pullRequest.repository.url", "definition.url",
    "release.url", "release._links.self.href", "release.environments[0].release.url", "release.releaseDefinition.url",
    "deployment.release.url", "environment.release.url", "approval.releaseDefinition.url", "run.url", "run.pipeline.url",
    "pipeline.url", "project.url", "repository.project.url", "_links.self.href", "comment._links.self.href",
    "run._links.self.href", "targetRepository.url", "repository.remoteUrl",
    "pullRequest.repository.remoteUrl", "repositoryUrl",
)  # fmt: skip
LINKED = ("run", "stage", "job", "release", "environment.release", "pullRequest", "deployment.release")
PROJECTS = (
    "repository.project.name", "pullRequest.repository.project.name", "project.name", "definition.project.name",
    "release.projectReference.name", "pipeline.project.name", "run.pipeline.project.name",
    "deployment.projectReference.name", "deployment.release.project.name", "manualIntervention.project.name",
    "targetRepository.project.name", "teamProject", "projectName",
)  # fmt: skip


def is_guid(text: str) -> bool:
    """Whether it is an id of the usual form."""
    return bool(_GUID.match(text))


def is_zero(text: str) -> bool:
    """Whether it is the empty id that samples and absent objects have."""
    return bool(text) and not text.strip("0-")


def in_url(text: str, safe: str = "") -> str:
    """A text as part of an address."""
    return quote(text, safe=safe, errors="replace")


def is_api(url: str) -> bool:
    """Whether the address answers JSON, not a page."""
    return "/_apis/" in url or "/_api/" in url or urlsplit_path(url)[-6:] == "/_apis"


def urlsplit_path(url: str) -> str:
    """The path of an address; "" when it is none."""
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def page_link(thing: Payload) -> str:
    """The thing's own page, when the payload names it."""
    links = thing.raw.get("_links") if isinstance(thing.raw, dict) else None
    if not isinstance(links, dict):
        return ""
    for key in ("html", "web", "Web", "HTML"):
        found = links.get(key)
        url = found.get("href") if isinstance(found, dict) else found
        if isinstance(url, str) and url.startswith("http") and not is_api(url):
            return clean(url)
    return ""


def clean(url: str) -> str:
    """The address without a user name in it (`https://org@dev.azure.com/…`)."""
    return re.sub(r"^(https?://)[^/@\s]*@", r"\1", url.strip())


def _message_links(payload: Payload) -> Iterator[str]:
    """All addresses in Azure DevOps' own sentences."""
    for part in ("message", "detailedMessage"):
        for form in ("html", "markdown", "text"):
            text = payload.opt(f"$.{part}.{form}")[:20_000].replace("&amp;", "&")
            for url in _IN_HTML.findall(text) if form == "html" else _IN_TEXT.findall(text):
                yield clean(url)


def message_link(payload: Payload) -> str:
    """The first page that Azure DevOps' own sentence links to."""
    return next((url for url in _message_links(payload) if not is_api(url) and "/_apps/" not in url), "")


def project_of(payload: Payload) -> str:
    """The project's name, or ""."""
    return _project_named(payload) or _project_in_links(payload)


def _project_named(payload: Payload) -> str:
    """The project's name where it stands as such."""
    resource = payload.sub("$.resource")
    for path in PROJECTS:
        name = resource.opt(f"$.{path}")
        if name and not is_guid(name):
            return name
    for path in ("fields", "revision.fields"):
        found = resource.sub(f"$.{path}").raw.get("System.TeamProject")
        if isinstance(found, str) and found:
            return found
    return payload.opt("$.resourceContainers.project.name")


def _project_in_links(payload: Payload) -> str:
    """The project's name from a page's address, as pipelines tell it nowhere else."""
    resource = payload.sub("$.resource")
    things = [resource, *(resource.sub(f"$.{path}") for path in LINKED)]
    for url in (*(page_link(thing) for thing in things), message_link(payload)):
        steps = [step for step in urlsplit_path(url).split("/") if step]
        if url.startswith("https://dev.azure.com/"):
            steps = steps[1:]
        elif ".visualstudio.com/" not in url:
            continue  # on a server the collection's name stands at the same place
        if steps and steps[0] == "DefaultCollection":
            steps = steps[1:]
        if (
            len(steps) > 1
            and steps[1].startswith("_")
            and not is_guid(steps[0])
            and not steps[0].startswith("_")
        ):
            return unquote(steps[0])
    return ""


def project_id(payload: Payload) -> str:
    """The project's id, or ""."""
    for path in (
        "$.resourceContainers.project.id", "$.resource.repository.project.id", "$.resource.project.id",
        "$.resource.pullRequest.repository.project.id", "$.resource.projectId",
    ):  # fmt: skip
        found = payload.opt(path)
        if is_guid(found) and not is_zero(found):
            return found
    for path in URLS:
        inside = _PROJECT.search(payload.opt(f"$.resource.{path}"))
        if inside and not is_zero(inside[1]):
            return inside[1]
    return ""


def project_page(payload: Payload) -> str:
    """The project's page, or "" – also when only the collection is known, where most pages do not exist."""
    return project_url(payload) if project_of(payload) or project_id(payload) else ""


def collection(payload: Payload) -> str:
    """The organization's or collection's address without a slash at its end, or ""."""
    base = payload.opt("$.resourceContainers.collection.baseUrl")
    if base.startswith("http"):
        return _collection_of(base, "")
    resource, name = payload.sub("$.resource"), _project_named(payload)
    base = payload.opt("$.resourceContainers.project.baseUrl")
    if base.startswith("http"):
        return _collection_of(base, name)
    for path in URLS:
        url = resource.opt(f"$.{path}")
        if url.startswith("http"):
            found = _collection_of(url, name)
            if found:
                return found
    base = payload.first("$.resourceContainers.account.baseUrl", "$.resourceContainers.server.baseUrl")
    if base.startswith("http"):
        return _collection_of(base, "")
    url = next((url for url in _message_links(payload) if _CLOUD.search(url)), "")
    return _collection_of(url, name) if url else ""


def _collection_of(url: str, project: str) -> str:
    """The collection of an API address, a repository's address, or a base address."""
    try:
        parts = urlsplit(clean(url))
        host = (parts.hostname or "").lower()
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if not host:
        return ""
    path = re.split(r"/_(?:apis?|git|build|workitems|odata)(?:/|$)", f"{parts.path}/", maxsplit=1)[0]
    steps = [step for step in path.split("/") if step]
    if host.endswith(".visualstudio.com"):
        organization = host.split(".")[0]
        return f"https://{organization}.visualstudio.com"
    if host == "dev.azure.com" or host.endswith(".dev.azure.com"):
        return f"https://dev.azure.com/{steps[0]}" if steps else ""
    while len(steps) > 1 and (is_guid(steps[-1]) or steps[-1].lower() == in_url(project).lower() != ""):
        steps.pop()
    return "/".join([f"{parts.scheme}://{host}{port}", *steps])


def project_url(payload: Payload) -> str:
    """The project's page; the collection's when no project is known; or ""."""
    base, project = collection(payload), project_of(payload) or project_id(payload)
    return f"{base}/{in_url(project)}" if base and project else base


def project_link(payload: Payload) -> Link | None:
    """The project as a link; the organization or collection where no project is known."""
    name, base = project_of(payload), collection(payload)
    if name:
        return Link(name, project_url(payload))
    return Link(unquote(base.rpartition("/")[2].partition(".")[0]), base) if base else None


def repository_url(payload: Payload, repository: Payload) -> str:
    """The repository's page."""
    for path in ("$.webUrl", "$.remoteUrl"):
        url = repository.opt(path)
        if url.startswith("http") and not is_api(url):
            return (
                clean(url).rstrip("/").removesuffix(".git") if "/_git/" not in url else clean(url).rstrip("/")
            )
    name = repository.first("$.name", "$.id")
    if not repository:  # with ids only, the repository's stands in the object's own address
        comment = payload.opt("$.resource._links.self.href")
        found = _REPOSITORY.search(payload.opt("$.resource.url")) or _REPOSITORY.search(comment)
        name = found[1] if found else ""
    base, project = collection(payload), repository.opt("$.project.name") or project_id(payload)
    if not base or not name or is_zero(name):
        return ""
    return f"{base}/{in_url(project)}/_git/{in_url(name)}" if project else f"{base}/_git/{in_url(name)}"
