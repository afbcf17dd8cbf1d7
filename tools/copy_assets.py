"""Copies what browsers need from node_modules to the sandbox's static files. Run by `make install`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "apps" / "sandbox" / "static" / "vendor"
FILES = (
    "adaptivecards/dist/adaptivecards.min.js",
    "markdown-it/dist/markdown-it.min.js",
)


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        source = ROOT / "node_modules" / name
        if not source.is_file():
            sys.exit(f"{name} is missing: run “make install” again.")
        # Without the reference to a source map that is not shipped: collecting static files would look for it.
        text = source.read_text("utf-8")
        kept = [line for line in text.splitlines() if not line.startswith("//# sourceMappingURL=")]
        (TARGET / source.name).write_text("\n".join(kept) + "\n", "utf-8")


if __name__ == "__main__":
    main()
