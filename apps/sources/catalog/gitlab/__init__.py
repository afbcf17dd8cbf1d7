"""GitLab (gitlab.com, Self-Managed and Dedicated)."""

from __future__ import annotations

from .source import GitLab

SOURCE = GitLab()
