"""The scaffold makes a folder that passes the conformance suite as it stands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


def test_the_new_folder_passes_the_conformance_suite(tmp_path: Path) -> None:
    catalog, tests = tmp_path / "extra", tmp_path / "suite"
    call_command("new_source", "my_tool", "My Tool", catalog=str(catalog), tests=str(tests))
    made = tests / "my_tool" / "test_conformance.py"
    # Outside the product the source is a package of its own, so the test must not be in one of that name.
    test = tests / "test_conformance.py"
    test.write_text(made.read_text().replace("apps.sources.catalog.my_tool", "my_tool"))
    root = Path(__file__).parents[2]
    for options in (["--update-golden"], []):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "-p",
                "apps.sources.testing",
                "--rootdir",
                str(tests),
                "-c",
                "/dev/null",
                "--import-mode=importlib",
                str(test),
                *options,
            ],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={"PYTHONPATH": f"{catalog}:{root}", "PATH": "/usr/bin:/bin"},
        )
        assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(("slug", "name"), [("My Tool", "x"), ("my_tool", 'a "b"'), ("github", "GitHub")])
def test_it_refuses_what_would_make_a_broken_folder(slug: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "github").mkdir()
    with pytest.raises(CommandError):
        call_command("new_source", slug, name, catalog=str(tmp_path), tests=str(tmp_path))
