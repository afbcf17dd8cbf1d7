"""Trello: cards, checklists, comments, lists, boards and workspaces."""

from __future__ import annotations

from .source import SOURCE

__all__ = ["SOURCE"]
