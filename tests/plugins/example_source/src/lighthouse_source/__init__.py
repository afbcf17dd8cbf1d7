"""An invented product, Lighthouse, as a source that lives outside the product's repository."""

from __future__ import annotations

from .source import Lighthouse

SOURCE = Lighthouse()
