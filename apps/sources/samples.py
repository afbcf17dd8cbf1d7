"""The shipped samples: tests, documentation, previews and the demo are all made of them.

`samples/<event>.<ext>` or `samples/<event>__<variant>.<ext>`; ext is json, xml, form or txt. In a JSON
sample `{"$use": "repository", ...}` stands for the fragment of that name in `samples/_fragments.json`,
with the other keys laid over it, so that a vendor's long objects are written once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.sources.source import Source

FRAGMENTS = "_fragments.json"
CONTENT_TYPES = {
    "json": "application/json",
    "xml": "text/xml; charset=utf-8",
    "form": "application/x-www-form-urlencoded",
    "txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One shipped request body. `name` is the file's name without its ending."""

    name: str
    event: str
    variant: str
    kind: str
    body: bytes


def folder(source: Source) -> Traversable:
    """The source's own folder, also inside a zipped plug-in."""
    package = type(source).__module__.rpartition(".")[0] or type(source).__module__
    return resources.files(package)


def samples(source: Source) -> Iterator[Sample]:
    """All samples of a source, by name."""
    own = getattr(source, "own_samples", None)
    if own is not None:
        yield from own()
        return
    place = folder(source) / "samples"
    if not place.is_dir():
        return
    files = sorted(place.iterdir(), key=lambda file: file.name)
    fragments: dict[str, Any] = {}
    for file in files:
        if file.name == FRAGMENTS:
            fragments = json.loads(file.read_text("utf-8"))
    for file in files:
        stem, _, ending = file.name.rpartition(".")
        if ending in CONTENT_TYPES and not stem.startswith("_"):
            event, _, variant = stem.partition("__")
            body = file.read_bytes()
            if ending == "json" and fragments:
                body = json.dumps(expand(json.loads(body), fragments), indent=2, ensure_ascii=False).encode()
            yield Sample(stem, event, variant, ending, body)


def sample(source: Source, event: str) -> Sample | None:
    """The sample of that name, else the first one of that event, else None."""
    found = None
    for candidate in samples(source):
        if candidate.name == event:
            return candidate
        if candidate.event == event and found is None:
            found = candidate
    return found


def expand(value: Any, fragments: dict[str, Any]) -> Any:
    """Replace every `$use` by its fragment, deeply; the object's own keys win."""
    if isinstance(value, list):
        return [expand(item, fragments) for item in value]
    if not isinstance(value, dict):
        return value
    if "$use" not in value:
        return {key: expand(item, fragments) for key, item in value.items()}
    base = expand(fragments[value["$use"]], fragments)
    own = {key: expand(item, fragments) for key, item in value.items() if key != "$use"}
    return {**base, **own} if isinstance(base, dict) else base
