"""GitHub (github.com and GitHub Enterprise)."""

from __future__ import annotations

from .source import GitHub

SOURCE = GitHub()
