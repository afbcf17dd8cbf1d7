"""SharePoint list webhooks and Microsoft Graph change notifications."""

from __future__ import annotations

from .source import SOURCE

__all__ = ["SOURCE"]
