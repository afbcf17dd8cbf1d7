"""What `lookup` remembers, apart from it so that the models can clear it when they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.connectors.lookup import Known

known: dict[str, Known] = {}


def forget() -> None:
    """Remember nothing in this process; the others notice within a second."""
    known.clear()
