"""Gogs."""

from __future__ import annotations

from .source import SOURCE

__all__ = ["SOURCE"]
