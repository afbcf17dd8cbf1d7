"""`manage.py new_source SLUG "Name"`: a working source folder to start from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.sources import catalog

INIT = '''"""{name}."""

from __future__ import annotations

from .source import {cls}

SOURCE = {cls}()
'''

SOURCE = '''"""{name} as a source. Put the address of the vendor's webhook documentation here."""

from __future__ import annotations

from collections.abc import Iterable

from apps.sources.sdk import (
    Actor,
    Context,
    Events,
    Fact,
    HmacBody,
    Http,
    Link,
    Notification,
    Payload,
    RawEvent,
    Source,
    parse_json,
)

events = Events()


class {cls}(Source):
    slug = "{slug}"
    name = "{name}"
    category = "Other"
    summary = "What {name} tells a channel, in one line."
    docs_url = "https://example.com/webhooks"
    schemes = (
        HmacBody(
            key="hmac",
            label="Signed with a secret",
            secret_help="Paste it into the field “Secret” at {name}.",
            header="X-Signature",
            prefix="",
        ),
    )
    events = events

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        payload = Payload(parse_json(http.body))
        yield RawEvent(name=payload.text("$.event"), id=payload.opt("$.id"), payload=payload)


@events.on("item.created", group="Items", label="Item created")
def item_created(event: RawEvent, ctx: Context) -> Notification:
    """The first event: every field that may be absent is read with `opt`."""
    item = event.payload.sub("$.item")
    title = item.opt("$.title", "Untitled")
    return Notification(
        title=f"Item created: {{title}}",
        subject=Link(title, item.opt("$.url")),
        container=Link(event.payload.opt("$.project.name")),
        actor=Actor(event.payload.opt("$.user.name")),
        facts=(Fact("Status", item.opt("$.status")),),
        link_title="Open item",
        occurred_at=event.payload.time("$.occurred_at"),
        thread_key=f"{slug}:{{item.opt('$.id')}}",
    )
'''

SETUP = """1. In {name}, open the settings of webhooks.
2. Paste this address as the URL: `{{{{url}}}}`
3. Paste this secret: `{{{{secret}}}}`
4. Tick the events that you want, and save.
"""

LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" role="img" aria-label="{name}">
<rect width="48" height="48" rx="10" fill="#5b5fc7"/>
<circle cx="24" cy="24" r="10" fill="#fff"/>
</svg>
"""

SAMPLE = """{
  "event": "item.created",
  "id": "evt-1001",
  "occurred_at": "2026-03-14T09:26:53Z",
  "project": {"name": "Lighthouse"},
  "user": {"name": "Ada Example"},
  "item": {"id": 7, "title": "Paint the door", "status": "Open", "url": "https://example.com/items/7"}
}
"""

TEST = '''"""The conformance suite over {name}."""

from __future__ import annotations

from apps.sources.catalog.{slug} import SOURCE
from apps.sources.testing import SourceConformance


class Test{cls}(SourceConformance):
    source = SOURCE
'''


class Command(BaseCommand):
    """Writes a folder that already passes the conformance suite."""

    help = "Makes a new source folder with one event, a sample and a test, to start from."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="lower case, digits and underscores: my_tool")
        parser.add_argument("name", help='the product\'s name: "My Tool"')
        parser.add_argument("--catalog", default="", help="another folder than the built-in catalog")
        parser.add_argument("--tests", default="tests/sources", help="where the test module goes")

    def handle(self, *args: Any, **options: Any) -> None:
        slug, name = options["slug"], options["name"]
        if not re.fullmatch(r"[a-z][a-z0-9_]{1,39}", slug):
            raise CommandError("The slug must be lower case letters, digits and underscores, like my_tool.")
        if not re.fullmatch(r"[^\"\\<>{}&\n]{1,60}", name):
            raise CommandError("The name must be one line without quotes, braces or angle brackets.")
        place = Path(options["catalog"] or next(iter(catalog.__path__))) / slug
        if place.exists():
            raise CommandError(f"{slug} exists already; choose another slug or edit its folder.")
        cls = "".join(part.capitalize() for part in slug.split("_"))
        words = {"slug": slug, "name": name, "cls": cls}
        test = Path(options["tests"]) / slug / "test_conformance.py"
        files = {
            place / "__init__.py": INIT.format(**words),
            place / "source.py": SOURCE.format(**words),
            place / "setup.md": SETUP.format(**words),
            place / "logo.svg": LOGO.format(**words),
            place / "samples" / "item.created.json": SAMPLE,
            test: TEST.format(**words),
            test.parent / "__init__.py": "",
        }
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        self.stdout.write(
            f"Made {place.name}/ with one event. Next:\n"
            f"  pytest {test} --update-golden   (writes the first golden card)\n"
            "  describe the vendor's real events in source.py, one sample each in samples/"
        )
