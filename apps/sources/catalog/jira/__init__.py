"""Jira Cloud, Jira Data Center and Jira Server."""

from __future__ import annotations

from .source import SOURCE

__all__ = ["SOURCE"]
