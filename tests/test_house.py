"""The house rules that a machine can check."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
LONGEST_MODULE = 500


def run(*command: str) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
        env={**os.environ, "DEBUG": "1"},
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_the_code_is_clean_and_formatted() -> None:
    run(str(BIN / "ruff"), "check", ".")
    run(str(BIN / "ruff"), "format", "--check", ".")


def test_the_types_hold() -> None:
    run(str(BIN / "mypy"))


def test_rooms_know_only_the_rooms_below_them() -> None:
    run(str(BIN / "lint-imports"))


def test_no_migration_is_missing() -> None:
    run(sys.executable, "manage.py", "makemigrations", "--check", "--dry-run")


def test_no_module_is_too_long() -> None:
    long = [
        str(file.relative_to(ROOT))
        for file in tracked()
        if file.suffix == ".py"
        and "migrations" not in file.parts
        and len(file.read_text().splitlines()) > LONGEST_MODULE
    ]
    assert long == []


def test_no_registry_and_no_machine_is_named() -> None:
    hosts = ["pypi" + ".org", "files.python" + "hosted", "registry.npm" + "js", "/ro" + "ot/", "/wo" + "rk/"]
    pattern = re.compile("|".join(rf"(?<![\w.]){re.escape(host)}" for host in hosts))
    found = [
        str(file.relative_to(ROOT)) for file in tracked() if pattern.search(file.read_text("utf-8", "ignore"))
    ]
    assert found == []


def test_every_setting_of_the_environment_stands_in_the_readme() -> None:
    names = set(
        re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "connectors_site" / "settings.py").read_text())
    )
    readme = (ROOT / "README.md").read_text()
    assert sorted(name for name in names if f"`{name}`" not in readme) == []


def test_the_page_of_sources_is_the_one_that_the_code_makes() -> None:
    from connectors_site.management.commands.document_sources import page

    shipped = page()
    assert shipped == (ROOT / "docs/sources.md").read_text(), "run: make docs"
