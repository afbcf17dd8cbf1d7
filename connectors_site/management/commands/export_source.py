"""Write a custom source out as a source package that can be installed anywhere, and grown into code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.connectors import custom
from apps.core.errors import AppError
from apps.sources import declarative
from apps.sources.declarative.source import DeclarativeSource

PYPROJECT = """\
[build-system]
requires = ["setuptools>=65"]
build-backend = "setuptools.build_meta"

[project]
name = "{project}"
version = "1.0.0"
description = {summary}
requires-python = ">=3.11"

[project.entry-points."teams_connectors.sources"]
{module} = "{module}:SOURCE"

[tool.setuptools.packages.find]
where = ["src"]

[tool.setuptools.package-data]
{module} = ["*.md", "*.svg", "*.json", "golden/*"]
"""
INIT = """\
\"\"\"{name} as a source: its document, read by Teams Connectors.\"\"\"

from __future__ import annotations

import json
from importlib import resources

from apps.sources.declarative import DeclarativeSource, load

DOCUMENT = json.loads((resources.files(__name__) / "document.json").read_text("utf-8"))


class Exported(DeclarativeSource):
    \"\"\"Override a method here when the document is no longer enough.\"\"\"


SOURCE = Exported("{slug}", load(DOCUMENT))
"""
TEST = """\
from __future__ import annotations

from apps.sources.testing import SourceConformance
from {module} import SOURCE


class TestSource(SourceConformance):
    source = SOURCE
"""
CONFTEST = 'pytest_plugins = ["apps.sources.testing"]\n'


class Command(BaseCommand):
    """`export_source SLUG --to DIR`."""

    help = "Write a custom source out as a source package."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="The custom source's slug: custom-my-tool.")
        parser.add_argument("--to", required=True, help="A folder that does not exist yet.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            row = custom.find(options["slug"])
            source = DeclarativeSource(row.slug, declarative.load(row.document))
        except AppError as error:
            raise CommandError(error.public_message) from error
        place = Path(options["to"])
        if place.exists():
            raise CommandError(f"{place} exists already. Choose a folder that does not.")
        slug = row.slug.removeprefix(custom.PREFIX).replace("-", "_")
        module = f"{slug if slug[:1].isalpha() else 'source_' + slug}_source"
        own = Path(declarative.__file__).parent
        package = place / "src" / module
        files = {
            place / "pyproject.toml": PYPROJECT.format(
                project=module.replace("_", "-"), module=module, summary=json.dumps(source.summary)
            ),
            package / "__init__.py": INIT.format(name=source.name.replace('"', "'"), slug=slug),
            package / "document.json": json.dumps(row.document, indent=2, ensure_ascii=False) + "\n",
            package / "setup.md": (own / "setup.md").read_text("utf-8"),
            package / "logo.svg": (own / "logo.svg").read_text("utf-8"),
            place / "tests" / "conftest.py": CONFTEST,
            place / "tests" / "test_source.py": TEST.format(module=module),
        }
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        self.stdout.write(
            f"Written to {place}. Install it beside the product with “pip install {place}”, then run "
            f"“pytest {place}/tests --update-golden” once and keep the cards that it writes."
        )
