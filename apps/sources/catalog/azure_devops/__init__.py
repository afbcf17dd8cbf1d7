"""Azure DevOps Services and Azure DevOps Server (TFS)."""

from __future__ import annotations

from .source import AzureDevOps

SOURCE = AzureDevOps()
