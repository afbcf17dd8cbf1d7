"""Pictures of a page as it stands: light, dark and on a phone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 800}
LOOKS = {"": ("light", DESK), "-dark": ("dark", DESK), "-phone": ("light", PHONE)}
WANTED = os.environ.get("SCREENSHOTS") == "1"  # `make screenshots`


def shoot(page: Any, folder: Path, name: str, *, top: bool = True) -> None:
    """Write `<name>.png`, `<name>-dark.png` and `<name>-phone.png`; only the first where no pictures are wanted.

    top: from the top of the page; else as it is scrolled.
    The page must not have to be scrolled sideways on a phone.
    """
    before = page.viewport_size
    for ending, (scheme, size) in LOOKS.items():
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        # The theme looks at the scheme only when a page opens.
        page.evaluate("(dark) => document.documentElement.classList.toggle('dark', dark)", scheme == "dark")
        if top:
            page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(250 if WANTED else 0)
        if size is PHONE:
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 1, f"{name} has to be scrolled sideways on a phone: {wide} px"
        page.screenshot(path=folder / f"{name}{ending}.png")
        if not WANTED:
            break
    page.set_viewport_size(before)
    page.emulate_media(color_scheme="light")
    page.evaluate("document.documentElement.classList.remove('dark')")
